package neural

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
)

// gradCAM is the method of maps that GradCAM makes.
const gradCAM = "grad_cam"

// Examine tests the network's maps. See models.Examination.
func (m *Model) Examine(ctx context.Context, x models.Matrix, r models.ExamineRequest) (models.Examination, error) {
	var out models.Examination
	if m.Architecture.Image == nil {
		return out, errors.New("the network reads no image")
	}
	d, err := m.dataset(x)
	if err != nil {
		return out, err
	}
	maps, err := m.maps(ctx, x, r)
	if err != nil {
		return out, err
	}
	var rows []int
	for i, v := range maps {
		if d.hasImage(i) && v != nil && slices.Max(v) > slices.Min(v) {
			rows = append(rows, i)
		}
	}
	if len(rows) == 0 {
		return out, fmt.Errorf("no map by %s differs from place to place: the network found nothing that speaks for the class", r.Method)
	}
	out.Rows = len(rows)
	x = x.Select(rows)
	kept := make([][]float32, len(rows))
	for k, i := range rows {
		kept[k] = maps[i]
	}
	if out.Layers, err = m.randomised(ctx, x, kept, r); err != nil {
		return out, err
	}
	out.Removed, err = m.road(ctx, x, kept, r)
	return out, err
}

// maps are those of the rows by a method, a value a voxel.
func (m *Model) maps(ctx context.Context, x models.Matrix, r models.ExamineRequest) ([][]float32, error) {
	if r.Method == gradCAM {
		return m.GradCAM(x, r.Class)
	}
	scale := "log-odds"
	if m.head().Kind != classesHead {
		scale = m.RiskScale()
	}
	c, err := m.Attribute(ctx, x, models.AttributionRequest{Method: r.Method, Scale: scale, Background: r.Background, Shares: r.Shares, Seed: r.Seed, Maps: true})
	if err != nil {
		return nil, err
	}
	numbers, at, sign := len(c.Bases), 0, float32(1)
	if numbers > 1 {
		at = r.Class
	} else if m.head().Kind == classesHead && r.Class == 0 {
		sign = -1 // what speaks for the first of two classes speaks against the second
	}
	out := make([][]float32, x.Rows)
	for i := range out {
		for _, s := range c.Images {
			v := s.Maps[i*numbers+at]
			if v == nil {
				continue
			}
			if out[i] == nil {
				out[i] = make([]float32, len(v))
			}
			for k, f := range v {
				out[i][k] += sign * f
			}
		}
	}
	return out, nil
}

// randomised draws the layers anew, from the heads back to the first convolution, and compares the maps with those before.
func (m *Model) randomised(ctx context.Context, x models.Matrix, maps [][]float32, r models.ExamineRequest) ([]models.RandomisedLayer, error) {
	other := *m
	other.Members = make([]Weights, len(m.Members))
	fresh := make([]Weights, len(m.Members))
	for k, w := range m.Members {
		other.Members[k] = w.clone()
		fresh[k] = m.Architecture.initial(r.Seed.SplitInt("randomise", k))
	}
	var layers []string
	for _, w := range m.Architecture.layout() {
		if name := w.Name[:strings.LastIndexByte(w.Name, '.')]; !slices.Contains(layers, name) {
			layers = append(layers, name)
		}
	}
	slices.Reverse(layers)
	var out []models.RandomisedLayer
	for _, layer := range layers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for k := range other.Members {
			for i := range other.Members[k] {
				if w := &other.Members[k][i]; w.Name[:strings.LastIndexByte(w.Name, '.')] == layer {
					copy(w.Values, fresh[k][i].Values)
				}
			}
		}
		again, err := other.maps(ctx, x, r)
		if err != nil {
			return nil, err
		}
		sum := 0.0
		for i := range maps {
			if again[i] != nil && slices.Max(again[i]) > slices.Min(again[i]) {
				sum += stat.Spearman(doubles(maps[i]), doubles(again[i])).R
			}
		}
		out = append(out, models.RandomisedLayer{Name: layer, Correlation: sum / float64(len(maps))})
	}
	return out, nil
}

func doubles(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

// shares of voxels that are removed.
var roadShares = []float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}

// road removes voxels in three orders.
func (m *Model) road(ctx context.Context, x models.Matrix, maps [][]float32, r models.ExamineRequest) ([]models.Removal, error) {
	before, err := m.numbers(x, r.Class)
	if err != nil {
		return nil, err
	}
	out := make([]models.Removal, len(roadShares))
	for s, share := range roadShares {
		out[s].Share = share
		for o, to := range []*float64{&out[s].Most, &out[s].Least, &out[s].Random} {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			removed := x
			removed.Volumes = make([]models.Volumes, len(x.Volumes))
			for v := range x.Volumes {
				removed.Volumes[v] = m.without(&x.Volumes[v], maps, o, share, r.Seed)
			}
			after, err := m.numbers(removed, r.Class)
			if err != nil {
				return nil, err
			}
			for i := range after {
				*to += (after[i] - before[i]) / float64(len(after))
			}
		}
	}
	return out, nil
}

