package pipeline_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	_ "github.com/voxgene/voxgene/models/linear"
	"github.com/voxgene/voxgene/models/pipeline"
)

// planted is noise of which columns 3 and 7 make the outcome, and 8 is nearly 7.
func planted(rows, columns int, kind clinical.OutcomeKind, seed work.Seed) models.Training {
	c := make([]table.Column, columns)
	for j := range c {
		c[j] = table.Column{Name: fmt.Sprintf("t.x%d", j), Source: "t", Group: "imaging"}
	}
	x := models.NewMatrix(c, rows)
	rng := seed.Rand()
	y := clinical.Outcome{Name: "y", Kind: kind}
	if kind == clinical.Class {
		y.Classes = []string{"a", "b"}
	}
	for i := range rows {
		for j := range columns {
			x.Column(j)[i] = rng.NormFloat64()
		}
		x.Column(8)[i] = x.Column(7)[i] + 0.05*rng.NormFloat64()
		hidden := 1.5*x.Column(3)[i] - 1.5*x.Column(7)[i]
		if kind == clinical.Class {
			k := 0
			if hidden+rng.NormFloat64() > 0 {
				k = 1
			}
			y.Class = append(y.Class, k)
			continue
		}
		y.Time, y.Event = append(y.Time, rng.ExpFloat64()*math.Exp(-hidden)), append(y.Event, min(1, rng.IntN(4)))
	}
	return models.Training{X: x, Y: y, Seed: seed}
}

// Every method finds the columns that were planted, among noise, for classes and for survival.
func TestSelectFindsPlantedColumns(t *testing.T) {
	for _, c := range []struct {
		method string
		kinds  []clinical.OutcomeKind
	}{
		{"auto", []clinical.OutcomeKind{clinical.Class, clinical.Survival}}, {"anova", []clinical.OutcomeKind{clinical.Class}}, {"mann_whitney", []clinical.OutcomeKind{clinical.Class}},
		{"mutual_information", []clinical.OutcomeKind{clinical.Class}}, {"univariate_cox", []clinical.OutcomeKind{clinical.Survival}},
		{"mrmr", []clinical.OutcomeKind{clinical.Class, clinical.Survival}}, {"lasso", []clinical.OutcomeKind{clinical.Class, clinical.Survival}},
		{"elimination", []clinical.OutcomeKind{clinical.Class, clinical.Survival}}, {"stability", []clinical.OutcomeKind{clinical.Class, clinical.Survival}},
	} {
		for _, kind := range c.kinds {
			tr := planted(150, 40, kind, 3)
			f, err := one(t, "select", map[string]any{"method": c.method, "most": 3}).Fit(context.Background(), tr)
			if err != nil {
				t.Errorf("%s, %s: %v", c.method, kind, err)
				continue
			}
			var names []string
			for _, col := range f.Columns() {
				names = append(names, col.Name)
			}
			seven := slices.Contains(names, "t.x7") || slices.Contains(names, "t.x8")
			if len(names) > 3 || !slices.Contains(names, "t.x3") || !seven {
				t.Errorf("%s, %s: chose %v", c.method, kind, names)
			}
			if c.method == "mrmr" && slices.Contains(names, "t.x7") && slices.Contains(names, "t.x8") {
				t.Errorf("mrmr chose two columns that say the same: %v", names)
			}
		}
	}
}

