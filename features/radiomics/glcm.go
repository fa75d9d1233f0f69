package radiomics

import (
	"cmp"
	"math"
	"slices"
)

// pair is one cell of a co-occurrence matrix: levels i and j of texture, counted from 0, and its weight.
type pair struct {
	i, j int32
	p    float64
}

// glcm computes the grey level co-occurrence matrix features: the mean over angles, or, with a weighting norm, those of the weighted
// sum of the matrices.
func (t *texture) glcm() values {
	m := newCooccurrence(t)
	names := familyOf("glcm").features
	if t.set.WeightingNorm == "" {
		var all []values
		for _, a := range t.angles {
			m.count(a, 1)
			if p := m.probabilities(); len(p) > 0 {
				all = append(all, m.features(p))
			}
		}
		return mean(all, names)
	}
	for _, a := range t.angles {
		w := 1.0
		if t.set.WeightingNorm != "no_weighting" {
			d := t.length(a, t.set.WeightingNorm)
			w = math.Exp(-d * d)
		}
		m.count(a, w)
	}
	p := m.probabilities()
	if len(p) == 0 {
		return mean(nil, names)
	}
	return m.features(p)
}

// denseLevels is the most levels for which pairs are counted in a full matrix; with more, most of it would be empty.
const denseLevels = 2048

// cooccurrence counts pairs of levels and computes features of the counts.
type cooccurrence struct {
	t      *texture
	counts []float64 // n×n, row i of the first voxel; nil where there are too many levels
	listed []pair    // then the pairs one by one
	px, py []float64
	sum    []float64 // p(i+j)
	diff   []float64 // p(|i−j|)
}

func newCooccurrence(t *texture) cooccurrence {
	m := cooccurrence{t: t}
	if n := len(t.grey); n <= denseLevels {
		m.counts = make([]float64, n*n)
	}
	return m
}

// count adds the pairs along an angle, each with a weight.
func (m *cooccurrence) count(a angle, weight float64) { m.countIn(m.t.voxels, a, weight) }

// countIn does so for the pairs that begin in some of the voxels.
func (m *cooccurrence) countIn(voxels []int32, a angle, weight float64) {
	n := len(m.t.grey)
	levels, off := m.t.levels, a.off
	if m.counts == nil {
		for _, v := range voxels {
			if l := levels[int(v)+off]; l > 0 {
				m.listed = append(m.listed, pair{levels[v] - 1, l - 1, weight})
			}
		}
		return
	}
	for _, v := range voxels {
		if l := levels[int(v)+off]; l > 0 {
			m.counts[int(levels[v]-1)*n+int(l-1)] += weight
		}
	}
}

// probabilities normalises the counts, made symmetric if the settings say so, lists those that are not zero, and clears the counts.
func (m *cooccurrence) probabilities() []pair {
	if m.counts == nil {
		return m.listedProbabilities()
	}
	n := len(m.t.grey)
	total := 0.0
	if m.t.set.SymmetricalGLCM {
		for i := range n {
			for j := range i {
				c := m.counts[i*n+j] + m.counts[j*n+i]
				m.counts[i*n+j], m.counts[j*n+i] = c, c
			}
			m.counts[i*n+i] *= 2
		}
	}
	cells := 0
	for _, c := range m.counts {
		if c > 0 {
			cells++
			total += c
		}
	}
	out := make([]pair, 0, cells)
	for k, c := range m.counts {
		if c > 0 {
			out = append(out, pair{int32(k / n), int32(k % n), c / total})
			m.counts[k] = 0
		}
	}
	return out
}

// listedProbabilities does so for pairs that were listed.
func (m *cooccurrence) listedProbabilities() []pair {
	all := m.listed
	m.listed = m.listed[:0:0]
	if m.t.set.SymmetricalGLCM {
		for _, c := range all[:len(all):len(all)] {
			all = append(all, pair{c.j, c.i, c.p})
		}
	}
	slices.SortFunc(all, func(a, b pair) int { return cmp.Or(cmp.Compare(a.i, b.i), cmp.Compare(a.j, b.j)) })
	total := 0.0
	out := all[:0]
	for _, c := range all {
		total += c.p
		if k := len(out) - 1; k >= 0 && out[k].i == c.i && out[k].j == c.j {
			out[k].p += c.p
		} else {
			out = append(out, c)
		}
	}
	for k := range out {
		out[k].p /= total
	}
	return out
}

