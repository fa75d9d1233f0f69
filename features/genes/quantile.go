package genes

import (
	"errors"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/stat"
)

// Quantiles brings every sample to one distribution: the mean of the fitted samples' quantile functions (Bolstad and others 2003).
type Quantiles struct {
	Genes []string
	// Target is the mean distribution at len(Target) equally spaced quantiles from 0 to 1.
	Target []float64
	// Ties gives tied values the value at their mean rank, as limma's normalizeQuantiles does by default; otherwise they take the
	// target's values in order of place.
	Ties bool
}

// FitQuantiles fits the target. Missing values are passed over: the quantile function of a sample with fewer values is interpolated.
func FitQuantiles(m *Matrix, ties bool) (Quantiles, error) {
	n := len(m.Genes)
	if n < 2 || len(m.Samples) == 0 {
		return Quantiles{}, errors.New("quantile normalisation wants two genes and a sample at least")
	}
	q := Quantiles{Genes: m.Genes, Target: make([]float64, n), Ties: ties}
	x := make([]float64, n)
	for s := range m.Samples {
		m.Sample(s, x)
		v := slices.DeleteFunc(slices.Clone(x), math.IsNaN)
		if len(v) == 0 {
			return q, errors.New("sample " + m.Samples[s] + " has no value")
		}
		slices.Sort(v)
		for i := range n {
			q.Target[i] += interpolate(v, float64(i)/float64(n-1))
		}
	}
	for i := range q.Target {
		q.Target[i] /= float64(len(m.Samples))
	}
	return q, nil
}

// interpolate is the value of sorted values at a share of their range of ranks.
func interpolate(sorted []float64, share float64) float64 {
	at := share * float64(len(sorted)-1)
	low := math.Floor(at + 1e-12*at) // share·(n−1) of a whole number must not fall just short of it
	if int(low) >= len(sorted)-1 {
		return sorted[len(sorted)-1]
	}
	if at-low < 1e-9 {
		return sorted[int(low)]
	}
	return sorted[int(low)] + (at-low)*(sorted[int(low)+1]-sorted[int(low)])
}

// Apply normalises each sample by itself. Missing values stay missing.
func (q Quantiles) Apply(m *Matrix) (*Matrix, error) {
	if err := sameGenes(q.Genes, m.Genes); err != nil {
		return nil, err
	}
	out := NewMatrix(m.Genes, m.Samples)
	x := make([]float64, len(m.Genes))
	for s := range m.Samples {
		m.Sample(s, x)
		ranks := q.ranks(x)
		n := 0
		for _, r := range ranks {
			if r == r {
				n++
			}
		}
		for g, r := range ranks {
			switch {
			case r != r:
				x[g] = math.NaN()
			case n == 1:
				x[g] = interpolate(q.Target, 0.5)
			default:
				x[g] = interpolate(q.Target, (r-1)/float64(n-1))
			}
		}
		out.SetSample(s, x)
	}
	return out, nil
}

func (q Quantiles) ranks(x []float64) []float64 {
	if q.Ties {
		return stat.Ranks(x)
	}
	var order []int
	ranks := make([]float64, len(x))
	for i, v := range x {
		ranks[i] = math.NaN()
		if v == v {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return 0
	})
	for k, i := range order {
		ranks[i] = float64(k + 1)
	}
	return ranks
}
