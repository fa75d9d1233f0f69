package fusion_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/explain"
	"github.com/voxgene/voxgene/models/fusion"
	_ "github.com/voxgene/voxgene/models/linear"
	_ "github.com/voxgene/voxgene/models/tree"
)

// sources are rows of three sources: imaging and rna speak for the outcome, noise does not; a third of the rows lacks rna and has a number
// standing in for it, a seventh lacks imaging.
func sources(kind clinical.OutcomeKind, classes int) models.Training {
	const rows = 180
	var columns []table.Column
	for _, source := range []string{"imaging", "noise", "rna"} {
		for j := range 3 {
			columns = append(columns, table.Column{Name: fmt.Sprintf("%s.c%d", source, j), Source: source, Group: source + "s"})
		}
	}
	t := models.Training{X: models.NewMatrix(columns, rows), Seed: 5, Y: clinical.Outcome{Name: "y", Kind: kind, Unit: "d"}}
	r := t.Seed.Rand()
	for i := range t.X.Values {
		t.X.Values[i] = r.NormFloat64()
	}
	if kind == clinical.Class {
		t.Y.Classes = []string{"a", "b", "c"}[:classes]
	}
	imaging, rna := models.Absence{Source: "imaging", Rows: make([]bool, rows)}, models.Absence{Source: "rna", Rows: make([]bool, rows)}
	for i := range rows {
		t.Groups = append(t.Groups, i-i%10/9)
		score := t.X.Column(0)[i] + 1.5*t.X.Column(6)[i] + r.NormFloat64()
		imaging.Rows[i], rna.Rows[i] = i%7 == 6, i%3 == 1
		if kind == clinical.Survival {
			t.Y.Time, t.Y.Event = append(t.Y.Time, 1+math.Ceil(200*math.Exp(-score)*r.ExpFloat64())), append(t.Y.Event, min(1, r.IntN(4)))
			continue
		}
		c := 0
		for c < classes-1 && score > 1.5*float64(c) {
			c++
		}
		t.Y.Class = append(t.Y.Class, c)
	}
	t.X.Absent = []models.Absence{imaging, rna}
	return t
}

