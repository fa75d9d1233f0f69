package stat_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/stat"
)

// Kendall's tau by its definition, over all pairs, agrees with the fast one, with ties and without.
func TestKendallInvariant(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := 2; n < 40; n++ {
		x, y := make([]float64, n), make([]float64, n)
		for i := range x {
			x[i], y[i] = float64(r.IntN(6)), float64(r.IntN(9))
		}
		var s, px, py float64
		for i := range x {
			for j := range i {
				a, b := sign(x[i]-x[j]), sign(y[i]-y[j])
				s, px, py = s+a*b, px+a*a, py+b*b
			}
		}
		want := s / math.Sqrt(px*py)
		if got := stat.Kendall(x, y, false).R; math.Abs(got-want) > 1e-12 && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("n = %d: %g, want %g", n, got, want)
		}
	}
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

// Adjusted p-values never fall below the p they adjust, keep its order, and do not depend on the order of tests.
func TestAdjustInvariant(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	p := make([]float64, 50)
	for i := range p {
		p[i] = math.Pow(r.Float64(), 3)
	}
	p[7] = math.NaN()
	perm := r.Perm(len(p))
	shuffled := make([]float64, len(p))
	for i, k := range perm {
		shuffled[i] = p[k]
	}
	for _, a := range stat.Adjustments() {
		q, qs := stat.Adjust(p, a), stat.Adjust(shuffled, a)
		for i := range p {
			if i == 7 {
				if !math.IsNaN(q[i]) {
					t.Errorf("%s: a missing p became %g", a, q[i])
				}
				continue
			}
			if q[i] < p[i] || q[i] > 1 {
				t.Errorf("%s: %g became %g", a, p[i], q[i])
			}
			if k := slices.Index(perm, i); qs[k] != q[i] {
				t.Errorf("%s: %g in one order, %g in another", a, q[i], qs[k])
			}
			for j := range p {
				if p[j] < p[i] && q[j] > q[i] {
					t.Errorf("%s: order of %g and %g turned", a, p[i], p[j])
				}
			}
		}
	}
}

// Fisher's test of a 2×2 table sums to the hypergeometric tail: the classical tea-tasting table.
func TestFisherInvariant(t *testing.T) {
	if got, want := stat.FisherP([][]float64{{3, 1}, {1, 3}}), 34.0/70; math.Abs(got-want) > 1e-12 {
		t.Errorf("got %g, want %g", got, want)
	}
}

// What cannot be computed is NaN and never a panic.
func TestDegenerate(t *testing.T) {
	nan := math.NaN()
	constant, rising, missing := []float64{2, 2, 2, 2}, []float64{1, 2, 3, 4}, []float64{nan, nan, nan, nan}
	for name, got := range map[string]float64{
		"Pearson, constant":   stat.Pearson(constant, rising).R,
		"Spearman, constant":  stat.Spearman(constant, rising).P,
		"Kendall, constant":   stat.Kendall(constant, rising, false).R,
		"Pearson, missing":    stat.Pearson(missing, rising).P,
		"Pearson, two rows":   stat.Pearson(rising[:2], constant[:2]).P,
		"Mann–Whitney, empty": stat.MannWhitneyU(nil, rising, true).P,
		"exact, empty":        stat.MannWhitneyExactP(nil, rising),
		"Welch, one value":    stat.WelchT(rising[:1], rising).P,
		"KS, empty":           stat.KolmogorovSmirnov(nil, rising).P,
		"partial, collinear":  stat.Partial(rising, constant, [][]float64{rising}, false).P,
		"ICC, one subject":    stat.IntraclassCorrelation([][]float64{{1, 2}}, 0.95).Absolute.Value,
		"median of nothing":   stat.Median(nil),
		"Fisher, empty":       stat.FisherP([][]float64{{0, 0}, {0, 0}}),
	} {
		if !math.IsNaN(got) {
			t.Errorf("%s: %g, want NaN", name, got)
		}
	}
	if c := stat.Pearson(rising, []float64{1, 2, nan, 4}); c.N != 3 || c.R < 1-1e-12 {
		t.Errorf("a missing row: %+v", c)
	}
}
