package tree

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/survival"
)

// followed is made-up survival data with ties, censoring, missing values and a categorical column.
func followed(rows int, seed uint64) models.Training {
	rng := rand.New(rand.NewPCG(seed, 3))
	x := models.NewMatrix([]table.Column{{Name: "a"}, {Name: "b"}, {Name: "c", Kind: table.Categorical}, {Name: "noise"}}, rows)
	y := clinical.Outcome{Name: "os", Kind: clinical.Survival, Time: make([]float64, rows), Event: make([]int, rows), Unit: "mo"}
	for i := range rows {
		a, b, c := rng.NormFloat64(), float64(rng.IntN(5)), float64(rng.IntN(4))
		rate := 0.02 * math.Exp(a+0.3*b+math.Mod(c, 2))
		time, censor := rng.ExpFloat64()/rate, rng.Float64()*60
		y.Time[i] = math.Ceil(min(time, censor))
		if time <= censor {
			y.Event[i] = 1
		} else if rng.IntN(5) == 0 {
			y.Event[i] = 2
		}
		if rng.IntN(8) == 0 {
			a = math.NaN()
		}
		for j, v := range []float64{a, b, c, rng.NormFloat64()} {
			x.Column(j)[i] = v
		}
	}
	return models.Training{X: x, Y: y, Seed: 5}
}

// The statistic of every boundary is that of a log-rank test of both sides, computed from its definition.
func TestLogRankIsTheTest(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for trial := range 20 {
		data := followed(60, uint64(trial))
		event, err := checkTimes(data)
		if err != nil {
			t.Fatal(err)
		}
		grid := newTimeGrid(data.Y.Time, event)
		times := make([]uint32, 60)
		var rows []int32
		for i := range times {
			if times[i] = uint32(rng.IntN(3)); times[i] > 0 {
				rows = append(rows, int32(i))
			}
		}
		c := newLogRank(grid.place, event, times, 60)
		c.enter(rows)
		for range 20 {
			var left []int32
			in := make([]bool, 60)
			for _, r := range rows {
				if rng.IntN(2) == 0 {
					left = append(left, r)
					in[r] = true
				}
			}
			num, den, ok := c.evaluate(left, 1)
			if !ok {
				continue
			}
			u, v := 0.0, 0.0
			for _, at := range grid.times {
				var n, nl, d, dl float64
				for _, r := range rows {
					k := float64(times[r])
					if data.Y.Time[r] < at {
						continue
					}
					n += k
					dead := event[r] && data.Y.Time[r] == at
					if dead {
						d += k
					}
					if in[r] {
						nl += k
						if dead {
							dl += k
						}
					}
				}
				if n > 0 {
					u += dl - d*nl/n
				}
				if n > 1 {
					v += d * nl * (n - nl) * (n - d) / (n * n * (n - 1))
				}
			}
			if math.Abs(num-u*u) > 1e-9*(1+u*u) || math.Abs(den-v) > 1e-9 {
				t.Fatalf("trial %d: U² %v and V %v, want %v and %v", trial, num, den, u*u, v)
			}
		}
	}
}

// S(t) is the mean of the trees' Kaplan–Meier estimates and H(t) of their Nelson–Aalen estimates, from the rows of each leaf by definition;
// mortality is the sum of H over event times; curves never rise; the trees of SurvivalAt and HazardAt say the same.
func TestSurvivalForestCurves(t *testing.T) {
	data := followed(200, 1)
	m := fit(t, SurvivalForest{Trees: 30, MinLeaf: 5, Bootstrap: true}, data).(*SurvivalTrees)
	times := m.curves.Times
	p, err := m.Predict(data.X, append([]float64{0}, times...))
	if err != nil {
		t.Fatal(err)
	}
	k := len(times) + 1
	for i := range data.X.Rows {
		sum, last, half := 0.0, 1.0, math.Inf(1)
		for j := range k {
			s := p.Survival[i*k+j]
			if !(s <= last) || s < 0 || j == 0 && (s != 1 || p.Hazard[i*k] != 0) {
				t.Fatalf("row %d: S is %v after %v", i, s, last)
			}
			if last = s; s <= 0.5 && math.IsInf(half, 1) {
				half = times[j-1]
			}
			sum += p.Hazard[i*k+j]
		}
		if math.Abs(sum-p.Risk[i]) > 1e-9*sum {
			t.Fatalf("row %d: mortality %v, hazards sum to %v", i, p.Risk[i], sum)
		}
		if m := p.Median[i]; m != half {
			t.Fatalf("row %d: median %v, S passes one half at %v", i, m, half)
		}
	}
	middle := times[len(times)/2]
	hazards := m.HazardAt(middle)
	survivals, ok := m.SurvivalAt(middle)
	if !ok || hazards.Validate() != nil || survivals.Validate() != nil {
		t.Fatal(ok, hazards.Validate(), survivals.Validate())
	}
	row, out := make([]float64, m.e.Features), make([]float64, 1)
	at, _ := m.Predict(data.X, []float64{middle, 1e9})
	for i := range data.X.Rows {
		ReadRow(data.X, i, row)
		if hazards.Output(row, out); math.Abs(at.Hazard[2*i]-out[0]) > 1e-12 {
			t.Fatalf("row %d: H is %v, its trees say %v", i, at.Hazard[2*i], out[0])
		}
		if survivals.Output(row, out); math.Abs(at.Survival[2*i]-out[0]) > 1e-12 {
			t.Fatalf("row %d: S is %v, its trees say %v", i, at.Survival[2*i], out[0])
		}
		if !math.IsNaN(at.Survival[2*i+1]) || !math.IsNaN(at.Hazard[2*i+1]) {
			t.Fatalf("past the follow-up S is %v and H %v", at.Survival[2*i+1], at.Hazard[2*i+1])
		}
	}
	if c := m.OutOfBag().CIndex; c < 0.65 || c > 0.95 {
		t.Errorf("out-of-bag concordance %v", c)
	}
	if steps := len(m.curves.Step); steps > 30*200 {
		t.Errorf("%d steps for 30 trees of 200 rows", steps)
	}
}

