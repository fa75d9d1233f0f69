package neural

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/work"
)

// What training leaves out is as often as asked, never all that a patient has, and the network is told.
func TestModalityDropout(t *testing.T) {
	const rows, share = 400, 0.6
	data := pictured(rows, [3]int{4, 4, 2})
	n := network(t, fusionKind, small(nil))
	a, crops, err := n.architecture(data)
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDataset(data.X, newScale(data.X), crops, a.Image, a.Columns)
	if err != nil {
		t.Fatal(err)
	}
	how := &disturb{seed: 4, modality: share, width: a.lastWidth()}
	lost := [2]int{}
	for i := range rows {
		in := d.batch(&a, []int{i}, how)
		image, columns, present := in[0].values, in[1].values, in[2].values
		for k, values := range [][]float32{image, columns} {
			empty := !slices.ContainsFunc(values, func(v float32) bool { return v != 0 })
			if empty != (present[k] == 0) {
				t.Fatalf("row %d: modality %d is empty: %v, and the network is told %g", i, k, empty, present[k])
			}
			if empty {
				lost[k]++
			}
		}
		if present[0]+present[1] == 0 {
			t.Fatalf("row %d lost all that it has", i)
		}
	}
	for k, got := range lost { // standard error 9
		if math.Abs(float64(got)-rows*share/2) > 36 {
			t.Errorf("modality %d was left out of %d of %d samples; %g was asked for", k, got, rows, share/2)
		}
	}
}

