package radiomics

// gldm computes the grey level dependence matrix features [Sun1983]. The dependence of a voxel is one more than the number of its
// neighbours whose level differs by at most gldm_a.
//
// [Sun1983]: https://doi.org/10.1016/0734-189X(83)90032-4
func (t *texture) gldm() values {
	most := 2*len(t.angles) + 1
	counts := make([]uint32, len(t.grey)*(most+1))
	levels, angles := t.levels, t.angles
	alpha := t.set.GLDMAlpha
	for _, v := range t.voxels {
		l, n := levels[v], 1
		if alpha < 1 {
			for _, a := range angles {
				n += same(levels[int(v)+a.off], l) + same(levels[int(v)-a.off], l)
			}
		} else {
			g := t.grey[l-1]
			near := func(m int32) int {
				if m > 0 && float64(abs(t.grey[m-1]-g)) <= alpha {
					return 1
				}
				return 0
			}
			for _, a := range angles {
				n += near(levels[int(v)+a.off]) + near(levels[int(v)-a.off])
			}
		}
		counts[int(l-1)*(most+1)+n]++
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

// same is 1 for two equal levels and 0 for others, without a branch: whether neighbours are alike cannot be foreseen.
func same(a, b int32) int { return int(uint32(a^b-1) >> 31) }
