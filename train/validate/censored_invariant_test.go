package validate

import (
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
)

// Test rows are weighed by the censoring of the training rows, by the definition written out: Brier score, AUC and Uno's C at a time,
// with no tied times, and the Kaplan–Meier estimate of the training rows as what to beat.
func TestCensoringOfTrainingRows(t *testing.T) {
	const n, half = 160, 80
	r := work.Seed(5).Rand()
	y := clinical.Outcome{Name: "os", Kind: clinical.Survival, Unit: "d", Time: make([]float64, n), Event: make([]int, n)}
	p := Prediction{Prediction: models.Prediction{Kind: clinical.Survival, Rows: half, Times: []float64{0.4, 0.8}}}
	f := Fold{}
	for i := range n {
		risk := r.NormFloat64()
		death, lost := r.ExpFloat64()*math.Exp(-risk), r.ExpFloat64()*2
		if i < half { // nobody of the test rows is lost early: their own weights would be another thing
			f.Train = append(f.Train, i)
		} else {
			lost *= 3
			f.Test = append(f.Test, i)
			p.Risk = append(p.Risk, risk+r.NormFloat64())
			p.Survival = append(p.Survival, math.Exp(-0.4*math.Exp(risk)), math.Exp(-0.8*math.Exp(risk)))
		}
		if y.Time[i] = min(death, lost); death <= lost {
			y.Event[i] = 1
		}
	}
	before := func(at float64, event int) float64 { // product over training times before, of those with this event (0: lost)
		g := 1.0
		for _, i := range f.Train {
			if y.Time[i] < at && y.Event[i] == event {
				left := 0.0
				for _, j := range f.Train {
					if y.Time[j] >= y.Time[i] {
						left++
					}
				}
				g *= 1 - 1/left
			}
		}
		return g
	}
	const at = 0.8
	brier, marginal, pairs, right, uno, unoRight := 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
	everybody := before(at+1e-12, 1)
	for i, a := range f.Test {
		s := p.Survival[i*2+1]
		switch {
		case y.Time[a] > at:
			brier += (1 - s) * (1 - s) / before(at+1e-12, 0) / half
			marginal += (1 - everybody) * (1 - everybody) / before(at+1e-12, 0) / half
		case y.Event[a] == 1:
			brier += s * s / before(y.Time[a], 0) / half
			marginal += everybody * everybody / before(y.Time[a], 0) / half
			for j, b := range f.Test {
				if y.Time[b] > at {
					pairs += 1 / before(y.Time[a], 0)
					if p.Risk[i] > p.Risk[j] {
						right += 1 / before(y.Time[a], 0)
					}
				}
			}
		}
		if y.Event[a] == 1 {
			for j, b := range f.Test {
				if g := before(y.Time[a], 0); y.Time[b] > y.Time[a] && g > 0 {
					uno += 1 / (g * g)
					if p.Risk[i] > p.Risk[j] {
						unoRight += 1 / (g * g)
					}
				}
			}
		}
	}
	result := Result{Folds: []FoldResult{{Fold: f, Models: []Prediction{p}}}}
	m := append(AtTime(at), survivalMeasures()[1])
	for k, want := range []float64{right / pairs, brier, marginal, unoRight / uno} {
		if got := result.Scores(m[k], y, 0)[0]; math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: %v, by definition %v", m[k].Title, got, want)
		}
	}
	if v := result.Scores(AtTime(0.7)[0], y, 0)[0]; !math.IsNaN(v) {
		t.Errorf("a time at which no curve was kept: %v", v)
	}
}
