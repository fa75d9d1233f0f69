package neural

import (
	"context"
	"math"
	"testing"

	"github.com/voxgene/voxgene/models"
)

// Voxels that were removed from what is the same everywhere, or rises evenly, come back as they were but for the noise; what stays is not touched.
func TestImputeIsLinear(t *testing.T) {
	size := [3]int{9, 8, 7}
	ramp := make([]float32, 9*8*7)
	gone := make([]bool, len(ramp))
	for i := range ramp {
		x, y, z := i%9, i/9%8, i/72
		ramp[i] = float32(2*x - y + 3*z)
		gone[i] = x > 1 && x < 7 && y > 1 && y < 6 && z > 1 && z < 5
	}
	sd := 0.0
	for _, v := range ramp {
		sd += float64(v-11) * float64(v-11) / float64(len(ramp))
	}
	sd = math.Sqrt(sd)
	got := append([]float32(nil), ramp...)
	impute(got, size, gone, 3)
	moved := false
	for i, v := range got {
		if !gone[i] && v != ramp[i] {
			t.Fatalf("voxel %d stays and was changed", i)
		}
		if d := math.Abs(float64(v - ramp[i])); d > 0.06*sd {
			t.Errorf("voxel %d is %g, the ramp has %g", i, v, ramp[i])
		} else if d > 0 {
			moved = true
		}
	}
	if !moved {
		t.Error("there is no noise")
	}
}

// Of a network that learnt from a bright corner, maps change when its layers are randomised, and the number falls when the voxels that they mark go
// first and does not when they go last; the same seed gives the same numbers.
func TestExamine(t *testing.T) {
	data := pictured(40, [3]int{6, 6, 6})
	v := &data.X.Volumes[0]
	for i := range 40 {
		crop := v.Of(i)
		for k := range 216 {
			x, y, z := k%6, k/6%6, k/36
			crop[k] = float32(math.Sin(float64(k*(i+3)))) * 0.2
			if x < 3 && y < 3 && z < 3 && data.Y.Class[i] == 1 {
				crop[k] += 2
			}
		}
	}
	m := fit(t, context.Background(), network(t, cnnKind, map[string]any{"widths": []any{4, 6}, "epochs": 20, "learning_rate": 0.01, "norm": "none", "augment": []any{}, "holdout": 0}), data)
	var rows []int
	for i, c := range data.Y.Class {
		if c == 1 && len(rows) < 6 {
			rows = append(rows, i)
		}
	}
	x := data.X.Select(rows)
	for _, method := range []string{gradCAM, expectedGradients} {
		r := models.ExamineRequest{Method: method, Class: 1, Seed: 5, Background: data.X.Select([]int{0}), Shares: []float64{1}}
		e, err := m.Examine(context.Background(), x, r)
		if err != nil {
			t.Fatal(err)
		}
		if e.Rows != len(rows) || len(e.Layers) != 3 || e.Layers[0].Name != "head0" || e.Layers[2].Name != "image.level0.block0.conv1" {
			t.Fatalf("%s: %+v", method, e)
		}
		if last := e.Layers[2].Correlation; !(last < 0.5) {
			t.Errorf("%s: the map of a random network correlates by %g with that of the trained one", method, last)
		}
		if s := e.Removed[1]; !(s.Most < s.Random && s.Random <= s.Least+0.3) || !(s.Most < -1) {
			t.Errorf("%s: a fifth removed changes the number by %g, %g and %g", method, s.Most, s.Least, s.Random)
		}
		again, err := m.Examine(context.Background(), x, r)
		if err != nil || again.Layers[2] != e.Layers[2] || again.Removed[3] != e.Removed[3] {
			t.Errorf("%s: other numbers of the same seed: %v", method, err)
		}
	}
	if _, err := m.Examine(context.Background(), x, models.ExamineRequest{Method: "nothing"}); err == nil {
		t.Error("maps by no method were examined")
	}
}
