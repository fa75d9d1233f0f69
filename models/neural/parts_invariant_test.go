package neural

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/work"
)

// Each disturbance changes the image, is the same for the same seed, leaves what it must: a mask its values but for where they lie, an image its range
// but for noise, bias and gamma; and a strength of 0 is none at all.
func TestAugmentations(t *testing.T) {
	e := &Encoder{Dimensions: threeDimension, Size: [3]int{7, 6, 5}}
	const voxels = 7 * 6 * 5
	image, mask := make([]float32, voxels), make([]float32, voxels)
	for i, x := range random("crop", voxels) {
		image[i], mask[i] = float32(x), float32(i/3%2)
	}
	for _, name := range Augmentations {
		run := func(seed work.Seed) ([]float32, []float32) {
			to := [][]float32{make([]float32, voxels), make([]float32, voxels)}
			newAugmentation([]string{name}, 1).apply(to, [][]float32{image, mask}, []bool{false, true}, e, seed.Rand())
			return to[0], to[1]
		}
		a, m := run(3)
		if b, _ := run(3); !slices.Equal(a, b) {
			t.Errorf("%s: the same seed gives another image", name)
		}
		changed := 0
		for seed := range work.Seed(20) {
			if b, _ := run(seed); !slices.Equal(b, image) {
				changed++
			}
		}
		if changed < 10 {
			t.Errorf("%s: changed %d of 20 images", name, changed)
		}
		moves := slices.Contains([]string{"flip", "rotate", "scale", "elastic"}, name)
		if !moves && !slices.Equal(m, mask) {
			t.Errorf("%s: changed the mask", name)
		}
		low, high := slices.Min(image), slices.Max(image)
		if moves && (slices.Min(a) < low || slices.Max(a) > high) {
			t.Errorf("%s: values from %g to %g, were %g to %g", name, slices.Min(a), slices.Max(a), low, high)
		}
		if name == "flip" {
			was, is := slices.Sorted(slices.Values(image)), slices.Sorted(slices.Values(a))
			if !slices.Equal(was, is) {
				t.Error("flip: other values")
			}
		}
		if newAugmentation([]string{name}, 0) != nil {
			t.Errorf("%s: a strength of 0 disturbs", name)
		}
	}
}

// Turning axes around by copies is turning them around by reading every place between voxels.
func TestMirror(t *testing.T) {
	size := [3]int{5, 4, 3}
	from := make([]float32, 5*4*3)
	for k := range from {
		from[k] = float32(k*k%17) - 8
	}
	for turned := range 8 {
		m := motion{size: size, affine: [9]float64{1, 0, 0, 0, 1, 0, 0, 0, 1}}
		for a := range 3 {
			if turned>>a&1 == 1 {
				m.affine[4*a] = -1
			}
		}
		want, got := make([]float32, len(from)), make([]float32, len(from))
		m.resample(want, from)
		m.mirror(got, from)
		if !m.mirrors() || !slices.Equal(got, want) {
			t.Errorf("axes %03b: %v, want %v", turned, got, want)
		}
	}
	for _, other := range []motion{{affine: [9]float64{1, 0, 0, 0, 1, 0.1, 0, 0, 1}}, {affine: [9]float64{1.1, 0, 0, 0, 1, 0, 0, 0, 1}}, {affine: [9]float64{1, 0, 0, 0, 1, 0, 0, 0, 1}, field: []float64{0}}} {
		if other.mirrors() {
			t.Errorf("%v only mirrors", other)
		}
	}
}

// Label smoothing spreads its share over all classes; balanced weights give every class the same sum; both as scikit-learn and Szegedy and
// others (arXiv:1512.00567, section 7) define them.
func TestTargets(t *testing.T) {
	y := clinical.Outcome{Kind: clinical.Class, Classes: []string{"a", "b", "c"}, Class: []int{0, 0, 0, 1, 1, 2, -1}}
	l := newLearnt(Head{Kind: classesHead, Classes: 3}, y, nil, true, 0.3)
	for i, want := range []float64{6.0 / 3 / 3, 6.0 / 3 / 3, 6.0 / 3 / 3, 6.0 / 3 / 2, 6.0 / 3 / 2, 6.0 / 3, 0} {
		if math.Abs(l.weights[i]-want) > 1e-12 {
			t.Errorf("row %d weighs %g, want %g", i, l.weights[i], want)
		}
	}
	got := l.targets([]int{0, 5, 6, -1}, 2, 4)
	for c, want := range [][]float32{{0.8, 0.1, 0, 0}, {0.1, 0.1, 0, 0}, {0.1, 0.8, 0, 0}} {
		for b := range want {
			if math.Abs(float64(got[0].values[c*4+b]-want[b])) > 1e-6 {
				t.Errorf("class %d of sample %d is wanted %g, should be %g", c, b, got[0].values[c*4+b], want[b])
			}
		}
	}
	if got[1].values[1] != 1 || got[1].values[2] != 0 || got[1].values[3] != 0 {
		t.Errorf("weights %v", got[1].values)
	}
}

