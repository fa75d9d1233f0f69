//go:build onnx || xla

package neural

import (
	"context"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/pipeline"
)

// onBackends runs what is to be the same on Go and on another backend.
func onBackends(t *testing.T, other string, do func()) {
	t.Helper()
	for _, name := range []string{"go", other} {
		if warning, err := Use(name); err != nil || warning != "" {
			t.Fatalf("%s: %s %v", name, warning, err)
		}
		do()
	}
	if _, err := Use("go"); err != nil {
		t.Fatal(err)
	}
}

// near compares what two backends say, to 1e-4 of the largest.
func near(t *testing.T, what string, a, b []float64) {
	t.Helper()
	if len(a) != len(b) {
		t.Fatalf("%s: %d and %d numbers", what, len(a), len(b))
	}
	top := 1e-3
	for _, v := range a {
		top = max(top, math.Abs(v))
	}
	worst := 0.0
	for i := range a {
		worst = max(worst, math.Abs(a[i]-b[i])/top)
	}
	t.Logf("%s: %.1e of the largest", what, worst)
	if !(worst <= 1e-4) {
		t.Errorf("%s: the backends are %g of the largest apart", what, worst)
	}
}

// backendAgainstGo: with the same weights another backend and Go predict, locate and explain alike and have the same gradients, to 1e-4; from the same seed they train
// networks that say the same: for every way of building a network.
func backendAgainstGo(t *testing.T, other string) {
	for name, set := range variants {
		t.Run(name, func(t *testing.T) {
			size := [3]int{6, 5, 3}
			if set["dimensions"] == "2" {
				size[2] = 1
			}
			data := pictured(24, size)
			var trained *Model
			var said [2]map[string][]float64
			var slopes, after [2][]float64
			at := 0
			onBackends(t, other, func() {
				m := fit(t, context.Background(), network(t, fusionKind, small(set)), data)
				p, err := m.Predict(data.X, nil)
				if err != nil {
					t.Fatal(err)
				}
				after[at], slopes[at] = p.Probabilities, gradientsOf(t, m, data)
				if at == 0 {
					trained = m
				}
				m = trained // the same weights
				if p, err = m.Predict(data.X, nil); err != nil {
					t.Fatal(err)
				}
				got := map[string][]float64{"probability": p.Probabilities, "margin": p.Margin}
				one := data.X.Select([]int{1, 7})
				for class := range 2 { // the map of one may be blank, where all speaks against it
					located, err := m.GradCAM(one, class)
					if err != nil {
						t.Fatal(err)
					}
					for _, v := range located[1] {
						got["Grad-CAM"] = append(got["Grad-CAM"], float64(v))
					}
				}
				if slices.Max(got["Grad-CAM"]) == 0 {
					t.Error("the maps of both classes are blank")
				}
				c, err := m.Attribute(context.Background(), one, models.AttributionRequest{Method: integratedGradients, Scale: "log-odds", Background: data.X.Select([]int{0, 3}), Shares: []float64{0.5, 0.5}, Maps: true})
				if err != nil {
					t.Fatal(err)
				}
				got["contributions"] = append(c.Values, c.Images[0].Totals...)
				for _, v := range c.Images[0].Maps[0] {
					got["map"] = append(got["map"], float64(v))
				}
				said[at] = got
				at++
			})
			for what, v := range said[0] {
				near(t, what, v, said[1][what])
			}
			near(t, "gradients", slopes[0], slopes[1])
			near(t, "probability after training", after[0], after[1])
		})
	}
}

