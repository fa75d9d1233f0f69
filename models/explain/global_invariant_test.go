package explain

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// What is said of all rows is what is said of each, put together.
func TestSummarise(t *testing.T) {
	data := training(5, 200, 7, 3)
	m := fitTree(t, data)
	each, err := Explain(context.Background(), m, data.X, Request{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := Summarise(context.Background(), m, data.X, Request{})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 3 {
		t.Fatalf("%d summaries of three classes", len(all))
	}
	for k, s := range all {
		for j := range data.X.Columns {
			sum, signed := 0.0, 0.0
			for _, row := range each {
				sum += math.Abs(row[k].Values[j])
				signed += row[k].Values[j]
			}
			if n := float64(len(each)); math.Abs(sum/n-s.MeanAbsolute[j]) > 1e-14 || math.Abs(signed/n-s.Mean[j]) > 1e-14 || s.Rows != len(each) {
				t.Errorf("class %s column %d: %v and %v, want %v and %v", s.Class, j, s.MeanAbsolute[j], s.Mean[j], sum/n, signed/n)
			}
		}
		order := s.Ranking()
		for i := 1; i < len(order); i++ {
			if s.MeanAbsolute[order[i]] > s.MeanAbsolute[order[i-1]] {
				t.Errorf("column %d ranks before column %d", order[i-1], order[i])
			}
		}
	}
}

// accuracy is a score that needs no other package.
func accuracy(y []int) func(models.Prediction) (float64, error) {
	return func(p models.Prediction) (float64, error) {
		k, right := len(p.Classes), 0
		for i, c := range y {
			best := 0
			for j := range k {
				if p.Probabilities[i*k+j] > p.Probabilities[i*k+best] {
					best = j
				}
			}
			if best == c {
				right++
			}
		}
		return float64(right) / float64(len(y)), nil
	}
}

// Shuffling a column that no split asks costs nothing; shuffling all together leaves what guessing would have; the draw of a set
// depends on the set alone.
func TestPermutationImportance(t *testing.T) {
	data := training(6, 400, 8, 2)
	m := fitTree(t, data)
	_, used := asked(m.Ensemble())
	sets := [][]int{used}
	for j := range data.X.Columns {
		sets = append(sets, []int{j})
	}
	got, err := PermutationImportance(context.Background(), m, data.X, nil, accuracy(data.Y.Class), sets, 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	for j := range data.X.Columns {
		asks := false
		for _, u := range used {
			asks = asks || u == j
		}
		if p := got[j+1]; !asks && (p.Drop != 0 || p.StdDev != 0) || asks && len(p.Drops) != 5 {
			t.Errorf("column %d: %+v", j, p)
		}
	}
	p, err := m.Predict(data.X, nil)
	if err != nil {
		t.Fatal(err)
	}
	whole, _ := accuracy(data.Y.Class)(p)
	ones := 0.0
	for _, c := range data.Y.Class {
		ones += float64(c) / float64(len(data.Y.Class))
	}
	called := 0.0
	for i := range p.Rows {
		if p.Probabilities[i*2+1] > p.Probabilities[i*2] {
			called += 1 / float64(p.Rows)
		}
	}
	if guess := ones*called + (1-ones)*(1-called); math.Abs(whole-got[0].Drop-guess) > 0.06 {
		t.Errorf("all shuffled: accuracy %v, guessing has %v", whole-got[0].Drop, guess)
	}
	again, err := PermutationImportance(context.Background(), m, data.X, nil, accuracy(data.Y.Class), sets[3:4], 5, 1)
	if err != nil || again[0].Drop != got[3].Drop {
		t.Errorf("%v and %v for the same column and seed, %v", again[0].Drop, got[3].Drop, err)
	}
	bad := errors.New("no such score")
	if _, err := PermutationImportance(context.Background(), m, data.X, nil, func(models.Prediction) (float64, error) { return 0, bad }, sets, 1, 1); !errors.Is(err, bad) {
		t.Errorf("got %v", err)
	}
}

// On a sum both effects are straight lines with the coefficient as slope, whatever the correlations; accumulated effects have mean 0.
func TestEffectsOfASum(t *testing.T) {
	data := linearTraining(12, 300, 5, 2)
	for i, v := range data.X.Column(3) {
		data.X.Column(4)[i] = v + data.X.Column(4)[i]/10 // strongly correlated
	}
	m := fitKind(t, "logistic", map[string]any{"penalty": "none"}, data)
	_, weights, _ := m.(additive).Linear()
	for j := range data.X.Columns {
		partial, err := PartialDependence(m, data.X, j, nil, Request{})
		if err != nil {
			t.Fatal(err)
		}
		local, err := AccumulatedEffects(m, data.X, j, 15, Request{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range append(partial, local...) {
			if e.Scale != LogOdds || e.Class != "B" || len(e.Grid) < 10 {
				t.Errorf("%+v", e)
			}
			for g := range e.Grid {
				want := weights[0][j] * (e.Grid[g] - e.Grid[0])
				if got := e.Value[g] - e.Value[0]; math.Abs(got-want) > 1e-9 {
					t.Errorf("column %d at %v: %v, want %v", j, e.Grid[g], got, want)
				}
			}
		}
		rows, mean := 0, 0.0
		for g := 1; g < len(local[0].Grid); g++ {
			rows += local[0].Rows[g]
			mean += float64(local[0].Rows[g]) * (local[0].Value[g-1] + local[0].Value[g]) / 2
		}
		if rows != data.X.Rows || math.Abs(mean) > 1e-9 {
			t.Errorf("column %d: %d rows, mean %v", j, rows, mean)
		}
	}
}

// Against the definitions, on a tree.
func TestEffectsAgainstDefinition(t *testing.T) {
	data := training(13, 120, 6, 2)
	m := fitTree(t, data)
	const j = 2
	local, err := AccumulatedEffects(m, data.X, j, 4, Request{})
	if err != nil {
		t.Fatal(err)
	}
	partial, err := PartialDependence(m, data.X, 1, nil, Request{}) // categorical, with missing values among the others
	if err != nil {
		t.Fatal(err)
	}
	one := func(i, j int, v float64) float64 {
		row := data.X.Select([]int{i})
		row.Column(j)[0] = v
		p, err := m.Predict(row, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p.Probabilities[1]
	}
	for g, v := range partial[0].Grid {
		mean := 0.0
		for i := range data.X.Rows {
			mean += one(i, 1, v) / float64(data.X.Rows)
		}
		if math.Abs(mean-partial[0].Value[g]) > 1e-12 {
			t.Errorf("partial dependence at %v: %v, want %v", v, partial[0].Value[g], mean)
		}
	}
	e := local[0]
	for g := 1; g < len(e.Grid); g++ {
		n, sum := 0, 0.0
		for i, v := range data.X.Column(j) {
			if v > e.Grid[g-1] && v <= e.Grid[g] || g == 1 && v == e.Grid[0] {
				n++
				sum += one(i, j, e.Grid[g]) - one(i, j, e.Grid[g-1])
			}
		}
		if got := e.Value[g] - e.Value[g-1]; n != e.Rows[g] || math.Abs(got-sum/float64(n)) > 1e-12 {
			t.Errorf("interval %d: %v over %d rows, want %v over %d", g, got, e.Rows[g], sum/float64(n), n)
		}
	}
	if _, err := AccumulatedEffects(m, data.X, 1, 4, Request{}); err == nil || !strings.Contains(err.Error(), "categorical") {
		t.Errorf("accumulated effects of a categorical column: %v", err)
	}
}

// Groups are sums, whatever the grouping; a gene of two sets gives half to each.
func TestGroups(t *testing.T) {
	columns := []table.Column{
		{Name: "clinical.age", Source: "clinical", Group: "clinical"},
		{Name: "t1.wavelet-LLH_glszm_SmallAreaEmphasis", Source: "t1", Group: "imaging"},
		{Name: "flair.log-sigma-3-0-mm-3D_firstorder_10Percentile", Source: "flair", Group: "imaging"},
		{Name: "original_shape2D_Elongation", Group: "imaging"},
		{Name: "rna.TP53", Source: "rna", Group: "gene"},
		{Name: "rna.EGFR", Source: "rna", Group: "gene"},
	}
	a := models.Attribution{Values: []float64{1, 2, 4, 8, 16, 32}, Errors: []float64{1, 1, 1, 1, 1, 1}}
	sets, err := BySets(columns, []genes.Set{{Name: "APOPTOSIS", Genes: []string{"TP53", "BAX"}}, {Name: "P53", Genes: []string{"TP53", "MDM2"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		of    Groups
		names string
		sums  []float64
	}{
		{By(columns, Source), "clinical t1 flair imaging rna", []float64{1, 2, 4, 8, 48}},
		{By(columns, Group), "clinical imaging gene", []float64{1, 14, 48}},
		{By(columns, Family), "clinical t1.glszm flair.firstorder shape2D rna", []float64{1, 2, 4, 8, 48}},
		{sets, "clinical t1 flair imaging APOPTOSIS P53 rna", []float64{1, 2, 4, 8, 8, 8, 32}},
	} {
		got, err := c.of.Sum(a)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Join(c.of.Names, " ") != c.names || len(got.Values) != len(c.sums) || len(got.Errors) != len(c.sums) {
			t.Errorf("%v: %v", c.of.Names, got.Values)
			continue
		}
		for i, v := range got.Values {
			if v != c.sums[i] {
				t.Errorf("%s: %v, want %v", c.of.Names[i], v, c.sums[i])
			}
		}
	}
	if _, err := BySets(columns, []genes.Set{{Name: "NONE", Genes: []string{"ENSG0001"}}}); err == nil {
		t.Error("gene sets without any of the columns were taken")
	}
	if _, err := By(columns, Source).Sum(models.Attribution{Values: []float64{1}}); err == nil {
		t.Error("an attribution of another model was grouped")
	}
}
