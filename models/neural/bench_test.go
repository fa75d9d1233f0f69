package neural

import (
	"context"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models"
)

// A step of training of the two networks that the framework was measured with (batch 32 of 64² with 16, 32 and 64 channels; batch 8 of 32³
// with 8, 16 and 32), forward, backward and AdamW, in one piece and as two replicas. PyTorch 1.13 takes 31 and 32 ms on two threads.
// On ONNX Runtime (-tags onnx, GOMLX_BACKEND=onnxruntime:cpu) replicas run in one piece.
func BenchmarkStep(b *testing.B) {
	for _, c := range []struct {
		name   string
		e      Encoder
		batch  int
		pieces int
	}{
		{"2-D/one", Encoder{Dimensions: "2", Channels: 1, Size: [3]int{64, 64, 1}, Widths: []int{16, 32, 64}}, 32, 1},
		{"2-D/replicas", Encoder{Dimensions: "2", Channels: 1, Size: [3]int{64, 64, 1}, Widths: []int{16, 32, 64}}, 32, 2},
		{"3-D/one", Encoder{Dimensions: "3", Channels: 1, Size: [3]int{32, 32, 32}, Widths: []int{8, 16, 32}}, 8, 1},
		{"3-D/replicas", Encoder{Dimensions: "3", Channels: 1, Size: [3]int{32, 32, 32}, Widths: []int{8, 16, 32}}, 8, 2},
		{"3-D/wide", Encoder{Dimensions: "3", Channels: 1, Size: [3]int{32, 32, 32}, Widths: []int{16, 32, 64}}, 8, 2},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := c.e
			e.Depth, e.Kernel, e.Norm = 1, 3, noNorm
			a := Architecture{Image: &e, Heads: []Head{{Kind: classesHead, Classes: 2, Weight: 1}}}
			voxels := e.Size[0] * e.Size[1] * e.Size[2]
			v := models.Volumes{Source: "t1", Channels: []string{"image"}, Size: e.Size, Spacing: [3]float64{1, 1, 1}, Values: make([]float32, c.batch*voxels), Crop: make([]int, c.batch)}
			y := clinical.Outcome{Kind: clinical.Class, Classes: []string{"A", "B"}, Class: make([]int, c.batch)}
			rows := make([]int, c.batch)
			for i := range rows {
				rows[i], v.Crop[i], y.Class[i] = i, i, i%2
			}
			for i, x := range random("crops", len(v.Values)) {
				v.Values[i] = float32(x)
			}
			d, err := newDataset(models.Matrix{Rows: c.batch, Volumes: []models.Volumes{v}}, scale{}, []models.Crops{{Source: "t1", Channels: v.Channels, Size: v.Size, Spacing: v.Spacing}}, &e, 0)
			if err != nil {
				b.Fatal(err)
			}
			t := training{a: &a, d: d, y: []*learnt{newLearnt(a.Heads[0], y, nil, false, 0)}}
			p, err := compiled("bench "+c.name, a.gradients(t.n.frozen))
			if err != nil {
				b.Fatal(err)
			}
			w := a.initial(1)
			o := newAdamW(w, 0.01)
			how := &disturb{seed: 1, width: a.lastWidth()}
			for b.Loop() {
				g, err := t.step(p, w, rows, c.batch/c.pieces, how)
				if err != nil {
					b.Fatal(err)
				}
				o.update(w, g, 1e-3)
			}
		})
	}
}

// A served prediction of one patient, image and table together.
func BenchmarkPredict(b *testing.B) {
	data := pictured(24, [3]int{16, 16, 16})
	m := fit(b, context.Background(), network(b, fusionKind, small(map[string]any{"epochs": 1})), data)
	one := data.X.Select([]int{0})
	for b.Loop() {
		if _, err := m.Predict(one, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// Expected gradients of one patient: of a perceptron over 500 columns from a hundred centroids, and of image and table together.
func BenchmarkAttribute(b *testing.B) {
	table := tabled(200, false)
	wide := models.NewMatrix(nil, 200)
	for j := range 500 {
		wide.Columns = append(wide.Columns, table.X.Columns[j%5])
		wide.Values = append(wide.Values, table.X.Column(j%5)...)
	}
	table.X = wide
	both := pictured(24, [3]int{16, 16, 16})
	for _, c := range []struct {
		kind string
		data models.Training
		rows int // of the background
	}{{mlpKind, table, 100}, {cnnKind, both, 1}} {
		b.Run(c.kind, func(b *testing.B) {
			m := fit(b, context.Background(), network(b, c.kind, map[string]any{"epochs": 1}), c.data)
			r := models.AttributionRequest{Method: expectedGradients, Scale: "log-odds"}
			rows := make([]int, c.rows)
			for i := range rows {
				rows[i] = i
				r.Shares = append(r.Shares, 1/float64(c.rows))
			}
			r.Background = c.data.X.Select(rows)
			one := c.data.X.Select([]int{0})
			for b.Loop() {
				if _, err := m.Attribute(context.Background(), one, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Fifty epochs of a 3-D network of 16, 32 and 64 channels on 100 patients of 32³ voxels; twenty minutes are allowed on the default build, five on ONNX Runtime. Run it once:
// -benchtime 1x.
func BenchmarkFiftyEpochs(b *testing.B) {
	data := pictured(100, [3]int{32, 32, 32})
	n := network(b, cnnKind, map[string]any{"widths": []any{16, 32, 64}, "epochs": 50, "batch": 8, "holdout": 0})
	for b.Loop() {
		fit(b, context.Background(), n, data)
	}
}