// backendTraining: a whole training of some epochs ends in the same network, to 1e-4 of the largest margin: of classes, and of survival, where patients at risk are
// compared within a replica and the other backend computes the batch in one piece.
func backendTraining(t *testing.T, other string) {
	classes := pictured(40, [3]int{8, 8, 6})
	survival := classes
	r := work.Seed(3).Rand()
	survival.Y = clinical.Outcome{Name: "os", Kind: clinical.Survival, Unit: "mo"}
	for i := range classes.Y.Class {
		k := i % 2 // of a texture that is rough
		image := classes.X.Volumes[0].Of(i)
		for j := range len(image) / 2 * k {
			image[j] *= float32(1 - 2*(j%2))
		}
		classes.Y.Class[i] = k
		survival.Y.Time, survival.Y.Event = append(survival.Y.Time, (0.5+r.ExpFloat64())*float64(1+k)), append(survival.Y.Event, min(1, r.IntN(4)))
	}
	for _, c := range []struct {
		name, kind string
		data       models.Training
		set        map[string]any
	}{
		{"classes", cnnKind, classes, nil},
		{"classes, layer norm", cnnKind, classes, map[string]any{"norm": layerNorm}},
		{"classes, concat", fusionKind, classes, map[string]any{"fusion": concat, "modality_dropout": 0.2}},
		{"classes, table alone", mlpKind, classes, map[string]any{"hidden": []any{5}, "learning_rate": 0.1}},
		{"survival", cnnKind, survival, nil},
		{"survival, layer norm", cnnKind, survival, map[string]any{"norm": layerNorm}},
		{"survival in discrete time, bilinear", fusionKind, survival, map[string]any{"fusion": bilinear, "survival": "discrete_time", "intervals": 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := map[string]any{"epochs": 6, "batch": 10, "learning_rate": 0.02, "holdout": 0}
			if c.kind != mlpKind {
				set["widths"] = []any{3, 5}
			}
			maps.Copy(set, c.set)
			var margins [][]float64
			onBackends(t, other, func() {
				m := fit(t, context.Background(), network(t, c.kind, set), c.data)
				p, err := m.Predict(c.data.X, nil)
				if err != nil {
					t.Fatal(err)
				}
				margins = append(margins, append(p.Margin, p.Risk...))
			})
			if slices.Max(margins[0])-slices.Min(margins[0]) < 0.1 {
				t.Errorf("nothing was learnt: margins lie within %g", slices.Max(margins[0])-slices.Min(margins[0]))
			}
			near(t, "margin", margins[0], margins[1])
		})
	}
}

// backendDeepFeatures: the features of every layer of a network that was trained in a fold on Go are the same on another backend.
func backendDeepFeatures(t *testing.T, other string) {
	data := pictured(24, [3]int{6, 4, 2})
	for j := range data.X.Columns {
		data.X.Columns[j].Source = "t1"
	}
	k, _ := pipeline.Lookup(deepStep)
	for _, layer := range []string{"image.level0", "image.pooled"} {
		o, problems := models.Check(k.Params, map[string]any{"widths": []any{3, 4}, "epochs": 2, "layer": layer})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		step, err := k.New(o)
		if err != nil {
			t.Fatal(err)
		}
		var state []byte
		var made [][]float64
		onBackends(t, other, func() {
			if state == nil {
				fitted, err := step.Fit(context.Background(), data)
				if err != nil {
					t.Fatal(err)
				}
				if state, err = fitted.Encode(); err != nil {
					t.Fatal(err)
				}
			}
			again, err := k.Decode(data.X.Columns, state)
			if err != nil {
				t.Fatal(err)
			}
			x, err := again.Apply(data.X)
			if err != nil {
				t.Fatal(err)
			}
			made = append(made, x.Values)
		})
		near(t, layer, made[0], made[1])
	}
}

// gradientsOf are those of a loss by every weight, at the weights that training begins with.
func gradientsOf(t *testing.T, m *Model, data models.Training) []float64 {
	t.Helper()
	d, err := m.dataset(data.X)
	if err != nil {
		t.Fatal(err)
	}
	a := &m.Architecture
	one := training{a: a, d: d, y: []*learnt{newLearnt(a.Heads[0], data.Y, nil, false, 0)}}
	p, err := compiled("gradients of "+t.Name(), a.gradients(one.n.frozen))
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]int, data.X.Rows)
	for i := range rows {
		rows[i] = i
	}
	g, err := one.step(p, a.initial(1), rows, len(rows), &disturb{seed: 1, width: a.lastWidth()})
	if err != nil {
		t.Fatal(err)
	}
	var out []float64
	for _, w := range g {
		for _, v := range w {
			out = append(out, float64(v))
		}
	}
	return out
}
