package neural

import (
	"fmt"
	"math"

	"github.com/voxgene/voxgene/models"
)

// goal is a number that is explained, as a function of the outputs of a head.
type goal struct {
	value    func(z []float64) float64
	slope    func(z, to []float64) // its derivative by each output
	straight bool                  // the derivative is the same everywhere, and z may be nil
}

// RiskScale is what Prediction.Risk is of a survival network, in the words of Attribution.
func (m *Model) RiskScale() string {
	if m.head().Kind == discreteHead {
		return "minus mean survival"
	}
	return "log-hazard"
}

// goals are the numbers of a request, in the order in which Predict gives them.
func (m *Model) goals(r models.AttributionRequest) ([]goal, error) {
	h := m.head()
	if h.Kind == classesHead {
		return m.classGoals(r.Scale)
	}
	if len(r.Times) == 0 {
		if r.Scale != m.RiskScale() {
			return nil, fmt.Errorf("the network has no gradient on the scale %q without times; it has %q", r.Scale, m.RiskScale())
		}
		if h.Kind == coxHead {
			return []goal{{func(z []float64) float64 { return z[0] - m.Baseline.Centre }, func(_, to []float64) { to[0] = 1 }, true}}, nil
		}
		return []goal{discrete(meanShares(h.Cuts))}, nil
	}
	var out []goal
	for _, t := range r.Times {
		var g goal
		if h.Kind == coxHead {
			g = m.coxSurvival(t)
		} else {
			g = discrete(shares(h.Cuts, t))
		}
		switch r.Scale {
		case "survival":
		case "cumulative hazard":
			s := g
			g.value = func(z []float64) float64 { return -math.Log(s.value(z)) }
			g.slope = func(z, to []float64) {
				s.slope(z, to)
				v := s.value(z)
				for k := range to {
					to[k] /= -v
				}
			}
		default:
			return nil, fmt.Errorf("the network has no gradient on the scale %q at a time", r.Scale)
		}
		out = append(out, g)
	}
	return out, nil
}

func (m *Model) classGoals(scale string) ([]goal, error) {
	n := len(m.Classes)
	two := n == 2
	var out []goal
	for c := range n {
		if two && c == 0 {
			continue
		}
		switch scale {
		case "log-odds":
			out = append(out, goal{
				value: func(z []float64) float64 {
					if two {
						return z[1] - z[0]
					}
					return z[c]
				},
				slope: func(_, to []float64) {
					clear(to)
					to[c] = 1
					if two {
						to[0] = -1
					}
				}, straight: true})
		case "probability":
			out = append(out, goal{value: func(z []float64) float64 { return softmax(z, c) },
				slope: func(z, to []float64) {
					p := softmax(z, c)
					for k := range to {
						to[k] = -p * softmax(z, k)
					}
					to[c] += p
				}})
		default:
			return nil, fmt.Errorf("the network has no gradient on the scale %q", scale)
		}
	}
	return out, nil
}

func softmax(z []float64, c int) float64 {
	sum := 0.0
	for _, v := range z {
		sum += math.Exp(v - z[c])
	}
	return 1 / sum
}

// coxSurvival is S(t) of a log-hazard: exp(−H·exp(z − centre)).
func (m *Model) coxSurvival(t float64) goal {
	at := func(z []float64) float64 {
		c := m.curve(z)
		return c.at(t)
	}
	return goal{value: at, slope: func(z, to []float64) {
		to[0] = 0
		if s := at(z); s > 0 && s < 1 {
			to[0] = s * math.Log(s) // −H·exp(risk)·S
		}
	}}
}

// shares says how S(t) of discrete time is made of 1 and of survival at the cuts: a constant and a factor of each.
func shares(cuts []float64, t float64) (factors []float64, constant float64) {
	factors = make([]float64, len(cuts))
	if t <= 0 {
		return factors, 1
	}
	begin := 0.0
	for k, end := range cuts {
		if t <= end {
			part := (t - begin) / (end - begin)
			factors[k] = part
			if k == 0 {
				return factors, 1 - part
			}
			factors[k-1] = 1 - part
			return factors, 0
		}
		begin = end
	}
	factors[len(cuts)-1] = 1
	return factors, 0
}

// meanShares are the same of minus the mean survival over all intervals, by the trapezoidal rule.
func meanShares(cuts []float64) (factors []float64, constant float64) {
	factors = make([]float64, len(cuts))
	last := cuts[len(cuts)-1]
	begin := 0.0
	for k, end := range cuts {
		factors[k] -= (end - begin) / 2 / last
		if k > 0 {
			factors[k-1] -= (end - begin) / 2 / last
		}
		begin = end
	}
	return factors, -cuts[0] / 2 / last
}

// discrete is a sum of survival at the cuts and a constant.
func discrete(factors []float64, constant float64) goal {
	return goal{
		value: func(z []float64) float64 {
			sum, s := constant, 1.0
			for k, v := range z {
				s /= 1 + math.Exp(v)
				sum += factors[k] * s
			}
			return sum
		},
		slope: func(z, to []float64) { // dS(k)/dz(j) = −S(k)·hazard(j) for j up to k
			s := 1.0
			for k, v := range z {
				s /= 1 + math.Exp(v)
				to[k] = factors[k] * s
			}
			for k := len(to) - 2; k >= 0; k-- {
				to[k] += to[k+1]
			}
			for k, v := range z {
				to[k] *= -1 / (1 + math.Exp(-v))
			}
		}}
}
