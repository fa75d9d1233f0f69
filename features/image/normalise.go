package image

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Normalisation maps values to (x − Location)/Scale. MR has no unit: a scan is compared with others after its values are put on a scale
// that its own tissue gives.
type Normalisation struct{ Location, Scale float64 }

// Normalise is the volume on the scale of n. Its values are no longer integers.
func (v *Volume) Normalise(n Normalisation) *Volume {
	out := &Volume{Grid: v.Grid, Values: make([]float64, len(v.Values))}
	for i, x := range v.Values {
		out.Values[i] = (x - n.Location) / n.Scale
	}
	return out
}

// inside are the values of a volume where m has a label, without those that are not finite; without a mask, those above 0, which in a
// skull-stripped scan is the brain.
func (v *Volume) inside(m *Mask) ([]float64, error) {
	if m != nil {
		if err := SameGrid(v.Grid, m.Grid, GridTolerance); err != nil {
			return nil, err
		}
	}
	var out []float64
	for i, x := range v.Values {
		if (m == nil && x > 0 || m != nil && m.Labels[i] != 0) && !math.IsInf(x, 0) && !math.IsNaN(x) {
			out = append(out, x)
		}
	}
	if len(out) < 2 {
		return nil, fmt.Errorf("%d values to take a scale from: want 2 or more", len(out))
	}
	return out, nil
}

// location is the mean and the SD (÷ n) of values.
func location(values []float64) (Normalisation, error) {
	mean, m2 := 0.0, 0.0
	for _, x := range values {
		mean += x
	}
	mean /= float64(len(values))
	for _, x := range values {
		m2 += (x - mean) * (x - mean)
	}
	n := Normalisation{mean, math.Sqrt(m2 / float64(len(values)))}
	if !(n.Scale > 0) {
		return n, errors.New("the values to take a scale from are all the same")
	}
	return n, nil
}

// ZScore takes mean and SD (÷ n) of the voxels of m, or of those above 0 without a mask.
func ZScore(v *Volume, m *Mask) (Normalisation, error) {
	values, err := v.inside(m)
	if err != nil {
		return Normalisation{}, err
	}
	return location(values)
}

// Reference divides by the mean of the voxels of m, a tissue that looks alike in everyone.
func Reference(v *Volume, m *Mask) (Normalisation, error) {
	values, err := v.inside(m)
	if err != nil {
		return Normalisation{}, err
	}
	mean := 0.0
	for _, x := range values {
		mean += x / float64(len(values))
	}
	if !(mean > 0) {
		return Normalisation{}, fmt.Errorf("mean of the reference region is %g: want a positive one", mean)
	}
	return Normalisation{0, mean}, nil
}

// Peak is which mode of the histogram of a brain is white matter.
type Peak string

// White matter is the brightest tissue in T1 and the largest in T2 and FLAIR.
const (
	LastPeak    Peak = "last"
	LargestPeak Peak = "largest"
	FirstPeak   Peak = "first"
)

// WhiteStripe takes mean and SD of normal-appearing white matter: the voxels whose quantile lies within width of that of the white matter's
// mode [Shinohara2014]. The histogram of the voxels of m (above 0 without a mask) is smoothed by a Gaussian of 1/80 of the largest value;
// for LastPeak the upper 4 % and for FirstPeak the upper 1 % are left out of it. width is 0.05 in the paper.
//
// [Shinohara2014]: https://doi.org/10.1016/j.nicl.2014.08.008
func WhiteStripe(v *Volume, m *Mask, peak Peak, width float64) (Normalisation, error) {
	if !(width > 0 && width < 0.5) {
		return Normalisation{}, fmt.Errorf("width of the stripe is %g: want more than 0 and less than 0.5", width)
	}
	values, err := v.inside(m)
	if err != nil {
		return Normalisation{}, err
	}
	slices.Sort(values)
	mode, err := tissueMode(values, peak)
	if err != nil {
		return Normalisation{}, err
	}
	below, _ := slices.BinarySearch(values, mode)
	q := float64(below) / float64(len(values))
	low, high := quantile(values, max(q-width, 0)), quantile(values, min(q+width, 1))
	from, _ := slices.BinarySearchFunc(values, low, func(x, t float64) int { // the first above low
		if x > t {
			return 1
		}
		return -1
	})
	to, _ := slices.BinarySearch(values, high)
	if to-from < 2 {
		return Normalisation{}, errors.New("no voxel lies in the white stripe: the image has too few grey levels")
	}
	return location(values[from:to])
}

// tissueMode is a mode of the smoothed histogram of sorted values.
func tissueMode(values []float64, peak Peak) (float64, error) {
	switch peak {
	case LastPeak:
		values = upTo(values, 0.96)
	case FirstPeak:
		values = upTo(values, 0.99)
	case LargestPeak:
	default:
		return 0, fmt.Errorf("no peak %q: want last, largest or first", peak)
	}
	const bins = 2000
	bandwidth := values[len(values)-1] / 80
	if !(bandwidth > 0) {
		return 0, errors.New("the histogram has no value above 0")
	}
	first, last := values[0]-3*bandwidth, values[len(values)-1]+3*bandwidth
	step := (last - first) / bins
	counts := make([]float64, bins+1)
	for _, x := range values {
		counts[int((x-first)/step+0.5)]++
	}
	reach := int(4 * bandwidth / step)
	density := make([]float64, len(counts))
	for i, c := range counts {
		if c == 0 {
			continue
		}
		for j := max(i-reach, 0); j <= min(i+reach, bins); j++ {
			d := float64(j-i) * step / bandwidth
			density[j] += c * math.Exp(-d*d/2)
		}
	}
	largest, firstMode, lastMode := 0, -1, -1
	for i := range density {
		if density[i] > density[largest] {
			largest = i
		}
		if i > 0 && i < bins && density[i] > density[i-1] && density[i] >= density[i+1] {
			if firstMode < 0 {
				firstMode = i
			}
			lastMode = i
		}
	}
	at := map[Peak]int{LastPeak: lastMode, FirstPeak: firstMode, LargestPeak: largest}[peak]
	if at < 0 {
		return 0, errors.New("the histogram has no peak")
	}
	return first + float64(at)*step, nil
}

// upTo are the values up to a quantile.
func upTo(sorted []float64, q float64) []float64 {
	threshold := quantile(sorted, q)
	n := len(sorted)
	for n > 1 && sorted[n-1] > threshold {
		n--
	}
	return sorted[:n]
}

// quantile of sorted values, interpolated at rank (n−1)·q.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-1)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}
