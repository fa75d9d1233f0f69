package calibrate

import (
	"cmp"
	"math"
	"slices"

	"github.com/voxgene/voxgene/models"
)

// curve turns a score into a probability: 1/(1+exp(−(Intercept + Slope·score))), or where it has Knots, linear between them and
// held beyond.
type curve struct {
	Intercept float64   `json:"intercept"`
	Slope     float64   `json:"slope"`
	Knots     []float64 `json:"knots,omitempty"`  // scores, rising
	Values    []float64 `json:"values,omitempty"` // probabilities, never falling
}

func (c curve) margin(score float64) float64 { return c.Intercept + c.Slope*score }

func (c curve) at(score float64) float64 {
	if len(c.Knots) == 0 {
		return logistic(c.margin(score))
	}
	i, exact := slices.BinarySearch(c.Knots, score)
	switch {
	case exact:
		return c.Values[i]
	case i == 0:
		return c.Values[0]
	case i == len(c.Knots):
		return c.Values[i-1]
	}
	f := (score - c.Knots[i-1]) / (c.Knots[i] - c.Knots[i-1])
	return c.Values[i-1] + f*(c.Values[i]-c.Values[i-1])
}

func logistic(x float64) float64 {
	if x >= 0 {
		return 1 / (1 + math.Exp(-x))
	}
	e := math.Exp(x)
	return e / (1 + e)
}

// fitCurves fits the calibration to out-of-fold scores, row-major.
func fitCurves(method string, scores []float64, t models.Training) []curve {
	k := len(t.Y.Classes)
	w := t.Weights
	if w == nil {
		w = make([]float64, len(t.Y.Class))
		for i := range w {
			w[i] = 1
		}
	}
	if k == 2 {
		is := make([]bool, len(w))
		for i, c := range t.Y.Class {
			is[i] = c == 1
		}
		switch method {
		case Platt:
			return []curve{platt(scores, is, w)}
		case Isotonic:
			return []curve{isotonic(scores, is, w)}
		}
		both := make([]float64, 0, 2*len(scores))
		for _, s := range scores {
			both = append(both, 0, s)
		}
		return []curve{{Slope: 1 / temperature(both, t.Y.Class, w, 2)}}
	}
	if method == Temperature {
		return []curve{{Slope: 1 / temperature(scores, t.Y.Class, w, k)}}
	}
	var out []curve
	one, is := make([]float64, len(w)), make([]bool, len(w))
	for class := range k {
		for i, c := range t.Y.Class {
			one[i], is[i] = scores[i*k+class], c == class
		}
		if method == Platt {
			out = append(out, platt(one, is, w))
		} else {
			out = append(out, isotonic(one, is, w))
		}
	}
	return out
}

// platt fits intercept and slope by maximum likelihood to targets drawn in from 0 and 1 as by a prior of one case each, so that
// separated scores still have a fit.
func platt(score []float64, is []bool, w []float64) curve {
	positive, negative := 0.0, 0.0
	for i, p := range is {
		if p {
			positive += w[i]
		} else {
			negative += w[i]
		}
	}
	high, low := (positive+1)/(positive+2), 1/(negative+2)
	loss := func(a, b float64) (value float64, g, h [3]float64) {
		for i, s := range score {
			y := low
			if is[i] {
				y = high
			}
			m := a + b*s
			p := logistic(m)
			value += w[i] * (max(m, 0) + math.Log1p(math.Exp(-math.Abs(m))) - y*m)
			r, v := w[i]*(p-y), w[i]*p*(1-p)
			g[0], g[1] = g[0]+r, g[1]+r*s
			h[0], h[1], h[2] = h[0]+v, h[1]+v*s, h[2]+v*s*s
		}
		return value, g, h
	}
	a, b := math.Log((positive+1)/(negative+1)), 0.0
	value, g, h := loss(a, b)
	for range 100 {
		h[0] += 1e-12
		h[2] += 1e-12
		det := h[0]*h[2] - h[1]*h[1]
		if det <= 0 {
			break // the scores are all the same
		}
		da, db := (h[2]*g[0]-h[1]*g[1])/det, (h[0]*g[1]-h[1]*g[0])/det
		step := 1.0
		for ; step > 1e-10; step /= 2 {
			next, ng, nh := loss(a-step*da, b-step*db)
			if next <= value {
				a, b, value, g, h = a-step*da, b-step*db, next, ng, nh
				break
			}
		}
		if step <= 1e-10 || math.Abs(step*da) < 1e-12*(1+math.Abs(a)) && math.Abs(step*db) < 1e-12*(1+math.Abs(b)) {
			break
		}
	}
	return curve{Intercept: a, Slope: b}
}

