package survival

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// TimeWeight says how much the pairs of an event time count.
type TimeWeight int

// The weights of R's survival::concordance.
const (
	Harrell       TimeWeight = iota // every pair counts 1: Harrell's C
	Uno                             // 1/G(t−)², G the Kaplan–Meier of censoring: Uno's C, which censoring does not bias
	PetoWilcoxon                    // n·S(t−)/at risk
	InverseAtRisk                   // 1/at risk: each event time counts the same
)

// ConcordanceOptions choose the definition. The zero value is Harrell's C over all pairs.
type ConcordanceOptions struct {
	Weight TimeWeight
	Until  float64 // events after this time do not count; 0 means all do
	Strata []int   // only pairs within a stratum are compared; nil means all
	// Censoring takes the place of the patients' own in Uno's weights: that of a training set. Pairs from when it leaves nobody uncensored on
	// do not count.
	Censoring *Censoring
}

// Concordance says how well a risk score orders events in time.
type Concordance struct {
	C      float64 // (concordant + tied risk/2) / (concordant + discordant + tied risk); NaN without a comparable pair
	StdErr float64 // infinitesimal jackknife
	// Weighted numbers of pairs. The last two have tied event times and do not enter C.
	Concordant, Discordant, TiedRisk, TiedTime, TiedBoth float64
	// Influence is each patient's part in the error of C; the variance is its sum of squares, and the covariance of two scores
	// on the same patients the sum of their products.
	Influence []float64
}

// Rank returns the concordance of a risk score with what happened: higher should mean earlier. A pair is comparable when the one
// with the earlier time had the event; an event and a censoring at the same time are, two events are not. O(n log n).
func Rank(observations []Observation, risk []float64, o ConcordanceOptions) (Concordance, error) {
	if err := validate(observations, 1); err != nil {
		return Concordance{}, err
	}
	if len(risk) != len(observations) {
		return Concordance{}, fmt.Errorf("%d risk scores for %d observations", len(risk), len(observations))
	}
	for i, r := range risk {
		if math.IsNaN(r) {
			return Concordance{}, fmt.Errorf("observation %d: the risk score is missing", i)
		}
	}
	if o.Strata != nil && len(o.Strata) != len(observations) {
		return Concordance{}, fmt.Errorf("%d strata for %d observations", len(o.Strata), len(observations))
	}
	c := Concordance{Influence: make([]float64, len(observations))}
	parts := make([]pairs, len(observations))
	for _, rows := range strata(o.Strata, len(observations)) {
		newRanking(observations, risk, rows, o).count(&c, parts)
	}
	total := c.Concordant + c.Discordant + c.TiedRisk
	c.C = (c.Concordant + c.TiedRisk/2) / total
	variance := 0.0
	for i, p := range parts {
		f := ((p.concordant-p.discordant)/2 - (p.concordant+p.discordant+p.tied)*(c.C-0.5)) / total
		c.Influence[i] = f
		variance += f * f
	}
	c.StdErr = math.Sqrt(variance)
	return c, nil
}

// strata returns the rows of each stratum, in order of the stratum's number.
func strata(of []int, n int) [][]int {
	if of == nil {
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		return [][]int{all}
	}
	numbers := slices.Clone(of)
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	out := make([][]int, len(numbers))
	for i, s := range of {
		k, _ := slices.BinarySearch(numbers, s)
		out[k] = append(out[k], i)
	}
	return out
}

// pairs are the weighted numbers of comparable pairs that one patient is part of.
type pairs struct{ concordant, discordant, tied float64 }

// ranking holds one stratum in the orders that the two passes need.
type ranking struct {
	obs      []Observation // by time, censored after events
	row      []int         // index of each in the caller's slices
	rank     []int         // of the risk, 1 the lowest; tied risks share one
	ranks    int
	byEntry  []int     // indices into obs of those with an entry, entry ascending
	groups   []int     // where each distinct time starts in obs, and len(obs) last
	weight   []float64 // of the pairs of each distinct time
	lastDate float64
}

func newRanking(observations []Observation, risk []float64, rows []int, o ConcordanceOptions) *ranking {
	r := &ranking{row: slices.Clone(rows), lastDate: o.Until}
	if o.Until == 0 {
		r.lastDate = math.Inf(1)
	}
	slices.SortStableFunc(r.row, func(a, b int) int {
		x, y := observations[a], observations[b]
		return cmp.Or(cmp.Compare(x.Time, y.Time), cmp.Compare(y.Event, x.Event))
	})
	r.obs = make([]Observation, len(rows))
	scores := make([]float64, len(rows))
	for i, k := range r.row {
		r.obs[i], scores[i] = observations[k], risk[k]
		if r.obs[i].Entry != 0 {
			r.byEntry = append(r.byEntry, i)
		}
	}
	slices.SortStableFunc(r.byEntry, func(a, b int) int { return cmp.Compare(r.obs[a].Entry, r.obs[b].Entry) })
	distinct := slices.Clone(scores)
	slices.Sort(distinct)
	distinct = slices.Compact(distinct)
	r.ranks, r.rank = len(distinct), make([]int, len(rows))
	for i, s := range scores {
		k, _ := slices.BinarySearch(distinct, s)
		r.rank[i] = k + 1
	}
	r.weigh(o)
	return r
}

