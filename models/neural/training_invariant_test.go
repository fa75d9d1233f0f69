package neural

import (
	"context"
	"math"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
)

// pictured are patients with a crop of two channels and two columns. The class is the product of the signs of what the image says (left
// brighter than right) and of the first column: neither alone says anything.
func pictured(rows int, size [3]int) models.Training {
	r := work.Seed(5).Rand()
	x := models.NewMatrix([]table.Column{{Name: "rna.A"}, {Name: "rna.B"}}, rows)
	v := models.Volumes{Source: "t1", Channels: []string{"image", "mask"}, Size: size, Spacing: [3]float64{1, 1, 1}, Crop: make([]int, rows)}
	y := clinical.Outcome{Name: "subtype", Kind: clinical.Class, Classes: []string{"A", "B"}, Class: make([]int, rows)}
	voxels := size[0] * size[1] * size[2]
	for i := range rows {
		side := float64(r.IntN(2)*2 - 1)
		x.Column(0)[i] = (r.Float64() + 0.5) * float64(r.IntN(2)*2-1)
		x.Column(1)[i] = r.NormFloat64()
		if side*x.Column(0)[i] > 0 {
			y.Class[i] = 1
		}
		v.Crop[i] = i
		for k := range voxels {
			half := 1.0
			if k%size[0] >= size[0]/2 {
				half = -1
			}
			v.Values = append(v.Values, float32(side*half+0.3*r.NormFloat64()))
		}
		for range voxels {
			v.Values = append(v.Values, 1)
		}
	}
	x.Volumes = []models.Volumes{v}
	return models.Training{X: x, Y: y, Seed: 9}
}

func network(t testing.TB, kind string, set map[string]any) Network {
	t.Helper()
	o, problems := models.Check(params(kind), set)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	n, err := newNetwork(kind, o)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func fit(t testing.TB, ctx context.Context, n Network, data models.Training) *Model {
	t.Helper()
	m, err := n.Fit(ctx, data)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*Model)
}

// variants are every way of building a network, small.
var variants = map[string]map[string]any{
	"3-D, residual, layer norm, gated, every disturbance": {"residual": true, "norm": "layer", "fusion": "gated", "augment": []any{"flip", "rotate", "scale", "elastic", "noise", "bias", "gamma"},
		"modality_dropout": 0.3, "dropout": 0.2, "label_smoothing": 0.1, "class_weights": "balanced"},
	"2.5-D, instance norm": {"dimensions": "2.5", "norm": "instance", "members": 2},
	"2-D, two blocks":      {"dimensions": "2", "norm": "none", "depth": 2, "residual": true},
}

func small(set map[string]any) map[string]any {
	out := map[string]any{"widths": []any{3, 5}, "epochs": 3, "hidden": []any{4}, "embedding": 6, "batch": 8}
	for k, v := range set {
		out[k] = v
	}
	return out
}

// The same seed gives the same weights, to the bit, at GOMAXPROCS 1, 2 and 4.
func TestSameSeedSameWeights(t *testing.T) {
	for name, set := range variants {
		t.Run(name, func(t *testing.T) {
			size := [3]int{6, 5, 3}
			if set["dimensions"] == "2" {
				size[2] = 1
			}
			data := pictured(24, size)
			var first string
			for _, procs := range []int{1, 2, 4} {
				before := runtime.GOMAXPROCS(procs)
				parts, err := fit(t, context.Background(), network(t, fusionKind, small(set)), data).Encode()
				runtime.GOMAXPROCS(before)
				if err != nil {
					t.Fatal(err)
				}
				if first == "" {
					first = string(parts[weightsPart])
				} else if string(parts[weightsPart]) != first {
					t.Errorf("other weights at GOMAXPROCS %d", procs)
				}
			}
		})
	}
}

