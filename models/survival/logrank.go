package survival

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// LogRank compares the survival of groups.
type LogRank struct {
	Groups    []int // the numbers that occur, ascending
	Observed  []float64
	Expected  []float64 // if all groups had the same hazard
	Variance  *mat.SymDense
	Statistic float64 // chi-squared
	DF        int
	P         float64
}

// CompareGroups tests that groups have the same hazard, with the weight S(t−)^rho at each event time [Harrington1982]: rho 0 is the
// log-rank test, 1 Peto and Peto's modification of the Wilcoxon test, which weighs early events more. With strata, patients are
// compared within them. One group, or a group nobody in which could have had the event, has no test: P is NaN.
//
// [Harrington1982]: https://doi.org/10.1093/biomet/69.3.553
func CompareGroups(observations []Observation, group []int, rho float64, stratum []int) (LogRank, error) {
	return CompareWeighted(observations, group, Weight{Rho: rho}, stratum)
}

// Weight says how much the events at a time count in a test: S(t−)^Rho · (1 − S(t−))^Gamma [Fleming1991] times the number at risk to the
// power of AtRisk. AtRisk 1 is Gehan's generalised Wilcoxon test, 0.5 Tarone and Ware's; Gamma 1 looks at late events.
//
// [Fleming1991]: https://doi.org/10.1002/9781118150672
type Weight struct{ Rho, Gamma, AtRisk float64 }

func (w Weight) at(survival, atRisk float64) float64 {
	return math.Pow(survival, w.Rho) * math.Pow(1-survival, w.Gamma) * math.Pow(atRisk, w.AtRisk)
}

// CompareWeighted is CompareGroups with any weight.
func CompareWeighted(observations []Observation, group []int, w Weight, stratum []int) (LogRank, error) {
	if err := validate(observations, 1); err != nil {
		return LogRank{}, err
	}
	if len(group) != len(observations) || stratum != nil && len(stratum) != len(observations) {
		return LogRank{}, fmt.Errorf("%d groups and %d strata for %d observations", len(group), len(stratum), len(observations))
	}
	r := LogRank{Groups: slices.Clone(group), P: math.NaN()}
	slices.Sort(r.Groups)
	r.Groups = slices.Compact(r.Groups)
	k := len(r.Groups)
	r.Observed, r.Expected, r.Variance = make([]float64, k), make([]float64, k), mat.NewSymDense(k, nil)
	for _, rows := range strata(stratum, len(observations)) {
		r.add(observations, group, w, rows)
	}
	var kept []int
	for g, e := range r.Expected {
		if e > 0 {
			kept = append(kept, g)
		}
	}
	if len(kept) < 2 {
		return r, nil
	}
	kept = kept[1:] // the last is determined by the others
	r.DF = len(kept)
	scores, v := make([]float64, r.DF), mat.NewSymDense(r.DF, nil)
	for i, a := range kept {
		scores[i] = r.Observed[a] - r.Expected[a]
		for j, b := range kept {
			v.SetSym(i, j, r.Variance.At(a, b))
		}
	}
	if r.Statistic, _, r.P = quadratic(scores, v, r.DF); math.IsNaN(r.P) {
		r.Statistic = 0
	}
	return r, nil
}

// add adds one stratum's observed and expected events.
func (r *LogRank) add(observations []Observation, group []int, w Weight, rows []int) {
	k := len(r.Groups)
	of := func(i int) int { g, _ := slices.BinarySearch(r.Groups, group[i]); return g }
	byTime, byEntry := slices.Clone(rows), slices.Clone(rows)
	slices.SortStableFunc(byTime, func(a, b int) int { return cmp.Compare(observations[a].Time, observations[b].Time) })
	slices.SortStableFunc(byEntry, func(a, b int) int { return cmp.Compare(observations[a].Entry, observations[b].Entry) })
	atRisk, events := make([]float64, k), make([]float64, k)
	survival, entered := 1.0, 0
	for first := 0; first < len(byTime); {
		t := observations[byTime[first]].Time
		for ; entered < len(byEntry); entered++ {
			o := observations[byEntry[entered]]
			if o.Entry != 0 && o.Entry >= t {
				break
			}
			atRisk[of(byEntry[entered])]++
		}
		end := first
		clear(events)
		n, d := 0.0, 0.0
		for ; end < len(byTime) && observations[byTime[end]].Time == t; end++ {
			if observations[byTime[end]].Event > 0 {
				events[of(byTime[end])]++
				d++
			}
		}
		for _, v := range atRisk {
			n += v
		}
		if d > 0 {
			r.addTime(atRisk, events, n, d, w.at(survival, n))
			survival *= 1 - d/n
		}
		for ; first < end; first++ {
			atRisk[of(byTime[first])]--
		}
	}
}

// addTime adds one event time's hypergeometric mean and variance.
func (r *LogRank) addTime(atRisk, events []float64, n, d, weight float64) {
	spread := 0.0
	if n > 1 {
		spread = weight * weight * d * (n - d) / (n - 1) / (n * n)
	}
	for a, na := range atRisk {
		r.Observed[a] += weight * events[a]
		r.Expected[a] += weight * d * na / n
		for b := a; b < len(atRisk); b++ {
			v := -na * atRisk[b]
			if a == b {
				v = na * (n - na)
			}
			r.Variance.SetSym(a, b, r.Variance.At(a, b)+spread*v)
		}
	}
}
