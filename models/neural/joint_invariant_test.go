package neural

import (
	"context"
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
)

// both gives the patients of pictured a survival beside their class, shorter for the second class, with holes in each.
func both(rows int, size [3]int) models.Training {
	t := pictured(rows, size)
	r := work.Seed(6).Rand()
	os := clinical.Outcome{Name: "os", Kind: clinical.Survival, Unit: "d", Time: make([]float64, rows), Event: make([]int, rows)}
	for i := range rows {
		os.Time[i], os.Event[i] = 10+1000*r.ExpFloat64()/(1+9*float64(t.Y.Class[i])), r.IntN(4)/3
		switch i % 8 {
		case 3:
			t.Y.Class[i] = -1
		case 6:
			os.Time[i] = math.NaN()
		}
	}
	t.Joint = &models.Joint{Outcomes: []clinical.Outcome{t.Y, os}, Weights: []float64{1, 0.5}}
	return t
}

// A network of two outcomes has the same weights whichever is asked for, predicts each by a head of its own, and reads back as it was.
func TestJoint(t *testing.T) {
	for _, survival := range []string{coxHead, discreteHead} {
		data := both(48, [3]int{4, 4, 2})
		n := network(t, fusionKind, small(map[string]any{"survival": survival, "members": 2, "epochs": 6, "class_weights": "balanced"}))
		store, err := work.OpenStore(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		ctx := work.WithStore(context.Background(), store)
		first := fit(t, ctx, n, data)
		data.Joint.At, data.Y = 1, data.Joint.Outcomes[1]
		second := fit(t, ctx, n, data) // from what the first left in the store
		alone := fit(t, context.Background(), n, data)
		var parts [3]map[string][]byte
		for i, m := range []*Model{first, second, alone} {
			if parts[i], err = m.Encode(); err != nil {
				t.Fatal(err)
			}
		}
		if string(parts[0][weightsPart]) != string(parts[1][weightsPart]) || string(parts[1][weightsPart]) != string(parts[2][weightsPart]) {
			t.Error("other weights for the other outcome")
		}
		if string(parts[1][networkPart]) != string(parts[2][networkPart]) {
			t.Error("a fit from the store says other things")
		}
		p, err := first.Predict(data.X, nil)
		if err != nil || p.Kind != clinical.Class || len(p.Probabilities) != 96 {
			t.Fatalf("%v %d", err, len(p.Probabilities))
		}
		q, err := second.Predict(data.X, []float64{100})
		if err != nil || q.Kind != clinical.Survival || len(q.Risk) != 48 || math.IsNaN(q.Survival[3]) {
			t.Fatalf("%v %+v", err, q)
		}
		if _, err := second.GradCAM(data.X, 0); err != nil {
			t.Error(err)
		}
		for i, m := range []*Model{first, second} {
			back, err := decodeModel(fusionKind, parts[i])
			if err != nil {
				t.Fatal(err)
			}
			again, err := back.Predict(data.X, []float64{100})
			if err != nil {
				t.Fatal(err)
			}
			want, _ := m.Predict(data.X, []float64{100})
			for k := range want.Survival {
				if again.Survival[k] != want.Survival[k] {
					t.Fatalf("row %d: %g, was %g", k, again.Survival[k], want.Survival[k])
				}
			}
			for k := range want.Margin {
				if again.Margin[k] != want.Margin[k] {
					t.Fatalf("row %d: %g, was %g", k, again.Margin[k], want.Margin[k])
				}
			}
		}
	}
}

// Rows without an outcome weigh nothing in its loss: what stands there may be anything.
func TestUnknownOutcomesAreMasked(t *testing.T) {
	data := both(32, [3]int{4, 4, 2})
	n := network(t, fusionKind, small(map[string]any{"holdout": 0}))
	want, err := fit(t, context.Background(), n, data).Encode()
	if err != nil {
		t.Fatal(err)
	}
	for i := range data.X.Rows {
		if os := data.Joint.Outcomes[1]; !os.Known(i) {
			os.Event[i] = 1 - os.Event[i]
		}
	}
	got, err := fit(t, context.Background(), n, data).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if string(got[weightsPart]) != string(want[weightsPart]) {
		t.Error("the event of a patient whose time is not known changes the weights")
	}
}
