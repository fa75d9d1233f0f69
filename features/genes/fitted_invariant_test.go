package genes

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// random is a matrix of counts of genes with means of their own, in libraries of sizes of their own.
func random(genes, samples int, seed uint64) *Matrix {
	r := rand.New(rand.NewPCG(seed, 1))
	m := NewMatrix(nil, nil)
	for g := range genes {
		m.Genes = append(m.Genes, "G"+string(rune('A'+g/26%26))+string(rune('A'+g%26)))
	}
	for s := range samples {
		m.Samples = append(m.Samples, "s"+string(rune('A'+s/26))+string(rune('A'+s%26)))
	}
	m.Values = make([]float64, genes*samples)
	for g := range genes {
		level := math.Exp(r.NormFloat64()*1.5 + 4)
		for s := range samples {
			m.Gene(g)[s] = math.Floor(level*(0.5+float64(s%5)/4)*math.Exp(r.NormFloat64()*0.4)) + 1
		}
	}
	return m
}

// What is fitted treats each sample by itself: alone it gets what it gets among others, to the bit.
func TestOneSampleAlone(t *testing.T) {
	train, test := random(120, 20, 1), random(120, 7, 2)
	batches := func(n int) []string {
		b := make([]string, n)
		for i := range b {
			b[i] = string(rune('a' + i%2))
		}
		return b
	}
	sets := []Set{{"one", train.Genes[:20]}, {"two", train.Genes[30:45]}}
	scores := func(s Scores, err error) (*Matrix, error) {
		m := NewMatrix(s.Sets, s.Samples)
		for k := range s.Sets {
			copy(m.Gene(k), s.Values[k])
		}
		return m, err
	}
	fits := map[string]func(m *Matrix, at []int) (*Matrix, error){}
	tmm, err := FitTMM(train)
	if err != nil {
		t.Fatal(err)
	}
	fits["TMM"] = func(m *Matrix, _ []int) (*Matrix, error) { return tmm.Apply(m) }
	size, err := FitSizeFactors(train, false)
	if err != nil {
		t.Fatal(err)
	}
	fits["size factors"] = func(m *Matrix, _ []int) (*Matrix, error) {
		f, err := size.Factors(m)
		return &Matrix{Genes: []string{"factor"}, Samples: m.Samples, Values: f}, err
	}
	quantiles, err := FitQuantiles(train, true)
	if err != nil {
		t.Fatal(err)
	}
	fits["quantiles"] = func(m *Matrix, _ []int) (*Matrix, error) { return quantiles.Apply(m) }
	combat, err := FitComBat(train, batches(20), nil, ComBatOptions{})
	if err != nil {
		t.Fatal(err)
	}
	fits["ComBat"] = func(m *Matrix, at []int) (*Matrix, error) {
		b := make([]string, len(at))
		for i, s := range at {
			b[i] = batches(7)[s]
		}
		return combat.Apply(m, b, nil)
	}
	gsva, err := FitGSVA(train, GSVAOptions{})
	if err != nil {
		t.Fatal(err)
	}
	fits["GSVA"] = func(m *Matrix, _ []int) (*Matrix, error) { return scores(gsva.Apply(m, sets)) }
	standard, err := FitStandard(train)
	if err != nil {
		t.Fatal(err)
	}
	fits["z-scores"] = func(m *Matrix, _ []int) (*Matrix, error) { return scores(standard.Combine(m, sets)) }
	plage, err := FitPLAGE(train, sets)
	if err != nil {
		t.Fatal(err)
	}
	fits["PLAGE"] = func(m *Matrix, _ []int) (*Matrix, error) { return scores(plage.Apply(m)) }
	fits["ssGSEA"] = func(m *Matrix, _ []int) (*Matrix, error) { return scores(SSGSEA(m, sets)) }
	near, err := FitNeighbours(train, 5)
	if err != nil {
		t.Fatal(err)
	}
	fits["neighbours"] = func(m *Matrix, _ []int) (*Matrix, error) {
		holes := NewMatrix(m.Genes, m.Samples)
		copy(holes.Values, m.Values)
		for s := range m.Samples {
			holes.Gene(3)[s] = math.NaN()
		}
		return near.Apply(holes)
	}
	for name, apply := range fits {
		all, err := apply(test, []int{0, 1, 2, 3, 4, 5, 6})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for s := range test.Samples {
			one, err := apply(test.SelectSamples([]int{s}), []int{s})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for g := range all.Genes {
				if math.Float64bits(one.Gene(g)[0]) != math.Float64bits(all.Gene(g)[s]) {
					t.Fatalf("%s: sample %d, row %d: %v alone and %v among others", name, s, g, one.Gene(g)[0], all.Gene(g)[s])
				}
			}
		}
	}
}