// The univariate scores are those of the statistics package, computed without allocation.
func TestScoresAreTheStatistics(t *testing.T) {
	tr := planted(80, 12, clinical.Class, 5)
	tr.Y.Classes = []string{"a", "b", "c"}
	for i := range tr.Y.Class {
		tr.Y.Class[i] = i % 3
	}
	for i := 0; i < 80; i += 7 {
		tr.X.Column(2)[i] = math.NaN()
	}
	anova, kruskal := pipeline.Scores("anova", tr), pipeline.Scores("mann_whitney", tr)
	for j := range tr.X.Columns {
		groups := make([][]float64, 3)
		for i, v := range tr.X.Column(j) {
			if !math.IsNaN(v) {
				groups[tr.Y.Class[i]] = append(groups[tr.Y.Class[i]], v)
			}
		}
		if want := stat.ANOVA(groups).Statistic; math.Abs(anova[j]-want) > 1e-10*want {
			t.Errorf("column %d: F %v, want %v", j, anova[j], want)
		}
		if want := stat.KruskalWallis(groups).Statistic; math.Abs(kruskal[j]-want) > 1e-10*want {
			t.Errorf("column %d: H %v, want %v", j, kruskal[j], want)
		}
	}
}

// No two columns that stay are correlated above the limit, and each that goes is, with one that stays.
func TestDropCorrelatedInvariant(t *testing.T) {
	for _, method := range []string{"pearson", "spearman"} {
		tr := planted(60, 100, clinical.Class, 8)
		rng := work.Seed(9).Rand()
		for j := 20; j < 100; j++ { // many columns near others
			from := tr.X.Column(rng.IntN(20))
			for i := range from {
				tr.X.Column(j)[i] = -from[i] + 0.3*rng.NormFloat64()
			}
		}
		const limit = 0.9
		f, err := one(t, "drop_correlated", map[string]any{"above": limit, "method": method}).Fit(context.Background(), tr)
		if err != nil {
			t.Fatal(err)
		}
		stays := map[string]bool{}
		for _, c := range f.Columns() {
			stays[c.Name] = true
		}
		r := func(a, b int) float64 {
			if method == "spearman" {
				return math.Abs(stat.Spearman(tr.X.Column(a), tr.X.Column(b)).R)
			}
			return math.Abs(stat.Pearson(tr.X.Column(a), tr.X.Column(b)).R)
		}
		for a, ca := range tr.X.Columns {
			near := false
			for b, cb := range tr.X.Columns[:a] {
				if stays[cb.Name] && r(a, b) > limit {
					near = true
				}
			}
			if near == stays[ca.Name] {
				t.Errorf("%s: %s stays: %v, though one that stays before it is near: %v", method, ca.Name, stays[ca.Name], near)
			}
		}
		if len(stays) == 100 || len(stays) < 15 {
			t.Errorf("%s: %d of 100 stay", method, len(stays))
		}
	}
}

func TestDropRedundant(t *testing.T) {
	tr := planted(60, 12, clinical.Class, 8)
	f, err := one(t, "drop_redundant", map[string]any{"with": []any{"x7"}}).Fit(context.Background(), tr)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(f.Columns()); n != 11 || slices.ContainsFunc(f.Columns(), func(c table.Column) bool { return c.Name == "t.x8" }) {
		t.Errorf("%d columns stay", n)
	}
}