// weigh finds the distinct times and the weight of each. G takes events out of its risk set before those censored with them, so
// that S·G is the fraction still at risk.
func (r *ranking) weigh(o ConcordanceOptions) {
	c := count(r.obs)
	r.weight = make([]float64, len(c.time))
	s, g, start := 1.0, 1.0, 0
	for k := range c.time {
		r.groups = append(r.groups, start)
		start += int(c.events[k] + c.censored[k])
		n, d := c.atRisk[k], c.events[k]
		switch o.Weight {
		case Harrell:
			r.weight[k] = 1
		case Uno:
			r.weight[k] = 1 / (g * g)
			if o.Censoring != nil {
				if r.weight[k] = 0; o.Censoring.before(c.time[k]) > 0 {
					r.weight[k] = math.Pow(o.Censoring.before(c.time[k]), -2)
				}
			}
		case PetoWilcoxon:
			r.weight[k] = float64(len(r.obs)) * s / n
		case InverseAtRisk:
			r.weight[k] = 1 / n
		}
		s *= 1 - d/n
		if n > d {
			g *= 1 - c.censored[k]/(n-d)
		}
	}
	r.groups = append(r.groups, start)
}

// count adds the stratum's pairs to the totals and to each patient's own.
func (r *ranking) count(c *Concordance, parts []pairs) {
	r.asEvent(c, parts)
	r.asSurvivor(parts)
}

// asEvent goes back in time with a tree of those at risk, and compares each event with them.
func (r *ranking) asEvent(c *Concordance, parts []pairs) {
	atRisk := newFenwick(r.ranks)
	total, entry := 0.0, len(r.byEntry)-1
	add := func(i int) { atRisk.add(r.rank[i], 1); total++ }
	for k := len(r.weight) - 1; k >= 0; k-- {
		first, end := r.groups[k], r.groups[k+1]
		t, w := r.obs[first].Time, r.weight[k]
		events := first
		for events < end && r.obs[events].Event > 0 {
			events++
		}
		for i := events; i < end; i++ {
			add(i)
		}
		for ; entry >= 0 && r.obs[r.byEntry[entry]].Entry >= t; entry-- {
			atRisk.add(r.rank[r.byEntry[entry]], -1)
			total--
		}
		if t <= r.lastDate {
			for i := first; i < events; i++ {
				below, upTo := atRisk.sum(r.rank[i]-1), atRisk.sum(r.rank[i])
				p := pairs{w * below, w * (total - upTo), w * (upTo - below)}
				c.Concordant += p.concordant
				c.Discordant += p.discordant
				c.TiedRisk += p.tied
				parts[r.row[i]] = p
			}
			r.tiedTimes(first, events, w, c)
		}
		for i := first; i < events; i++ {
			add(i)
		}
	}
}

// tiedTimes counts the pairs of events at one time.
func (r *ranking) tiedTimes(first, end int, w float64, c *Concordance) {
	if end-first < 2 {
		return
	}
	ranks := slices.Clone(r.rank[first:end])
	slices.Sort(ranks)
	d := float64(len(ranks))
	both := 0.0
	for i := 0; i < len(ranks); {
		run := 1
		for i+run < len(ranks) && ranks[i+run] == ranks[i] {
			run++
		}
		both += float64(run*(run-1)) / 2
		i += run
	}
	c.TiedBoth += w * both
	c.TiedTime += w * (d*(d-1)/2 - both)
}

// asSurvivor goes forward in time with a tree of the events so far, and gives each patient the pairs in which it lived longer.
func (r *ranking) asSurvivor(parts []pairs) {
	events := newFenwick(r.ranks)
	total, entry := 0.0, 0
	credit := func(i int, sign float64) {
		below, upTo := events.sum(r.rank[i]-1), events.sum(r.rank[i])
		p := &parts[r.row[i]]
		p.discordant += sign * below // an event with a lower risk
		p.concordant += sign * (total - upTo)
		p.tied += sign * (upTo - below)
	}
	for k, w := range r.weight {
		first, end := r.groups[k], r.groups[k+1]
		t := r.obs[first].Time
		for ; entry < len(r.byEntry) && r.obs[r.byEntry[entry]].Entry < t; entry++ {
			credit(r.byEntry[entry], -1)
		}
		i := first
		for ; i < end && r.obs[i].Event > 0; i++ {
			credit(i, 1)
		}
		if t <= r.lastDate {
			for j := first; j < i; j++ {
				events.add(r.rank[j], w)
				total += w
			}
		}
		for ; i < end; i++ {
			credit(i, 1)
		}
	}
}

// fenwick is a binary indexed tree of sums over ranks 1…n.
type fenwick []float64

func newFenwick(n int) fenwick { return make(fenwick, n+1) }

func (f fenwick) add(rank int, v float64) {
	for ; rank < len(f); rank += rank & -rank {
		f[rank] += v
	}
}

// sum returns the total of ranks 1…rank.
func (f fenwick) sum(rank int) float64 {
	s := 0.0
	for ; rank > 0; rank &= rank - 1 {
		s += f[rank]
	}
	return s
}
