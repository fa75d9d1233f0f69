package radiomics

// glrlm computes the grey level run length matrix features [Galloway1975]: the mean over angles, or, with a weighting norm, those of
// the weighted sum of the matrices.
//
// [Galloway1975]: https://doi.org/10.1016/S0146-664X(75)80008-6
func (t *texture) glrlm() values {
	angles := t.neighboursForRuns()
	longest := max(t.box[0], t.box[1], t.box[2])
	counts := make([]uint32, len(t.grey)*(longest+1))
	lengths := make([]int32, len(t.levels))
	var all []values
	var merged []cell
	for _, a := range angles {
		if !t.runs(a, counts, lengths, longest) {
			clear(counts)
			continue
		}
		var cells []cell
		w := 1.0
		if t.set.WeightingNorm != "" {
			w = t.length(a, t.set.WeightingNorm)
		}
		for k, c := range counts {
			if c > 0 {
				cells = append(cells, cell{int32(k / (longest + 1)), int32(k % (longest + 1)), float64(c) * w})
				counts[k] = 0
			}
		}
		if t.set.WeightingNorm != "" {
			merged = append(merged, cells...)
			continue
		}
		all = append(all, t.runFeatures(cells))
	}
	if len(merged) > 0 {
		return t.runFeatures(merge(merged))
	}
	return mean(all, familyOf("glrlm").features)
}

// neighboursForRuns are the directions of runs, which are always of distance 1.
func (t *texture) neighboursForRuns() []angle {
	if len(t.set.Distances) == 1 && t.set.Distances[0] == 1 {
		return t.angles
	}
	return t.neighbours([]int{1})
}

// runs counts the runs along an angle, by level and length. It says whether any line held more than one voxel of the region: without
// that the direction says nothing about the region. lengths has room for a number a voxel of the padded box.
func (t *texture) runs(a angle, counts []uint32, lengths []int32, longest int) bool {
	levels, off, width := t.levels, a.off, longest+1
	any := int32(0)
	// A voxel's neighbour before it has its length already, because offsets are positive and voxels ascend. Where runs end cannot be foreseen,
	// so that nothing branches.
	for _, v := range t.voxels {
		l, before := levels[v], levels[int(v)-off]
		any |= before
		n := lengths[int(v)-off]&-int32(same(before, l)) + 1
		lengths[v] = n
		counts[int(l-1)*width+int(n)] += uint32(1 - same(levels[int(v)+off], l))
	}
	return any > 0 || t.sharesLine(a)
}

// runsIn counts the runs that begin in some of the voxels, and says whether two neighbours along the angle are in the region.
func (t *texture) runsIn(voxels []int32, a angle, counts []uint32, longest int) bool {
	levels, off, width := t.levels, a.off, longest+1
	any := int32(0)
	for _, v := range voxels {
		l := levels[v]
		before, after := levels[int(v)-off], levels[int(v)+off]
		any |= before
		row := counts[int(l-1)*width:][:width]
		// Most runs are of one voxel, and where they are cannot be foreseen: these are counted without a branch.
		first, goesOn := 1-same(before, l), same(after, l)
		row[1] += uint32(first &^ goesOn)
		if first&goesOn == 1 {
			n := 2
			for at := int(v) + 2*off; levels[at] == l; at += off {
				n++
			}
			row[n]++
		}
	}
	return any > 0
}

// sharesLine says whether two voxels of the region lie on one line along the angle, with others outside it between them.
func (t *texture) sharesLine(a angle) bool {
	seen := make(map[[3]int]bool, len(t.voxels))
	for _, v := range t.voxels {
		p := [3]int{int(v) / (t.size[0] * t.size[1]), int(v) / t.size[0] % t.size[1], int(v) % t.size[0]}
		// Walk the coordinate along the first moving axis to 0: voxels of one line meet there.
		for axis, d := range a.zyx {
			if d != 0 {
				steps := p[axis] * d
				for c := range 3 {
					p[c] -= steps * a.zyx[c]
				}
				break
			}
		}
		if seen[p] {
			return true
		}
		seen[p] = true
	}
	return false
}

func (t *texture) runFeatures(cells []cell) values {
	m := measure(cells, t.grey)
	return values{
		"GrayLevelNonUniformity":           m.greyUniformity / m.n,
		"GrayLevelNonUniformityNormalized": m.greyUniformity / (m.n * m.n),
		"GrayLevelVariance":                m.greyVariance,
		"HighGrayLevelRunEmphasis":         m.high,
		"LongRunEmphasis":                  m.large,
		"LongRunHighGrayLevelEmphasis":     m.largeHigh,
		"LongRunLowGrayLevelEmphasis":      m.largeLow,
		"LowGrayLevelRunEmphasis":          m.low,
		"RunEntropy":                       m.entropy,
		"RunLengthNonUniformity":           m.sizeUniformity / m.n,
		"RunLengthNonUniformityNormalized": m.sizeUniformity / (m.n * m.n),
		"RunPercentage":                    m.n / m.voxels,
		"RunVariance":                      m.sizeVariance,
		"ShortRunEmphasis":                 m.small,
		"ShortRunHighGrayLevelEmphasis":    m.smallHigh,
		"ShortRunLowGrayLevelEmphasis":     m.smallLow,
	}
}
