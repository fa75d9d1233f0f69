package radiomics

// gldm computes the grey level dependence matrix features [Sun1983]. The dependence of a voxel is one more than the number of its
// neighbours whose level differs by at most gldm_a.
//
// [Sun1983]: https://doi.org/10.1016/0734-189X(83)90032-4
func (t *texture) gldm() values {
	most := 2*len(t.angles) + 1
	counts := make([]uint32, len(t.grey)*(most+1))
	if alpha := t.set.GLDMAlpha; alpha < 1 {
		first, _ := t.span()
		alike := t.alike(t.angles)
		for _, v := range t.voxels {
			counts[int(t.levels[v]-1)*(most+1)+int(alike[int(v)-first])+1]++
		}
	} else {
		for _, v := range t.voxels {
			counts[int(t.levels[v]-1)*(most+1)+t.dependence(v, alpha)]++
		}
	}
	var cells []cell
	for k, c := range counts {
		if c > 0 {
			cells = append(cells, cell{int32(k / (most + 1)), int32(k % (most + 1)), float64(c)})
		}
	}
	m := measure(cells, t.grey)
	return values{
		"DependenceEntropy":                    m.entropy,
		"DependenceNonUniformity":              m.sizeUniformity / m.n,
		"DependenceNonUniformityNormalized":    m.sizeUniformity / (m.n * m.n),
		"DependenceVariance":                   m.sizeVariance,
		"GrayLevelNonUniformity":               m.greyUniformity / m.n,
		"GrayLevelVariance":                    m.greyVariance,
		"HighGrayLevelEmphasis":                m.high,
		"LargeDependenceEmphasis":              m.large,
		"LargeDependenceHighGrayLevelEmphasis": m.largeHigh,
		"LargeDependenceLowGrayLevelEmphasis":  m.largeLow,
		"LowGrayLevelEmphasis":                 m.low,
		"SmallDependenceEmphasis":              m.small,
		"SmallDependenceHighGrayLevelEmphasis": m.smallHigh,
		"SmallDependenceLowGrayLevelEmphasis":  m.smallLow,
	}
}

// dependence is one more than the number of a voxel's neighbours in the region whose grey levels differ from its own by at most alpha.
func (t *texture) dependence(v int32, alpha float64) int {
	g, n := t.grey[t.levels[v]-1], 1
	for _, a := range t.angles {
		for _, m := range [2]int32{t.levels[int(v)+a.off], t.levels[int(v)-a.off]} {
			if m > 0 && float64(abs(t.grey[m-1]-g)) <= alpha {
				n++
			}
		}
	}
	return n
}

// same is 1 for two equal levels and 0 for others, without a branch: whether neighbours are alike cannot be foreseen.
func same(a, b int32) int { return int(uint32(a^b-1) >> 31) }