// The loss of several outcomes is the sum of theirs times the weights, and so is its gradient.
func TestWeightsOfOutcomes(t *testing.T) {
	gradients := func(first, second float64) [][]float32 {
		data := both(24, [3]int{4, 4, 2})
		data.Joint.Weights = []float64{first, second}
		n := network(t, fusionKind, small(nil))
		a, crops, err := n.architecture(data)
		if err != nil {
			t.Fatal(err)
		}
		d, err := newDataset(data.X, newScale(data.X), crops, a.Image, a.Columns)
		if err != nil {
			t.Fatal(err)
		}
		one := training{n: n, a: &a, d: d, seed: 3}
		for h, y := range data.Joint.Outcomes {
			one.y = append(one.y, newLearnt(a.Heads[h], y, nil, false, 0))
		}
		arch, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		p, err := compiled("train 24 "+string(arch), a.gradients(n.frozen))
		if err != nil {
			t.Fatal(err)
		}
		rows := make([]int, 24)
		for i := range rows {
			rows[i] = i
		}
		g, err := one.step(p, a.initial(5), rows, 24, &disturb{width: a.lastWidth()})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	equal, first, second := gradients(1, 1), gradients(2, 1), gradients(1, 2)
	differ := false
	for i := range equal {
		for k, v := range equal[i] {
			differ = differ || first[i][k] != second[i][k]
			if sum := first[i][k] + second[i][k]; math.Abs(float64(sum-3*v)) > 1e-4*(1+math.Abs(float64(v))) {
				t.Fatalf("weight %d, place %d: %g and %g for weights (2, 1) and (1, 2), %g for (1, 1)", i, k, first[i][k], second[i][k], v)
			}
		}
	}
	if !differ {
		t.Error("the weights of outcomes change nothing")
	}
}

// Gamma keeps the order of values and their range; a bias field is a smooth factor.
func TestGammaAndBias(t *testing.T) {
	size := [3]int{9, 8, 7}
	values := make([]float32, 9*8*7)
	for i, x := range random("values", len(values)) {
		values[i] = float32(x)
	}
	low, high := slices.Min(values), slices.Max(values)
	v := slices.Clone(values)
	gammaOf(v, 1.4)
	if slices.Equal(v, values) || slices.Min(v) != low || math.Abs(float64(slices.Max(v)-high)) > 1e-6 {
		t.Errorf("gamma: values from %g to %g, were %g to %g", slices.Min(v), slices.Max(v), low, high)
	}
	for i := range v {
		for j := range v[:i] {
			if (values[i] < values[j]) != (v[i] < v[j]) && values[i] != values[j] {
				t.Fatal("gamma changes the order of values")
			}
		}
	}
	flat := slices.Repeat([]float32{1}, len(values))
	flat[0] = 0 // what values are taken from
	bias(flat, size, 1, work.Seed(3).Rand())
	least, most := slices.Min(flat[1:]), slices.Max(flat[1:])
	if !(least > 0.2 && most < 5 && most-least > 0.02) {
		t.Errorf("bias: factors from %g to %g", least, most)
	}
	for i := 2; i < len(flat); i++ {
		if i%size[0] > 0 && math.Abs(math.Log(float64(flat[i]/flat[i-1]))) > 0.25 {
			t.Errorf("bias: a step from %g to %g between neighbours", flat[i-1], flat[i])
		}
	}
}

// Slices that are pooled by attention have no order; those of a volume have.
func TestAttentionKnowsNoOrder(t *testing.T) {
	size := [3]int{4, 4, 3}
	data := pictured(16, size)
	turned := data.X
	turned.Volumes = slices.Clone(data.X.Volumes)
	v := &turned.Volumes[0]
	v.Values = slices.Clone(v.Values)
	for slab := 0; slab < len(v.Values); slab += 48 { // of a channel: its first and second slice change places
		for k := range 16 {
			v.Values[slab+k], v.Values[slab+16+k] = v.Values[slab+16+k], v.Values[slab+k]
		}
	}
	for dimensions, ordered := range map[string]bool{slicewise: false, threeDimension: true} {
		m := fit(t, context.Background(), network(t, cnnKind, map[string]any{"dimensions": dimensions, "widths": []any{3}, "epochs": 2}), data)
		p, err := m.Predict(data.X, nil)
		if err != nil {
			t.Fatal(err)
		}
		q, err := m.Predict(turned, nil)
		if err != nil {
			t.Fatal(err)
		}
		most := 0.0
		for i := range p.Margin {
			most = max(most, math.Abs(p.Margin[i]-q.Margin[i]))
		}
		if (most > 1e-5) != ordered {
			t.Errorf("dimensions %s: log-odds move by %g where slices change places", dimensions, most)
		}
	}
}

// Training that diverges is an error that says so, and no model.
func TestDivergence(t *testing.T) {
	n := network(t, fusionKind, small(nil))
	n.Rate, n.Clip = 1e30, 0
	m, err := n.Fit(context.Background(), pictured(16, [3]int{4, 4, 2}))
	if err == nil || m != nil || !strings.Contains(err.Error(), "training diverged in epoch 1: weights are no longer numbers; lower learning_rate") {
		t.Errorf("%v, %v", m, err)
	}
}

// What the file to start from holds counts, not its name: a checkpoint of training from another is left alone. Notes say what was taken.
func TestStartOfAnotherFile(t *testing.T) {
	data := pictured(16, [3]int{4, 4, 2})
	store, err := work.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx := work.WithStore(context.Background(), store)
	path := filepath.Join(t.TempDir(), "start.safetensors")
	var fits []*Model
	for _, seed := range []work.Seed{1, 2} {
		data.Seed = seed
		first := fit(t, context.Background(), network(t, cnnKind, map[string]any{"widths": []any{3, 5}, "epochs": 1}), data)
		parts, err := first.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, parts[weightsPart], 0o600); err != nil {
			t.Fatal(err)
		}
		data.Seed = 9
		fits = append(fits, fit(t, ctx, network(t, cnnKind, map[string]any{"widths": []any{3, 4}, "epochs": 2, "holdout": 0, "start": path}), data))
	}
	if slices.Equal(fits[0].Members[0][0].Values, fits[1].Members[0][0].Values) {
		t.Error("another file to start from gives the same weights")
	}
	notes := strings.Join(fits[0].Notes(), " ")
	if !strings.Contains(notes, "began with 4 of 8 tensors") || !strings.Contains(notes, "drawn anew: image.level1.block0.conv1.weight, ") {
		t.Error(notes)
	}
	if err := network(t, cnnKind, map[string]any{"start": path + ".no"}).Foresee(data.X); err == nil {
		t.Error("a file that is not there was not foreseen")
	}
	if err := network(t, cnnKind, map[string]any{"freeze": []any{"image.level7"}}).Foresee(data.X); err == nil {
		t.Error("a layer that is not there was not foreseen")
	}
	data.X.Volumes = nil
	if err := network(t, cnnKind, nil).Foresee(data.X); err == nil {
		t.Error("images that are not there were not foreseen")
	}
}