// The leaves of a forest on all rows hold the estimates of the rows that reach them.
func TestSurvivalForestByDefinition(t *testing.T) {
	data := followed(150, 6)
	m := fit(t, SurvivalForest{Trees: 9, MinSplit: 12, MinLeaf: 5}, data).(*SurvivalTrees)
	times := []float64{1, 4, 9, 17, 33}
	p, err := m.Predict(data.X, times)
	if err != nil {
		t.Fatal(err)
	}
	row, reached := make([]float64, m.e.Features), make([][]int32, m.e.Trees())
	for tree := range reached {
		for i := range data.X.Rows {
			ReadRow(data.X, i, row)
			reached[tree] = append(reached[tree], m.e.Reach(tree, row))
		}
	}
	for i := range data.X.Rows {
		for k, time := range times {
			s, h := 0.0, 0.0
			for _, leaf := range reached {
				var rows []survival.Observation
				for r, n := range leaf {
					if n == leaf[i] {
						rows = append(rows, survival.Observation{Time: data.Y.Time[r], Event: oneIf(data.Y.Event[r] == 1)})
					}
				}
				curve, err := survival.KaplanMeier(rows)
				if err != nil {
					t.Fatal(err)
				}
				hazard, err := survival.NelsonAalen(rows)
				if err != nil {
					t.Fatal(err)
				}
				s += curve.At(time) / float64(m.e.Trees())
				h += hazard.At(time) / float64(m.e.Trees())
			}
			if at := i*len(times) + k; math.Abs(p.Survival[at]-s) > 1e-12 || math.Abs(p.Hazard[at]-h) > 1e-12 {
				t.Fatalf("row %d at %v: S %v and H %v, by definition %v and %v", i, time, p.Survival[at], p.Hazard[at], s, h)
			}
		}
	}
}

// Curves of boosting never rise, its risks average nought, and the baseline meets the events: the sum of hazards is their number.
func TestSurvivalBoostingCurves(t *testing.T) {
	data := followed(300, 2)
	entry := make([]float64, 300)
	for i := range entry {
		entry[i] = math.Floor(data.Y.Time[i] / 3)
		if entry[i] >= data.Y.Time[i] {
			entry[i] = 0
		}
	}
	truncated := data
	truncated.Y.Entry = entry
	for _, d := range []models.Training{data, truncated} {
		for _, ties := range []string{"breslow", "xgboost"} {
			m := fit(t, SurvivalBoosting{Boosting: small, Ties: ties}, d).(*CoxTrees)
			p, err := m.Predict(d.X, d.Y.Time)
			if err != nil {
				t.Fatal(err)
			}
			mean, expected, events := 0.0, 0.0, 0.0
			for i, r := range p.Risk {
				mean += r / 300
				h := m.baseline.at(d.Y.Time[i])
				if d.Y.Entry != nil {
					h -= m.baseline.at(d.Y.Entry[i])
				}
				expected += h * math.Exp(r)
				if d.Y.Event[i] == 1 {
					events++
				}
			}
			if math.Abs(mean) > 1e-9 || math.Abs(expected-events) > 1e-6*events {
				t.Errorf("%s: mean risk %v, %v events expected of %v", ties, mean, expected, events)
			}
			curve, _ := m.Predict(d.X.Select([]int{0}), []float64{0, 1, 5, 5, 20, 40, 1e9})
			for k := 1; k < 6; k++ {
				if !(curve.Survival[k] <= curve.Survival[k-1]) {
					t.Errorf("S %v rises", curve.Survival)
				}
			}
			if !math.IsNaN(curve.Survival[6]) {
				t.Error("S past the follow-up is a number")
			}
		}
	}
}

