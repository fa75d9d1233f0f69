package tree

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// problem is a small made-up class problem: numbers with ties, a categorical column, missing values, noise.
func problem(rows, classes int, seed uint64) models.Training {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := models.NewMatrix([]table.Column{{Name: "a"}, {Name: "b"}, {Name: "c", Kind: table.Categorical, Levels: []string{"u", "v", "w", "z"}}, {Name: "d"}, {Name: "constant"}}, rows)
	y := clinical.Outcome{Name: "y", Kind: clinical.Class, Class: make([]int, rows)}
	for k := range classes {
		y.Classes = append(y.Classes, string(rune('p'+k)))
	}
	for i := range rows {
		a, b, c, d := rng.NormFloat64(), float64(rng.IntN(7)), float64(rng.IntN(4)), rng.NormFloat64()
		score := a + 0.4*b
		if c == 1 || c == 3 {
			score += 1.5
		}
		if math.IsNaN(d) {
			score++
		}
		y.Class[i] = min(max(int(score+rng.NormFloat64()/2), 0), classes-1)
		if rng.Float64() < 0.2 {
			a = math.NaN()
		}
		if rng.Float64() < 0.1 {
			c = table.Unseen
		}
		for j, v := range []float64{a, b, c, d, 3} {
			x.Column(j)[i] = v
		}
	}
	return models.Training{X: x, Y: y, Seed: 7}
}

