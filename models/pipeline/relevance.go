package pipeline

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/models"
)

// anovaF is the F statistic of a one-way analysis of variance over the rows where v is known; NaN for a constant column.
func anovaF(v []float64, class []int, classes int) float64 {
	// The first known value is taken off, so that a large offset does not cost digits.
	shift := math.NaN()
	for _, x := range v {
		if !math.IsNaN(x) {
			shift = x
			break
		}
	}
	var small [3 * 8]float64
	sums := small[:]
	if classes > 8 {
		sums = make([]float64, 3*classes)
	}
	sum, square, count := sums[:classes], sums[classes:2*classes], sums[2*classes:3*classes]
	for i, x := range v {
		if x == x { // not NaN
			d := x - shift
			c := class[i]
			sum[c] += d
			square[c] += d * d
			count[c]++
		}
	}
	total, n, groups := 0.0, 0.0, 0.0
	for c := range classes {
		total, n = total+sum[c], n+count[c]
		if count[c] > 0 {
			groups++
		}
	}
	if groups < 2 || n <= groups {
		return math.NaN()
	}
	grand := total / n
	between, within := 0.0, 0.0
	for c := range classes {
		if count[c] > 0 {
			m := sum[c] / count[c]
			between += count[c] * (m - grand) * (m - grand)
			within += max(0, square[c]-m*sum[c])
		}
	}
	if between+within == 0 {
		return math.NaN()
	}
	return between / (groups - 1) / (within / (n - groups))
}

// kruskal is H of Kruskal and Wallis over the rows where v is known.
func kruskal(v []float64, class []int, classes int) float64 {
	groups := make([][]float64, classes)
	for i, x := range v {
		if !math.IsNaN(x) {
			groups[class[i]] = append(groups[class[i]], x)
		}
	}
	return stat.KruskalWallis(slices.DeleteFunc(groups, func(g []float64) bool { return len(g) == 0 })).Statistic
}

// mutualInformation is that of the class and the column cut at quantiles into bins of equal counts, as many as the square root of a
// fifth of the rows but between 2 and 10, in nats and less its bias for independent columns ((bins−1)(classes−1)/2n; Miller 1955).
func mutualInformation(v []float64, class []int, classes int) float64 {
	known := sorted(v, make([]float64, 0, len(v)))
	if len(known) == 0 || known[0] == known[len(known)-1] {
		return math.NaN()
	}
	bins := max(2, min(10, int(math.Sqrt(float64(len(known))/5))))
	var cuts []float64
	for b := 1; b < bins; b++ {
		cuts = append(cuts, Quantile(known, float64(b)/float64(bins)))
	}
	cuts = slices.Compact(cuts)
	joint := make([]float64, (len(cuts)+1)*classes)
	bin, cls, n := make([]float64, len(cuts)+1), make([]float64, classes), 0.0
	for i, x := range v {
		if math.IsNaN(x) {
			continue
		}
		b := 0
		for b < len(cuts) && x > cuts[b] {
			b++
		}
		joint[b*classes+class[i]]++
		bin[b]++
		cls[class[i]]++
		n++
	}
	information, usedBins, usedClasses := 0.0, 0.0, 0.0
	for b, nb := range bin {
		if nb > 0 {
			usedBins++
		}
		for c, nc := range cls {
			if k := joint[b*classes+c]; k > 0 {
				information += k / n * math.Log(k*n/(nb*nc))
			}
		}
	}
	for _, nc := range cls {
		if nc > 0 {
			usedClasses++
		}
	}
	return information - (usedBins-1)*(usedClasses-1)/(2*n)
}

// riskSets are the event times of a survival outcome, prepared for score tests of many columns.
type riskSets struct {
	y       clinical.Outcome
	order   []int // rows by time, the latest first
	entries []int // rows by entry, the latest first; nil where all entered at 0
}

func newRiskSets(y clinical.Outcome) *riskSets {
	r := &riskSets{y: y, order: make([]int, len(y.Time))}
	for i := range r.order {
		r.order[i] = i
	}
	if y.Entry != nil {
		r.entries = slices.Clone(r.order)
		slices.SortStableFunc(r.entries, func(a, b int) int { return cmp.Compare(y.Entry[b], y.Entry[a]) })
	}
	slices.SortStableFunc(r.order, func(a, b int) int { return cmp.Compare(y.Time[b], y.Time[a]) })
	return r
}

// score is the score test of a Cox model of one column at a coefficient of 0, (Σ (x − x̄ at risk))² / Σ Var x at risk over events of
// the first kind, with the variance of tied events as the log-rank test has it: for a column of 0 and 1 it is that test. Rows where v is missing are left out; NaN for a column without spread among those at risk.
func (r *riskSets) score(v []float64) float64 {
	shift := 0.0
	for _, x := range v {
		if !math.IsNaN(x) {
			shift = x
			break
		}
	}
	var n, sum, square, u, variance float64
	late := 0
	for i := 0; i < len(r.order); {
		time := r.y.Time[r.order[i]]
		first := i
		for ; i < len(r.order) && r.y.Time[r.order[i]] == time; i++ {
			if x := v[r.order[i]] - shift; x == x {
				n, sum, square = n+1, sum+x, square+x*x
			}
		}
		// Those who entered at this time or later are not at risk for it.
		for r.entries != nil && late < len(r.entries) && r.y.Entry[r.entries[late]] >= time {
			row := r.entries[late]
			if x := v[row] - shift; x == x && r.y.Time[row] >= time {
				n, sum, square = n-1, sum-x, square-x*x
			}
			late++
		}
		if n < 1 {
			continue
		}
		m, events := sum/n, 0.0
		for _, row := range r.order[first:i] {
			if x := v[row] - shift; x == x && r.y.Event[row] == 1 {
				u += x - m
				events++
			}
		}
		if n > 1 {
			variance += events * (n - events) / (n - 1) * max(0, square/n-m*m)
		}
	}
	if !(variance > 0) {
		return math.NaN()
	}
	return u * u / variance
}

// relevantNotRedundant chooses columns one by one: relevance divided by the mean absolute correlation with those chosen.
func relevantNotRedundant(ctx context.Context, t models.Training, most int) ([]int, error) {
	method := "anova"
	if t.Y.Kind == clinical.Survival {
		method = "univariate_cox"
	}
	relevance := scores(method, t)
	z := correlated{}.standardise(t.X)
	like := make([]float64, len(z)) // sum of absolute correlations with the chosen
	taken := make([]bool, len(z))
	keep := best(relevance, 1)
	if len(keep) == 0 {
		return keep, nil
	}
	taken[keep[0]] = true
	for len(keep) < min(most, len(z)) {
		last := keep[len(keep)-1]
		err := stat.Products(ctx, z, z[last:last+1], 0, func(i int, r []float64) { like[i] += math.Abs(r[0]) })
		if err != nil {
			return nil, err
		}
		next, value := -1, math.Inf(-1)
		for j := range z {
			if taken[j] || math.IsNaN(relevance[j]) {
				continue
			}
			// A column that is like none of the chosen would divide by nothing.
			if q := relevance[j] / max(like[j]/float64(len(keep)), 1e-3); q > value {
				next, value = j, q
			}
		}
		if next < 0 {
			break
		}
		taken[next] = true
		keep = append(keep, next)
	}
	return keep, nil
}
