package radiomics

import "math"

// glszm computes the grey level size zone matrix features [Thibault2014]: zones are voxels of one level joined by a face, an edge or a
// corner (within a slice where force2D is set).
//
// [Thibault2014]: https://doi.org/10.1109/TBME.2013.2284600
func (t *texture) glszm() values {
	m := measure(merge(t.zones()), t.grey)
	return values{
		"GrayLevelNonUniformity":           m.greyUniformity / m.n,
		"GrayLevelNonUniformityNormalized": m.greyUniformity / (m.n * m.n),
		"GrayLevelVariance":                m.greyVariance,
		"HighGrayLevelZoneEmphasis":        m.high,
		"LargeAreaEmphasis":                m.large,
		"LargeAreaHighGrayLevelEmphasis":   m.largeHigh,
		"LargeAreaLowGrayLevelEmphasis":    m.largeLow,
		"LowGrayLevelZoneEmphasis":         m.low,
		"SizeZoneNonUniformity":            m.sizeUniformity / m.n,
		"SizeZoneNonUniformityNormalized":  m.sizeUniformity / (m.n * m.n),
		"SmallAreaEmphasis":                m.small,
		"SmallAreaHighGrayLevelEmphasis":   m.smallHigh,
		"SmallAreaLowGrayLevelEmphasis":    m.smallLow,
		"ZoneEntropy":                      m.entropy,
		"ZonePercentage":                   m.n / m.voxels,
		"ZoneVariance":                     m.sizeVariance,
	}
}

// zones lists the zones of the region: one cell each, and one for all of one voxel and a level.
func (t *texture) zones() []cell {
	first, _ := t.span()
	angles := t.neighboursForRuns()
	alike := t.alike(angles)
	single := make([]float64, len(t.grey))
	joined := make([]int32, 0, len(t.voxels))
	for _, v := range t.voxels {
		if alike[int(v)-first] == 0 {
			single[t.levels[v]-1]++
		} else {
			joined = append(joined, v)
		}
	}
	out := t.zonesIn(joined, angles, nil)
	for l, n := range single {
		if n > 0 {
			out = append(out, cell{int32(l), 1, n})
		}
	}
	return out
}

// zonesIn lists the zones, joined along the angles, that begin in some of the voxels. With distances, the size of a cell is the least
// distance in the zone instead of the number of its voxels.
func (t *texture) zonesIn(voxels []int32, angles []angle, distances []int32) []cell {
	levels := append([]int32(nil), t.levels...) // 0 once a voxel has its zone
	var out []cell
	stack := make([]int32, 0, 1024)
	for _, v := range voxels {
		l := levels[v]
		if l == 0 {
			continue
		}
		size, nearest := int32(0), int32(math.MaxInt32)
		stack = append(stack[:0], v)
		levels[v] = 0
		for len(stack) > 0 {
			at := int(stack[len(stack)-1])
			stack = stack[:len(stack)-1]
			size++
			if distances != nil {
				nearest = min(nearest, distances[at])
			}
			for _, a := range angles {
				if n := at + a.off; levels[n] == l {
					levels[n] = 0
					stack = append(stack, int32(n))
				}
				if n := at - a.off; levels[n] == l {
					levels[n] = 0
					stack = append(stack, int32(n))
				}
			}
		}
		if distances != nil {
			size = nearest
		}
		out = append(out, cell{l - 1, size, 1})
	}
	return out
}
