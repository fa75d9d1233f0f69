package radiomics

import (
	"math"
	"slices"
)

// intensityStatistics are the statistics of a set of values (family UHIW), under a prefix. Kurtosis is excess kurtosis, and variance
// divides by the number of values.
func intensityStatistics(prefix string, x []float64) []Feature {
	sorted := slices.Clone(x)
	slices.Sort(sorted)
	n := float64(len(x))
	sum := func(f func(float64) float64) float64 { return pairwise(x, f) / n }
	mean := sum(func(v float64) float64 { return v })
	variance := sum(func(v float64) float64 { return (v - mean) * (v - mean) })
	skew, kurt := 0.0, 0.0
	if variance > 0 {
		skew = sum(func(v float64) float64 { return math.Pow(v-mean, 3) }) / math.Pow(variance, 1.5)
		kurt = sum(func(v float64) float64 { return math.Pow(v-mean, 4) })/(variance*variance) - 3
	}
	median := percentile(sorted, 50)
	p10, p25, p75, p90 := percentile(sorted, 10), percentile(sorted, 25), percentile(sorted, 75), percentile(sorted, 90)
	energy := pairwise(x, func(v float64) float64 { return v * v })
	var out []Feature
	add := func(tag string, v float64) { out = append(out, Feature{prefix + tag, v}) }
	add("mean", mean)
	add("var", variance)
	add("skew", skew)
	add("kurt", kurt)
	add("median", median)
	add("min", sorted[0])
	add("p10", p10)
	add("p90", p90)
	add("max", sorted[len(sorted)-1])
	add("iqr", p75-p25)
	add("range", sorted[len(sorted)-1]-sorted[0])
	add("mad", sum(func(v float64) float64 { return math.Abs(v - mean) }))
	add("rmad", robustDeviation(sorted, p10, p90))
	add("medad", sum(func(v float64) float64 { return math.Abs(v - median) }))
	add("cov", math.Sqrt(variance)/mean)
	add("qcod", (p75-p25)/(p75+p25))
	add("energy", energy)
	add("rms", math.Sqrt(energy/n))
	return out
}

// histogram are the features of the histogram of grey levels (family ZVCW): the statistics of the levels, and those of its bins from 1
// to the highest level.
func (d *discretised) histogram() []Feature {
	statistics := intensityStatistics("ih_", d.values)
	var out []Feature
	for _, f := range statistics {
		if f.Name == "ih_energy" || f.Name == "ih_rms" {
			continue
		}
		out = append(out, f)
		if f.Name == "ih_max" {
			out = append(out, Feature{"ih_mode", d.mode()})
		}
	}
	n := float64(len(d.values))
	var h, uniformity float64
	for _, c := range d.bins[1:] {
		if p := c / n; p > 0 {
			h -= p * math.Log2(p)
			uniformity += p * p
		}
	}
	top, topLevel, bottom, bottomLevel := math.Inf(-1), 0, math.Inf(1), 0
	for i := 1; i < len(d.bins); i++ {
		g := 0.0
		switch last := len(d.bins) - 1; {
		case last == 1:
		case i == 1:
			g = d.bins[2] - d.bins[1]
		case i == last:
			g = d.bins[i] - d.bins[i-1]
		default:
			g = (d.bins[i+1] - d.bins[i-1]) / 2
		}
		if g > top {
			top, topLevel = g, i
		}
		if g < bottom {
			bottom, bottomLevel = g, i
		}
	}
	return append(out, Feature{"ih_entropy", h + 0}, Feature{"ih_uniformity", uniformity},
		Feature{"ih_max_grad", top}, Feature{"ih_max_grad_g", float64(topLevel)},
		Feature{"ih_min_grad", bottom}, Feature{"ih_min_grad_g", float64(bottomLevel)})
}

// mode is the most frequent level; of several, the one nearest to the mean, then the lower.
func (d *discretised) mode() float64 {
	mean := pairwise(d.values, func(v float64) float64 { return v }) / float64(len(d.values))
	best := 1
	for i := 2; i < len(d.bins); i++ {
		near := math.Abs(float64(i)-mean) < math.Abs(float64(best)-mean)
		if d.bins[i] > d.bins[best] || d.bins[i] == d.bins[best] && near {
			best = i
		}
	}
	return float64(best)
}

