package stat

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/work"
)

// Method is a kind of correlation.
type Method string

// The kinds of correlation that Correlate computes over many pairs.
const (
	PearsonMethod  Method = "pearson"
	SpearmanMethod Method = "spearman"
)

// MinPairRows is the smallest number of complete rows for which a pair has a correlation: with fewer, r says next to nothing and a
// map of thousands of pairs would be led by them.
const MinPairRows = 10

// Pairs holds the correlation of every column of x with every column of y.
type Pairs struct {
	NX, NY int
	Method Method
	// R is row-major, NX × NY; NaN where a column is constant on the pair's rows or there are fewer than MinPairRows of them.
	R []float64
	// N is the number of rows of each pair, in which neither column is missing; nil where it is Rows for all.
	N    []int32
	Rows int
	// Given is the number of covariates that were regressed out of both sides; each takes a degree of freedom.
	Given int
	tails map[int]*CorrelationTail
}

// Correlate computes all pairs of columns of x and y, which all have the same number of rows. Missing values (NaN) are left out pair by
// pair. given is the number of covariates that were regressed out of both sides before. The numbers do not depend on jobs.
func Correlate(ctx context.Context, x, y [][]float64, method Method, given, jobs int) (*Pairs, error) {
	if method != PearsonMethod && method != SpearmanMethod {
		return nil, fmt.Errorf("stat: no correlation method %q", method)
	}
	p := &Pairs{NX: len(x), NY: len(y), Method: method, Given: given}
	if len(x) == 0 || len(y) == 0 {
		return p, nil
	}
	p.Rows = len(x[0])
	for _, c := range slices.Concat(x, y) {
		if len(c) != p.Rows {
			return nil, fmt.Errorf("stat: a column has %d rows where the first has %d", len(c), p.Rows)
		}
	}
	p.R = make([]float64, p.NX*p.NY)
	holesX, holesY := withHoles(x), withHoles(y)
	if err := p.complete(ctx, x, y, jobs); err != nil {
		return nil, err
	}
	if slices.Contains(holesX, true) || slices.Contains(holesY, true) {
		p.N = make([]int32, len(p.R))
		if err := p.incomplete(ctx, x, y, holesX, holesY, jobs); err != nil {
			return nil, err
		}
	}
	p.prepareTails()
	return p, nil
}

func withHoles(columns [][]float64) []bool {
	out := make([]bool, len(columns))
	for j, c := range columns {
		out[j] = slices.ContainsFunc(c, math.IsNaN)
	}
	return out
}

// incomplete does the pairs again in which a column has holes.
func (p *Pairs) incomplete(ctx context.Context, x, y [][]float64, holesX, holesY []bool, jobs int) error {
	left, right := orderings(x), orderings(y)
	items := make([]work.Item, p.NX)
	for i := range items {
		items[i] = work.Item{Name: "pairs", Do: func(context.Context) ([]byte, error) {
			a, b := make([]float64, p.Rows), make([]float64, p.Rows)
			for j := range p.NY {
				n := int32(p.Rows)
				if holesX[i] || holesY[j] {
					n = p.pair(i, j, x[i], y[j], left[i], right[j], a, b)
				}
				p.N[i*p.NY+j] = n
			}
			return nil, nil
		}}
	}
	return runAll(ctx, items, jobs)
}

// orderings are the rows of each column in ascending order of value, missing ones left out, so that a pair's ranks need no sorting.
func orderings(columns [][]float64) [][]int32 {
	out := make([][]int32, len(columns))
	for j, c := range columns {
		for i, v := range c {
			if !math.IsNaN(v) {
				out[j] = append(out[j], int32(i))
			}
		}
		slices.SortFunc(out[j], func(a, b int32) int {
			switch {
			case c[a] < c[b]:
				return -1
			case c[a] > c[b]:
				return 1
			}
			return 0
		})
	}
	return out
}