// isotonic pools adjacent violators [Ayer1955]; scores that tie are one block from the start.
//
// [Ayer1955]: https://doi.org/10.1214/aoms/1177728423
func isotonic(score []float64, is []bool, w []float64) curve {
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(score[a], score[b]) })
	type block struct{ first, last, weight, sum float64 }
	var blocks []block
	for _, i := range order {
		if w[i] == 0 {
			continue
		}
		y := 0.0
		if is[i] {
			y = w[i]
		}
		if n := len(blocks); n > 0 && blocks[n-1].last == score[i] {
			blocks[n-1].weight += w[i]
			blocks[n-1].sum += y
		} else {
			blocks = append(blocks, block{score[i], score[i], w[i], y})
		}
	}
	pooled := blocks[:0]
	for _, b := range blocks {
		pooled = append(pooled, b)
		for n := len(pooled); n > 1 && pooled[n-2].sum*pooled[n-1].weight >= pooled[n-1].sum*pooled[n-2].weight; n = len(pooled) {
			pooled[n-2].last = pooled[n-1].last
			pooled[n-2].weight += pooled[n-1].weight
			pooled[n-2].sum += pooled[n-1].sum
			pooled = pooled[:n-1]
		}
	}
	var c curve
	for _, b := range pooled {
		c.Knots, c.Values = append(c.Knots, b.first), append(c.Values, b.sum/b.weight)
		if b.last > b.first {
			c.Knots, c.Values = append(c.Knots, b.last), append(c.Values, b.sum/b.weight)
		}
	}
	return c
}

// temperature returns the T > 0 that makes the softmax of margins/T likeliest: Newton's method on log T, kept between 1/1000 and 1000.
func temperature(margin []float64, class []int, w []float64, k int) float64 {
	loss := func(logT float64) (value, g, h float64) {
		beta := math.Exp(-logT)
		prob := make([]float64, k)
		scaled := make([]float64, k)
		for i, c := range class {
			row := margin[i*k : (i+1)*k]
			for j, m := range row {
				scaled[j] = beta * m
			}
			softmax(scaled, prob)
			mean, squares := 0.0, 0.0
			for j, m := range row {
				mean += prob[j] * m
				squares += prob[j] * m * m
			}
			value -= w[i] * math.Log(max(prob[c], 1e-300))
			d := mean - row[c] // by beta
			g -= w[i] * beta * d
			h += w[i] * (beta*beta*(squares-mean*mean) + beta*d)
		}
		return value, g, h
	}
	limit := math.Log(1000)
	at := 0.0
	value, g, h := loss(at)
	for range 100 {
		step := -g / h
		if !(h > 0) || math.Abs(step) > 1 {
			step = -math.Copysign(min(1, math.Abs(g)), g)
		}
		for ; math.Abs(step) > 1e-12; step /= 2 {
			to := min(max(at+step, -limit), limit)
			if v, ng, nh := loss(to); v <= value {
				step = to - at
				at, value, g, h = to, v, ng, nh
				break
			}
		}
		if math.Abs(step) < 1e-10 {
			break
		}
	}
	return math.Exp(at)
}
