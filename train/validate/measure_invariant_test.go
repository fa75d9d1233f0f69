package validate_test

import (
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/train/validate"
	"pgregory.net/rapid"
)

// Every measure of every kind of outcome is within its bounds or not defined, for folds of one class, of nobody with the event, with ties,
// certain probabilities and infinite risks, and the mean over folds leaves undefined ones out.
func TestMeasuresOfExtremeFoldsInvariant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 25).Draw(t, "n")
		classes := rapid.SampledFrom([][]string{nil, {"a", "b"}, {"a", "b", "c", "d", "e"}}).Draw(t, "classes")
		o := clinical.Outcome{Name: "y", Kind: clinical.Class, Classes: classes}
		p := validate.Prediction{Prediction: models.Prediction{Kind: clinical.Class, Rows: n, Classes: classes}, Prevalence: rapid.Float64Range(0, 1).Draw(t, "prevalence")}
		if classes == nil {
			o.Kind, o.Unit, p.Kind, p.Times = clinical.Survival, "d", clinical.Survival, []float64{1, 2, 5}
		}
		alone := rapid.Bool().Draw(t, "one class")
		for range n {
			if classes == nil {
				o.Time = append(o.Time, float64(rapid.IntRange(1, 8).Draw(t, "time")))
				event := 0
				if !alone {
					event = rapid.IntRange(0, 1).Draw(t, "event")
				}
				o.Event = append(o.Event, event)
				p.Risk = append(p.Risk, rapid.SampledFrom([]float64{math.Inf(-1), -1, 0, 1, math.Inf(1)}).Draw(t, "risk"))
				s := 1.0
				for range p.Times {
					s *= rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(t, "step")
					p.Survival = append(p.Survival, s)
				}
				continue
			}
			class := 0
			if !alone {
				class = rapid.IntRange(0, len(classes)-1).Draw(t, "class")
			}
			o.Class = append(o.Class, class)
			certain := rapid.IntRange(0, len(classes)-1).Draw(t, "certain")
			q := rapid.SampledFrom([]float64{1, 0.6}).Draw(t, "q")
			for k := range classes {
				v := (1 - q) / float64(len(classes)-1)
				if k == certain {
					v = q
				}
				p.Probabilities = append(p.Probabilities, v)
			}
		}
		for _, m := range validate.Measures(o, validate.NestedCV) {
			v := m.Of(o, p)
			if math.IsNaN(v) {
				continue
			}
			high := m.Bounds[1]
			if classes == nil && (m.Name == "brier_t" || m.Name == "ibs") {
				high = math.Inf(1) // weights of censoring can take it past 1
			}
			if v < m.Bounds[0]-1e-12 || v > high+1e-12 || math.IsInf(v, 0) && !math.IsInf(high, 0) {
				t.Fatalf("%s is %v", m.Name, v)
			}
			e := validate.Summarise(validate.NestedCV, []validate.Fold{{Test: []int{0}, Train: []int{1}}, {Number: 1, Test: []int{1}, Train: []int{0}}}, []float64{v, math.NaN()}, 0.95, m.Bounds)
			if e.Folds != 1 || math.Abs(e.Value-v) > 1e-12 || !math.IsNaN(e.Low) {
				t.Fatalf("%s: one fold of two gives %+v", m.Name, e)
			}
		}
	})
}
