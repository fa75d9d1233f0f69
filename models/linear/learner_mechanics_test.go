package linear_test

import (
	"context"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/linear"
)

// cohort is synthetic: classes and times follow the first two of its columns.
func cohort(rows, columns, classes int) (class, time models.Training) {
	var c []table.Column
	for j := range columns {
		c = append(c, table.Column{Name: "x" + string(rune('a'+j))})
	}
	x := models.NewMatrix(c, rows)
	r := models.Training{Seed: 7}.Seed.Rand()
	for i := range x.Values {
		x.Values[i] = r.NormFloat64()
	}
	names := []string{"a", "b", "c", "d"}[:classes]
	class = models.Training{X: x, Seed: 1, Y: clinical.Outcome{Name: "subtype", Kind: clinical.Class, Classes: names}}
	time = models.Training{X: x, Seed: 1, Y: clinical.Outcome{Name: "os", Kind: clinical.Survival, Unit: "d"}}
	for i := range rows {
		score := x.Column(0)[i] - x.Column(1)[i] + r.NormFloat64()
		k := 0
		for k < classes-1 && score > float64(k) {
			k++
		}
		class.Y.Class = append(class.Y.Class, k)
		time.Y.Time = append(time.Y.Time, math.Ceil(100*math.Exp(-score)*r.ExpFloat64()))
		time.Y.Event = append(time.Y.Event, r.IntN(2))
	}
	return class, time
}

