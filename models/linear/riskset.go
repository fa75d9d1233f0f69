package linear

import "gonum.org/v1/gonum/floats"

// riskSet is what Cox's likelihood needs of one event time: sums over those at risk of e, e·x and e·x·xᵀ, and over those having the
// event there.
type riskSet struct {
	time       int // index in partial.times
	steps      int
	weight     float64 // of each step
	e, tiedE   float64
	x, tiedX   []float64
	xx, tiedXX []float64 // k×k, nil where not asked for
}

// mean writes the mean of x over those at risk at a step to dst and returns 1/Σe there.
func (r *riskSet) mean(step int, dst []float64) float64 {
	f := float64(step) / float64(r.steps)
	inverse := 1 / (r.e - f*r.tiedE)
	for a := range dst {
		dst[a] = (r.x[a] - f*r.tiedX[a]) * inverse
	}
	return inverse
}

// variance adds weight × the variance of x over those at risk, summed over the steps, to dst, k×k.
func (r *riskSet) variance(weight float64, dst []float64) {
	k := len(r.x)
	mean := make([]float64, k)
	for step := range r.steps {
		f := float64(step) / float64(r.steps)
		inverse := r.mean(step, mean)
		w := weight * r.weight
		for a := range k {
			for b := range k {
				dst[a*k+b] += w * ((r.xx[a*k+b]-f*r.tiedXX[a*k+b])*inverse - mean[a]*mean[b])
			}
		}
	}
}

// riskSets calls f for every event time, the last of each stratum first, at the solution of a Cox fit. squares asks for e·x·xᵀ.
func (n *newton) riskSets(squares bool, f func(r *riskSet)) {
	l, k := n.cox, len(n.columns)
	n.predictors(n.b)
	l.exponentiate(n.eta[0])
	arriving, leaving := make([][]int, len(l.times)), make([][]int, len(l.times))
	for i, t := range l.left {
		if t > l.entered[i] {
			arriving[t] = append(arriving[t], i)
			if l.late(i) {
				leaving[l.entered[i]] = append(leaving[l.entered[i]], i)
			}
		}
	}
	r := &riskSet{x: make([]float64, k), tiedX: make([]float64, k)}
	if squares {
		r.xx, r.tiedXX = make([]float64, k*k), make([]float64, k*k)
	}
	row := make([]float64, k)
	add := func(i int, sign float64, e *float64, x, xx []float64) {
		for a, j := range n.columns {
			row[a] = n.d.column(j)[i]
		}
		w := sign * l.e[i]
		*e += w
		floats.AddScaled(x, w, row)
		if squares {
			for a := range k {
				floats.AddScaled(xx[a*k:(a+1)*k], w*row[a], row)
			}
		}
	}
	for t := len(l.times) - 1; t >= 0; t-- {
		if t+1 == len(l.times) || l.times[t+1].first {
			r.e = 0
			clear(r.x)
			clear(r.xx)
		}
		for _, i := range arriving[t] {
			add(i, 1, &r.e, r.x, r.xx)
		}
		for _, i := range leaving[t] {
			add(i, -1, &r.e, r.x, r.xx)
		}
		r.tiedE = 0
		clear(r.tiedX)
		clear(r.tiedXX)
		for _, i := range l.times[t].rows {
			add(i, 1, &r.tiedE, r.tiedX, r.tiedXX)
		}
		r.time = t
		r.steps, r.weight = l.share(&l.times[t])
		f(r)
	}
}
