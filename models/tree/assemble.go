package tree

// shape is what an ensemble's header says.
type shape struct {
	features int
	scale    Scale
	base     []float64
	targets  []int32
}

// assemble joins grown trees to an ensemble; values are multiplied by factor.
func assemble(s shape, trees []*nodes, factor float64) *Ensemble {
	e := &Ensemble{Features: s.features, Scale: s.scale, Base: s.base, Targets: s.targets, Roots: make([]int32, 1, len(trees)+1)}
	total, categorical := 0, false
	for _, t := range trees {
		total += len(t.feature)
		for _, c := range t.categories {
			categorical = categorical || c != nil
		}
		e.Roots = append(e.Roots, int32(total))
	}
	width := e.Width()
	e.Feature, e.Threshold = make([]int32, 0, total), make([]float64, 0, total)
	e.Left, e.Right = make([]int32, 0, total), make([]int32, 0, total)
	e.MissingLeft = make([]bool, 0, total)
	e.Cover, e.Gain = make([]float64, 0, total), make([]float64, 0, total)
	e.Values = make([]float64, 0, total*width)
	if categorical {
		e.Sets, e.SetStart = make([]int32, 0, total), []int32{0}
	}
	for i, t := range trees {
		first := e.Roots[i]
		for n := range t.feature {
			if t.feature[n] < 0 {
				e.Left, e.Right = append(e.Left, -1), append(e.Right, -1)
			} else {
				e.Left, e.Right = append(e.Left, first+t.left[n]), append(e.Right, first+t.right[n])
			}
			if categorical {
				e.appendSet(t.categories[n])
			}
		}
		e.Feature = append(e.Feature, t.feature...)
		e.Threshold = append(e.Threshold, t.threshold...)
		e.MissingLeft = append(e.MissingLeft, t.missingLeft...)
		e.Cover = append(e.Cover, t.cover...)
		e.Gain = append(e.Gain, t.gain...)
		for _, v := range t.values {
			e.Values = append(e.Values, v*factor)
		}
	}
	return e
}

func (e *Ensemble) appendSet(bits []uint64) {
	if bits == nil {
		e.Sets = append(e.Sets, -1)
		return
	}
	e.Sets = append(e.Sets, int32(len(e.SetStart)-1))
	e.SetBits = append(e.SetBits, bits...)
	e.SetStart = append(e.SetStart, int32(len(e.SetBits)))
}

// with returns the ensemble with other values at its leaves, and at other nodes the means of theirs.
func (e *Ensemble) with(leaf func(n int32) float64) *Ensemble {
	out := *e
	out.Values = make([]float64, len(e.Values))
	for n := e.Nodes() - 1; n >= 0; n-- {
		if e.Leaf(int32(n)) {
			out.Values[n] = leaf(int32(n))
			continue
		}
		l, r := e.Left[n], e.Right[n]
		out.Values[n] = (e.Cover[l]*out.Values[l] + e.Cover[r]*out.Values[r]) / (e.Cover[l] + e.Cover[r])
	}
	return &out
}
