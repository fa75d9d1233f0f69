package neural

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// leastOfMean is how many patients a mean crop stands for at least.
const leastOfMean = 5

// meanTensor names the mean crop in its file.
const meanTensor = "mean_crop"

// cropShape is that of a crop with all its channels.
func (e *Encoder) cropShape() []int { return []int{e.Channels, e.Size[2], e.Size[1], e.Size[0]} }

// meanCrop is the mean crop of the rows on the scale that the network reads, channel by channel, each source over those who have it. A source of fewer than leastOfMean patients is 0; nil
// where all are. groups has the patient of each row; nil means that each row is one.
func (d *dataset) meanCrop(groups []int) []float32 {
	if d.encoder == nil {
		return nil
	}
	var out []float32
	any, first := false, 0 // channel of the source
	for s, v := range d.volumes {
		voxels := len(d.crops[s].Channels) * d.encoder.Size[0] * d.encoder.Size[1] * d.encoder.Size[2]
		sum := make([]float64, voxels)
		n := 0
		patients := map[int]bool{}
		for i := range d.rows {
			if v == nil || v.Crop[i] < 0 {
				continue
			}
			n++
			patient := i
			if groups != nil {
				patient = groups[i]
			}
			patients[patient] = true
			each := voxels / len(d.crops[s].Channels)
			for c := range d.crops[s].Channels {
				for k, x := range d.levelled(first+c, v.Of(i)[c*each:(c+1)*each]) {
					sum[c*each+k] += float64(x)
				}
			}
		}
		first += len(d.crops[s].Channels)
		enough := len(patients) >= leastOfMean
		any = any || enough
		for _, x := range sum {
			if !enough {
				x = 0
			}
			out = append(out, float32(x/float64(max(n, 1))))
		}
	}
	if !any {
		return nil
	}
	return out
}

// decodeMean reads the mean crop of a bundle; bundles written before there was one have none.
func (m *Model) decodeMean(parts map[string][]byte) error {
	b, ok := parts[meanPart]
	if !ok {
		return nil
	}
	if m.Architecture.Image == nil {
		return errors.New("a mean crop of a network that reads no image")
	}
	tensors, err := decodeTensors(b)
	if err != nil {
		return fmt.Errorf("%s: %w", meanPart, err)
	}
	t, ok := tensors[meanTensor]
	if !ok || len(tensors) != 1 || !slices.Equal(t.shape, m.Architecture.Image.cropShape()) {
		return fmt.Errorf("%s: want one tensor %s of shape %v", meanPart, meanTensor, m.Architecture.Image.cropShape())
	}
	for _, v := range t.values {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%s: a value is not a number", meanPart)
		}
	}
	m.MeanCrop = t.values
	return nil
}