// features computes the features of one normalised matrix [Haralick1973].
//
// [Haralick1973]: https://doi.org/10.1109/TSMC.1973.4309314
func (m *cooccurrence) features(p []pair) values {
	v := m.measures(p)
	v["MCC"] = m.maximalCorrelation(p)
	return v
}

// measures are all of them but the maximal correlation coefficient, which takes longer than the rest.
func (m *cooccurrence) measures(p []pair) values {
	grey := m.t.grey
	n, top := len(grey), m.t.top
	if m.px == nil {
		m.px, m.py, m.sum, m.diff = make([]float64, n), make([]float64, n), make([]float64, 2*top+1), make([]float64, top)
	}
	clear(m.px)
	clear(m.py)
	clear(m.sum)
	clear(m.diff)
	var ux, uy, auto, energy, hxy, maximum float64
	for _, c := range p {
		i, j := grey[c.i], grey[c.j]
		m.px[c.i] += c.p
		m.py[c.j] += c.p
		m.sum[i+j] += c.p
		m.diff[abs(i-j)] += c.p
		ux += float64(i) * c.p
		uy += float64(j) * c.p
		auto += float64(i*j) * c.p
		energy += c.p * c.p
		hxy -= c.p * math.Log2(c.p)
		maximum = max(maximum, c.p)
	}
	hx, hy := entropy(m.px), entropy(m.py)
	// Σ p log(px·py) and ΣΣ px·py log(px·py) are both −(HX + HY), because px and py are the sums of p.
	information := hx + hy - hxy
	var varX, varY, covariance, shade, prominence, tendency float64
	for _, c := range p {
		di, dj := float64(grey[c.i])-ux, float64(grey[c.j])-uy
		varX += c.p * di * di
		varY += c.p * dj * dj
		covariance += c.p * di * dj
		s := di + dj
		tendency += c.p * s * s
		shade += c.p * s * s * s
		prominence += c.p * s * s * s * s
	}
	v := values{
		"Autocorrelation": auto, "ClusterProminence": prominence, "ClusterShade": shade, "ClusterTendency": tendency,
		"JointAverage": ux, "JointEnergy": energy, "JointEntropy": hxy + 0, "MaximumProbability": maximum, "SumSquares": varX,
		"Correlation": 1, "Imc1": 0, "Imc2": 0,
	}
	if sd := math.Sqrt(varX) * math.Sqrt(varY); sd > 0 {
		v["Correlation"] = covariance / sd
	}
	if h := max(hx, hy); h > 0 {
		v["Imc1"] = -information / h
		v["Imc2"] = math.Sqrt(max(1-math.Exp(-2*information), 0))
	}
	m.differences(v)
	average := 0.0
	for k, q := range m.sum {
		average += float64(k) * q
	}
	v["SumAverage"], v["SumEntropy"] = average, entropy(m.sum)
	return v
}

// differences computes the features of the distribution of |i−j|.
func (m *cooccurrence) differences(v values) {
	top := float64(len(m.diff))
	var average, contrast, id, idm, idn, idmn, inverse float64
	for k, q := range m.diff {
		if q == 0 {
			continue
		}
		d := float64(k)
		average += d * q
		contrast += d * d * q
		id += q / (1 + d)
		idm += q / (1 + d*d)
		idn += q / (1 + d/top)
		idmn += q / (1 + d*d/(top*top))
		if k > 0 {
			inverse += q / (d * d)
		}
	}
	variance := 0.0
	for k, q := range m.diff {
		variance += q * (float64(k) - average) * (float64(k) - average)
	}
	v["DifferenceAverage"], v["DifferenceVariance"], v["DifferenceEntropy"] = average, variance, entropy(m.diff)
	v["Contrast"], v["Id"], v["Idm"], v["Idn"], v["Idmn"], v["InverseVariance"] = contrast, id, idm, idn, idmn, inverse
}

// entropy is −Σ p log₂ p.
func entropy(p []float64) float64 {
	h := 0.0
	for _, q := range p {
		if q > 0 {
			h -= q * math.Log2(q)
		}
	}
	return h + 0
}
