package neural

import "math"

// adamW is the optimiser of Loshchilov & Hutter, arXiv:1711.05101: moments of gradients, and a decay of the weights apart from them. Vectors
// (biases, scales) do not decay.
type adamW struct {
	decay         float64
	step          int
	first, second [][]float32 // of each weight
}

const (
	beta1, beta2 = 0.9, 0.999
	adamEpsilon  = 1e-8
)

func newAdamW(w Weights, decay float64) *adamW {
	o := &adamW{decay: decay, first: make([][]float32, len(w)), second: make([][]float32, len(w))}
	for i := range w {
		o.first[i], o.second[i] = make([]float32, len(w[i].Values)), make([]float32, len(w[i].Values))
	}
	return o
}

// update moves the weights against their gradients; a nil gradient leaves a weight alone.
func (o *adamW) update(w Weights, gradients [][]float32, rate float64) {
	o.step++
	c1, c2 := 1-math.Pow(beta1, float64(o.step)), 1-math.Pow(beta2, float64(o.step))
	for i := range w {
		if gradients[i] == nil {
			continue
		}
		shrink := float32(1)
		if w[i].fanIn > 0 {
			shrink = float32(1 - rate*o.decay)
		}
		v, m, s := w[i].Values, o.first[i], o.second[i]
		for k, g := range gradients[i] {
			m[k] = beta1*m[k] + (1-beta1)*g
			s[k] = beta2*s[k] + (1-beta2)*g*g
			v[k] = shrink*v[k] - float32(rate*float64(m[k])/c1/(math.Sqrt(float64(s[k])/c2)+adamEpsilon))
		}
	}
}

// clip scales gradients so that their norm, over all weights together, is at most limit; 0 leaves them. It returns the norm that they had.
func clip(gradients [][]float32, limit float64) float64 {
	sum := 0.0
	for _, g := range gradients {
		for _, v := range g {
			sum += float64(v) * float64(v)
		}
	}
	norm := math.Sqrt(sum)
	if limit > 0 && norm > limit {
		f := float32(limit / norm)
		for _, g := range gradients {
			for k := range g {
				g[k] *= f
			}
		}
	}
	return norm
}

// rateAt is the learning rate of a step: rising in a straight line over the warm-up, then falling as half a cosine to 0.
func rateAt(peak float64, step, warmup, total int) float64 {
	if step < warmup {
		return peak * float64(step+1) / float64(warmup)
	}
	return peak * 0.5 * (1 + math.Cos(math.Pi*float64(step-warmup)/float64(max(total-warmup, 1))))
}
