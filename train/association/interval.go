package association

import (
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/work"
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
		n := float64(int(m.N[k]) - 3 - len(m.given))
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

// Stability is the share of bootstrap resamples of patients in which pair k has the same sign and a p, unadjusted, within the level. Resamples are the
// same for all pairs. NaN without a bootstrap.
func (m *Map) Stability(k int, seed work.Seed) float64 {
	if m.Config.Bootstrap == 0 || math.IsNaN(m.Effect[k]) {
		return math.NaN()
	}
	a, b := m.x[k/len(m.Y)], m.y[k%len(m.Y)]
	if b.scale == survival || m.isModerated(a, b) {
		return math.NaN() // a model a resample: too dear for what it says
	}
	x, y := a.values, b.values
	numbers := a.scale == numeric && b.scale == numeric
	if numbers {
		rx, ry, _ := residuals([][]float64{x}, [][]float64{y}, m.given, stat.Method(m.correlation()))
		x, y = rx[0], ry[0]
	}
	same := 0
	px, py := make([]float64, len(x)), make([]float64, len(x))
	for draw := range m.Config.Bootstrap {
		r := seed.Split("stability", fmt.Sprint(draw)).Rand()
		for i := range px {
			from := r.IntN(len(x))
			px[i], py[i] = x[from], y[from]
		}
		effect, p, _ := m.resampled(variable{Column: a.Column, scale: a.scale, values: px}, variable{Column: b.Column, scale: b.scale, values: py}, numbers)
		if p <= m.Config.Level && effect*m.Effect[k] > 0 {
			same++
		}
	}
	return float64(same) / float64(m.Config.Bootstrap)
}

// resampled tests a pair of a bootstrap by the map's own method.
func (m *Map) resampled(a, b variable, numbers bool) (effect, p float64, n int32) {
	switch {
	case numbers && (m.Config.Method == Pearson || len(m.given) > 0):
		c := stat.Pearson(a.values, b.values)
		return c.R, c.P, int32(c.N)
	case numbers && m.Config.Method == Spearman:
		c := stat.Spearman(a.values, b.values)
		return c.R, c.P, int32(c.N)
	}
	return m.pairTest(a, b)
}