// numbers are what is explained of each row: the log-odds, the score of a class against the mean of the others, or the risk.
func (m *Model) numbers(x models.Matrix, class int) ([]float64, error) {
	p, err := m.Predict(x, nil)
	if err != nil {
		return nil, err
	}
	if m.head().Kind != classesHead {
		return p.Risk, nil
	}
	out := make([]float64, x.Rows)
	n := len(p.Margin) / x.Rows
	for i := range out {
		if n == 1 {
			if out[i] = p.Margin[i]; class == 0 {
				out[i] = -out[i]
			}
			continue
		}
		for c := range n {
			if c == class {
				out[i] += p.Margin[i*n+c]
			} else {
				out[i] -= p.Margin[i*n+c] / float64(n-1)
			}
		}
	}
	return out, nil
}

// without is a source whose crops have lost a share of their voxels, in order 0 the most important, 1 the least important, 2 any. Masks stay.
func (m *Model) without(v *models.Volumes, maps [][]float32, order int, share float64, seed work.Seed) models.Volumes {
	out := *v
	if !slices.ContainsFunc(m.Reads, func(c models.Crops) bool { return c.Source == v.Source }) {
		return out
	}
	voxels := v.Size[0] * v.Size[1] * v.Size[2]
	out.Crop, out.Values = make([]int, len(v.Crop)), make([]float32, 0, len(v.Values))
	for i := range v.Crop {
		out.Crop[i] = -1
		crop := v.Of(i)
		if crop == nil {
			continue
		}
		out.Crop[i] = len(out.Values) / len(crop)
		out.Values = append(out.Values, crop...)
		gone := chosen(maps[i], order, share, seed.SplitInt("order", i))
		for c, name := range v.Channels {
			if name != maskChannel {
				from := len(out.Values) - len(crop) + c*voxels
				impute(out.Values[from:from+voxels], v.Size, gone, seed.SplitInt("noise "+name, i))
			}
		}
	}
	return out
}

// chosen marks the voxels that go. Ties are drawn.
func chosen(importance []float32, order int, share float64, seed work.Seed) []bool {
	places := seed.Rand().Perm(len(importance))
	switch order {
	case 0:
		slices.SortStableFunc(places, func(a, b int) int { return cmp.Compare(importance[b], importance[a]) })
	case 1:
		slices.SortStableFunc(places, func(a, b int) int { return cmp.Compare(importance[a], importance[b]) })
	}
	gone := make([]bool, len(importance))
	for _, k := range places[:int(math.Round(share*float64(len(places))))] {
		gone[k] = true
	}
	return gone
}

// How removed voxels are found: by over-relaxation until no value moves by more than a share of the deviation.
const (
	sweeps     = 200
	relaxation = 1.7
	settled    = 1e-3
	noiseShare = 0.01
)

// impute replaces the voxels that are gone by the solution of the linear system in which each is the weighted mean of its neighbours, those that
// share a face weighing twice those that share an edge and thrice those that share a corner, and adds noise of a hundredth of the deviation.
func impute(values []float32, size [3]int, gone []bool, seed work.Seed) {
	type neighbour struct{ x, y, z, by int }
	var around []neighbour
	for z := -1; z <= 1; z++ {
		for y := -1; y <= 1; y++ {
			for x := -1; x <= 1; x++ {
				if n := x*x + y*y + z*z; n > 0 {
					around = append(around, neighbour{x, y, z, n})
				}
			}
		}
	}
	n, sum, squares, left := 0.0, 0.0, 0.0, 0.0
	for i, v := range values {
		n++
		sum += float64(v)
		squares += float64(v) * float64(v)
		if !gone[i] {
			left++
		}
	}
	mean := sum / n
	sd := math.Sqrt(max(squares/n-mean*mean, 0))
	start := 0.0
	if left > 0 {
		for i, v := range values {
			if !gone[i] {
				start += float64(v) / left
			}
		}
	} else {
		start = mean
	}
	x := make([]float64, len(values))
	for i, v := range values {
		if x[i] = float64(v); gone[i] {
			x[i] = start
		}
	}
	for range sweeps {
		moved := 0.0
		for i := range x {
			if !gone[i] {
				continue
			}
			a, b, c := i%size[0], i/size[0]%size[1], i/size[0]/size[1]
			total, weight := 0.0, 0.0
			for _, o := range around {
				if p, q, r := a+o.x, b+o.y, c+o.z; p >= 0 && q >= 0 && r >= 0 && p < size[0] && q < size[1] && r < size[2] {
					w := 1 / float64(o.by)
					total += w * x[(r*size[1]+q)*size[0]+p]
					weight += w
				}
			}
			if weight > 0 {
				step := relaxation * (total/weight - x[i])
				x[i] += step
				moved = max(moved, math.Abs(step))
			}
		}
		if moved <= settled*sd {
			break
		}
	}
	r := seed.Rand()
	for i := range values {
		noise := r.NormFloat64() * noiseShare * sd
		if gone[i] {
			values[i] = float32(x[i] + noise)
		}
	}
}
