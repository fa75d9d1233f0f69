package radiomics

import (
	"math"
	"slices"
	"strings"
)

// discretised is an intensity mask cut into grey levels by the standard's rules.
type discretised struct {
	*texture
	region     *roi
	morphology *roi
	values     []float64 // levels, as numbers
	bins       []float64 // voxels of each level, from 1 to the highest
	slices     [][]int32 // voxels of each slice (of one k) that has any
}

// bins are the borders of the levels of a discretisation of the intensity mask.
func (r *standardRegion) bins(b Bins) edges {
	low, high := slices.Min(r.values), slices.Max(r.values)
	if b.Width > 0 {
		if len(r.Range) == 2 && !math.IsInf(r.Range[0], 0) {
			low = r.Range[0]
		}
		return edges{start: low, step: b.Width}
	}
	if low == high {
		return edges{start: low, step: 1, count: 1, last: math.Inf(1)}
	}
	return edges{start: low, step: (high - low) / float64(b.Count), count: b.Count, last: math.Inf(1)}
}

// discretised cuts the intensity mask into levels.
func (r *standardRegion) discretised() (*discretised, error) {
	e := r.bins(r.Bins)
	high := slices.Max(r.values)
	if err := e.tooManyLevels(e.start, high); err != nil {
		return nil, err
	}
	t := cut(r.region, r.box(), high, r.spacing, Settings{Distances: []int{1}, SymmetricalGLCM: true}, e)
	d := &discretised{texture: t, region: r.region, morphology: r.morphology}
	d.values = make([]float64, len(r.values))
	d.bins = make([]float64, t.grey[len(t.grey)-1]+1)
	for i, v := range r.values {
		l := e.level(v)
		d.values[i] = float64(l)
		d.bins[l]++
	}
	plane := t.size[0] * t.size[1]
	for from := 0; from < len(t.voxels); {
		to := from
		for to < len(t.voxels) && int(t.voxels[to])/plane == int(t.voxels[from])/plane {
			to++
		}
		d.slices = append(d.slices, t.voxels[from:to])
		from = to
	}
	return d, nil
}

// directions are the half neighbourhoods of the volume, or of a slice.
func (d *discretised) directions(volume bool) []angle {
	var out []angle
	for _, a := range d.texture.neighbours([]int{1}) {
		if volume || a.zyx[0] == 0 {
			out = append(out, a)
		}
	}
	return out
}

// features computes the texture families in the dimensions that are asked for.
func (d *discretised) features(s Standard) []Feature {
	var out []Feature
	for _, family := range []struct {
		name    string
		compute func(dimension string) []Feature
	}{
		{"glcm", d.cooccurrences}, {"glrlm", d.runLengths}, {"glszm", d.sizeZones}, {"gldzm", d.distanceZones},
		{"ngtdm", d.toneDifferences}, {"ngldm", d.dependences},
	} {
		if !s.wants(family.name) {
			continue
		}
		for _, dimension := range []string{"2D", "2.5D", "3D"} {
			if slices.Contains(s.Dimensions, dimension) {
				out = append(out, family.compute(dimension)...)
			}
		}
	}
	return out
}

// parts are the sets of voxels whose features are averaged: the slices in 2D, all at once in 2.5D and 3D.
func (d *discretised) parts(dimension string) [][]int32 {
	if dimension == "2D" {
		return d.slices
	}
	return [][]int32{d.voxels}
}

// suffix is how a dimension is written in column names.
func suffix(dimension string) string { return "_" + strings.ReplaceAll(dimension, ".", "_") }

// aggregated are features of one matrix, by tag.
type aggregated []Feature

// average is the mean of features over matrices, each under its tag with a prefix and a suffix.
func average(all []aggregated, prefix, suffix string) []Feature {
	var out []Feature
	if len(all) == 0 {
		return nil
	}
	for i := range all[0] {
		sum := 0.0
		for _, v := range all {
			sum += v[i].Value
		}
		out = append(out, Feature{prefix + all[0][i].Name + suffix, sum / float64(len(all))})
	}
	return out
}

// cooccurrences are the features of the grey level co-occurrence matrix (family LFYI), averaged over directions and merged.
func (d *discretised) cooccurrences(dimension string) []Feature {
	m := newCooccurrence(d.texture)
	var separate, merged []aggregated
	for _, part := range d.parts(dimension) {
		for _, a := range d.directions(dimension == "3D") {
			m.countIn(part, a, 1)
			if p := m.probabilities(); len(p) > 0 {
				separate = append(separate, m.standard(p))
			}
		}
		for _, a := range d.directions(dimension == "3D") {
			m.countIn(part, a, 1)
		}
		if p := m.probabilities(); len(p) > 0 {
			merged = append(merged, m.standard(p))
		}
	}
	return append(average(separate, "cm_", suffix(dimension)+"_avg"), average(merged, "cm_", suffix(dimension)+"_comb")...)
}

