package stat

import "math"

// TukeyHSD returns the p-values of all pairs of group means, p[a][b] for b < a, adjusted by the studentised range (Tukey and Kramer).
func TukeyHSD(groups [][]float64) [][]float64 {
	_, within, k, n := sumsOfSquares(groups)
	df := float64(n - k)
	variance := within / df
	out := make([][]float64, k)
	for a := range groups {
		for b := range a {
			se := math.Sqrt(variance / 2 * (1/float64(len(groups[a])) + 1/float64(len(groups[b]))))
			out[a] = append(out[a], StudentisedRangeP(math.Abs(Mean(groups[a])-Mean(groups[b]))/se, k, df))
		}
	}
	return out
}

// StudentisedRangeP is the upper tail of the range of k normal means over an independent standard deviation with df degrees of freedom,
// integrated to about 1e-10.
func StudentisedRangeP(q float64, k int, df float64) float64 {
	if !(q > 0) || k < 2 || !(df > 0) {
		if q <= 0 {
			return 1
		}
		return none
	}
	// The standard deviation s: density of √(χ²/df), by its logarithm.
	lg, _ := math.Lgamma(df / 2)
	density := func(s float64) float64 {
		return math.Exp(math.Ln2 + df/2*math.Log(df/2) - lg + (df-1)*math.Log(s) - df*s*s/2)
	}
	spread := 12 / math.Sqrt(2*df)
	low, high := max(0, 1-spread), 1+max(spread, 1)
	return simpson(low, high, 600, func(s float64) float64 {
		if s == 0 {
			return 0
		}
		return density(s) * rangeTail(q*s, k)
	})
}

// rangeTail is P(range of k standard normals > w) = 1 − k∫φ(z)(Φ(z)−Φ(z−w))^(k−1)dz.
func rangeTail(w float64, k int) float64 {
	inside := simpson(-8, 8+w, 400, func(z float64) float64 {
		return math.Exp(-z*z/2) / math.Sqrt(2*math.Pi) * math.Pow((math.Erfc((z-w)/math.Sqrt2)-math.Erfc(z/math.Sqrt2))/2, float64(k-1))
	})
	return max(0, 1-float64(k)*inside)
}

// simpson integrates f over [a, b] in an even number of steps.
func simpson(a, b float64, steps int, f func(float64) float64) float64 {
	h := (b - a) / float64(steps)
	sum := f(a) + f(b)
	for i := 1; i < steps; i++ {
		weight := 4.0
		if i%2 == 0 {
			weight = 2
		}
		sum += weight * f(a+float64(i)*h)
	}
	return sum * h / 3
}
