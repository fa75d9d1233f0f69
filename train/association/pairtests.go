package association

import (
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/models/linear"
)

// minGroup is the smallest category that a test takes.
const minGroup = 3

// kendallTest is tau-b with the correction for continuity.
func kendallTest(x, y []float64) (effect, p float64, n int32) {
	c := stat.Kendall(x, y, true)
	if c.N < stat.MinPairRows {
		return math.NaN(), math.NaN(), int32(c.N)
	}
	return c.R, c.P, int32(c.N)
}

// rankTest compares a number between categories: Mann–Whitney for two, Kruskal–Wallis for more.
func rankTest(number, category []float64) (effect, p float64, n int32) {
	groups := stat.Groups(number, category)
	for _, g := range groups {
		n += int32(len(g))
	}
	groups = slices.DeleteFunc(groups, func(g []float64) bool { return len(g) < minGroup })
	switch {
	case len(groups) < 2 || n < stat.MinPairRows:
		return math.NaN(), math.NaN(), n
	case len(groups) == 2:
		return stat.CliffDelta(groups[1], groups[0]), stat.MannWhitneyU(groups[1], groups[0], true).P, n
	}
	h := stat.KruskalWallis(groups)
	total := 0
	for _, g := range groups {
		total += len(g)
	}
	return h.Statistic / float64(total-1), h.P, n
}

// tableTest compares two categories: Fisher's exact test, and chi-squared where a table is too large for it.
func tableTest(a, b variable) (effect, p float64, n int32) {
	counts, total := crossTable(a, b)
	n = int32(total)
	if len(counts) < 2 || len(counts[0]) < 2 || n < stat.MinPairRows {
		return math.NaN(), math.NaN(), n
	}
	effect = stat.CramerV(counts)
	if len(counts) == 2 && len(counts[0]) == 2 && counts[0][0]*counts[1][1] < counts[0][1]*counts[1][0] {
		effect = -effect
	}
	if total <= 300 && len(counts)*len(counts[0]) <= 9 {
		if p = stat.FisherP(counts); !math.IsNaN(p) {
			return effect, p, n
		}
	}
	return effect, stat.PearsonChiSquared(counts, false).P, n
}

// crossTable counts complete rows by category, without empty rows and columns.
func crossTable(a, b variable) (counts [][]float64, total int) {
	cells := map[[2]float64]float64{}
	var rows, cols []float64
	for i, v := range a.values {
		w := b.values[i]
		if math.IsNaN(v) || math.IsNaN(w) {
			continue
		}
		cells[[2]float64{v, w}]++
		total++
		if !slices.Contains(rows, v) {
			rows = append(rows, v)
		}
		if !slices.Contains(cols, w) {
			cols = append(cols, w)
		}
	}
	slices.Sort(rows)
	slices.Sort(cols)
	for _, r := range rows {
		line := make([]float64, len(cols))
		for k, c := range cols {
			line[k] = cells[[2]float64{r, c}]
		}
		counts = append(counts, line)
	}
	return counts, total
}

// minEvents is the smallest number of events for which a hazard ratio is given.
const minEvents = 5

// coxTest is the Wald test of one column, beside the covariates, in a Cox regression with Efron's ties. The effect is the log hazard
// ratio of one standard deviation of a number, or of the last of two categories; more categories are not tested.
func coxTest(a variable, o clinical.Outcome, given [][]float64) (effect, se, p float64, n int32) {
	columns := append([][]float64{a.values}, given...)
	problem := linear.Problem{Family: linear.CoxModel, Columns: len(columns), Ties: linear.Efron}
	var rows []int
	events := 0
	for i := range a.values {
		if o.Known(i) && !slices.ContainsFunc(columns, func(c []float64) bool { return math.IsNaN(c[i]) }) {
			rows = append(rows, i)
			if o.Event[i] == 1 {
				events++
			}
		}
	}
	n = int32(len(rows))
	if n < stat.MinPairRows || events < minEvents || a.scale == grouped && countDistinct(a.values) > 2 {
		return math.NaN(), math.NaN(), math.NaN(), n
	}
	problem.Rows = len(rows)
	for k, c := range columns {
		values := make([]float64, len(rows))
		for r, i := range rows {
			values[r] = c[i]
		}
		if k == 0 && a.scale == numeric {
			mean, sd := stat.Mean(values), math.Sqrt(stat.Variance(values))
			for r := range values {
				values[r] = (values[r] - mean) / sd
			}
		}
		problem.X = append(problem.X, values...)
	}
	for _, i := range rows {
		problem.Time = append(problem.Time, o.Time[i])
		problem.Event = append(problem.Event, o.Event[i] == 1)
		if o.Entry != nil {
			problem.Entry = append(problem.Entry, o.Entry[i])
		}
	}
	fit, err := linear.Regress(problem)
	if err != nil || len(fit.Fitted) == 0 || fit.Fitted[0] != 0 {
		return math.NaN(), math.NaN(), math.NaN(), n
	}
	effect = fit.Coefficients[0][0]
	se = fit.StdErrs[0][0]
	return effect, se, stat.NormalP(effect / se), n
}
