package association_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/train/association"
)

// planted is a cohort of independent normal columns but for links of the given correlation between x column k and y column k.
func planted(seed uint64, patients, nx, ny, links int, rho float64) *table.Table {
	r := rand.New(rand.NewPCG(seed, 1))
	t := table.New(make([]table.Key, patients))
	for i := range t.Keys {
		t.Keys[i].Patient = fmt.Sprint("P", i)
	}
	column := func() []float64 {
		v := make([]float64, patients)
		for i := range v {
			v[i] = r.NormFloat64()
		}
		return v
	}
	for j := range nx {
		_ = t.Add(table.Column{Name: fmt.Sprintf("t1.f%d", j), Source: "t1", Group: "imaging"}, column())
	}
	for j := range ny {
		v := column()
		if j < links {
			for i := range v {
				v[i] = rho*t.Values[j][i] + math.Sqrt(1-rho*rho)*v[i]
			}
		}
		t.Columns = append(t.Columns, table.Column{Name: fmt.Sprintf("rna.g%d", j), Source: "rna", Group: "gene"})
		t.Values = append(t.Values, v)
	}
	return t
}

// Of 20 planted links of correlation .5 among two million pairs of 300 patients nearly all are found, and the share of false ones is what
// was asked for. Over twenty cohorts, at least 19.8 found on average; false discoveries consistent with 5 % of all by a one-sided 99 %
// bound on the mean of their shares.
func TestPlantedLinksInvariant(t *testing.T) {
	if testing.Short() {
		t.Skip("forty million pairs")
	}
	const seeds = 20
	var found int
	var shares []float64
	for seed := range uint64(seeds) {
		m, err := association.Run(context.Background(), association.Cohort{Table: planted(seed, 300, 1000, 2000, 20, 0.5)}, association.Defaults(), 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		links, falsely := 0, 0
		for i := range m.X {
			for j := range m.Y {
				if m.Q[i*len(m.Y)+j] <= 0.05 {
					if i == j && j < 20 {
						links++
					} else {
						falsely++
					}
				}
			}
		}
		found += links
		shares = append(shares, float64(falsely)/float64(max(1, links+falsely)))
	}
	mean := stat.Mean(shares)
	bound := 0.05 + 2.33*math.Sqrt(stat.Variance(shares)/seeds)
	t.Logf("%.2f of 20 links found; share of false discoveries %.3f, bound %.3f", float64(found)/seeds, mean, bound)
	if float64(found)/seeds < 19.8 || mean > bound {
		t.Errorf("%.2f of 20 links found, share of false discoveries %.3f above %.3f", float64(found)/seeds, mean, bound)
	}
}

// With labels that mean nothing, the family-wise p of the strongest pair is at most .05 in no more than about one cohort in twenty; and
// the planted pairs of a strong cohort have the smallest that 99 permutations can give.
func TestPermutationInvariant(t *testing.T) {
	c := association.Defaults()
	c.Permutations = 99
	falsely := 0
	for seed := range uint64(40) {
		m, err := association.Run(context.Background(), association.Cohort{Table: planted(100+seed, 40, 5, 20, 0, 0)}, c, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range m.FamilyWise {
			if p <= 0.05 {
				falsely++
				break
			}
		}
	}
	if falsely > 6 { // P(more than 6 of 40 at .05) = 0.003
		t.Errorf("%d of 40 cohorts without a link have a pair at .05", falsely)
	}
	m, err := association.Run(context.Background(), association.Cohort{Table: planted(1, 100, 5, 20, 3, 0.7)}, c, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	for k := range 3 {
		if p := m.FamilyWise[k*20+k]; p != 0.01 {
			t.Errorf("planted pair %d has p = %g after 99 permutations, want 0.01", k, p)
		}
	}
}

// Results do not depend on the number of goroutines.
func TestRunJobsInvariant(t *testing.T) {
	c := association.Defaults()
	c.Permutations = 19
	data := planted(3, 50, 7, 30, 2, 0.6)
	data.Values[4][3] = math.NaN()
	site := make([]string, 50)
	for i := range site {
		site[i] = fmt.Sprint(i % 3)
	}
	one, err := association.Run(context.Background(), association.Cohort{Table: data, Site: site}, c, 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	many, err := association.Run(context.Background(), association.Cohort{Table: data, Site: site}, c, 5, 4)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(one.Effect, one.Q, one.FamilyWise) != fmt.Sprint(many.Effect, many.Q, many.FamilyWise) {
		t.Error("numbers differ between 1 and 4 jobs")
	}
}

// Given a covariate, the map is the partial correlation that stat.Partial says, by ranks and not.
func TestGivenInvariant(t *testing.T) {
	data := planted(4, 60, 3, 4, 1, 0.5)
	r := rand.New(rand.NewPCG(8, 8))
	age := make([]float64, 60)
	for i := range age {
		age[i] = math.Round(data.Values[0][i]*4 + 3*r.NormFloat64())
	}
	_ = data.Add(table.Column{Name: "clinical.age", Source: "clinical", Group: "clinical"}, age)
	for _, method := range []association.Method{association.Pearson, association.Spearman} {
		c := association.Defaults()
		c.Method, c.Given = method, []string{"clinical.age"}
		m, err := association.Run(context.Background(), association.Cohort{Table: data}, c, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range m.X {
			for j := range m.Y {
				want := stat.Partial(data.Values[i], data.Values[3+j], [][]float64{age}, method == association.Spearman)
				k := i*len(m.Y) + j
				if math.Abs(m.Effect[k]-want.R) > 1e-10 || math.Abs(m.PValue(k)-want.P) > 1e-8*want.P {
					t.Errorf("%s, pair %d %d: r %g p %g, want %g and %g", method, i, j, m.Effect[k], m.PValue(k), want.R, want.P)
				}
			}
		}
	}
}

// A mutation is tested by ranks, and a column that says nothing is named and left out.
func TestGroupedMechanics(t *testing.T) {
	data := planted(5, 30, 2, 1, 0, 0)
	status := make([]float64, 30)
	for i := range status {
		status[i] = float64(i % 2)
	}
	status[7] = math.NaN() // not profiled
	_ = data.Add(table.Column{Name: "mut.IDH1", Source: "mut", Group: "gene", Kind: table.Categorical, Levels: []string{"wt", "mutant"}}, status)
	_ = data.Add(table.Column{Name: "rna.flat", Source: "rna", Group: "gene"}, make([]float64, 30))
	m, err := association.Run(context.Background(), association.Cohort{Table: data}, association.Defaults(), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	groups := stat.Groups(data.Values[0], status)
	want := stat.MannWhitneyU(groups[1], groups[0], true).P
	if m.PValue(1) != want || m.Count(1) != 29 || m.Effect[1] != stat.CliffDelta(groups[1], groups[0]) {
		t.Errorf("p %g n %d effect %g, want %g, 29, %g", m.PValue(1), m.Count(1), m.Effect[1], want, stat.CliffDelta(groups[1], groups[0]))
	}
	if notes := strings.Join(m.Notes, "\n"); !strings.Contains(notes, "1 columns of one value were left out, such as rna.flat") {
		t.Errorf("notes: %s", notes)
	}
}

func TestRunBadInput(t *testing.T) {
	c := association.Defaults()
	c.X, c.Given = []string{"imagine"}, []string{"age"}
	_, err := association.Run(context.Background(), association.Cohort{Table: planted(6, 20, 1, 1, 0, 0)}, c, 1, 0)
	want := "association.x: \"imagine\" is no group, source, outcome or column of this cohort\nassociation.given: \"age\" is no group, source, outcome or column of this cohort"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// The family-wise p of a pair given a covariate is what permuting residuals and regressing them again says, done here by its definition.
func TestFreedmanLaneInvariant(t *testing.T) {
	data := planted(14, 40, 3, 4, 1, 0.4)
	age := make([]float64, 40)
	for i := range age {
		age[i] = data.Values[0][i] + 0.5*float64(i%5)
	}
	_ = data.Add(table.Column{Name: "clinical.age", Source: "clinical", Group: "clinical"}, age)
	c := association.Defaults()
	c.Method, c.Given, c.Permutations = association.Pearson, []string{"clinical.age"}, 200
	m, err := association.Run(context.Background(), association.Cohort{Table: data}, c, 3, 0)
	if err != nil {
		t.Fatal(err)
	}
	// Another stream of permutations: the two estimates of a p-value differ by their own error only.
	r := rand.New(rand.NewPCG(9, 9))
	exceed := make([]int, len(m.Q))
	const draws = 2000
	for range draws {
		order, most := r.Perm(40), 0.0
		for j := range 4 {
			y := data.Values[3+j]
			moved := make([]float64, 40)
			e := regress(y, age)
			for i, from := range order {
				moved[i] = y[i] - e[i] + e[from] // fitted part stays, residual moves
			}
			for i := range 3 {
				most = max(most, math.Abs(stat.Partial(data.Values[i], moved, [][]float64{age}, false).R))
			}
		}
		for k, effect := range m.Effect {
			if most >= math.Abs(effect) {
				exceed[k]++
			}
		}
	}
	for k, p := range m.FamilyWise {
		want := float64(exceed[k]+1) / (draws + 1)
		if math.Abs(p-want) > 4*math.Sqrt(want*(1-want)/200)+0.01 {
			t.Errorf("pair %d: family-wise p %.3f, by definition %.3f", k, p, want)
		}
	}
}

// regress returns the residuals of y on an intercept and x.
func regress(y, x []float64) []float64 {
	mx, my, sxy, sxx := stat.Mean(x), stat.Mean(y), 0.0, 0.0
	for i := range x {
		sxy += (x[i] - mx) * (y[i] - my)
		sxx += (x[i] - mx) * (x[i] - mx)
	}
	out := make([]float64, len(y))
	for i := range y {
		out[i] = y[i] - my - sxy/sxx*(x[i]-mx)
	}
	return out
}