func late(t testing.TB, combine string, parts map[string]any) models.Learner {
	t.Helper()
	k, _ := models.Lookup(fusion.LateKind)
	o, problems := models.Check(k.Params, map[string]any{"sources": parts, "combine": combine})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	l, err := k.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func fit(t testing.TB, l models.Learner, data models.Training) models.Model {
	t.Helper()
	m, err := l.Fit(context.Background(), data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func predict(t testing.TB, m models.Model, x models.Matrix, times ...float64) models.Prediction {
	t.Helper()
	p, err := m.Predict(x, times)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func encoded(t testing.TB, m models.Model) map[string][]byte {
	t.Helper()
	parts, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

var logistic = map[string]any{"kind": "logistic", "lambda": 0.05}

// subjects are the models under test.
func subjects(t *testing.T) map[string]struct {
	learner models.Learner
	data    models.Training
} {
	forest, cox := map[string]any{"kind": "random_forest", "trees": 30}, map[string]any{"kind": "cox", "penalty": "ridge", "lambda": 0.1}
	trees := map[string]any{"kind": "survival_forest", "trees": 30}
	two, three, times := sources(clinical.Class, 2), sources(clinical.Class, 3), sources(clinical.Survival, 0)
	mixed, risks := map[string]any{"imaging": logistic, "noise": forest, "rna": logistic}, map[string]any{"imaging": cox, "noise": trees, "rna": cox}
	k, _ := models.Lookup("logistic")
	o, _ := models.Check(k.Params, map[string]any{"lambda": 0.05})
	plain, _ := k.New(o)
	k, _ = models.Lookup("survival_forest")
	o, _ = models.Check(k.Params, map[string]any{"trees": 30})
	woods, _ := k.New(o)
	type subject = struct {
		learner models.Learner
		data    models.Training
	}
	return map[string]subject{
		"mean, two classes": {late(t, "mean", mixed), two}, "stacked, two classes": {late(t, "stacked", mixed), two},
		"mean, three classes": {late(t, "mean", mixed), three}, "stacked, three classes": {late(t, "stacked", mixed), three},
		"mean, survival": {late(t, "mean", risks), times}, "stacked, survival": {late(t, "stacked", risks), times},
		"per pattern, two classes": {fusion.PerPattern(plain), two}, "per pattern, three classes": {fusion.PerPattern(plain), three}, "per pattern, survival": {fusion.PerPattern(woods), times},
	}
}

// What stands in for an absent source changes neither a model nor an answer; a saved model answers the same to the bit; survival never
// rises; probabilities sum to one.
func TestAbsentIsNotLookedAt(t *testing.T) {
	for name, s := range subjects(t) {
		t.Run(name, func(t *testing.T) {
			m := fit(t, s.learner, s.data)
			other := s.data
			other.X.Values = slices.Clone(s.data.X.Values)
			for j, c := range other.X.Columns {
				for _, a := range other.X.Absent {
					for i, gone := range a.Rows {
						if a.Source == c.Source && gone {
							other.X.Column(j)[i] = 1e3
						}
					}
				}
			}
			again := fit(t, s.learner, other)
			if a, b := encoded(t, m), encoded(t, again); !maps.EqualFunc(a, b, bytes.Equal) {
				t.Error("what stands in for an absent source changed the model")
			}
			decoded, err := models.Decode(m.Kind(), encoded(t, m))
			if err != nil {
				t.Fatal(err)
			}
			times := []float64{10, 50, 100, 300}
			if s.data.Y.Kind == clinical.Class {
				times = nil
			}
			p, q, r := predict(t, m, s.data.X, times...), predict(t, m, other.X, times...), predict(t, decoded, s.data.X, times...)
			for _, same := range []models.Prediction{q, r} {
				if fmt.Sprint(same.Probabilities, same.Margin, same.Risk, same.Survival) != fmt.Sprint(p.Probabilities, p.Margin, p.Risk, p.Survival) {
					t.Error("another answer")
				}
			}
			for i := range p.Rows {
				sum := 0.0
				for c := range p.Classes {
					sum += p.Probabilities[i*len(p.Classes)+c]
				}
				if len(p.Classes) > 0 && math.Abs(sum-1) > 1e-12 {
					t.Fatalf("row %d: probabilities sum to %v", i, sum)
				}
				for k := range times {
					if s := p.Survival[i*len(times)+k]; !math.IsNaN(s) && (s < 0 || s > 1 || k > 0 && s > p.Survival[i*len(times)+k-1]) {
						t.Fatalf("row %d: survival %v", i, p.Survival[i*len(times):(i+1)*len(times)])
					}
				}
			}
			// Rows without any source are answered too.
			none := s.data.X.Select([]int{0, 1})
			none.Absent = nil
			for _, source := range []string{"imaging", "noise", "rna"} {
				none.Absent = append(none.Absent, models.Absence{Source: source, Rows: []bool{true, false}})
			}
			for _, v := range append(predict(t, m, none).Probabilities, predict(t, m, none).Risk...) {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Errorf("a row without any source is answered %v", v)
				}
			}
		})
	}
}

// The explanation of a combination sums to its answer for rows of every pattern; absent sources contribute nothing, and it is exact where the
// combination is linear in what its parts say.
func TestCombinationsAreExplained(t *testing.T) {
	for name, s := range subjects(t) {
		t.Run(name, func(t *testing.T) {
			m := fit(t, s.learner, s.data)
			b, err := explain.NewGroupedBackground(s.data.X, s.data.Groups, 1)
			if err != nil {
				t.Fatal(err)
			}
			all, err := explain.Explain(context.Background(), m, s.data.X, explain.Request{Background: &b})
			if err != nil {
				t.Fatal(err)
			}
			for i, row := range all {
				for _, a := range row {
					sum := a.Base
					for j, v := range a.Values {
						sum += v
						for _, gone := range s.data.X.Absent {
							if gone.Source == s.data.X.Columns[j].Source && gone.Rows[i] && v != 0 {
								t.Fatalf("row %d has no %s, which contributes %v", i, gone.Source, v)
							}
						}
					}
					if a.Method != explain.Combined || !a.Exact || math.Abs(sum-a.Output) > 1e-9*(1+math.Abs(a.Output)) {
						t.Fatalf("row %d: %s, exact %v, sums to %v where the output is %v", i, a.Method, a.Exact, sum, a.Output)
					}
				}
			}
		})
	}
}

// With models of sums as parts, values are the Shapley values that the definition gives, by trying every subset of the columns.
func TestCombinedIsShapley(t *testing.T) {
	data := sources(clinical.Class, 2)
	data.X.Absent = nil
	parts := map[string]any{"imaging": logistic, "noise": logistic, "rna": logistic}
	for _, combine := range []string{"stacked", "mean"} {
		m := fit(t, late(t, combine, parts), data)
		b, err := explain.NewBackground(data.X, 1)
		if err != nil {
			t.Fatal(err)
		}
		x := data.X.Select([]int{0, 5, 17})
		exact, err := explain.Explain(context.Background(), m, x, explain.Request{Background: &b, Method: explain.Enumeration})
		if err != nil {
			t.Fatal(err)
		}
		got, err := explain.Explain(context.Background(), m, x, explain.Request{Background: &b})
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			for j, v := range got[i][0].Values {
				if w := exact[i][0].Values[j]; math.Abs(v-w) > 1e-9 || got[i][0].Method != explain.Combined {
					t.Errorf("%s, row %d, column %d: %v by %s, %v by enumeration", combine, i, j, v, got[i][0].Method, w)
				}
			}
		}
	}
}

// The mean is that of the probabilities of parts fitted alone, and a row without a part has the mean of the others.
func TestMeanIsOfPartsAlone(t *testing.T) {
	data := sources(clinical.Class, 2)
	m := fit(t, late(t, "mean", map[string]any{"imaging": logistic, "noise": logistic, "rna": logistic}), data)
	p := predict(t, m, data.X)
	alone := map[string]models.Prediction{}
	for _, source := range []string{"imaging", "noise", "rna"} {
		var keep, rows []int
		for j, c := range data.X.Columns {
			if c.Source == source {
				keep = append(keep, j)
			}
		}
		gone := slices.Repeat([]bool{false}, data.X.Rows)
		for _, a := range data.X.Absent {
			if a.Source == source {
				gone = a.Rows
			}
		}
		for i, without := range gone {
			if !without {
				rows = append(rows, i)
			}
		}
		part := fusion.Part{Columns: keep}
		sub := data.Select(rows)
		sub.X = part.Of(data.X, rows)
		k, _ := models.Lookup("logistic")
		o, _ := models.Check(k.Params, map[string]any{"lambda": 0.05})
		l, _ := k.New(o)
		all := make([]int, data.X.Rows)
		for i := range all {
			all[i] = i
		}
		alone[source] = predict(t, fit(t, l, sub), part.Of(data.X, all))
	}
	for i := range data.X.Rows {
		sum, n := 0.0, 0.0
		for source, one := range alone {
			without := false
			for _, a := range data.X.Absent {
				without = without || a.Source == source && a.Rows[i]
			}
			if !without {
				sum, n = sum+one.Probabilities[2*i+1], n+1
			}
		}
		if math.Abs(p.Probabilities[2*i+1]-sum/n) > 1e-12 {
			t.Fatalf("row %d: %v where the mean of its parts is %v", i, p.Probabilities[2*i+1], sum/n)
		}
	}
}

// A part that learns noise by heart has little weight, because the combination sees it on rows that it was not fitted to: a forest tells
// its own rows apart by probabilities near 0 and 1, to which a regression would give a weight of ten and more.
func TestStackingSeesRowsAfresh(t *testing.T) {
	data := sources(clinical.Class, 2)
	forest := map[string]any{"kind": "random_forest", "trees": 100}
	m := fit(t, late(t, "stacked", map[string]any{"imaging": logistic, "noise": forest, "rna": logistic}), data).(*fusion.Late)
	full := m.Terms(m.Ways(models.NewMatrix(m.Columns(), 1))[0])
	if w := full.Weights[0]; math.Abs(w[1]) > 3 || w[0] < 0.3 || w[2] < 0.3 {
		t.Errorf("weights of imaging, noise (a probability) and rna are %v", w)
	}
	if notes := strings.Join(m.Notes(), "\n"); !strings.Contains(notes, "of imaging, noise and rna (") || !strings.Contains(notes, "of imaging and noise (") {
		t.Errorf("weights are not said: %s", notes)
	}
	if way := m.Way([]string{"rna"}); !strings.Contains(way, "it is left out: the answer is the combination of imaging and noise (155 training rows have all)") {
		t.Error(way)
	}
}

// Options that are wrong are told by the part and the option.
func TestLateOptions(t *testing.T) {
	k, _ := models.Lookup(fusion.LateKind)
	for want, sources := range map[string]any{
		"two sources or more":            map[string]any{"imaging": logistic},
		`rna: there is no kind`:          map[string]any{"imaging": logistic, "rna": map[string]any{"kind": "logistik"}},
		`rna: unknown option "tress"`:    map[string]any{"imaging": logistic, "rna": map[string]any{"kind": "random_forest", "tress": 3}},
		"cannot be a part":               map[string]any{"imaging": logistic, "rna": map[string]any{"kind": fusion.LateKind}},
		"rna: want a model, such as":     map[string]any{"imaging": logistic, "rna": "logistic"},
		`rna: lambda: a is not a number`: map[string]any{"imaging": logistic, "rna": map[string]any{"kind": "logistic", "lambda": "a"}},
	} {
		if _, problems := models.Check(k.Params, map[string]any{"sources": sources}); problems["sources"] == nil || !strings.Contains(problems["sources"].Error(), want) {
			t.Errorf("%v, want %s", problems["sources"], want)
		}
	}
	o, _ := models.Check(k.Params, map[string]any{"sources": map[string]any{"imaging": logistic, "rna": map[string]any{"kind": "cox"}}})
	if _, err := k.New(o); err == nil {
		t.Error("a class and a survival model are fused")
	}
	data := sources(clinical.Class, 2)
	for want, parts := range map[string]map[string]any{
		"belongs to none of the parts": {"imaging": logistic, "rna": logistic},
		"belongs to imaging and to":    {"imaging": logistic, "imagings": logistic, "rna": logistic, "noise": logistic},
		"no column is left of pet":     {"imaging": logistic, "noise": logistic, "rna": logistic, "pet": logistic},
	} {
		if _, err := late(t, "mean", parts).Fit(context.Background(), data); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	// The same bytes describe options that were completed before.
	one, _ := models.Check(k.Params, map[string]any{"sources": map[string]any{"imaging": logistic, "rna": logistic}})
	two, problems := models.Check(k.Params, map[string]any{"sources": one["sources"]})
	a, _ := json.Marshal(one)
	b, _ := json.Marshal(two)
	if len(problems) > 0 || !bytes.Equal(a, b) {
		t.Errorf("%v\n%s\n%s", problems, a, b)
	}
}

// Whatever a bundle's parts hold, decoding ends in an error or a model that answers.
func FuzzDecode(f *testing.F) {
	data := sources(clinical.Class, 2)
	m := fit(f, late(f, "stacked", map[string]any{"imaging": logistic, "noise": logistic, "rna": logistic}), data)
	parts := encoded(f, m)
	f.Add(parts["fusion.json"])
	f.Add([]byte(`{"kind":"class","classes":["a","b"],"parts":[{"name":"x","kind":"late_fusion","columns":[0]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		damaged := maps.Clone(parts)
		damaged["fusion.json"] = b
		for _, kind := range []string{fusion.LateKind, fusion.PatternsKind} {
			if m, err := models.Decode(kind, damaged); err == nil {
				if _, err := m.Predict(models.NewMatrix(m.Columns(), 2), nil); err != nil {
					t.Errorf("a decoded model does not answer: %v", err)
				}
			}
		}
	})
}
