package neural

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/encoder"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/pipeline"
)

// The step trains its network on training rows alone and adds the activations that the network's own head reads; it comes back from a bundle to the
// bit, lets other columns pass, and gives a row without an image missing values.
func TestDeepStep(t *testing.T) {
	for name, set := range map[string]map[string]any{"3-D": {}, "2.5-D": {"dimensions": "2.5"}, "a level": {"layer": "image.level0", "residual": true}} {
		data := pictured(24, [3]int{6, 4, 2})
		for j := range data.X.Columns {
			data.X.Columns[j].Source = "t1"
		}
		data.X.Volumes[0].Crop[3] = -1
		k, _ := pipeline.Lookup(deepStep)
		options := map[string]any{"widths": []any{3, 4}, "epochs": 2}
		for key, v := range set {
			options[key] = v
		}
		o, problems := models.Check(k.Params, options)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		step, err := k.New(o)
		if err != nil {
			t.Fatal(err)
		}
		fitted, err := step.Fit(context.Background(), data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := fitted.Apply(data.X)
		if err != nil {
			t.Fatal(err)
		}
		width := 4
		if name == "a level" {
			width = 3
		}
		if len(got.Columns) != 2+width || got.Columns[2].Name != "t1.deep_0" || got.Column(1)[5] != data.X.Column(1)[5] {
			t.Fatalf("%s: columns %v", name, got.Columns)
		}
		state, err := fitted.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := k.Decode(data.X.Columns, state)
		if err != nil {
			t.Fatal(err)
		}
		other, err := again.Apply(data.X.Select([]int{9, 3}))
		if err != nil {
			t.Fatal(err)
		}
		for j := range got.Columns {
			if other.Column(j)[0] != got.Column(j)[9] {
				t.Errorf("%s: column %d is another after a bundle", name, j)
			}
		}
		if !math.IsNaN(other.Column(2)[1]) {
			t.Errorf("%s: a row without an image has %g", name, other.Column(2)[1])
		}
		if name != "3-D" {
			continue
		}
		// What is kept is what the head reads: head · features + bias is the network's output.
		var rows []int
		for i := range 24 {
			if i != 3 {
				rows = append(rows, i)
			}
		}
		trained := data.Select(rows)
		m := fit(t, context.Background(), step.(deep).network, trained)
		p, err := m.Predict(trained.X, nil)
		if err != nil {
			t.Fatal(err)
		}
		var head, bias Weight
		for _, w := range m.Members[0] {
			switch w.Name {
			case "head0.weight":
				head = w
			case "head0.bias":
				bias = w
			}
		}
		for n, i := range rows {
			margin := float64(bias.Values[1] - bias.Values[0])
			for c := range width {
				margin += float64(head.Values[width+c]-head.Values[c]) * got.Column(2 + c)[i]
			}
			if math.Abs(margin-p.Margin[n]) > 1e-5*(1+math.Abs(margin)) {
				t.Fatalf("row %d: the features give %g and the network %g", i, margin, p.Margin[n])
			}
		}
		changed := data
		changed.X = data.X.Select([]int{9, 3})
		if made, err := fitted.Apply(changed.X); err != nil || made.Column(2)[0] != got.Column(2)[9] {
			t.Errorf("a row has other features beside other rows: %v", err)
		}
		data.X.Volumes = nil
		without, err := step.Fit(context.Background(), data)
		if err != nil || len(without.Columns()) != 2 {
			t.Errorf("without images: %v", err)
		}
	}
}

// A bundle's network is an encoder by its convolutional part alone: every layer, the mean crop of its patients beside it, and no weight of a head.
func TestFrozenNetwork(t *testing.T) {
	data := pictured(12, [3]int{6, 4, 2})
	m := fit(t, context.Background(), network(t, fusionKind, small(nil)), data)
	parts, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	b, err := freeze(frozenText(m.Architecture.Image, m.Levels, m.Reads), parts[weightsPart], parts[meanPart])
	if err != nil {
		t.Fatal(err)
	}
	if again, err := encoder.Freeze(b); err != nil || string(again) != string(b) {
		t.Errorf("a frozen network is frozen once more: %v", err)
	}
	v := data.X.Volumes[0]
	for layer, width := range map[string]int{"": 5, "image.pooled": 5, "image.level0": 3} {
		e, err := encoder.Open(b, layer)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Encode(encoder.Crop{Values: v.Of(2), Channels: v.Channels, Size: v.Size})
		if err != nil || len(got) != width {
			t.Errorf("%q: %d numbers, %v", layer, len(got), err)
		}
		if mean := e.(encoder.Trained).MeanCrop(); len(mean) != len(v.Of(0)) {
			t.Errorf("a mean crop of %d", len(mean))
		}
		if _, err := e.Encode(encoder.Crop{Values: v.Of(2)[:24], Channels: v.Channels[:1], Size: [3]int{6, 4, 1}}); err == nil {
			t.Error("a crop of another size was encoded")
		}
	}
	if _, err := encoder.Open(b, "head0"); err == nil {
		t.Error("a layer that is not there was opened")
	}
	tensors, err := decodeTensors(b)
	if err != nil {
		t.Fatal(err)
	}
	for name := range tensors {
		if name != meanTensor && name[:6] != "image." {
			t.Errorf("%s is kept", name)
		}
	}
}

// Bytes of any kind are an encoder or refused, never a panic.
func FuzzFrozen(f *testing.F) {
	e := &Encoder{Dimensions: "3", Channels: 1, Size: [3]int{4, 4, 2}, Widths: []int{2}, Depth: 1, Kernel: 3, Norm: noNorm}
	a := Architecture{Image: e, Heads: []Head{{Kind: coxHead, Weight: 1}}}
	weights, err := encodeTensors([]Weights{a.initial(1)}, memberName)
	if err != nil {
		f.Fatal(err)
	}
	b, err := freeze(frozenPart{Encoder: e, Masks: []bool{false}}, weights, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, b []byte) {
		b, err := encoder.Freeze(b)
		if err != nil {
			return
		}
		if got, err := openFrozen(b, ""); err == nil {
			if _, err := got.Encode(encoder.Crop{Values: make([]float32, 32), Channels: []string{"image"}, Size: [3]int{4, 4, 2}}); err != nil {
				t.Log(err)
			}
		}
	})
}

