package pipeline

import (
	"math"
	"slices"
)

// Quantile returns the p-quantile of ascending values by linear interpolation between order statistics, which is type 7 of
// Hyndman and Fan (1996) and the default of R and NumPy. No value is NaN; none at all gives NaN.
func Quantile(ascending []float64, p float64) float64 {
	if len(ascending) == 0 {
		return math.NaN()
	}
	h := p * float64(len(ascending)-1)
	low := int(h)
	if low >= len(ascending)-1 {
		return ascending[len(ascending)-1]
	}
	a, b := ascending[low], ascending[low+1]
	return a + (b-a)*(h-float64(low))
}

// mean of values, none of them NaN.
func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// variance about the mean, divided by n.
func variance(values []float64, mean float64) float64 {
	sum, rest := 0.0, 0.0
	for _, v := range values {
		d := v - mean
		sum += d * d
		rest += d
	}
	n := float64(len(values))
	return (sum - rest*rest/n) / n // the second term repairs the rounding of the mean (Chan, Golub and LeVeque 1983)
}

// known returns the values that are not missing, in the buffer given.
func known(values, buffer []float64) []float64 {
	buffer = buffer[:0]
	for _, v := range values {
		if !math.IsNaN(v) {
			buffer = append(buffer, v)
		}
	}
	return buffer
}

// sorted is known in ascending order.
func sorted(values, buffer []float64) []float64 {
	buffer = known(values, buffer)
	slices.Sort(buffer)
	return buffer
}