// standard are the features of a matrix under the standard's tags.
func (m *cooccurrence) standard(p []pair) aggregated {
	v := m.measures(p)
	var out aggregated
	for _, f := range [][2]string{
		{"joint_max", "MaximumProbability"}, {"joint_avg", "JointAverage"}, {"joint_var", "SumSquares"}, {"joint_entr", "JointEntropy"},
		{"diff_avg", "DifferenceAverage"}, {"diff_var", "DifferenceVariance"}, {"diff_entr", "DifferenceEntropy"},
		{"sum_avg", "SumAverage"}, {"sum_var", "ClusterTendency"}, {"sum_entr", "SumEntropy"}, {"energy", "JointEnergy"},
		{"contrast", "Contrast"}, {"dissimilarity", "DifferenceAverage"}, {"inv_diff", "Id"}, {"inv_diff_norm", "Idn"},
		{"inv_diff_mom", "Idm"}, {"inv_diff_mom_norm", "Idmn"}, {"inv_var", "InverseVariance"}, {"corr", "Correlation"},
		{"auto_corr", "Autocorrelation"}, {"clust_tend", "ClusterTendency"}, {"clust_shade", "ClusterShade"},
		{"clust_prom", "ClusterProminence"}, {"info_corr1", "Imc1"}, {"info_corr2", "Imc2"},
	} {
		out = append(out, Feature{f[0], v[f[1]]})
	}
	return out
}

// runLengths are the features of the grey level run length matrix (family TP0I), averaged over directions and merged.
func (d *discretised) runLengths(dimension string) []Feature {
	longest := max(d.box[0], d.box[1], d.box[2])
	counts := make([]uint32, len(d.grey)*(longest+1))
	take := func() []cell {
		var cells []cell
		for k, c := range counts {
			if c > 0 {
				cells = append(cells, cell{int32(k / (longest + 1)), int32(k % (longest + 1)), float64(c)})
				counts[k] = 0
			}
		}
		return cells
	}
	var separate, merged []aggregated
	for _, part := range d.parts(dimension) {
		var all []cell
		for _, a := range d.directions(dimension == "3D") {
			d.runsIn(part, a, counts, longest)
			cells := take()
			separate = append(separate, runTags(measure(cells, d.grey)))
			all = append(all, cells...)
		}
		merged = append(merged, runTags(measure(merge(all), d.grey)))
	}
	return append(average(separate, "rlm_", suffix(dimension)+"_avg"), average(merged, "rlm_", suffix(dimension)+"_comb")...)
}

// tagged lists the shared measures under the tags of a family: the names of the eight emphases, then those of the sizes.
func tagged(m sizeMeasures, emphases [8]string, size, percentage string, fraction float64) aggregated {
	out := aggregated{
		{emphases[0], m.small}, {emphases[1], m.large}, {emphases[2], m.low}, {emphases[3], m.high},
		{emphases[4], m.smallLow}, {emphases[5], m.smallHigh}, {emphases[6], m.largeLow}, {emphases[7], m.largeHigh},
	}
	return append(out,
		Feature{"glnu", m.greyUniformity / m.n}, Feature{"glnu_norm", m.greyUniformity / (m.n * m.n)},
		Feature{size + "nu", m.sizeUniformity / m.n}, Feature{size + "nu_norm", m.sizeUniformity / (m.n * m.n)},
		Feature{percentage, fraction}, Feature{"gl_var", m.greyVariance}, Feature{size + "_var", m.sizeVariance}, Feature{size + "_entr", m.entropy})
}

func runTags(m sizeMeasures) aggregated {
	return tagged(m, [8]string{"sre", "lre", "lgre", "hgre", "srlge", "srhge", "lrlge", "lrhge"}, "rl", "r_perc", m.n/m.voxels)
}

// sizeZones are the features of the grey level size zone matrix (family 9SAK).
func (d *discretised) sizeZones(dimension string) []Feature {
	var all []aggregated
	for _, part := range d.parts(dimension) {
		m := measure(merge(d.zonesIn(part, d.directions(dimension == "3D"), nil)), d.grey)
		all = append(all, tagged(m, [8]string{"sze", "lze", "lgze", "hgze", "szlge", "szhge", "lzlge", "lzhge"}, "zs", "z_perc", m.n/m.voxels))
	}
	return average(all, "szm_", suffix(dimension))
}