// Of an average of networks, each gives its features, one behind the other.
func TestFrozenMembers(t *testing.T) {
	data := pictured(12, [3]int{6, 4, 2})
	m := fit(t, context.Background(), network(t, cnnKind, map[string]any{"widths": []any{3, 4}, "epochs": 2, "members": 2, "holdout": 0.3}), data)
	frozenOf := func(m *Model) encoder.Encoder {
		parts, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		b, err := freeze(frozenText(m.Architecture.Image, m.Levels, m.Reads), parts[weightsPart], parts[meanPart])
		if err != nil {
			t.Fatal(err)
		}
		e, err := encoder.Open(b, "")
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	v := data.X.Volumes[0]
	crop := encoder.Crop{Values: v.Of(2), Channels: v.Channels, Size: v.Size}
	got, err := frozenOf(m).Encode(crop)
	if err != nil {
		t.Fatal(err)
	}
	var want []float64
	for k := range m.Members {
		one := *m
		one.Members = m.Members[k : k+1]
		features, err := frozenOf(&one).Encode(crop)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, features...)
	}
	if !slices.Equal(got, want) || slices.Equal(want[:len(want)/2], want[len(want)/2:]) {
		t.Errorf("two networks give %v, and one by one %v", got, want)
	}
}

// The step stands behind others that make columns of their own.
func TestDeepStepBehindEncode(t *testing.T) {
	data := pictured(24, [3]int{6, 4, 2})
	data.X.Columns = append(slices.Clone(data.X.Columns), table.Column{Name: "clinical.sex", Source: "clinical", Kind: table.Categorical, Levels: []string{"f", "m"}})
	for i := range 24 {
		data.X.Values = append(data.X.Values, float64(i%2))
	}
	data.X.Columns[0].Source = "t1"
	chain, err := pipeline.New([]pipeline.Spec{with(t, "encode", nil), with(t, deepStep, map[string]any{"widths": []any{3}, "epochs": 1}), with(t, "scale", nil)})
	if err != nil {
		t.Fatal(err)
	}
	fitted, err := chain.Fit(context.Background(), data)
	if err != nil {
		t.Fatal(err)
	}
	out, err := fitted.Apply(data.X)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range out.Columns {
		names = append(names, c.Name)
	}
	for _, want := range []string{"clinical.sex=m", "t1.deep_2"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not in %v", want, names)
		}
	}
	for _, c := range out.Columns {
		if c.Name == "clinical.sex=m" && !slices.Equal(c.From, []string{"clinical.sex"}) {
			t.Errorf("%s is said to be made from %v", c.Name, c.From)
		}
	}
}

// with is a step with its options made complete.
func with(t *testing.T, step string, set map[string]any) pipeline.Spec {
	t.Helper()
	k, _ := pipeline.Lookup(step)
	o, problems := models.Check(k.Params, set)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return pipeline.Spec{Step: step, Options: o}
}