func learner(t testing.TB, kind string, set map[string]any) models.Learner {
	t.Helper()
	k, ok := models.Lookup(kind)
	if !ok {
		t.Fatalf("no kind %q", kind)
	}
	o, problems := models.Check(k.Params, set)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	l, err := k.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func fitted(t testing.TB, kind string, set map[string]any, data models.Training) models.Model {
	t.Helper()
	m, err := learner(t, kind, set).Fit(context.Background(), data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var settings = []map[string]any{{"penalty": "none"}, {"penalty": "ridge"}, {"penalty": "lasso", "lambda_rule": "1se"}, {"penalty": "elastic_net", "lambda": 0.05}}

// What is saved and loaded predicts the same to the bit, and fits do not depend on GOMAXPROCS.
func TestEncodeDecode(t *testing.T) {
	two, time := cohort(80, 5, 2)
	three, _ := cohort(80, 5, 3)
	for _, c := range []struct {
		kind string
		data models.Training
	}{{"logistic", two}, {"logistic", three}, {"cox", time}} {
		for _, set := range settings {
			m := fitted(t, c.kind, set, c.data)
			before := runtime.GOMAXPROCS(1)
			again := fitted(t, c.kind, set, c.data)
			runtime.GOMAXPROCS(before)
			parts, err := m.Encode()
			if err != nil {
				t.Fatal(err)
			}
			other, _ := again.Encode()
			if string(parts["model.json"]) != string(other["model.json"]) {
				t.Errorf("%s %v: another GOMAXPROCS, another model", c.kind, set)
			}
			loaded, err := models.Decode(m.Kind(), parts)
			if err != nil {
				t.Fatal(err)
			}
			times := []float64{0, 1, 30, 1e9}
			a, errA := m.Predict(c.data.X, times)
			b, errB := loaded.Predict(c.data.X, times)
			if errA != nil || errB != nil {
				t.Fatal(errA, errB)
			}
			same := func(x, y []float64) bool {
				return slices.EqualFunc(x, y, func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })
			}
			if !same(a.Margin, b.Margin) || !same(a.Probabilities, b.Probabilities) || !same(a.Risk, b.Risk) || !same(a.Survival, b.Survival) || !same(a.Median, b.Median) {
				t.Errorf("%s %v: loaded, the model predicts differently", c.kind, set)
			}
			if again, _ := loaded.Encode(); string(again["model.json"]) != string(parts["model.json"]) {
				t.Errorf("%s %v: encoded again, the bytes differ", c.kind, set)
			}
		}
	}
}

// Probabilities sum to one, curves never rise and end with the follow-up, and the margin is the log-odds of the last class.
func TestPredictions(t *testing.T) {
	two, time := cohort(80, 5, 2)
	m := fitted(t, "logistic", nil, two)
	p, err := m.Predict(two.X, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Rows {
		a, b := p.Probabilities[2*i], p.Probabilities[2*i+1]
		if a+b != 1 || math.Abs(math.Log(b/a)-p.Margin[i]) > 1e-12 {
			t.Fatalf("row %d: %g and %g with margin %g", i, a, b, p.Margin[i])
		}
	}
	c := fitted(t, "cox", nil, time).(*linear.Cox)
	q, err := c.Predict(time.X, []float64{0, 5, 50, c.FollowUp, c.FollowUp + 1})
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i := range q.Rows {
		s := q.Survival[5*i : 5*i+5]
		if s[0] != 1 || s[1] > s[0] || s[2] > s[1] || s[3] > s[2] || !math.IsNaN(s[4]) {
			t.Fatalf("row %d: %v", i, s)
		}
		if m := q.Median[i]; !math.IsInf(m, 1) {
			at, _ := c.Predict(time.X.Select([]int{i}), []float64{m, math.Nextafter(m, 0)})
			if at.Survival[0] > 0.5 || at.Survival[1] <= 0.5 {
				t.Fatalf("row %d: the median %g has S %v", i, m, at.Survival)
			}
		}
		sum += q.Risk[i]
	}
	if math.Abs(sum) > 1e-9 {
		t.Errorf("risks against the mean sum to %g", sum)
	}
	for _, at := range []float64{0, 20, c.FollowUp + 1} {
		next, want := math.Inf(1), 0 // at risk at the next event
		for i, v := range time.Y.Time {
			if time.Y.Event[i] == 1 && v >= at {
				next = min(next, v)
			}
		}
		for _, v := range time.Y.Time {
			if v >= next {
				want++
			}
		}
		if got := c.AtRiskAt(at); got != want {
			t.Errorf("%d at risk at %g, want %d", got, at, want)
		}
	}
}

func edit(t models.Training, f func(*models.Training)) models.Training {
	x := models.NewMatrix(slices.Clone(t.X.Columns), t.X.Rows)
	copy(x.Values, t.X.Values)
	t.X = x
	t.Y.Class, t.Y.Time, t.Y.Event = slices.Clone(t.Y.Class), slices.Clone(t.Y.Time), slices.Clone(t.Y.Event)
	f(&t)
	return t
}

// Outcomes that cannot be learned from, and tables that cannot be read, are errors that name them.
func TestFitBadInput(t *testing.T) {
	class, time := cohort(40, 3, 2)
	three, _ := cohort(40, 3, 3)
	for _, c := range []struct {
		kind string
		set  map[string]any
		data models.Training
		want string
	}{
		{"logistic", nil, time, "outcome \"os\" is of kind survival"},
		{"cox", nil, class, "outcome \"subtype\" is of kind class"},
		{"logistic", nil, edit(class, func(d *models.Training) { clear(d.Y.Class) }), "every row has the same class; a classifier needs at least two (a)"},
		{"logistic", nil, edit(three, func(d *models.Training) {
			for i := range d.Y.Class {
				d.Y.Class[i] %= 2
			}
		}), "no training row has the class c"},
		{"cox", nil, edit(time, func(d *models.Training) { clear(d.Y.Event) }), "no row has the event: all are censored"},
		{"cox", nil, edit(time, func(d *models.Training) { d.Y.Time[3] = math.NaN() }), "the time of row 3 is NaN"},
		{"logistic", nil, edit(class, func(d *models.Training) { d.X.Column(1)[4] = math.NaN() }), "column \"xb\" is missing in row 4"},
		{"cox", nil, edit(time, func(d *models.Training) { d.X.Column(1)[4] = math.Inf(1) }), "column \"xb\" is infinite in row 4"},
		{"logistic", nil, edit(class, func(d *models.Training) { d.X.Columns[2].Kind = table.Categorical }), "column \"xc\" is categorical"},
		{"logistic", nil, class.Select([]int{0, 1, 2, 3}), "4 patients cannot be dealt into 5 inner folds"},
		{"logistic", map[string]any{"unpenalised": []any{"age"}}, class, "no column is named like \"age\""},
		{"logistic", map[string]any{"unpenalised": []any{"x*"}}, class, "set penalty: none"},
		{"logistic", map[string]any{"penalty": "none"}, class.Select([]int{0, 1, 2}), "needs more rows than columns"},
	} {
		_, err := learner(t, c.kind, c.set).Fit(context.Background(), c.data)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: got %v, want %s", c.kind, c.set, err, c.want)
		}
	}
	m := fitted(t, "logistic", nil, class)
	bad := edit(class, func(d *models.Training) { d.X.Column(2)[1] = math.NaN() })
	if _, err := m.Predict(bad.X, nil); err == nil || !strings.Contains(err.Error(), "row 1: column \"xc\" is NaN") {
		t.Errorf("a missing value: %v", err)
	}
}

// Constant, collinear and separating columns are named in the notes.
func TestNotes(t *testing.T) {
	class, time := cohort(60, 4, 2)
	constant := func(d *models.Training) {
		for i := range d.X.Column(2) {
			d.X.Column(2)[i] = 3
		}
	}
	collinear := func(d *models.Training) {
		for i := range d.X.Column(3) {
			d.X.Column(3)[i] = 2*d.X.Column(0)[i] - d.X.Column(1)[i] + 5
		}
	}
	separated := func(d *models.Training) {
		for i, c := range d.Y.Class {
			d.X.Column(2)[i] = math.Abs(d.X.Column(2)[i]) + 0.1
			if c == 0 {
				d.X.Column(2)[i] *= -1
			}
		}
	}
	monotone := func(d *models.Training) {
		for i, v := range d.Y.Time {
			d.X.Column(2)[i] = -v
		}
	}
	free := map[string]any{"penalty": "none"}
	for _, c := range []struct {
		kind string
		set  map[string]any
		data models.Training
		want string
	}{
		{"logistic", nil, edit(class, constant), "left out, one value in every row: \"xc\""},
		{"logistic", free, edit(class, constant), "left out, one value in every row: \"xc\""},
		{"cox", free, edit(time, constant), "left out, one value in every row: \"xc\""},
		{"logistic", free, edit(class, collinear), "collinear: \"xd\" is a linear combination of \"xa\", \"xb\""},
		{"cox", free, edit(time, collinear), "collinear: \"xd\" is a linear combination of \"xa\", \"xb\""},
		{"logistic", free, edit(class, separated), "\"xc\" tell the outcome without error"},
		{"logistic", nil, edit(class, separated), "a threshold on a single column tells the classes apart without error: \"xc\""},
		{"cox", free, edit(time, monotone), "\"xc\" tell the outcome without error"},
		{"cox", nil, time, "penalty auto chose the ridge"},
		{"cox", free, edit(time, func(d *models.Training) { d.Y.Event[0] = 2 }), "1 competing events count as censored"},
	} {
		m := fitted(t, c.kind, c.set, c.data)
		notes := strings.Join(m.(models.Noted).Notes(), "\n")
		if !strings.Contains(notes, c.want) {
			t.Errorf("%s %v: notes %q, want %s", c.kind, c.set, notes, c.want)
		}
		if p, err := m.Predict(c.data.X, []float64{1}); err != nil {
			t.Error(err)
		} else {
			for _, v := range slices.Concat(p.Margin, p.Risk) {
				if math.IsNaN(v) || math.Abs(v) > 1e3 {
					t.Errorf("%s %v: predicts %g", c.kind, c.set, v)
					break
				}
			}
		}
	}
}

// More columns than rows work with every penalty.
func TestManyColumns(t *testing.T) {
	class, time := cohort(30, 60, 2)
	three, _ := cohort(30, 60, 3)
	for _, penalty := range []string{"ridge", "lasso", "elastic_net"} {
		set := map[string]any{"penalty": penalty}
		fitted(t, "logistic", set, class)
		fitted(t, "logistic", set, three)
		fitted(t, "cox", set, time)
	}
	fitted(t, "cox", nil, time)
}

// No bytes make the decoders panic, and what they take can predict.
func FuzzDecode(f *testing.F) {
	class, time := cohort(30, 2, 2)
	for kind, data := range map[string]models.Training{"logistic": class, "cox": time} {
		parts, err := fitted(f, kind, map[string]any{"lambda": 0.1, "penalty": "lasso"}, data).Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(kind, parts["model.json"])
	}
	f.Fuzz(func(t *testing.T, kind string, b []byte) {
		if kind != "logistic" && kind != "cox" {
			return
		}
		m, err := models.Decode(kind, map[string][]byte{"model.json": b})
		if err != nil {
			return
		}
		if _, err := m.Predict(models.NewMatrix(m.Columns(), 2), []float64{1}); err != nil {
			t.Fatal(err)
		}
	})
}
