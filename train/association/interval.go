package association

import (
	"math"

	"github.com/voxgene/voxgene/features/stat"
)

// Interval is the 95 % interval of the effect of pair k: Fisher's z for a correlation (with Bonett and Wright's variance for ranks and Fieller's
// for Kendall's tau), Cliff's consistent variance for delta, Wald for a hazard ratio and a moderated difference. NaN where there is none.
func (m *Map) Interval(k int) (low, high float64) {
	i, j := k/len(m.Y), k%len(m.Y)
	a, b := m.x[i], m.y[j]
	r, z := m.Effect[k], stat.NormalQuantile(0.975)
	if math.IsNaN(r) {
		return math.NaN(), math.NaN()
	}
	switch {
	case b.scale == survival || m.isModerated(a, b):
		return r - z*m.stdErr[k], r + z*m.stdErr[k]
	case a.scale == numeric && b.scale == numeric:
		n := float64(m.Count(k) - 3 - len(m.given))
		variance := 1 / n
		switch m.Config.Method {
		case Spearman:
			variance = (1 + r*r/2) / n
		case Kendall:
			variance = 0.437 / (n - 1)
		}
		if !(n > 1) {
			return math.NaN(), math.NaN()
		}
		half := z * math.Sqrt(variance)
		return math.Tanh(math.Atanh(r) - half), math.Tanh(math.Atanh(r) + half)
	case a.scale != b.scale && countDistinct(b.values) == 2 && a.scale == numeric:
		groups := stat.Groups(a.values, b.values)
		return cliffInterval(groups[1], groups[0], z)
	}
	return math.NaN(), math.NaN()
}

// cliffInterval is the asymmetric interval of Cliff's delta (Feng and Cliff 2004).
func cliffInterval(x, y []float64, z float64) (low, high float64) {
	nx, ny := float64(len(x)), float64(len(y))
	if nx < 2 || ny < 2 {
		return math.NaN(), math.NaN()
	}
	rows, cols, d := make([]float64, len(x)), make([]float64, len(y)), 0.0
	for i, a := range x {
		for j, b := range y {
			s := dominance(a, b)
			rows[i] += s / ny
			cols[j] += s / nx
			d += s / (nx * ny)
		}
	}
	var sr, sc, sd float64
	for i, a := range x {
		sr += (rows[i] - d) * (rows[i] - d)
		for _, b := range y {
			sd += (dominance(a, b) - d) * (dominance(a, b) - d)
		}
	}
	for _, c := range cols {
		sc += (c - d) * (c - d)
	}
	variance := max((ny*ny*sr+nx*nx*sc-sd)/(nx*ny*(nx-1)*(ny-1)), (1-d*d)/(nx*ny-1))
	half := z * math.Sqrt(variance) * math.Sqrt((1-d*d)*(1-d*d)+z*z*variance)
	scale := 1 - d*d + z*z*variance
	if scale == 0 {
		return d, d
	}
	return max(-1, (d-d*d*d-half)/scale), min(1, (d-d*d*d+half)/scale)
}

func dominance(a, b float64) float64 {
	switch {
	case a > b:
		return 1
	case a < b:
		return -1
	}
	return 0
}
