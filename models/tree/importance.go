package tree

import (
	"cmp"
	"slices"
)

// Importance is a measure of how much trees use a column, as XGBoost names them.
type Importance string

// The measures. Gain and Cover are means over the splits of a column, TotalGain and TotalCover sums, Weight the number of splits.
const (
	Gain       Importance = "gain"
	TotalGain  Importance = "total_gain"
	Cover      Importance = "cover"
	TotalCover Importance = "total_cover"
	Weight     Importance = "weight"
)

// Importances returns the measure of each column over all trees; 0 for a column that no tree splits.
func (e *Ensemble) Importances(m Importance) []float64 {
	sum, splits := make([]float64, e.Features), make([]float64, e.Features)
	for n, f := range e.Feature {
		if f < 0 {
			continue
		}
		splits[f]++
		switch m {
		case Gain, TotalGain:
			sum[f] += e.Gain[n]
		case Cover, TotalCover:
			sum[f] += e.Cover[n]
		}
	}
	switch m {
	case Weight:
		return splits
	case Gain, Cover:
		for f, k := range splits {
			if k > 0 {
				sum[f] /= k
			}
		}
	}
	return sum
}

// ImpurityImportances returns each column's mean decrease of impurity: the gains of each tree brought to a sum of one, and the mean of
// that over trees brought to a sum of one, as scikit-learn's feature_importances_.
func (e *Ensemble) ImpurityImportances() []float64 {
	sum, one := make([]float64, e.Features), make([]float64, e.Features)
	for t := range e.Trees() {
		clear(one)
		for n := e.Roots[t]; n < e.Roots[t+1]; n++ {
			if f := e.Feature[n]; f >= 0 {
				one[f] += e.Gain[n]
			}
		}
		normalise(one)
		for f, v := range one {
			sum[f] += v
		}
	}
	normalise(sum)
	return sum
}

func normalise(list []float64) {
	total := 0.0
	for _, v := range list {
		total += v
	}
	if total <= 0 {
		return
	}
	for i := range list {
		list[i] /= total
	}
}

// Ranked is a column's place in an order of importance.
type Ranked struct {
	Column int
	Value  float64 // as a share of the sum over columns
}

// Rank returns the columns by falling importance, columns of the same importance in their order.
func (e *Ensemble) Rank(m Importance) []Ranked {
	values := e.Importances(m)
	normalise(values)
	out := make([]Ranked, len(values))
	for f, v := range values {
		out[f] = Ranked{f, v}
	}
	slices.SortStableFunc(out, func(a, b Ranked) int { return cmp.Compare(b.Value, a.Value) })
	return out
}