// intensityVolumeHistogram are the features of the share of voxels at or above each intensity (family P88C). Intensities are whole
// numbers, or levels of a discretisation: bin centres for a width, bin numbers for a count.
func (r *standardRegion) intensityVolumeHistogram() []Feature {
	low, high := slices.Min(r.values), slices.Max(r.values)
	x := r.values
	var levels []float64
	switch {
	case r.IVH.Count > 0:
		b := r.bins(r.IVH)
		x = make([]float64, len(r.values))
		for i, v := range r.values {
			x[i] = float64(b.level(v))
		}
		for l := 1; l <= r.IVH.Count; l++ {
			levels = append(levels, float64(l))
		}
	case r.IVH.Width > 0:
		b := r.bins(r.IVH)
		if len(r.Range) == 2 {
			high = r.Range[1]
		}
		n := int(math.Ceil((high - b.start) / b.step))
		centre := func(l int) float64 { return b.start + (float64(l)-0.5)*b.step }
		x = make([]float64, len(r.values))
		for i, v := range r.values {
			x[i] = centre(min(b.level(v), max(n, 1)))
		}
		for l := 1; l <= max(n, 1); l++ {
			levels = append(levels, centre(l))
		}
	default:
		if len(r.Range) == 2 {
			low, high = r.Range[0], r.Range[1]
		}
		low, high = math.Round(low), math.Round(high)
		if high-low > maxLevels {
			high = low + maxLevels
		}
		for l := low; l <= high; l++ {
			levels = append(levels, l)
		}
	}
	sorted := slices.Clone(x)
	slices.Sort(sorted)
	step := 1.0
	if r.IVH.Width > 0 {
		step = r.IVH.Width
	}
	first, last := levels[0], levels[len(levels)-1]
	share := func(l float64) float64 {
		at, _ := slices.BinarySearch(sorted, l)
		return float64(len(sorted)-at) / float64(len(sorted))
	}
	volume := func(fraction float64) float64 {
		for _, l := range levels {
			if last == first || (l-first)/(last-first) >= fraction {
				return share(l)
			}
		}
		return 0
	}
	intensity := func(fraction float64) float64 {
		for _, l := range levels {
			if share(l) <= fraction {
				return l
			}
		}
		return last + step
	}
	v10, v90, i10, i90 := volume(0.1), volume(0.9), intensity(0.1), intensity(0.9)
	return []Feature{
		{"ivh_v10", v10}, {"ivh_v90", v90}, {"ivh_i10", i10}, {"ivh_i90", i90}, {"ivh_diff_v10_v90", v10 - v90}, {"ivh_diff_i10_i90", i10 - i90},
	}
}

// localIntensity are the mean intensities in a sphere of 1 cm³ (family 9ST6) around the voxel of the highest intensity, and the highest
// around any voxel of the region. All voxels of the image in the sphere count, inside the region or not.
func (r *standardRegion) localIntensity() []Feature {
	size, part := r.region.Size(), r.around.Size()
	type offset struct{ x, y, z int }
	var sphere []offset
	reach := [3]int{int(peakRadius / r.spacing[0]), int(peakRadius / r.spacing[1]), int(peakRadius / r.spacing[2])}
	for z := -reach[2]; z <= reach[2]; z++ {
		for y := -reach[1]; y <= reach[1]; y++ {
			for x := -reach[0]; x <= reach[0]; x++ {
				d := math.Hypot(math.Hypot(float64(x)*r.spacing[0], float64(y)*r.spacing[1]), float64(z)*r.spacing[2])
				if d <= peakRadius {
					sphere = append(sphere, offset{x, y, z})
				}
			}
		}
	}
	mean := func(i, j, k int) float64 {
		sum, n := 0.0, 0
		for _, o := range sphere {
			x, y, z := i+o.x, j+o.y, k+o.z
			if x >= 0 && y >= 0 && z >= 0 && x < part[0] && y < part[1] && z < part[2] {
				sum += r.intensity[(z*part[1]+y)*part[0]+x]
				n++
			}
		}
		return sum / float64(n)
	}
	top := slices.Max(r.values)
	local, global := math.Inf(-1), math.Inf(-1)
	o, n := 0, 0
	for k := range size[2] {
		for j := range size[1] {
			for i := range size[0] {
				if r.region.inside[o] {
					m := mean(i+r.region.Min[0]-r.around.Min[0], j+r.region.Min[1]-r.around.Min[1], k+r.region.Min[2]-r.around.Min[2])
					global = max(global, m)
					if r.values[n] == top {
						local = max(local, m)
					}
					n++
				}
				o++
			}
		}
	}
	return []Feature{{"loc_peak_loc", local}, {"loc_peak_glob", global}}
}
