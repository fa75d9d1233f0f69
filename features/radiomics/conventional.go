package radiomics

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/image"
)

// Conventional computes what a radiology report measures, on the image and the region as they are: volume, long and short axis as RECIST
// takes them in slices across z, where the region lies, and its intensities. For PET in SUV, intensity_max is SUVmax, intensity_mean is
// SUVmean, intensity_peak is SUVpeak (the highest mean in a sphere of 1 cm³, whose centre lies in the region), and the volumes at a
// threshold with their total intensity are MTV and TLG. For ADC and CT the percentiles are those of the usual reports. Volumes are cm³,
// lengths mm, places mm in LPS, intensities in the unit of the image.
func Conventional(in image.Reading, m *image.Mask, label int) ([]Feature, error) {
	if label < 1 || label > math.MaxUint16 {
		return nil, fmt.Errorf("label %d: want 1 to %d", label, math.MaxUint16)
	}
	if err := errors.Join(in.Whole.Validate(), m.Validate()); err != nil {
		return nil, err
	}
	if err := image.SameGrid(in.Whole, m.Grid, image.GridTolerance); err != nil {
		return nil, fmt.Errorf("image and mask are %w", err)
	}
	bounds := m.Bounds(uint16(label))
	if bounds.Empty() {
		return nil, absent(m, label)
	}
	r := newROI(m, uint16(label), bounds)
	around := bounds.Grow(peakMargin(in.Whole.Spacing), in.Whole.Size)
	if union(around, in.Region) != in.Region {
		return nil, fmt.Errorf("the image was read from %v to %v, and label %d needs %v to %v", in.Region.Min, in.Region.Max, label, around.Min, around.Max)
	}
	s := &scan{Grid: in.Whole, part: in.Region, values: in.Volume.Values}
	x := r.pick(s.take(bounds))
	for _, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("label %d has a voxel of the value %v", label, v)
		}
	}
	var out []Feature
	add := func(name string, v float64) { out = append(out, Feature{"conventional_" + name, v}) }
	voxel := in.Whole.Spacing[0] * in.Whole.Spacing[1] * in.Whole.Spacing[2] / 1000
	add("volume_cm3", float64(r.count)*voxel)
	long, short := recist(r, in.Whole.Spacing)
	add("recist_long_mm", long)
	add("recist_short_mm", short)
	c := r.centre()
	w := in.Whole.World(c[0], c[1], c[2])
	add("centre_x_mm", w[0])
	add("centre_y_mm", w[1])
	add("centre_z_mm", w[2])
	add("parts", float64(r.components()))

	sorted := slices.Clone(x)
	slices.Sort(sorted)
	n := float64(len(x))
	mean := pairwise(x, func(v float64) float64 { return v }) / n
	add("intensity_mean", mean)
	add("intensity_sd", math.Sqrt(pairwise(x, func(v float64) float64 { return (v - mean) * (v - mean) })/n))
	add("intensity_min", sorted[0])
	for _, p := range []float64{5, 10, 25, 50, 75, 90, 95} {
		add(fmt.Sprintf("intensity_p%g", p), percentile(sorted, p))
	}
	top := sorted[len(sorted)-1]
	add("intensity_max", top)
	peaks := standardRegion{spacing: in.Whole.Spacing, around: around, intensity: s.take(around), region: r, values: x}
	add("intensity_peak", peaks.localIntensity()[1].Value)
	for _, t := range []struct {
		name      string
		threshold float64
	}{{"41pct", 0.41 * top}, {"2_5", 2.5}, {"4_0", 4}} {
		from, _ := slices.BinarySearch(sorted, t.threshold)
		above := sorted[from:]
		add("volume_above_"+t.name+"_cm3", float64(len(above))*voxel)
		add("total_above_"+t.name, pairwise(above, func(v float64) float64 { return v })*voxel)
	}
	return out, nil
}

// ReachConventional says which part of an image Conventional needs.
func ReachConventional(m *image.Mask, labels []int) image.Selection {
	s := DefaultStandard()
	s.Families = []string{"local_intensity"}
	return ReachStandard(m, labels, s)
}

// peakMargin is how many voxels the sphere of the peak reaches.
func peakMargin(spacing [3]float64) [3]int {
	var margin [3]int
	for a := range 3 {
		margin[a] = int(peakRadius/spacing[a]) + 1
	}
	return margin
}

// recist is the longest diameter of the region's outline in any slice across z, and the longest at right angles to it in that slice: in
// mm, outlines half a voxel beyond voxel centres. Of several longest ones, that with the longest short axis counts.
func recist(r *roi, spacing [3]float64) (long, short float64) {
	vertices := surfaceVertices(r.inside, r.Size())
	planeHulls(vertices, r.Size(), func(axis int, hull []int32) {
		if axis != 2 {
			return
		}
		at := make([][2]float64, len(hull))
		for i, h := range hull {
			at[i] = [2]float64{float64(vertices[h][0]) / 2 * spacing[0], float64(vertices[h][1]) / 2 * spacing[1]}
		}
		for i, a := range at {
			for _, b := range at[:i] {
				d := math.Hypot(a[0]-b[0], a[1]-b[1])
				if d < long-1e-9 || d == 0 {
					continue
				}
				u := [2]float64{(a[1] - b[1]) / d, (b[0] - a[0]) / d} // at right angles
				low, high := math.Inf(1), math.Inf(-1)
				for _, c := range at {
					p := c[0]*u[0] + c[1]*u[1]
					low, high = min(low, p), max(high, p)
				}
				if d > long+1e-9 {
					long, short = d, high-low
				} else {
					short = max(short, high-low)
				}
			}
		}
	})
	return long, short
}
