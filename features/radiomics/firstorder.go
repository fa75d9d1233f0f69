package radiomics

import (
	"math"
	"slices"
)

// firstOrder computes the intensity statistics of the voxels x, of which each is voxelVolume mm³ large. A region of one value has
// skewness and kurtosis 0, as in PyRadiomics.
func firstOrder(x []float64, voxelVolume float64, set Settings) values {
	n := float64(len(x))
	sorted := ascending(x)
	low, high := sorted[0], sorted[len(sorted)-1]
	mean := pairwise(x, func(v float64) float64 { return v }) / n
	energy := pairwise(x, func(v float64) float64 { v += set.VoxelArrayShift; return v * v })
	m2 := pairwise(x, func(v float64) float64 { v -= mean; return v * v }) / n
	m3 := pairwise(x, func(v float64) float64 { v -= mean; return v * v * v }) / n
	m4 := pairwise(x, func(v float64) float64 { v -= mean; return v * v * v * v }) / n
	mad := pairwise(x, func(v float64) float64 { return math.Abs(v - mean) }) / n
	p10, p90 := percentile(sorted, 10), percentile(sorted, 90)
	skewness, kurtosis := 0.0, 0.0
	if m2 > 0 {
		skewness, kurtosis = m3/math.Pow(m2, 1.5), m4/(m2*m2)
	}
	entropy, uniformity := histogramMeasures(sorted, set)
	return values{
		"10Percentile":                p10,
		"90Percentile":                p90,
		"Energy":                      energy,
		"Entropy":                     entropy,
		"InterquartileRange":          percentile(sorted, 75) - percentile(sorted, 25),
		"Kurtosis":                    kurtosis,
		"Maximum":                     high,
		"Mean":                        mean,
		"MeanAbsoluteDeviation":       mad,
		"Median":                      percentile(sorted, 50),
		"Minimum":                     low,
		"Range":                       high - low,
		"RobustMeanAbsoluteDeviation": robustDeviation(sorted, p10, p90),
		"RootMeanSquared":             math.Sqrt(energy / n),
		"Skewness":                    skewness,
		"StandardDeviation":           math.Sqrt(m2),
		"TotalEnergy":                 energy * voxelVolume,
		"Uniformity":                  uniformity,
		"Variance":                    m2,
	}
}

// robustDeviation is the mean absolute deviation of the values between two percentiles, both included.
func robustDeviation(sorted []float64, p10, p90 float64) float64 {
	from, _ := slices.BinarySearch(sorted, p10)
	to := from
	for to < len(sorted) && sorted[to] <= p90 {
		to++
	}
	middle := sorted[from:to]
	if len(middle) == 0 {
		return math.NaN()
	}
	n := float64(len(middle))
	mean := pairwise(middle, func(v float64) float64 { return v }) / n
	return pairwise(middle, func(v float64) float64 { return math.Abs(v - mean) }) / n
}

// histogramMeasures are entropy (bits) and uniformity of the histogram that textures use too.
func histogramMeasures(sorted []float64, set Settings) (entropy, uniformity float64) {
	edges := binEdges(sorted[0], sorted[len(sorted)-1], set)
	n := float64(len(sorted))
	for at := 0; at < len(sorted); {
		upper := math.Nextafter(sorted[at], math.Inf(1)) // where values are so large that a bin is narrower than their rounding, each is one of its own
		if bins := (sorted[at] - edges.start) / edges.step; bins < 1<<53 {
			upper = edges.upper(edges.level(sorted[at]))
		}
		start := at
		for at++; at < len(sorted) && sorted[at] < upper; at++ {
		}
		p := float64(at-start) / n
		entropy -= p * math.Log2(p)
		uniformity += p * p
	}
	return entropy + 0, uniformity // + 0 turns −0 into 0
}

// percentile interpolates linearly between the neighbouring order statistics, as numpy does by default.
func percentile(sorted []float64, percent float64) float64 {
	at := percent / 100 * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	a, b, t := sorted[i], sorted[i+1], at-float64(i)
	if t >= 0.5 {
		return b - (b-a)*(1-t)
	}
	return a + (b-a)*t
}

// pairwise sums f over x in blocks that are added as a tree, which keeps rounding errors at the square root of what one running sum
// has, and does not depend on how the work is split.
func pairwise(x []float64, f func(float64) float64) float64 {
	if len(x) <= 256 {
		sum := 0.0
		for _, v := range x {
			sum += f(v)
		}
		return sum
	}
	half := len(x) / 2
	return pairwise(x[:half], f) + pairwise(x[half:], f)
}
