package radiomics

import "math"

// ngtdm computes the neighbouring grey tone difference matrix features [Amadasun1989]. A voxel without a neighbour in the region
// counts with a difference of 0, as in PyRadiomics.
//
// [Amadasun1989]: https://doi.org/10.1109/21.44046
func (t *texture) ngtdm() values {
	s := make([]float64, len(t.grey))
	grey := make([]float64, len(t.grey))
	for i, g := range t.grey {
		grey[i] = float64(g)
	}
	add := func(v int32, sum float64, n int) {
		if n > 0 {
			l := t.levels[v] - 1
			s[l] += math.Abs(grey[l] - sum/float64(n))
		}
	}
	if t.manyTones() {
		offsets := both(t.angles)
		for _, v := range t.voxels {
			sum, n := 0.0, 0
			for _, o := range offsets {
				if m := t.levels[int(v)+o]; m > 0 {
					n++
					sum += grey[m-1]
				}
			}
			add(v, sum, n)
		}
		return toneFeatures(grey, t.counts, s)
	}
	first, _ := t.span()
	sums, counts := t.tones()
	for _, v := range t.voxels {
		at := int(v) - first
		add(v, float64(sums[at]), int(counts[at]))
	}
	return toneFeatures(grey, t.counts, s)
}

// toneFeatures computes the features of a matrix: grey levels, how many voxels have each, and the sum of their differences.
func toneFeatures(grey []float64, counts []int, s []float64) values {
	total, sumS := 0.0, 0.0
	for i, c := range counts {
		total += float64(c)
		sumS += s[i]
	}
	p := make([]float64, len(counts))
	coarse := 0.0
	for i, c := range counts {
		p[i] = float64(c) / total
		coarse += p[i] * s[i]
	}
	var contrast, busy, complexity, strength float64
	for i := range grey {
		for j := range grey {
			d := grey[i] - grey[j]
			contrast += p[i] * p[j] * d * d
			busy += math.Abs(grey[i]*p[i] - grey[j]*p[j])
			complexity += math.Abs(d) * (p[i]*s[i] + p[j]*s[j]) / (p[i] + p[j])
			strength += (p[i] + p[j]) * d * d
		}
	}
	n := float64(len(grey))
	v := values{"Coarseness": 1e6, "Contrast": 0, "Busyness": 0, "Complexity": complexity / total, "Strength": 0}
	if coarse > 0 {
		v["Coarseness"] = 1 / coarse
	}
	if n > 1 {
		v["Contrast"] = contrast / (n * (n - 1)) * sumS / total
	}
	if busy > 0 {
		v["Busyness"] = coarse / busy
	}
	if sumS > 0 {
		v["Strength"] = strength / sumS
	}
	return v
}
