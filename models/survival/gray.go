package survival

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Gray compares the cumulative incidence of one kind of event between groups, others competing.
type Gray struct {
	Groups    []int // the numbers that occur, ascending
	Scores    []float64
	Variance  *mat.SymDense
	Statistic float64 // chi-squared
	DF        int
	P         float64
}

// CompareIncidence is Gray's test [Gray1988] that groups have the same incidence of events of a kind, with the weight (1 − F)^rho at each
// time, F the incidence of all together. With strata, patients are compared within them. Late entries are refused. One group has no
// test: P is NaN.
//
// [Gray1988]: https://doi.org/10.1214/aos/1176350951
func CompareIncidence(observations []Observation, group []int, kind int, rho float64, stratum []int) (Gray, error) {
	r := Gray{P: math.NaN()}
	if err := validate(observations, math.MaxInt); err != nil {
		return r, err
	}
	if len(group) != len(observations) || stratum != nil && len(stratum) != len(observations) {
		return r, fmt.Errorf("survival: %d groups and %d strata for %d observations", len(group), len(stratum), len(observations))
	}
	if kind < 1 || !slices.ContainsFunc(observations, func(o Observation) bool { return o.Event == kind }) {
		return r, fmt.Errorf("survival: no patient had an event of kind %d", kind)
	}
	for i, o := range observations {
		if o.Entry > 0 {
			return r, fmt.Errorf("survival: observation %d enters at %v, and Gray's test has no late entry", i, o.Entry)
		}
	}
	r.Groups = slices.Clone(group)
	slices.Sort(r.Groups)
	r.Groups = slices.Compact(r.Groups)
	k := len(r.Groups)
	r.Scores, r.Variance = make([]float64, k), mat.NewSymDense(k, nil)
	for _, rows := range strata(stratum, len(observations)) {
		g := grayStratum{groups: k, kind: kind, rho: rho}
		g.tabulate(observations, group, r.Groups, rows)
		g.walk()
		g.addTo(&r)
	}
	r.Statistic, r.DF, r.P = quadratic(r.Scores, r.Variance, k-1)
	return r, nil
}

// quadratic returns the chi-squared statistic of the first df scores; NaN where their variance is singular.
func quadratic(scores []float64, variance *mat.SymDense, df int) (statistic float64, _ int, p float64) {
	if df < 1 {
		return 0, 0, math.NaN()
	}
	v := mat.NewSymDense(df, nil)
	for a := range df {
		for b := a; b < df; b++ {
			v.SetSym(a, b, variance.At(a, b))
		}
	}
	var c mat.Cholesky
	var x mat.VecDense
	d := mat.NewVecDense(df, slices.Clone(scores[:df]))
	if !c.Factorize(v) || c.SolveVecTo(&x, d) != nil {
		return math.NaN(), df, math.NaN()
	}
	statistic = mat.Dot(d, &x)
	return statistic, df, distuv.ChiSquared{K: float64(df)}.Survival(statistic)
}

// grayStratum works out the scores of one stratum, and what each event has done to them.
type grayStratum struct {
	groups, kind int
	rho          float64
	times        []grayTime
	scores       []float64
}

// grayTime is a distinct time. Slices have a number a group.
type grayTime struct {
	atRisk, events, competing []float64
	before, after             []float64 // the probability of no event of any kind, just before and after
	share                     float64   // Σ at risk / before: the size of the risk set that those with other events never leave
	total                     float64   // events of all groups
	free                      float64   // 1 − F of all together, just after
	direct                    []float64 // groups × groups: what an event in a group adds to the score of another at its time …
	drift                     []float64 // … and what its change of the group's F has added to scores until now
}

