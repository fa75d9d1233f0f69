package stat

import (
	"cmp"
	"math"
	"slices"
)

// Adjustment is a way to control error over many tests.
type Adjustment string

// The adjustments, as configurations name them. BH and BY control the false discovery rate, the others the family-wise error.
const (
	Bonferroni         Adjustment = "bonferroni"
	Holm               Adjustment = "holm"
	Hochberg           Adjustment = "hochberg"
	Hommel             Adjustment = "hommel"
	BenjaminiHochberg  Adjustment = "bh"
	BenjaminiYekutieli Adjustment = "by"
)

// Adjustments lists all adjustments.
func Adjustments() []Adjustment {
	return []Adjustment{Bonferroni, Holm, Hochberg, Hommel, BenjaminiHochberg, BenjaminiYekutieli}
}

// Adjust returns adjusted p-values, in the order of p and at most 1. A missing p stays missing and is not counted as a test. An
// unknown adjustment gives NaN throughout.
func Adjust(p []float64, a Adjustment) []float64 {
	out := make([]float64, len(p))
	order := make([]int, 0, len(p))
	for i, v := range p {
		out[i] = none
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	m := float64(len(order))
	switch a {
	case Bonferroni:
		for _, i := range order {
			out[i] = min(1, m*p[i])
		}
	case Holm:
		last := 0.0
		for k, i := range order {
			last = max(last, min(1, (m-float64(k))*p[i]))
			out[i] = last
		}
	case Hochberg:
		stepUp(p, out, order, func(k int) float64 { return m - float64(k) })
	case BenjaminiHochberg:
		stepUp(p, out, order, func(k int) float64 { return m / float64(k+1) })
	case BenjaminiYekutieli:
		harmonic := 0.0
		for k := range order {
			harmonic += 1 / float64(k+1)
		}
		stepUp(p, out, order, func(k int) float64 { return harmonic * m / float64(k+1) })
	case Hommel:
		hommel(p, out, order)
	}
	return out
}

// stepUp takes the running minimum from the largest p down of factor(k)·p, k counting from 0 at the smallest.
func stepUp(p, out []float64, order []int, factor func(k int) float64) {
	last := 1.0
	for k := len(order) - 1; k >= 0; k-- {
		last = min(last, factor(k)*p[order[k]])
		out[order[k]] = last
	}
}

// hommel follows Wright (1992), as R's p.adjust does. It takes O(n²).
func hommel(p, out []float64, order []int) {
	n := len(order)
	if n == 0 {
		return
	}
	sorted, adjusted, q := make([]float64, n), make([]float64, n), make([]float64, n)
	start := math.Inf(1)
	for k, i := range order {
		sorted[k] = p[i]
		start = min(start, float64(n)*p[i]/float64(k+1))
	}
	for k := range q {
		q[k], adjusted[k] = start, start
	}
	for m := n - 1; m >= 2; m-- {
		split := n - m + 1 // the first split values, then the m−1 largest
		q1 := math.Inf(1)
		for j := 2; j <= m; j++ {
			q1 = min(q1, float64(m)*sorted[split+j-2]/float64(j))
		}
		for k := range split {
			q[k] = min(float64(m)*sorted[k], q1)
		}
		for k := split; k < n; k++ {
			q[k] = q[n-m]
		}
		for k := range q {
			adjusted[k] = max(adjusted[k], q[k])
		}
	}
	for k, i := range order {
		out[i] = min(1, max(adjusted[k], sorted[k]))
	}
}