// Components are of length one and at right angles; their scores are uncorrelated with falling variances that sum to that of the
// columns; and the way taken for more columns than rows gives the same as the one for fewer.
func TestReduceInvariants(t *testing.T) {
	tr := planted(30, 12, clinical.Class, 2)
	f, err := one(t, "reduce", map[string]any{"components": 12}).Fit(context.Background(), tr)
	if err != nil {
		t.Fatal(err)
	}
	z, err := f.Apply(tr.X)
	if err != nil {
		t.Fatal(err)
	}
	total, kept := 0.0, 0.0
	for j := range tr.X.Columns {
		total += stat.Variance(tr.X.Column(j))
	}
	last := math.Inf(1)
	for a := range z.Columns {
		v := stat.Variance(z.Column(a))
		kept += v
		if v > last || math.Abs(stat.Mean(z.Column(a))) > 1e-10 {
			t.Errorf("component %d: variance %v after %v, mean %v", a+1, v, last, stat.Mean(z.Column(a)))
		}
		last = v
		for b := range a {
			if r := stat.Pearson(z.Column(a), z.Column(b)).R; math.Abs(r) > 1e-6 {
				t.Errorf("components %d and %d correlate by %v", a+1, b+1, r)
			}
		}
	}
	if len(z.Columns) != 12 || math.Abs(kept-total) > 1e-9*total {
		t.Errorf("%d components keep %v of %v", len(z.Columns), kept, total)
	}
	// The same numbers seen as few rows of many columns: repeat each column, so that only the scale of the scores changes.
	wide := models.NewMatrix(make([]table.Column, 48), 30)
	for j := range wide.Columns {
		wide.Columns[j] = table.Column{Name: fmt.Sprintf("t.w%d", j), Source: "t"}
		copy(wide.Column(j), tr.X.Column(j/4))
	}
	tr.X = wide
	g, err := one(t, "reduce", map[string]any{"components": 12}).Fit(context.Background(), tr)
	if err != nil {
		t.Fatal(err)
	}
	w, err := g.Apply(wide)
	if err != nil {
		t.Fatal(err)
	}
	for k := range w.Columns {
		for i := range 30 {
			if got, want := w.Column(k)[i], 2*z.Column(k)[i]; math.Abs(math.Abs(got)-math.Abs(want)) > 1e-6 {
				t.Fatalf("component %d row %d: %v, want ±%v", k+1, i, got, want)
			}
		}
	}
}

// Ranked training values have the quantiles of a normal distribution, in their order, and values past the ends stay finite.
func TestTransformInvariants(t *testing.T) {
	tr := planted(200, 9, clinical.Class, 4)
	for i, v := range tr.X.Column(0) {
		tr.X.Column(0)[i] = math.Exp(3 * v)
	}
	for _, method := range []string{"rank", "yeo_johnson", "log"} {
		f, err := one(t, "transform", map[string]any{"method": method}).Fit(context.Background(), tr)
		if err != nil {
			t.Fatal(err)
		}
		z, err := f.Apply(tr.X)
		if err != nil {
			t.Fatal(err)
		}
		if r := stat.Spearman(tr.X.Column(0), z.Column(0)).R; r < 0.9999 {
			t.Errorf("%s: order is not kept: %v", method, r)
		}
		skew := func(v []float64) float64 {
			m, s, c := stat.Mean(v), math.Sqrt(stat.Variance(v)), 0.0
			for _, x := range v {
				c += math.Pow((x-m)/s, 3) / float64(len(v))
			}
			return c
		}
		if a, b := skew(tr.X.Column(0)), skew(z.Column(0)); method != "log" && math.Abs(b) > 0.6 || math.Abs(b) > math.Abs(a) {
			t.Errorf("%s: skewness %v of %v", method, b, a)
		}
		far := models.NewMatrix(tr.X.Columns, 2)
		for j := range far.Columns {
			far.Column(j)[0], far.Column(j)[1] = 1e300, -1e300
		}
		if z, err = f.Apply(far); err != nil {
			t.Fatal(err)
		}
		for _, v := range z.Values {
			if math.IsInf(v, 0) || math.IsNaN(v) {
				t.Errorf("%s: a value far outside gives %v", method, v)
			}
		}
	}
}

func TestSelectBadInput(t *testing.T) {
	survival := planted(60, 10, clinical.Survival, 1)
	if _, err := one(t, "select", map[string]any{"method": "anova"}).Fit(context.Background(), survival); err == nil {
		t.Error("anova of a survival outcome was taken")
	}
	class := planted(60, 10, clinical.Class, 1)
	if _, err := one(t, "select", map[string]any{"method": "signature", "columns": []any{"x1", "y"}}).Fit(context.Background(), class); err == nil {
		t.Error("a signature of an unknown column was taken")
	}
	f, err := one(t, "select", map[string]any{"method": "signature", "columns": []any{"x1", "t.x9"}}).Fit(context.Background(), class)
	if err != nil || len(f.Columns()) != 2 {
		t.Errorf("signature: %v", err)
	}
}