func (g *grayStratum) tabulate(observations []Observation, group, groups []int, rows []int) {
	order := slices.Clone(rows)
	times := make([]float64, len(observations))
	for i, o := range observations {
		times[i] = o.Time
	}
	sortBy(order, times)
	atRisk := make([]float64, g.groups)
	of := func(i int) int { k, _ := slices.BinarySearch(groups, group[i]); return k }
	for _, i := range order {
		atRisk[of(i)]++
	}
	for first := 0; first < len(order); {
		t := grayTime{atRisk: slices.Clone(atRisk), events: make([]float64, g.groups), competing: make([]float64, g.groups)}
		at := observations[order[first]].Time
		for ; first < len(order) && observations[order[first]].Time == at; first++ {
			i := order[first]
			atRisk[of(i)]--
			switch observations[i].Event {
			case 0:
			case g.kind:
				t.events[of(i)]++
				t.total++
			default:
				t.competing[of(i)]++
			}
		}
		g.times = append(g.times, t)
	}
}

// walk goes through the times and sums observed less expected events, the expected by the null hypothesis that groups share F.
func (g *grayStratum) walk() {
	n := g.groups
	g.scores = make([]float64, n)
	free, before, incidence, drift := 1.0, make([]float64, n), make([]float64, n), make([]float64, n*n)
	for k := range before {
		before[k] = 1
	}
	for i := range g.times {
		t := &g.times[i]
		t.before, t.after = slices.Clone(before), slices.Clone(before)
		expected := 0.0 // denominators of the shares of events
		for k, at := range t.atRisk {
			if at > 0 {
				t.after[k] = before[k] * (at - t.events[k] - t.competing[k]) / at
				t.share += at / before[k]
				expected += at * (1 - incidence[k]) / before[k]
			}
		}
		weight := math.Pow(free, g.rho)
		t.direct = make([]float64, n*n)
		for a, at := range t.atRisk {
			if at == 0 {
				continue
			}
			own := at / before[a]
			t.direct[a*n+a] = weight * own
			for b, other := range t.atRisk {
				if other > 0 {
					t.direct[a*n+b] -= weight * own * other / before[b] / t.share
				}
			}
			g.scores[a] += weight * (t.events[a] - t.total*own*(1-incidence[a])/expected)
		}
		for c := range drift {
			drift[c] += t.direct[c] * t.total / (t.share * free)
		}
		t.drift = slices.Clone(drift)
		for k, at := range t.atRisk {
			if at > 0 {
				incidence[k] += before[k] * t.events[k] / at
			}
		}
		free -= t.total / t.share
		t.free = free
		copy(before, t.after)
	}
}

// addTo adds the stratum's scores, and their variance: over times and groups, the variance of the count of events there, hypergeometric
// under ties, times the square of what one more would do.
func (g *grayStratum) addTo(r *Gray) {
	n := g.groups
	last := g.times[len(g.times)-1].drift
	effect := make([]float64, n)
	for a, s := range g.scores {
		r.Scores[a] += s
	}
	add := func(spread float64) {
		for a := range n {
			for b := a; b < n; b++ {
				r.Variance.SetSym(a, b, r.Variance.At(a, b)+effect[a]*effect[b]*spread)
			}
		}
	}
	for i := range g.times {
		t := &g.times[i]
		for k, at := range t.atRisk {
			if at == 0 {
				continue
			}
			later := func(a int) float64 { return last[a*n+k] - t.drift[a*n+k] }
			if t.total > 0 {
				lasting := 1.0
				if t.after[k] > 0 {
					lasting = 1 - t.free/t.after[k]
				}
				for a := range n {
					effect[a] = t.direct[a*n+k] + lasting*later(a)
				}
				ties := 1.0
				if t.total > 1 {
					ties = 1 - (t.total-1)/(t.share*t.before[k]-1)
				}
				add(ties * t.before[k] * t.total / (t.share * at))
			}
			if t.competing[k] > 0 && t.after[k] > 0 {
				for a := range n {
					effect[a] = -t.free / t.after[k] * later(a)
				}
				ties := 1.0
				if t.competing[k] > 1 {
					ties = 1 - (t.competing[k]-1)/(at-1)
				}
				add(ties * t.before[k] * t.before[k] * t.competing[k] / (at * at))
			}
		}
	}
}