// distanceZones are the features of the grey level distance zone matrix (family VMDZ): zones by their distance to the border of the
// morphological mask, in steps across faces.
func (d *discretised) distanceZones(dimension string) []Feature {
	distance := d.borderDistances(dimension == "3D")
	var all []aggregated
	for _, part := range d.parts(dimension) {
		m := measure(merge(d.zonesIn(part, d.directions(dimension == "3D"), distance)), d.grey)
		all = append(all, tagged(m, [8]string{"sde", "lde", "lgze", "hgze", "sdlge", "sdhge", "ldlge", "ldhge"}, "zd", "z_perc", m.n/float64(len(part))))
	}
	return average(all, "dzm_", suffix(dimension))
}

// borderDistances are, for the padded box of the texture, how many steps across faces lead from a voxel out of the morphological mask:
// 1 at its border.
func (d *discretised) borderDistances(volume bool) []int32 {
	inside, p := pad(d.morphology.inside, d.morphology.Size())
	steps := []int{1, -1, p[0], -p[0]}
	if volume {
		steps = append(steps, p[0]*p[1], -p[0]*p[1])
	}
	dist := make([]int32, len(inside))
	var front, next []int32
	for o, in := range inside {
		if in == 0 {
			continue
		}
		for _, s := range steps {
			if inside[o+s] == 0 {
				dist[o] = 1
				front = append(front, int32(o))
				break
			}
		}
	}
	for level := int32(2); len(front) > 0; level++ {
		next = next[:0]
		for _, o := range front {
			for _, s := range steps {
				if n := int(o) + s; inside[n] == 1 && dist[n] == 0 {
					dist[n] = level
					next = append(next, int32(n))
				}
			}
		}
		front, next = next, front
	}
	// From the box of the morphological mask to that of the texture, which lies within it.
	out := make([]int32, len(d.levels))
	for _, v := range d.voxels {
		i, j, k := int(v)%d.size[0]-1, int(v)/d.size[0]%d.size[1]-1, int(v)/(d.size[0]*d.size[1])-1
		x, y, z := i+d.region.Min[0]-d.morphology.Min[0], j+d.region.Min[1]-d.morphology.Min[1], k+d.region.Min[2]-d.morphology.Min[2]
		out[v] = dist[((z+1)*p[1]+y+1)*p[0]+x+1]
	}
	return out
}

// toneDifferences are the features of the neighbourhood grey tone difference matrix (family IPET). Voxels without a neighbour in the
// region do not count.
func (d *discretised) toneDifferences(dimension string) []Feature {
	var all []aggregated
	for _, part := range d.parts(dimension) {
		s, n := make([]float64, len(d.grey)), make([]int, len(d.grey))
		for _, v := range part {
			near, sum := 0, 0.0
			for _, a := range d.directions(dimension == "3D") {
				for _, o := range [2]int{int(v) + a.off, int(v) - a.off} {
					if m := d.levels[o]; m > 0 {
						near++
						sum += float64(d.grey[m-1])
					}
				}
			}
			if near > 0 {
				l := d.levels[v] - 1
				n[l]++
				s[l] += math.Abs(float64(d.grey[l]) - sum/float64(near))
			}
		}
		var grey, sums []float64
		var counts []int
		for l := range n {
			if n[l] > 0 {
				grey, sums, counts = append(grey, float64(d.grey[l])), append(sums, s[l]), append(counts, n[l])
			}
		}
		if len(grey) == 0 {
			continue
		}
		v := toneFeatures(grey, counts, sums)
		all = append(all, aggregated{
			{"coarseness", v["Coarseness"]}, {"contrast", v["Contrast"]}, {"busyness", v["Busyness"]}, {"complexity", v["Complexity"]},
			{"strength", v["Strength"]},
		})
	}
	return average(all, "ngt_", suffix(dimension))
}

// dependences are the features of the neighbouring grey level dependence matrix (family REK0), with a coarseness of 0.
func (d *discretised) dependences(dimension string) []Feature {
	angles := d.directions(dimension == "3D")
	most := 2*len(angles) + 1
	var all []aggregated
	for _, part := range d.parts(dimension) {
		counts := make([]uint32, len(d.grey)*(most+1))
		for _, v := range part {
			l, n := d.levels[v], 1
			for _, a := range angles {
				if d.levels[int(v)+a.off] == l {
					n++
				}
				if d.levels[int(v)-a.off] == l {
					n++
				}
			}
			counts[int(l-1)*(most+1)+n]++
		}
		var cells []cell
		energy := 0.0
		for k, c := range counts {
			if c > 0 {
				cells = append(cells, cell{int32(k / (most + 1)), int32(k % (most + 1)), float64(c)})
				p := float64(c) / float64(len(part))
				energy += p * p
			}
		}
		m := measure(cells, d.grey)
		tags := tagged(m, [8]string{"lde", "hde", "lgce", "hgce", "ldlge", "ldhge", "hdlge", "hdhge"}, "dc", "dc_perc", m.n/float64(len(part)))
		all = append(all, append(tags, Feature{"dc_energy", energy}))
	}
	return average(all, "ngl_", suffix(dimension))
}
