package neural

import (
	"context"
	"math"
	"testing"
)

// Behind a mean over space and one layer, Grad-CAM is CAM (Zhou and others, arXiv:1512.04150): before the rectifier its sum over space is the
// score less the biases' part.
func TestGradCAMSumsToTheScore(t *testing.T) {
	data := pictured(12, [3]int{8, 6, 4})
	m := fit(t, context.Background(), network(t, cnnKind, map[string]any{"widths": []any{3, 5}, "epochs": 4}), data)
	d, err := m.dataset(data.X)
	if err != nil {
		t.Fatal(err)
	}
	p, err := compiled("test cam", m.Architecture.cam(0, 1))
	if err != nil {
		t.Fatal(err)
	}
	pred, err := m.Predict(data.X, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := m.Members[0]
	bias := w[len(w)-1].Values
	for i := range d.rows {
		got, err := p.run(append(w.arrays(), d.batch(&m.Architecture, []int{i}, nil)...)...)
		if err != nil {
			t.Fatal(err)
		}
		sum := float64(bias[1] - bias[0])
		for _, v := range got[0] {
			sum += float64(v)
		}
		if math.Abs(sum-pred.Margin[i]) > 1e-4*(1+math.Abs(sum)) {
			t.Fatalf("row %d: the map sums to %g and the margin is %g", i, sum, pred.Margin[i])
		}
	}
}

// A network that learns from a bright corner looks there.
func TestGradCAMFindsWhatWasPlanted(t *testing.T) {
	data := pictured(60, [3]int{8, 8, 8})
	v := &data.X.Volumes[0]
	for i := range 60 {
		crop := v.Of(i)
		for k := range 512 {
			x, y, z := k%8, k/8%8, k/64
			crop[k] = float32(math.Sin(float64(k*(i+3)))) * 0.2
			if x < 4 && y < 4 && z < 4 && data.Y.Class[i] == 1 {
				crop[k] += 2
			}
		}
	}
	m := fit(t, context.Background(), network(t, cnnKind, map[string]any{"widths": []any{4, 6}, "epochs": 20, "learning_rate": 0.01, "norm": "none", "augment": []any{}, "holdout": 0}), data)
	maps, err := m.GradCAM(data.X, 1)
	if err != nil {
		t.Fatal(err)
	}
	inside, all := 0, 0
	for i, cam := range maps {
		if data.Y.Class[i] != 1 {
			continue
		}
		best := 0
		for k := range cam {
			if cam[k] > cam[best] {
				best = k
			}
		}
		all++
		if best%8 < 5 && best/8%8 < 5 && best/64 < 5 {
			inside++
		}
	}
	if inside*10 < all*9 {
		t.Errorf("the peak of %d of %d maps lies where the class was planted", inside, all)
	}
}
