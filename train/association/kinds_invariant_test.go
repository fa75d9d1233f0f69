package association_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/train/association"
)

func run(t *testing.T, data association.Cohort, c association.Config) *association.Map {
	t.Helper()
	m, err := association.Run(context.Background(), data, c, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// at is the place of a pair by name.
func at(t *testing.T, m *association.Map, x, y string) int {
	t.Helper()
	for i := range m.X {
		for j := range m.Y {
			if m.X[i].Name == x && m.Y[j].Name == y {
				return i*len(m.Y) + j
			}
		}
	}
	t.Fatalf("no pair of %s and %s", x, y)
	return 0
}

// withOutcomes adds a subtype that shifts t1.f0 and a survival that t1.f1 drives.
func withOutcomes(patients int) association.Cohort {
	data := planted(21, patients, 6, 5, 2, 0.7)
	r := rand.New(rand.NewPCG(5, 5))
	subtype := clinical.Outcome{Name: "subtype", Kind: clinical.Class, Classes: []string{"A", "B"}}
	os := clinical.Outcome{Name: "os", Kind: clinical.Survival, Unit: "d", Origin: "imaging"}
	for i := range patients {
		class := r.IntN(2)
		data.Values[0][i] += 1.5 * float64(class)
		if i == 3 {
			class = -1
		}
		subtype.Class = append(subtype.Class, class)
		death := -math.Log(r.Float64()) * 500 * math.Exp(-data.Values[1][i])
		end := 1000 * r.Float64()
		os.Time = append(os.Time, min(death, end))
		event := 0
		if death <= end {
			event = 1
		}
		os.Event = append(os.Event, event)
	}
	return association.Cohort{Table: data, Outcomes: []clinical.Outcome{subtype, os}}
}

// Outcomes stand on the y side like columns: a class by ranks, survival by Cox; the planted ones are found and the others are not.
func TestOutcomesInvariant(t *testing.T) {
	data := withOutcomes(200)
	c := association.Defaults()
	c.Y = []string{"outcome"}
	m := run(t, data, c)
	for _, pair := range [][2]string{{"t1.f0", "outcome.subtype"}, {"t1.f1", "outcome.os"}} {
		k := at(t, m, pair[0], pair[1])
		if !(m.Q[k] < 1e-6) {
			t.Errorf("%v: q = %g", pair, m.Q[k])
		}
		if low, high := m.Interval(k); !(low < m.Effect[k] && m.Effect[k] < high) {
			t.Errorf("%v: effect %g outside %g to %g", pair, m.Effect[k], low, high)
		}
	}
	if k := at(t, m, "t1.f1", "outcome.os"); math.Abs(m.Effect[k]-1) > 0.25 {
		t.Errorf("log hazard ratio %g, planted 1", m.Effect[k])
	}
	if k := at(t, m, "t1.f0", "outcome.subtype"); m.N[k] != 199 {
		t.Errorf("%d patients, one has no subtype", m.N[k])
	}
	found := 0
	for _, q := range m.Q {
		if q <= 0.05 {
			found++
		}
	}
	if found > 3 {
		t.Errorf("%d pairs found, two planted", found)
	}
}

// The moderated test finds the shift as well, and takes a covariate; where the covariate is the shift itself, nothing is left.
func TestModeratedInvariant(t *testing.T) {
	data := withOutcomes(200)
	c := association.Defaults()
	c.Y, c.Groups = []string{"outcome.subtype"}, association.Moderated
	m := run(t, data, c)
	k := at(t, m, "t1.f0", "outcome.subtype")
	groups := stat.Groups(data.Table.Values[0], classes(data.Outcomes[0]))
	if want := stat.StudentT(groups[1], groups[0]); math.Abs(math.Log10(m.PValue(k)/want.P)) > 2 {
		t.Errorf("p %g, and %g by an ordinary t: too far apart for a prior over six columns", m.PValue(k), want.P)
	}
	shift := make([]float64, 200)
	for i, class := range data.Outcomes[0].Class {
		shift[i] = float64(class) + 0.01*float64(i%7)
	}
	_ = data.Table.Add(table.Column{Name: "clinical.shift", Source: "clinical", Group: "clinical"}, shift)
	c.Given = []string{"clinical.shift"}
	m = run(t, data, c)
	if k := at(t, m, "t1.f0", "outcome.subtype"); m.PValue(k) < 1e-3 || m.Raw == nil || m.Raw.PValue(k) > 1e-6 {
		t.Errorf("given the shift p = %g, raw %v", m.PValue(k), m.Raw != nil)
	}
}

func classes(o clinical.Outcome) []float64 {
	out := make([]float64, len(o.Class))
	for i, c := range o.Class {
		out[i] = float64(c)
		if c < 0 {
			out[i] = math.NaN()
		}
	}
	return out
}

// Two categories are compared by Fisher's test, a number and Kendall's tau by stat's.
func TestTablesAndKendallInvariant(t *testing.T) {
	data := planted(9, 40, 2, 2, 1, 0.6)
	r := rand.New(rand.NewPCG(1, 7))
	a, b := make([]float64, 40), make([]float64, 40)
	counts := [][]float64{{0, 0}, {0, 0}}
	for i := range a {
		a[i], b[i] = float64(r.IntN(2)), float64(r.IntN(2))
		if i%3 == 0 {
			b[i] = a[i]
		}
		counts[int(a[i])][int(b[i])]++
	}
	levels := []string{"no", "yes"}
	_ = data.Add(table.Column{Name: "t1.necrosis", Source: "t1", Group: "imaging", Kind: table.Categorical, Levels: levels}, a)
	_ = data.Add(table.Column{Name: "mut.TP53", Source: "mut", Group: "gene", Kind: table.Categorical, Levels: levels}, b)
	c := association.Defaults()
	c.Method = association.Kendall
	m := run(t, association.Cohort{Table: data}, c)
	if k := at(t, m, "t1.necrosis", "mut.TP53"); m.PValue(k) != stat.FisherP(counts) || math.Abs(math.Abs(m.Effect[k])-stat.CramerV(counts)) > 1e-12 {
		t.Errorf("p %g effect %g, want %g and %g", m.PValue(k), m.Effect[k], stat.FisherP(counts), stat.CramerV(counts))
	}
	want := stat.Kendall(data.Values[0], data.Values[2], true)
	if k := at(t, m, "t1.f0", "rna.g0"); m.PValue(k) != want.P || m.Effect[k] != want.R {
		t.Errorf("p %g tau %g, want %g and %g", m.PValue(k), m.Effect[k], want.P, want.R)
	}
}

// Blocks are adjusted each by itself.
func TestBlocksInvariant(t *testing.T) {
	data := planted(13, 50, 4, 6, 2, 0.6)
	for j := range 3 {
		data.Columns[4+j].Source = "meth"
	}
	c := association.Defaults()
	c.Within = "block"
	m := run(t, association.Cohort{Table: data}, c)
	var p []float64
	var place []int
	for i := range m.X {
		for j, y := range m.Y {
			if y.Source == "meth" {
				p, place = append(p, m.PValue(i*len(m.Y)+j)), append(place, i*len(m.Y)+j)
			}
		}
	}
	for k, q := range stat.Adjust(p, c.Adjust) {
		if m.Q[place[k]] != q {
			t.Errorf("pair %d: q %g, want %g", place[k], m.Q[place[k]], q)
		}
	}
}

// blocky is a cohort with three modules of eight columns a side, the first of x tied to the first of y, and free columns beside.
func blocky(seed uint64, patients, genes int) *table.Table {
	data := planted(seed, patients, 30, genes, 0, 0)
	r := rand.New(rand.NewPCG(seed, 3))
	for module := range 3 {
		fx, fy := make([]float64, patients), make([]float64, patients)
		for i := range fx {
			fx[i], fy[i] = r.NormFloat64(), r.NormFloat64()
			if module == 0 {
				fy[i] = 0.7*fx[i] + 0.714*fy[i]
			}
		}
		for k := range 8 {
			for i := range fx {
				data.Values[8*module+k][i] = fx[i] + 0.4*data.Values[8*module+k][i]
				data.Values[30+8*module+k][i] = fy[i] + 0.4*data.Values[30+8*module+k][i]
			}
		}
	}
	return data
}

// Planted modules come out whole, and the tied pair of them is the one that is found.
func TestModulesInvariant(t *testing.T) {
	c := association.Defaults()
	c.Modules = 0.5
	m := run(t, association.Cohort{Table: blocky(31, 120, 30)}, c)
	if len(m.Modules.X) != 3 || len(m.Modules.Y) != 3 {
		t.Fatalf("%d and %d modules, planted 3 and 3", len(m.Modules.X), len(m.Modules.Y))
	}
	for i, x := range m.Modules.X {
		if len(x.Columns) != 8 || x.Explained < 0.7 {
			t.Errorf("module %s has %d columns, its first component %g of the variance", x.Name, len(x.Columns), x.Explained)
		}
		for j, y := range m.Modules.Y {
			tied := number(x.Columns[0]) < 8 && number(y.Columns[0]) < 8
			if q := m.Modules.Q[i*3+j]; tied != (q < 0.05) {
				t.Errorf("%s (%s) and %s (%s): q = %g", x.Name, x.Columns[0], y.Name, y.Columns[0], q)
			}
		}
	}
}

// number reads the index off a name such as t1.f12.
func number(name string) int {
	n := 0
	_, _ = fmt.Sscanf(name[strings.LastIndexAny(name, "fg")+1:], "%d", &n)
	return n
}

func moduleSets() []genes.Set {
	var sets []genes.Set
	for k := range 5 {
		s := genes.Set{Name: fmt.Sprint("SET", k)}
		for g := range 6 {
			s.Genes = append(s.Genes, fmt.Sprint("g", 6*k+g))
		}
		sets = append(sets, s)
	}
	return append(sets, genes.Set{Name: "ELSEWHERE", Genes: []string{"TP53", "MYC"}})
}

// The set whose genes go with a column is found by permuting patients and by camera, and where genes say nothing no set is.
func TestEnrichInvariant(t *testing.T) {
	for _, method := range []string{"permute", "camera"} {
		c := association.Defaults()
		c.X = []string{"t1.f0"}
		c.Sets = association.Enrichment{Method: method, Permutations: 200, Smallest: 5, Largest: 20}
		for _, tied := range []bool{true, false} {
			data := blocky(41, 120, 400)
			if !tied { // a column that nothing goes with
				c.X = []string{"t1.f29"}
			}
			m := run(t, association.Cohort{Table: data}, c)
			if err := m.Enrich(context.Background(), moduleSets(), nil, 1, 0); err != nil {
				t.Fatal(err)
			}
			if len(m.Sets.Sets) != 5 || !strings.Contains(strings.Join(m.Notes, "\n"), "1 of 6 gene sets") {
				t.Fatalf("sets %v, notes %v", m.Sets.Sets, m.Notes)
			}
			if found := m.Sets.Q[0] <= 0.1; found != tied { // GSEA reads its rate at .25
				t.Errorf("%s, tied %v: q of the set is %g, p %g", method, tied, m.Sets.Q[0], m.Sets.P[0])
			}
			if tied && !(m.Sets.OverQ[0] < 1e-3) {
				t.Errorf("over-representation: q = %g", m.Sets.OverQ[0])
			}
		}
	}
}

func TestEnrichBadInput(t *testing.T) {
	m := run(t, association.Cohort{Table: blocky(1, 30, 30)}, association.Defaults())
	err := m.Enrich(context.Background(), []genes.Set{{Name: "A", Genes: []string{"TP53"}}}, nil, 1, 0)
	if err == nil || !strings.Contains(err.Error(), "none of 1 sets has 5 to 500 genes among the columns of y, which are named such as \"rna.g0\"") {
		t.Errorf("got %v", err)
	}
}

// A second cohort of the same links confirms them, and one without does not.
func TestReplicateInvariant(t *testing.T) {
	for links, want := range map[int]bool{6: true, 0: false} {
		m := run(t, association.Cohort{Table: planted(51, 120, 20, 40, 6, 0.6)}, association.Defaults())
		if err := m.Replicate(context.Background(), association.Cohort{Table: planted(52, 120, 20, 40, links, 0.6)}, 1, 0); err != nil {
			t.Fatal(err)
		}
		r := m.Replicated
		if r.Tested < 6 || (r.Replicated >= 6) != want || (r.Rate > 0.5) != want || r.Low > r.Rate || r.High < r.Rate {
			t.Errorf("%d links in the second cohort: %+v", links, *r)
		}
	}
}

// A planted pair is stable over resamples; a pair of nothing is not.
func TestStabilityInvariant(t *testing.T) {
	data := planted(61, 100, 4, 4, 1, 0.7)
	pairs := run(t, association.Cohort{Table: data}, association.Defaults()).Summarise("pairs", data, 1).Top
	if s := *pairs[0].Stability; s < 0.99 {
		t.Errorf("the planted pair is found in %g of resamples", s)
	}
	worst := pairs[len(pairs)-1]
	if s := *worst.Stability; s > 0.3 {
		t.Errorf("a pair with p = %g is found in %g of resamples", worst.P, s)
	}
}

// Intervals of Spearman's rho and of Cliff's delta hold the population's value about as often as they say: 400 cohorts of 60 patients.
func TestIntervalInvariant(t *testing.T) {
	rho, delta := 0, 0
	// Population values for a bivariate normal of correlation .5, and for a shift of one standard deviation: 2Φ(1/√2)−1.
	wantRho, wantDelta := 6/math.Pi*math.Asin(0.25), math.Erf(0.5)
	for seed := range uint64(400) {
		data := planted(1000+seed, 60, 1, 1, 1, 0.5)
		shift := make([]float64, 60)
		group := make([]float64, 60)
		r := rand.New(rand.NewPCG(seed, 17))
		for i := range shift {
			group[i] = float64(i % 2)
			shift[i] = r.NormFloat64() + group[i]
		}
		_ = data.Add(table.Column{Name: "t1.shift", Source: "t1", Group: "imaging"}, shift)
		_ = data.Add(table.Column{Name: "mut.A", Source: "mut", Group: "gene", Kind: table.Categorical, Levels: []string{"wt", "mutant"}}, group)
		m := run(t, association.Cohort{Table: data}, association.Defaults())
		if low, high := m.Interval(at(t, m, "t1.f0", "rna.g0")); low <= wantRho && wantRho <= high {
			rho++
		}
		if low, high := m.Interval(at(t, m, "t1.shift", "mut.A")); low <= wantDelta && wantDelta <= high {
			delta++
		}
	}
	for name, count := range map[string]int{"rho": rho, "delta": delta} {
		if share := float64(count) / 400; share < 0.92 || share > 0.985 {
			t.Errorf("the interval of %s covers in %.3f of cohorts, meant .95", name, share)
		}
	}
}

// The importer's files have its headers, NA for what is missing, and no name that could open a column.
func TestWriteCBioPortal(t *testing.T) {
	dir := t.TempDir()
	data := planted(71, 3, 2, 1, 0, 0)
	data.Columns[1].Name = "t1.odd\tname"
	data.Values[0][1] = math.NaN()
	predictions := filepath.Join(dir, "predictions.csv")
	text := "outcome,patient,repeat,fold,model,selected,class,probability,risk,observed,time,event\nos,P0,1,1,cox,true,,,0.5,,1,1\nos,P0,2,1,cox,true,,,1.5,,1,1\nos,P1,1,1,cox,false,,,9,,1,1\n"
	if err := os.WriteFile(predictions, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	risks, err := association.ReadRisks(predictions)
	if err != nil {
		t.Fatal(err)
	}
	if err := association.WriteCBioPortal(dir, "lgg_study", data, []string{"imaging"}, risks); err != nil {
		t.Fatal(err)
	}
	read := func(name string) []string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	}
	assay := read("data_radiomics.txt")
	if len(assay) != 3 || assay[0] != "ENTITY_STABLE_ID\tNAME\tDESCRIPTION\tP0\tP1\tP2" || strings.Split(assay[1], "\t")[4] != "NA" || strings.Count(assay[2], "\t") != 5 {
		t.Errorf("data_radiomics.txt:\n%s", strings.Join(assay, "\n"))
	}
	patients := read("data_clinical_patient.txt")
	if len(patients) != 8 || patients[4] != "PATIENT_ID\tOS_RISK" || patients[5] != "P0\t1" || patients[6] != "P1\t" {
		t.Errorf("data_clinical_patient.txt:\n%s", strings.Join(patients, "\n"))
	}
	if err := association.WriteCBioPortal(dir, "bad name", data, []string{"imaging"}, nil); err == nil {
		t.Error("a study name with a space was taken")
	}
}
