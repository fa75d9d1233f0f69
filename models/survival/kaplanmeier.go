package survival

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Curve is a right-continuous step function S(t), the probability of living past t. It is 1 before Times[0].
type Curve struct {
	Times    []float64 // every distinct time of the observations, ascending, in their unit
	AtRisk   []float64 // patients at risk just before each time
	Events   []float64 // events at each time
	Censored []float64 // patients censored at each time
	Survival []float64 // S just after each time, in [0, 1], never rising
	Variance []float64 // Greenwood's variance of log S at each time; +Inf once S is 0
}

// KaplanMeier returns the product-limit estimate from right-censored, and where entries are given left-truncated, observations
// [Kaplan1958].
//
// Times must be finite and not negative, and at least one patient is needed; with no event the curve stays at 1. The error names
// the first observation that is not valid.
//
// [Kaplan1958]: https://doi.org/10.1080/01621459.1958.10501452
func KaplanMeier(observations []Observation) (Curve, error) {
	if err := validate(observations, 1); err != nil {
		return Curve{}, err
	}
	c := count(observations)
	curve := Curve{Times: c.time, AtRisk: c.atRisk, Events: c.events, Censored: c.censored,
		Survival: make([]float64, len(c.time)), Variance: make([]float64, len(c.time))}
	survival, variance := 1.0, 0.0
	for i := range c.time {
		if d := c.events[i]; d > 0 {
			n := c.atRisk[i]
			survival *= 1 - d/n
			variance += d / (n * (n - d)) // infinite once nobody is left, as in R
		}
		curve.Survival[i], curve.Variance[i] = survival, variance
	}
	return curve, nil
}

// At returns S(t).
func (c Curve) At(t float64) float64 {
	if i := upTo(c.Times, t); i >= 0 {
		return c.Survival[i]
	}
	return 1
}

// Scale is the scale on which a confidence interval of a curve is symmetric.
type Scale int

// The scales of R's survfit. LogLog stays within [0, 1] by itself; the others are cut there.
const (
	Log Scale = iota
	LogLog
	Plain
)

// Interval returns pointwise confidence limits at each of Times, for example level 0.95. Where the scale is not defined (S of 0; S
// of 1 on the log-log scale) they are NaN.
func (c Curve) Interval(level float64, scale Scale) (low, high []float64) {
	z := distuv.UnitNormal.Quantile(1 - (1-level)/2)
	low, high = make([]float64, len(c.Times)), make([]float64, len(c.Times))
	for i, s := range c.Survival {
		low[i], high[i] = limits(s, z*math.Sqrt(c.Variance[i]), scale)
	}
	return low, high
}

// limits returns the confidence limits of a survival s whose logarithm has the half-width e.
func limits(s, e float64, scale Scale) (low, high float64) {
	switch {
	case s == 0 || scale == LogLog && s == 1:
		return math.NaN(), math.NaN()
	case scale == LogLog:
		e /= math.Log(s)
		centre := math.Log(-math.Log(s))
		return math.Exp(-math.Exp(centre - e)), math.Exp(-math.Exp(centre + e))
	case scale == Plain:
		return max(s-s*e, 0), min(s+s*e, 1)
	}
	return s * math.Exp(-e), min(s*math.Exp(e), 1)
}

// Quantile returns the time by which a fraction q of patients has had the event, and its confidence limits: where the limits of the
// curve cross 1−q (Brookmeyer and Crowley 1982). Where S equals 1−q over an interval its midpoint is taken, as in R. What the curve
// does not reach is NaN.
func (c Curve) Quantile(q, level float64, scale Scale) (value, low, high float64) {
	l, h := c.Interval(level, scale)
	return c.crossing(c.Survival, q), c.crossing(l, q), c.crossing(h, q)
}

// Median is Quantile(0.5) without limits: +Inf where the curve stays above one half.
func (c Curve) Median() float64 {
	if m := c.crossing(c.Survival, 0.5); !math.IsNaN(m) {
		return m
	}
	return math.Inf(1)
}

// crossing returns where a curve that starts at 1 falls to 1−q. R's tolerance joins steps that rounding has split.
func (c Curve) crossing(curve []float64, q float64) float64 {
	const tolerance = 1.4901161193847656e-08
	first := -1
	for i, s := range curve {
		if math.IsNaN(s) {
			continue
		}
		if first < 0 && 1-s >= q-tolerance {
			first = i
		}
		if 1-s > q+tolerance {
			return (c.Times[first] + c.Times[i]) / 2
		}
	}
	if first < 0 {
		return math.NaN()
	}
	return (c.Times[first] + c.Times[len(c.Times)-1]) / 2
}

// RestrictedMean returns the mean survival time up to tau, the area under the curve from 0, and its standard error. Past the last
// time the curve is held.
func (c Curve) RestrictedMean(tau float64) (mean, stdErr float64) {
	n := upTo(c.Times, tau) + 1
	area := make([]float64, n) // from Times[i] to tau
	right := tau
	for i := n - 1; i >= 0; i-- {
		mean += c.Survival[i] * (right - c.Times[i])
		area[i] = mean
		right = c.Times[i]
	}
	mean += right
	variance, last := 0.0, 0.0
	for i := range n {
		if area[i] > 0 {
			variance += area[i] * area[i] * (c.Variance[i] - last)
		}
		last = c.Variance[i]
	}
	return mean, math.Sqrt(variance)
}
