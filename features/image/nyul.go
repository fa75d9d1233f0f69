package image

import (
	"fmt"
	"math"
	"slices"
)

// NyulQuantiles are the quantiles of an image's values that are its landmarks: the ends, without the extremes, and the deciles [Shah2011].
//
// [Shah2011]: https://doi.org/10.1016/j.media.2010.12.003
var NyulQuantiles = []float64{0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99}

// The ends of the standard scale.
const nyulLow, nyulHigh = 1, 100

// Nyul is the standard scale of a set of MR scans [Nyul2000]: the place of each landmark, learned as the mean over scans. A scan is brought
// to it by the piecewise linear map of its own landmarks.
//
// [Nyul2000]: https://doi.org/10.1109/42.836373
type Nyul struct {
	Scale []float64 // one a quantile of NyulQuantiles, ascending
}

// Landmarks are the quantiles of the voxels of m, or of those above 0 without a mask, from which Nyul is learned and by which it is
// applied.
func Landmarks(v *Volume, m *Mask) ([]float64, error) {
	values, err := v.inside(m)
	if err != nil {
		return nil, err
	}
	slices.Sort(values)
	out := make([]float64, len(NyulQuantiles))
	for i, q := range NyulQuantiles {
		out[i] = quantile(values, q)
	}
	if !(out[len(out)-1] > out[0]) {
		return nil, fmt.Errorf("98 %% of the values to take landmarks from are %g", out[0])
	}
	return out, nil
}

// FitNyul learns the standard scale from the landmarks of each of a set of scans, at least one.
func FitNyul(landmarks [][]float64) (Nyul, error) {
	n := Nyul{make([]float64, len(NyulQuantiles))}
	if len(landmarks) == 0 {
		return n, fmt.Errorf("no scan to learn a standard scale from")
	}
	for _, l := range landmarks {
		if err := checkLandmarks(l); err != nil {
			return n, err
		}
		first, last := l[0], l[len(l)-1]
		for i, x := range l {
			n.Scale[i] += (nyulLow + (x-first)/(last-first)*(nyulHigh-nyulLow)) / float64(len(landmarks))
		}
	}
	return n, nil
}

func checkLandmarks(l []float64) error {
	if len(l) != len(NyulQuantiles) || !slices.IsSorted(l) || !(l[len(l)-1] > l[0]) || math.IsInf(l[0], 0) || math.IsInf(l[len(l)-1], 0) {
		return fmt.Errorf("landmarks %v: want %d ascending numbers", l, len(NyulQuantiles))
	}
	return nil
}

// Check says whether the scale is one.
func (n Nyul) Check() error { return checkLandmarks(n.Scale) }

// Apply brings a scan with these landmarks to the standard scale. Beyond the first and the last landmark the map goes on as it was.
func (n Nyul) Apply(v *Volume, landmarks []float64) (*Volume, error) {
	if err := checkLandmarks(n.Scale); err != nil {
		return nil, err
	}
	if err := checkLandmarks(landmarks); err != nil {
		return nil, err
	}
	// Landmarks that coincide are one, at the mean of their places.
	var x, y []float64
	for i := 0; i < len(landmarks); {
		j, sum := i, 0.0
		for ; j < len(landmarks) && landmarks[j] == landmarks[i]; j++ {
			sum += n.Scale[j]
		}
		x, y = append(x, landmarks[i]), append(y, sum/float64(j-i))
		i = j
	}
	out := &Volume{Grid: v.Grid, Values: make([]float64, len(v.Values))}
	for at, value := range v.Values {
		k := 0
		for k < len(x)-2 && value >= x[k+1] {
			k++
		}
		out.Values[at] = y[k] + (value-x[k])*(y[k+1]-y[k])/(x[k+1]-x[k])
	}
	return out, nil
}