// Without "xgboost" ties, the order of rows does not change the model.
func TestSurvivalBoostingForgetsOrder(t *testing.T) {
	data := followed(150, 9)
	data.X.Columns = data.X.Columns[:2] // ties between columns are settled by rounding, which the order of rows changes
	data.X.Values = data.X.Values[:300]
	order := rand.New(rand.NewPCG(1, 1)).Perm(150)
	b := SurvivalBoosting{Boosting: small}
	b.Rounds = 3
	p, q := predict(t, fit(t, b, data), data.X), predict(t, fit(t, b, data.Select(order)), data.X)
	for i, r := range p.Risk {
		if math.Abs(r-q.Risk[i]) > 1e-9 {
			t.Fatalf("row %d: %v, and %v where rows were listed otherwise", i, r, q.Risk[i])
		}
	}
}

// Saved and loaded the same to the bit, damaged refused, the same bytes whatever the number of processors.
func TestSurvivalRoundTrip(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	data := followed(120, 3)
	stopping := SurvivalBoosting{Boosting: small}
	stopping.EarlyStopping, stopping.Validation, stopping.Subsample = 5, 0.3, 0.8
	for _, l := range []models.Learner{SurvivalForest{Trees: 20, MinLeaf: 3, Bootstrap: true}, SurvivalBoosting{Boosting: small}, stopping} {
		runtime.GOMAXPROCS(1)
		m := fit(t, l, data)
		parts, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		runtime.GOMAXPROCS(3)
		other, _ := fit(t, l, data).Encode()
		for name := range parts {
			if !bytes.Equal(parts[name], other[name]) {
				t.Errorf("%s: %s depends on GOMAXPROCS", m.Kind(), name)
			}
			cut := map[string][]byte{}
			for k, v := range parts {
				cut[k] = v
			}
			cut[name] = cut[name][:len(cut[name])-3]
			if _, err := models.Decode(m.Kind(), cut); err == nil {
				t.Errorf("%s: %s cut short was accepted", m.Kind(), name)
			}
		}
		again, err := models.Decode(m.Kind(), parts)
		if err != nil {
			t.Fatal(err)
		}
		times := []float64{1, 10, 30}
		p, _ := m.Predict(data.X, times)
		q, _ := again.Predict(data.X, times)
		for i := range p.Survival {
			if p.Survival[i] != q.Survival[i] || p.Risk[i/3] != q.Risk[i/3] || p.Median[i/3] != q.Median[i/3] {
				t.Fatalf("%s: value %d differs after loading", m.Kind(), i)
			}
		}
	}
}

func TestSurvivalBadInput(t *testing.T) {
	for want, spoil := range map[string]func(*models.Training){
		"no row has the event":    func(d *models.Training) { d.Y.Event = make([]int, 40) },
		"row 2: time -1":          func(d *models.Training) { d.Y.Time = append([]float64(nil), d.Y.Time...); d.Y.Time[1] = -1 },
		"row 1: entry at":         func(d *models.Training) { d.Y.Entry = append([]float64(nil), d.Y.Time...) },
		"learns survival outcome": func(d *models.Training) { d.Y.Kind = clinical.Class; d.Y.Class = make([]int, 40) },
	} {
		for _, l := range []models.Learner{SurvivalForest{Trees: 2}, SurvivalBoosting{Boosting: small}} {
			d := followed(40, 1)
			spoil(&d)
			if _, err := l.Fit(context.Background(), d); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%T: got %v, want an error with %q", l, err, want)
			}
		}
	}
	d := followed(40, 1)
	d.Weights = make([]float64, 40)
	for i := range d.Weights {
		d.Weights[i] = 2
	}
	if _, err := (SurvivalForest{Trees: 2}).Fit(context.Background(), d); err == nil || !strings.Contains(err.Error(), "case weights") {
		t.Errorf("got %v", err)
	}
	d.Weights = nil
	d.Y.Entry = make([]float64, 40)
	d.Y.Entry[0] = d.Y.Time[0] / 2
	if _, err := (SurvivalForest{Trees: 2}).Fit(context.Background(), d); err == nil || !strings.Contains(err.Error(), "left truncation") {
		t.Errorf("got %v", err)
	}
}