func fit(t testing.TB, l models.Learner, data models.Training) models.Model {
	t.Helper()
	m, err := l.Fit(context.Background(), data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func predict(t testing.TB, m models.Model, x models.Matrix) models.Prediction {
	t.Helper()
	p, err := m.Predict(x, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A tree without limits tells all different rows apart, with missing values and categories among them.
func TestDecisionTreeFitsAll(t *testing.T) {
	for _, classes := range []int{2, 3} {
		data := problem(200, classes, 3)
		for _, criterion := range []string{"gini", "entropy"} {
			m := fit(t, DecisionTree{Criterion: criterion}, data)
			p := predict(t, m, data.X)
			for i, c := range data.Y.Class {
				if p.Probabilities[i*classes+c] != 1 {
					t.Fatalf("%s, %d classes: row %d has probability %v", criterion, classes, i, p.Probabilities[i*classes+c])
				}
			}
			if notes := m.(models.Noted).Notes(); len(notes) != 1 || !strings.Contains(notes[0], `"constant"`) {
				t.Errorf("notes %q", notes)
			}
		}
	}
}

// A categorical split is the best of all two-way splits of the categories (two classes), found by trying all of them.
func TestCategoricalSplitIsBest(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	x := models.NewMatrix([]table.Column{{Name: "c", Kind: table.Categorical}}, 60)
	y := make([]float64, 60)
	for i := range y {
		x.Values[i] = float64(rng.IntN(6))
		y[i] = float64(rng.IntN(2))
	}
	data := models.Training{X: x, Y: classOutcome(y)}
	e := fit(t, DecisionTree{Criterion: "gini", MaxDepth: 1}, data).(*Classifier).Ensemble()
	best := 0.0
	for set := 1; set < 63; set++ {
		var n, ones [2]float64
		for i := range y {
			side := set >> int(x.Values[i]) & 1
			n[side]++
			ones[side] += y[i]
		}
		whole := func(n, ones float64) float64 { return 2 * ones * (n - ones) / max(n, 1) }
		best = max(best, whole(60, ones[0]+ones[1])-whole(n[0], ones[0])-whole(n[1], ones[1]))
	}
	if math.Abs(e.Gain[0]-best) > 1e-9 {
		t.Errorf("the split lowers impurity by %v, the best by %v", e.Gain[0], best)
	}
}

// Saved and loaded, a model says the same to the bit; damaged parts are errors.
func TestClassifierRoundTrip(t *testing.T) {
	data := problem(150, 3, 1)
	m := fit(t, DecisionTree{Criterion: "gini", MaxDepth: 4}, data)
	parts, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := models.Decode("decision_tree", parts)
	if err != nil {
		t.Fatal(err)
	}
	want, got := predict(t, m, data.X), predict(t, again, data.X)
	for i, v := range want.Probabilities {
		if math.Float64bits(v) != math.Float64bits(got.Probabilities[i]) {
			t.Fatalf("value %d: %v, then %v", i, v, got.Probabilities[i])
		}
	}
	twice, _ := again.Encode()
	for name := range parts {
		if !bytes.Equal(parts[name], twice[name]) {
			t.Errorf("part %s differs after loading", name)
		}
		cut := map[string][]byte{}
		for k, v := range parts {
			cut[k] = v
		}
		cut[name] = cut[name][:len(cut[name])/2]
		if _, err := models.Decode("decision_tree", cut); err == nil {
			t.Errorf("half of part %s was accepted", name)
		}
		delete(cut, name)
		if _, err := models.Decode("decision_tree", cut); err == nil {
			t.Errorf("part %s missing was accepted", name)
		}
	}
}

// The prediction of the fast runner is the ensemble's definition, for rows in any number.
func TestRunnerIsOutput(t *testing.T) {
	for _, classes := range []int{2, 4} {
		data := problem(83, classes, 9)
		m := fit(t, DecisionTree{Criterion: "gini"}, data).(*Classifier)
		numeric := data
		numeric.X.Columns = append([]table.Column(nil), data.X.Columns...)
		numeric.X.Columns[2].Kind = table.Numeric
		for _, m := range []*Classifier{m, fit(t, DecisionTree{Criterion: "gini"}, numeric).(*Classifier)} {
			row, out := make([]float64, 5), make([]float64, m.e.Outputs())
			all := make([]float64, 83*m.e.Outputs())
			x := models.Matrix{Columns: m.Columns(), Rows: 83, Values: data.X.Values}
			m.runner.score(x, all)
			for i := range 83 {
				ReadRow(x, i, row)
				m.e.Output(row, out)
				for k, v := range out {
					if all[i*len(out)+k] != v {
						t.Fatalf("row %d: %v, want %v", i, all[i*len(out)+k], v)
					}
				}
			}
		}
	}
}

func TestDecisionTreeBadInput(t *testing.T) {
	good := problem(20, 2, 1)
	for want, spoil := range map[string]func(*models.Training){
		"nothing to tell apart":     func(d *models.Training) { d.Y = classOutcome(make([]float64, 20)); d.Y.Classes = []string{"p", "q"} },
		"survival outcome":          func(d *models.Training) { d.Y.Kind = clinical.Survival },
		"20 rows and 19 outcomes":   func(d *models.Training) { d.Y.Class = d.Y.Class[:19] },
		"no rows":                   func(d *models.Training) { d.X.Rows, d.X.Values, d.Y.Class = 0, nil, nil },
		"no columns":                func(d *models.Training) { d.X.Columns, d.X.Values = nil, nil },
		"row 3 has weight -1":       func(d *models.Training) { d.Weights = make([]float64, 20); d.Weights[2] = -1 },
		"20 rows and 2 weights":     func(d *models.Training) { d.Weights = []float64{1, 1} },
		"row 5: the outcome":        func(d *models.Training) { d.Y.Class = append([]int(nil), d.Y.Class...); d.Y.Class[4] = -1 },
		`column "b", row 2`:         func(d *models.Training) { d.X = d.X.Select(seq(20)); d.X.Column(1)[1] = math.Inf(1) },
		`column "c", row 6: 0.5 is`: func(d *models.Training) { d.X = d.X.Select(seq(20)); d.X.Column(2)[5] = 0.5 },
	} {
		d := good
		spoil(&d)
		if _, err := (DecisionTree{Criterion: "gini"}).Fit(context.Background(), d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	d := DecisionTree{Criterion: "gini", Weights: ClassWeights{Each: []float64{1, 2, 3}}}
	if _, err := d.Fit(context.Background(), good); err == nil || !strings.Contains(err.Error(), "class_weights has 3") {
		t.Errorf("got %v", err)
	}
	k, _ := models.Lookup("decision_tree")
	o, problems := models.Check(k.Params, map[string]any{"class_weight": "balanced", "class_weights": []any{1, 2}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if _, err := k.New(o); err == nil {
		t.Error("balanced and class_weights together were accepted")
	}
}

func seq(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// Weighing a row twice is having it twice, for case weights and class weights alike.
func TestWeightsAreRows(t *testing.T) {
	data := problem(100, 2, 4)
	var twice []int
	weighted := data
	weighted.Weights = make([]float64, 100)
	for i, c := range data.Y.Class {
		weighted.Weights[i] = 1 + float64(c)
		for range 1 + c {
			twice = append(twice, i)
		}
	}
	for _, criterion := range []string{"gini", "entropy"} {
		want := predict(t, fit(t, DecisionTree{Criterion: criterion, MaxDepth: 3}, data.Select(twice)), data.X)
		byCase := predict(t, fit(t, DecisionTree{Criterion: criterion, MaxDepth: 3}, weighted), data.X)
		byClass := predict(t, fit(t, DecisionTree{Criterion: criterion, MaxDepth: 3, Weights: ClassWeights{Each: []float64{1, 2}}}, data), data.X)
		for i, v := range want.Probabilities {
			if math.Abs(v-byCase.Probabilities[i]) > 1e-12 || math.Abs(v-byClass.Probabilities[i]) > 1e-12 {
				t.Fatalf("%s: value %d: %v, %v, %v", criterion, i, v, byCase.Probabilities[i], byClass.Probabilities[i])
			}
		}
	}
}

// Ranks keep the order of values, ties and missing values apart, whether sorted by insertion or by radix, and groups never cut a value.
func TestRanks(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, n := range []int{1, 2, 30, 47, 48, 500} {
		x := models.NewMatrix([]table.Column{{Name: "a"}}, n)
		for i := range x.Values {
			x.Values[i] = math.Round(rng.NormFloat64()*20) / 4 * math.Pow(10, float64(rng.IntN(3)-1))
			if rng.IntN(9) == 0 {
				x.Values[i] = math.NaN()
			}
			if rng.IntN(9) == 0 {
				x.Values[i] = math.Copysign(0, float64(rng.IntN(2))-0.5)
			}
		}
		for _, limit := range []int{missingRank, 16} {
			columns, err := ranked(x, limit)
			if err != nil {
				t.Fatal(err)
			}
			c := columns[0]
			for i, a := range x.Values {
				if math.IsNaN(a) != (c.rank[i] == missingRank) || !math.IsNaN(a) && (int(c.rank[i]) >= c.count || c.count > limit) {
					t.Fatalf("n %d, limit %d: %v has rank %d of %d", n, limit, a, c.rank[i], c.count)
				}
				for k, b := range x.Values {
					if a == b && c.rank[i] != c.rank[k] || a < b && (c.rank[i] > c.rank[k] || limit == missingRank && c.rank[i] == c.rank[k]) {
						t.Fatalf("n %d, limit %d: %v has rank %d and %v rank %d", n, limit, a, c.rank[i], b, c.rank[k])
					}
				}
			}
		}
	}
}

// A drawing is well-formed whatever columns and classes are called, and has a box a node.
func TestWriteSVG(t *testing.T) {
	data := problem(100, 3, 2)
	data.X.Columns = append([]table.Column(nil), data.X.Columns...)
	data.X.Columns[0].Name = `t1.<"very"> & long name of a feature`
	data.Y.Classes = []string{"a&b", "<c>", "d"}
	m := fit(t, DecisionTree{Criterion: "gini", MaxDepth: 3}, data).(*Classifier)
	var b bytes.Buffer
	if err := m.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	boxes := 0
	for d := xml.NewDecoder(&b); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			boxes++
		}
	}
	if boxes != m.e.Nodes() {
		t.Errorf("%d boxes for %d nodes", boxes, m.e.Nodes())
	}
	forest := fit(t, Forest{Trees: 2, Bootstrap: true}, data).(*Classifier)
	if err := forest.WriteSVG(&b); err == nil || !strings.Contains(err.Error(), "2 trees") {
		t.Errorf("got %v", err)
	}
	var text bytes.Buffer
	if err := forest.WriteText(&text); err != nil || !strings.Contains(text.String(), "random_forest: 2 trees") {
		t.Errorf("%s, %v", text.String(), err)
	}
}