// The members of an ensemble each hold out another part of the patients, and together all of them; a patient's rows stay together.
func TestMembersWatchAllPatients(t *testing.T) {
	data := pictured(30, [3]int{4, 4, 2})
	for i := range 30 {
		data.Groups = append(data.Groups, i/2)
	}
	n := network(t, fusionKind, map[string]any{"holdout": 0.2, "members": 5})
	folds := n.folds(data)
	watched := make([]int, 30)
	for k := range n.Members {
		one := training{n: n, d: &dataset{rows: 30}}
		one.split(folds, k)
		if len(one.watch)+len(one.learn) != 30 {
			t.Errorf("member %d watches %d and learns from %d of 30", k, len(one.watch), len(one.learn))
		}
		for _, i := range one.watch {
			watched[i]++
			if !slices.Contains(one.watch, i^1) {
				t.Errorf("member %d watches one row of a patient and learns from the other", k)
			}
		}
	}
	for i, times := range watched {
		if times != 1 {
			t.Errorf("row %d is watched by %d members", i, times)
		}
	}
}

// Where there is nothing to learn, training stops long before its epochs are over and keeps the best of them.
func TestEarlyStopping(t *testing.T) {
	data := pictured(60, [3]int{4, 4, 2})
	r := work.Seed(3).Rand()
	for i := range data.Y.Class {
		data.Y.Class[i] = r.IntN(2)
	}
	m := fit(t, context.Background(), network(t, fusionKind, small(map[string]any{"epochs": 300, "patience": 5, "learning_rate": 0.01})), data)
	note := strings.Join(m.Remarks, "; ")
	if strings.Contains(note, "for 300 epochs") || !strings.Contains(note, "kept from epoch") {
		t.Error(note)
	}
}

// However many rows are predicted, the graph is compiled once: batches are padded to one size.
func TestOneCompilation(t *testing.T) {
	for _, kind := range []string{mlpKind, fusionKind} {
		data := pictured(70, [3]int{4, 4, 2})
		set := small(map[string]any{"epochs": 1})
		if kind == mlpKind {
			set = map[string]any{"hidden": []any{4}, "epochs": 1}
		}
		m := fit(t, context.Background(), network(t, kind, set), data)
		count := func() int {
			engine.Lock()
			defer engine.Unlock()
			return len(engine.programs)
		}
		alone, err := m.Predict(data.X, nil)
		if err != nil {
			t.Fatal(err)
		}
		before := count()
		for _, rows := range []int{1, 2, 3, 31, 32, 33, 65} {
			some := make([]int, rows)
			for i := range some {
				some[i] = i
			}
			p, err := m.Predict(data.X.Select(some), nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range p.Probabilities {
				if v != alone.Probabilities[i] {
					t.Fatalf("%s: row %d of %d is %g, among 70 %g", kind, i/2, rows, v, alone.Probabilities[i])
				}
			}
		}
		if after := count(); after != before {
			t.Errorf("%s: %d programs compiled for other numbers of rows", kind, after-before)
		}
	}
}

// Crops are brought to the scale of the training crops, so that units do not matter; masks and what is 0 stay.
func TestUnitsOfCrops(t *testing.T) {
	data := pictured(24, [3]int{4, 4, 2})
	n := network(t, cnnKind, map[string]any{"widths": []any{3}, "epochs": 3, "norm": "none", "augment": []any{}})
	first := fit(t, context.Background(), n, data)
	want, err := first.Predict(data.X, nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &data.X.Volumes[0]
	voxels := v.Size[0] * v.Size[1] * v.Size[2]
	for i := range v.Crop {
		for k := range v.Of(i)[:voxels] {
			v.Of(i)[k] *= 1024 // exact in floating point
		}
	}
	second := fit(t, context.Background(), n, data)
	got, err := second.Predict(data.X, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range got.Margin {
		if math.Abs(p-want.Margin[i]) > 1e-4*(1+math.Abs(p)) {
			t.Fatalf("row %d: %g, in other units %g", i, want.Margin[i], p)
		}
	}
	if second.Levels.Means[1] != 0 || second.Levels.SDs[1] != 1 || math.Abs(second.Levels.SDs[0]/first.Levels.SDs[0]-1024) > 1e-3 {
		t.Errorf("levels %+v and %+v", first.Levels, second.Levels)
	}
}
