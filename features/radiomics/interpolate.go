package radiomics

import "math"

// The smooth interpolators of SimpleITK beside the B-spline, each a weighted sum along the three axes.

// sincRadius is how many voxels to each side a windowed sinc takes; SimpleITK fixes it.
const sincRadius = 5

// sincWindows are the windows of WindowedSincInterpolateImageFunction, by the interpolator's name.
var sincWindows = map[string]func(x float64) float64{
	"sitkHammingWindowedSinc": func(x float64) float64 { return 0.54 + 0.46*math.Cos(x*math.Pi/sincRadius) },
	"sitkCosineWindowedSinc":  func(x float64) float64 { return math.Cos(x * math.Pi / (2 * sincRadius)) },
	"sitkWelchWindowedSinc":   func(x float64) float64 { return 1 - x*x/(sincRadius*sincRadius) },
	"sitkLanczosWindowedSinc": func(x float64) float64 {
		if x == 0 {
			return 1
		}
		z := x * math.Pi / sincRadius
		return math.Sin(z) / z
	},
	"sitkBlackmanWindowedSinc": func(x float64) float64 {
		return 0.42 + 0.5*math.Cos(x*math.Pi/sincRadius) + 0.08*math.Cos(2*x*math.Pi/sincRadius)
	},
}

// sincKernel is a sinc under a window. The border repeats outwards.
func sincKernel(window func(float64) float64) interpolation {
	return interpolation{2 * sincRadius, func(x float64, size int, index []int32, weight []float64) {
		f := math.Floor(x)
		for k := range index {
			at := f + float64(k+1-sincRadius)
			index[k] = int32(min(max(at, 0), float64(size-1)))
			switch d := x - at; {
			case d == 0:
				weight[k] = 1
			case x == f:
				weight[k] = 0
			default:
				weight[k] = window(d) * math.Sin(math.Pi*d) / (math.Pi * d)
			}
		}
	}}
}

// gaussianReach is how far the Gaussian goes: 4 standard deviations of 0.8 voxels.
const gaussianSigma, gaussianReach = 0.8, 4 * 0.8

// gaussianKernel is the mean of the voxels under a Gaussian of 0.8 voxels, integrated over each, cut at 4 standard deviations and normalised by
// what lies inside the image, as in GaussianInterpolateImageFunction with SimpleITK's parameters. It has ⌈2·reach⌉ + 1 voxels at most, and
// one for the cut.
var gaussianKernel = interpolation{9, func(x float64, size int, index []int32, weight []float64) {
	from := int(max(math.Floor(x+0.5-gaussianReach), 0))
	to := int(min(math.Ceil(x+0.5+gaussianReach), float64(size)))
	sum := 0.0
	for k := range index {
		at := from + k
		if at >= to {
			index[k], weight[k] = int32(to-1), 0
			continue
		}
		low := (float64(at) - 0.5 - x) / (math.Sqrt2 * gaussianSigma)
		high := (float64(at) + 0.5 - x) / (math.Sqrt2 * gaussianSigma)
		index[k], weight[k] = int32(at), math.Erf(high)-math.Erf(low)
		sum += weight[k]
	}
	for k := range weight {
		weight[k] /= sum
	}
}}
