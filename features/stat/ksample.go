package stat

import (
	"math"
	"slices"
)

// ANOVA is the one-way analysis of variance.
func ANOVA(groups [][]float64) Test {
	between, within, k, n := sumsOfSquares(groups)
	df1, df2 := float64(k-1), float64(n-k)
	f := between / df1 / (within / df2)
	return Test{Statistic: f, DF: df1, DF2: df2, P: FP(f, df1, df2)}
}

// sumsOfSquares returns the sums between and within groups, the number of groups and of values.
func sumsOfSquares(groups [][]float64) (between, within float64, k, n int) {
	grand := 0.0
	for _, g := range groups {
		for _, v := range g {
			grand += v
		}
		n += len(g)
	}
	grand /= float64(n)
	for _, g := range groups {
		mean, ss := squares(g)
		within += ss
		between += float64(len(g)) * (mean - grand) * (mean - grand)
	}
	return between, within, len(groups), n
}

// EtaSquared is the share of variance between groups, the effect size of ANOVA.
func EtaSquared(groups [][]float64) float64 {
	between, within, _, _ := sumsOfSquares(groups)
	return between / (between + within)
}

// WelchANOVA compares means without assuming equal variances (Welch 1951).
func WelchANOVA(groups [][]float64) Test {
	k := float64(len(groups))
	var sum, mean float64
	weights := make([]float64, len(groups))
	for i, g := range groups {
		weights[i] = float64(len(g)) / Variance(g)
		sum += weights[i]
		mean += weights[i] * Mean(g)
	}
	mean /= sum
	var numerator, spread float64
	for i, g := range groups {
		d := Mean(g) - mean
		numerator += weights[i] * d * d
		spread += (1 - weights[i]/sum) * (1 - weights[i]/sum) / float64(len(g)-1)
	}
	spread /= k*k - 1
	f := numerator / (k - 1) / (1 + 2*(k-2)*spread)
	df2 := 1 / (3 * spread)
	return Test{Statistic: f, DF: k - 1, DF2: df2, P: FP(f, k-1, df2)}
}

// KruskalWallis compares distributions by ranks, with the correction for ties.
func KruskalWallis(groups [][]float64) Test {
	ranks, ties := rankTies(slices.Concat(groups...))
	n := float64(len(ranks))
	h, at := 0.0, 0
	for _, g := range groups {
		sum := 0.0
		for _, r := range ranks[at : at+len(g)] {
			sum += r
		}
		h += sum * sum / float64(len(g))
		at += len(g)
	}
	h = (12*h/(n*(n+1)) - 3*(n+1)) / (1 - ties/(n*n*n-n))
	df := float64(len(groups) - 1)
	return Test{Statistic: h, DF: df, DF2: none, P: ChiSquaredP(h, df)}
}

// Bartlett tests equality of variances, assuming normal values.
func Bartlett(groups [][]float64) Test {
	k := float64(len(groups))
	var pooled, logs, inverse, df float64
	for _, g := range groups {
		d := float64(len(g) - 1)
		v := Variance(g)
		pooled += d * v
		logs += d * math.Log(v)
		inverse += 1 / d
		df += d
	}
	x := (df*math.Log(pooled/df) - logs) / (1 + (inverse-1/df)/(3*(k-1)))
	return Test{Statistic: x, DF: k - 1, DF2: none, P: ChiSquaredP(x, k-1)}
}

// Levene tests equality of spread by ANOVA of distances to the group's median (Brown and Forsythe 1974).
func Levene(groups [][]float64) Test { return ANOVA(distancesToMedian(groups)) }

func distancesToMedian(groups [][]float64) [][]float64 {
	out := make([][]float64, len(groups))
	for i, g := range groups {
		m := Median(g)
		out[i] = make([]float64, len(g))
		for j, v := range g {
			out[i][j] = math.Abs(v - m)
		}
	}
	return out
}

// Fligner tests equality of spread by normal scores of ranked distances to the group's median (Fligner and Killeen 1976).
func Fligner(groups [][]float64) Test {
	ranks := Ranks(slices.Concat(distancesToMedian(groups)...))
	n := float64(len(ranks))
	scores := make([]float64, len(ranks))
	for i, r := range ranks {
		scores[i] = NormalQuantile((1 + r/(n+1)) / 2)
	}
	grand, x, at := Mean(scores), 0.0, 0
	for _, g := range groups {
		d := Mean(scores[at:at+len(g)]) - grand
		x += float64(len(g)) * d * d
		at += len(g)
	}
	x /= Variance(scores)
	df := float64(len(groups) - 1)
	return Test{Statistic: x, DF: df, DF2: none, P: ChiSquaredP(x, df)}
}

// PairwiseMannWhitney returns the p-values of all pairs of groups, p[a][b] for b < a, normal approximation with continuity, adjusted
// together.
func PairwiseMannWhitney(groups [][]float64, a Adjustment) [][]float64 {
	var flat []float64
	for i := range groups {
		for j := range i {
			flat = append(flat, MannWhitneyU(groups[i], groups[j], true).P)
		}
	}
	flat = Adjust(flat, a)
	out := make([][]float64, len(groups))
	for i := range groups {
		out[i], flat = flat[:i:i], flat[i:]
	}
	return out
}

// Friedman compares the columns of rows[subject][treatment] by ranks within each subject, corrected for ties.
func Friedman(rows [][]float64) Test {
	var sums []float64
	var ties, n float64
	for _, r := range rows {
		if len(present(r)) < len(r) {
			continue
		}
		ranks, t := rankTies(r)
		if sums == nil {
			sums = make([]float64, len(r))
		}
		for j, v := range ranks {
			sums[j] += v
		}
		ties += t
		n++
	}
	k := float64(len(sums))
	x := 0.0
	for _, s := range sums {
		x += sq(s - n*(k+1)/2)
	}
	x = 12 * x / (n*k*(k+1) - ties/(k-1))
	return Test{Statistic: x, DF: k - 1, DF2: none, P: ChiSquaredP(x, k-1)}
}