// A planted product of image and gene is learnt by fusion, and by neither modality alone.
func TestFusionLearnsAProduct(t *testing.T) {
	train, test := pictured(160, [3]int{6, 4, 2}), pictured(240, [3]int{6, 4, 2})
	rows := make([]int, 80)
	for i := range rows {
		rows[i] = 160 + i // the first 160 patients of both are the same
	}
	test = test.Select(rows)
	accuracy := map[string]float64{}
	for _, kind := range []string{mlpKind, cnnKind, fusionKind} {
		set := map[string]any{"epochs": 60, "learning_rate": 0.01, "holdout": 0, "batch": 32}
		if kind != mlpKind {
			set["widths"], set["norm"], set["augment"] = []any{4, 6}, "none", []any{}
		}
		m := fit(t, context.Background(), network(t, kind, set), train)
		p, err := m.Predict(test.X, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, k := range test.Y.Class {
			if (p.Probabilities[2*i+1] > 0.5) == (k == 1) {
				accuracy[kind] += 1.0 / 80
			}
		}
	}
	if accuracy[fusionKind] < 0.9 || accuracy[mlpKind] > 0.7 || accuracy[cnnKind] > 0.7 {
		t.Errorf("accuracy %v", accuracy)
	}
}

// Training that was stopped and gone on with ends with the weights of training in one go.
func TestGoingOnFromACheckpoint(t *testing.T) {
	data := pictured(24, [3]int{4, 4, 2})
	n := network(t, fusionKind, small(map[string]any{"epochs": 12, "patience": 100}))
	whole, err := fit(t, context.Background(), n, data).Encode()
	if err != nil {
		t.Fatal(err)
	}
	store, err := work.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(work.WithStore(context.Background(), store))
	if _, err := n.Fit(&stopping{ctx, cancel, 20}, data); err == nil {
		t.Fatal("it was not stopped")
	}
	resumed := fit(t, work.WithStore(context.Background(), store), n, data)
	parts, err := resumed.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if string(parts[weightsPart]) != string(whole[weightsPart]) {
		t.Error("other weights after going on")
	}
}

// stopping is a context that ends after it was asked a number of times.
type stopping struct {
	context.Context
	cancel context.CancelFunc
	left   int
}

func (s *stopping) Err() error {
	if s.left--; s.left < 0 {
		s.cancel()
	}
	return s.Context.Err()
}

// A patient may lack image or table, at training and at prediction; one who lacks both is an error.
func TestMissingModalities(t *testing.T) {
	data := pictured(40, [3]int{4, 4, 2})
	for i := range 8 {
		data.X.Volumes[0].Crop[i] = -1
		data.X.Column(0)[10+i], data.X.Column(1)[10+i] = math.NaN(), math.NaN()
	}
	for _, fusion := range []string{concat, gated} {
		m := fit(t, context.Background(), network(t, fusionKind, small(map[string]any{"fusion": fusion, "modality_dropout": 0.4})), data)
		p, err := m.Predict(data.X, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range p.Probabilities {
			if !(v > 0 && v < 1) {
				t.Fatalf("%s: probability %d is %g", fusion, i, v)
			}
		}
	}
	data.X.Column(0)[0], data.X.Column(1)[0] = math.NaN(), math.NaN()
	if _, err := network(t, fusionKind, small(nil)).Fit(context.Background(), data); err == nil {
		t.Error("a patient without anything was learnt from")
	}
}

// Frozen layers keep what they started with, and the start is another network's weights.
func TestTransfer(t *testing.T) {
	data := pictured(24, [3]int{4, 4, 2})
	first := fit(t, context.Background(), network(t, cnnKind, map[string]any{"widths": []any{3, 5}, "epochs": 2}), data)
	parts, err := first.Encode()
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/start.safetensors"
	if err := work.WriteFile(file, parts[weightsPart], 0o600); err != nil {
		t.Fatal(err)
	}
	second := fit(t, context.Background(), network(t, cnnKind, map[string]any{"widths": []any{3, 5}, "epochs": 2, "start": file, "freeze": []any{"image.level0"}}), data)
	moved := false
	for i, w := range second.Members[0] {
		for k, v := range w.Values {
			same := v == first.Members[0][i].Values[k]
			if frozen := w.Name[:min(12, len(w.Name))] == "image.level0"; frozen && !same {
				t.Fatalf("%s moved", w.Name)
			} else if !frozen && !same {
				moved = true
			}
		}
	}
	if !moved {
		t.Error("nothing was learnt")
	}
	if _, err := network(t, cnnKind, map[string]any{"freeze": []any{"nothing"}}).Fit(context.Background(), data); err == nil {
		t.Error("a layer that is not there was frozen")
	}
}

// Many predictions and a training at once finish, and predictions are those of one at a time: nothing waits for ever.
func TestNoDeadlock(t *testing.T) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		data := pictured(24, [3]int{8, 8, 4})
		m := fit(t, context.Background(), network(t, fusionKind, small(nil)), data)
		want, err := m.Predict(data.X, nil)
		if err != nil {
			t.Error(err)
			return
		}
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for range 5 {
					got, err := m.Predict(data.X, nil)
					if err != nil {
						t.Error(err)
						return
					}
					for i, v := range got.Probabilities {
						if v != want.Probabilities[i] {
							t.Errorf("row %d: %g, alone %g", i/2, v, want.Probabilities[i])
							return
						}
					}
				}
			})
		}
		group.Go(func() { _, _ = network(t, fusionKind, small(nil)).Fit(context.Background(), data) })
		group.Wait()
	}()
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		t.Fatal("predictions at once did not finish in two minutes")
	}
}

// A backend that is not there is replaced by Go, with a warning; its parallel mode is never used.
func TestBackends(t *testing.T) {
	for _, name := range []string{"xla:cpu", "nonsense", "go:ops_parallel"} {
		warning, err := Use(name)
		if err != nil || warning == "" || engineName() != defaultBackend {
			t.Errorf("%s: %q, %v, using %s", name, warning, err, engineName())
		}
	}
	if warning, err := Use("go"); err != nil || warning != "" || engineName() != defaultBackend {
		t.Errorf("go: %q, %v", warning, err)
	}
}

// Bytes of any kind are read or refused, never a panic.
func FuzzTensors(f *testing.F) {
	a := Architecture{Columns: 2, Hidden: []int{3}, Heads: []Head{{Kind: coxHead, Weight: 1}}}
	b, err := encodeTensors([]Weights{a.initial(1)}, memberName)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:9])
	f.Fuzz(func(t *testing.T, b []byte) {
		if all, err := decodeTensors(b); err == nil {
			for name, x := range all {
				w := Weight{Shape: x.shape}
				if w.size() != len(x.values) {
					t.Errorf("%s: %d values for %v", name, len(x.values), x.shape)
				}
			}
		}
	})
}