// A frozen TMM gives the fitted samples factors that differ from edgeR's only by the choice of the reference.
func TestTMMNearEdgeR(t *testing.T) {
	m := random(400, 12, 3)
	f, err := FitTMM(m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Factors(m)
	if err != nil {
		t.Fatal(err)
	}
	want, err := NormFactors(m, TMMFactors)
	if err != nil {
		t.Fatal(err)
	}
	for s := range got {
		if math.Abs(math.Log(got[s]/want[s])) > 0.1 {
			t.Errorf("sample %d: %g and %g", s, got[s], want[s])
		}
	}
}

// ComBat takes a shift between batches away, also of a batch that it learns later from samples without an outcome.
func TestComBatRemovesShift(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	shift := map[string]float64{"a": 0, "b": 2, "new": -3}
	make1 := func(batch []string) *Matrix {
		m := random(60, len(batch), 5)
		for g := range m.Genes {
			for s, b := range batch {
				m.Gene(g)[s] = float64(g%7) + shift[b] + r.NormFloat64()
			}
		}
		return m
	}
	var batch []string
	for i := range 40 {
		batch = append(batch, string(rune('a'+i%2)))
	}
	m := make1(batch)
	c, err := FitComBat(m, batch, nil, ComBatOptions{Reference: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Apply(m, append([]string{"new"}, batch[1:]...), nil); err == nil || !strings.Contains(err.Error(), `"new" was not there`) {
		t.Error(err)
	}
	fresh := []string{"new", "new", "new", "new", "new", "new", "new", "new"}
	local := make1(fresh)
	c, err = c.Learn("new", local, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		m *Matrix
		b []string
	}{"fitted": {m, batch}, "learnt": {local, fresh}} {
		got, err := c.Apply(x.m, x.b, nil)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for g := range got.Genes {
			for _, v := range got.Gene(g) {
				sum += v - float64(g%7)
			}
		}
		if mean := sum / float64(len(got.Values)); math.Abs(mean) > 0.3 {
			t.Errorf("%s: a shift of %g is left", name, mean)
		}
		if name == "fitted" && math.Float64bits(got.Gene(0)[0]) != math.Float64bits(m.Gene(0)[0]) {
			t.Error("the reference batch was changed")
		}
	}
}

func TestComBatRefuses(t *testing.T) {
	m := random(30, 12, 6)
	half := []string{"a", "a", "a", "a", "a", "a", "b", "b", "b", "b", "b", "b"}
	for name, c := range map[string]struct {
		batch []string
		cov   [][]float64
		o     ComBatOptions
		want  string
	}{
		"small":       {[]string{"a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "b", "b"}, nil, ComBatOptions{}, `batch "b" has 2 samples`},
		"one":         {[]string{"a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a"}, nil, ComBatOptions{}, "one batch"},
		"confounded":  {half, nil, ComBatOptions{Outcome: []int{0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}}, "a: [6 0]\n  b: [0 6]"},
		"covariate":   {half, [][]float64{{0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}}, ComBatOptions{}, "confounded with the batches"},
		"missing":     {half, [][]float64{{math.NaN(), 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}}, ComBatOptions{}, "missing for a sample"},
		"reference":   {half, nil, ComBatOptions{Reference: "z"}, `no batch "z"`},
		"no batch":    {append([]string{"", "", "", "", ""}, half[5:]...), nil, ComBatOptions{Smallest: 1}, "not known"},
		"few batches": {half[:3], nil, ComBatOptions{}, "12 samples and 3 batches"},
	} {
		if _, err := FitComBat(m, c.batch, c.cov, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v lacks %q", name, err, c.want)
		}
	}
}