// pair sets R of one pair from its complete rows and returns how many there are. a and b are scratch.
func (p *Pairs) pair(i, j int, x, y []float64, orderX, orderY []int32, a, b []float64) int32 {
	n := 0
	for r := range x {
		if !math.IsNaN(x[r]) && !math.IsNaN(y[r]) {
			a[r], b[r] = x[r], y[r]
			n++
		} else {
			a[r], b[r] = none, none
		}
	}
	at := i*p.NY + j
	if n < MinPairRows {
		p.R[at] = none
		return int32(n)
	}
	if p.Method == SpearmanMethod {
		rankWithin(x, y, orderX, a)
		rankWithin(y, x, orderY, b)
	}
	p.R[at] = productOfPresent(a, b, n)
	return int32(n)
}

// rankWithin writes to ranks the mid-ranks of x among the rows in which other is there too, walking x's own order.
func rankWithin(x, other []float64, order []int32, ranks []float64) {
	rank := 0
	for first := 0; first < len(order); {
		last, tied := first, 0
		for last < len(order) && x[order[last]] == x[order[first]] {
			if !math.IsNaN(other[order[last]]) {
				tied++
			}
			last++
		}
		mid := float64(rank) + float64(tied+1)/2
		for _, r := range order[first:last] {
			if !math.IsNaN(other[r]) {
				ranks[r] = mid
			}
		}
		rank += tied
		first = last
	}
}

// productOfPresent is the correlation over the rows that are not NaN, of which there are n.
func productOfPresent(a, b []float64, n int) float64 {
	var ma, mb float64
	for i := range a {
		if a[i] == a[i] {
			ma += a[i]
			mb += b[i]
		}
	}
	ma /= float64(n)
	mb /= float64(n)
	var saa, sbb, sab float64
	for i := range a {
		if a[i] == a[i] {
			da, db := a[i]-ma, b[i]-mb
			saa, sbb, sab = saa+da*da, sbb+db*db, sab+da*db
		}
	}
	const eps = 1e-13
	if saa <= float64(n)*ma*ma*eps*eps || sbb <= float64(n)*mb*mb*eps*eps {
		return none
	}
	return max(-1, min(1, sab/math.Sqrt(saa)/math.Sqrt(sbb)))
}

// prepareTails makes a table of p-values for each number of rows that occurs.
func (p *Pairs) prepareTails() {
	p.tails = map[int]*CorrelationTail{}
	add := func(n int) {
		if df := n - 2 - p.Given; df >= 1 && p.tails[n] == nil {
			p.tails[n] = NewCorrelationTail(float64(df))
		}
	}
	if p.N == nil {
		add(p.Rows)
		return
	}
	seen := make([]bool, p.Rows+1)
	for _, n := range p.N {
		seen[n] = true
	}
	for n, ok := range seen {
		if ok && n >= MinPairRows {
			add(n)
		}
	}
}

// Count is the number of rows of pair (i, j).
func (p *Pairs) Count(i, j int) int {
	if p.N == nil {
		return p.Rows
	}
	return int(p.N[i*p.NY+j])
}

// P is the two-sided p-value of pair (i, j) by the t approximation; NaN where there is no correlation.
func (p *Pairs) P(i, j int) float64 {
	t := p.tails[p.Count(i, j)]
	if t == nil {
		return none
	}
	return t.P(p.R[i*p.NY+j])
}

// PValues fills p-values of all pairs, row-major. dst may be nil.
func (p *Pairs) PValues(ctx context.Context, dst []float64, jobs int) ([]float64, error) {
	if dst == nil {
		dst = make([]float64, len(p.R))
	}
	items := make([]work.Item, p.NX)
	for i := range items {
		items[i] = work.Item{Name: "p-values", Do: func(context.Context) ([]byte, error) {
			row := dst[i*p.NY : (i+1)*p.NY]
			one := p.tails[p.Rows]
			for j := range row {
				switch {
				case p.N != nil:
					row[j] = p.P(i, j)
				case one == nil:
					row[j] = none
				default:
					row[j] = one.P(p.R[i*p.NY+j])
				}
			}
			return nil, nil
		}}
	}
	return dst, runAll(ctx, items, jobs)
}
