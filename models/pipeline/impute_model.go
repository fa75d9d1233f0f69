package pipeline

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/voxgene/voxgene/models"
)

// regressions imputes by chained equations [vanBuuren2011] without their noise, as scikit-learn's IterativeImputer: each column that has
// missing values is regressed (ridge) on the columns most correlated with it, over and over, until what is filled in settles. A column
// that is complete in training takes its mean.
//
// [vanBuuren2011]: https://doi.org/10.18637/jss.v045.i03
type regressions struct {
	On     []int        `json:"on"` // columns of the step that take part
	Means  []float64    `json:"means"`
	Spread []float64    `json:"spread"`
	Low    []float64    `json:"low"` // of the training values; nothing is filled in beyond
	High   []float64    `json:"high"`
	Rounds int          `json:"rounds"`
	Of     []regression `json:"of"`
}

// regression predicts one column; indices are places in On, values are standardised.
type regression struct {
	Column       int       `json:"column"`
	From         []int     `json:"from"`
	Coefficients []float64 `json:"coefficients"`
	Intercept    float64   `json:"intercept"`
}

const (
	regressors = 10   // columns that predict one
	mostRounds = 10   // rounds over all columns
	settledAt  = 1e-3 // largest change, in standard deviations, that ends the rounds
	shrinkage  = 0.01 // ridge penalty for each row
)

// newRegressions fits the regressions of these columns, each of which has a known value.
func newRegressions(x models.Matrix, on []int) *regressions {
	r := &regressions{On: on, Of: []regression{}}
	z := make([][]float64, len(on))
	missing := make([][]int, len(on))
	buffer := make([]float64, 0, x.Rows)
	for c, j := range on {
		v := known(x.Column(j), buffer)
		m := mean(v)
		s := math.Sqrt(variance(v, m))
		if !(s > 0) {
			s = 1
		}
		r.Means, r.Spread = append(r.Means, m), append(r.Spread, s)
		r.Low, r.High = append(r.Low, slices.Min(v)), append(r.High, slices.Max(v))
		z[c] = make([]float64, x.Rows)
		for i, v := range x.Column(j) {
			if math.IsNaN(v) {
				missing[c] = append(missing[c], i)
				continue
			}
			z[c][i] = (v - m) / s
		}
	}
	wanted := make([]bool, len(on))
	for c := range on {
		wanted[c] = len(missing[c]) > 0
	}
	for c, from := range closest(z, wanted) {
		if wanted[c] {
			r.Of = append(r.Of, regression{Column: c, From: from})
		}
	}
	// The columns with the fewest gaps first, because what they predict rests on most.
	slices.SortStableFunc(r.Of, func(a, b regression) int { return cmp.Compare(len(missing[a.Column]), len(missing[b.Column])) })
	for change := math.Inf(1); r.Rounds < mostRounds && change > settledAt; r.Rounds++ {
		change = 0
		for k := range r.Of {
			one := &r.Of[k]
			one.fit(z, missing[one.Column])
			for _, i := range missing[one.Column] {
				v := r.within(one.Column, one.at(z, i))
				change = max(change, math.Abs(v-z[one.Column][i]))
				z[one.Column][i] = v
			}
		}
	}
	return r
}

// closest returns, for the columns that wanted says, those most correlated with each; missing values count as the mean. Every pair is looked at once.
func closest(z [][]float64, wanted []bool) [][]int {
	squares := make([]float64, len(z))
	for c := range z {
		for _, v := range z[c] {
			squares[c] += v * v
		}
	}
	near := make([]nearest10, len(z))
	sums := make([]float64, len(z))
	for c := range z {
		pairs(z[c], z[c+1:], sums[c+1:])
		for k := c + 1; k < len(z); k++ {
			if squares[c] > 0 && squares[k] > 0 && (wanted[c] || wanted[k]) {
				size := math.Abs(sums[k]) / math.Sqrt(squares[c]*squares[k])
				near[c].add(k, size)
				near[k].add(c, size)
			}
		}
	}
	out := make([][]int, len(z))
	for c, n := range near {
		if wanted[c] {
			out[c] = append([]int{}, n.columns[:n.n]...)
		}
	}
	return out
}

// pairs sums the products of a column with each of others, in the order of rows. Four sums at a time do not wait for one another.
func pairs(of []float64, others [][]float64, to []float64) {
	k := 0
	for ; k+4 <= len(others); k += 4 {
		a, b, c, d := others[k][:len(of)], others[k+1][:len(of)], others[k+2][:len(of)], others[k+3][:len(of)]
		var p, q, r, s float64
		for i, v := range of {
			p, q, r, s = p+v*a[i], q+v*b[i], r+v*c[i], s+v*d[i]
		}
		to[k], to[k+1], to[k+2], to[k+3] = p, q, r, s
	}
	for ; k < len(others); k++ {
		sum := 0.0
		for i, v := range of {
			sum += v * others[k][i]
		}
		to[k] = sum
	}
}

// nearest10 are the columns with the largest sizes so far, the largest first, and of equal ones the one that came first.
type nearest10 struct {
	n       int
	columns [regressors]int
	sizes   [regressors]float64
}

func (l *nearest10) add(column int, size float64) {
	at := l.n
	for at > 0 && cmp.Compare(size, l.sizes[at-1]) > 0 {
		at--
	}
	if at == regressors {
		return
	}
	l.n = min(l.n+1, regressors)
	copy(l.columns[at+1:l.n], l.columns[at:])
	copy(l.sizes[at+1:l.n], l.sizes[at:])
	l.columns[at], l.sizes[at] = column, size
}

// fit is the ridge regression on the rows in which the column is known.
func (o *regression) fit(z [][]float64, missing []int) {
	p := len(o.From)
	rows := make([]int, 0, len(z[o.Column]))
	gap := 0
	for i := range z[o.Column] {
		if gap < len(missing) && missing[gap] == i {
			gap++
			continue
		}
		rows = append(rows, i)
	}
	n := float64(len(rows))
	centre := make([]float64, p)
	y := 0.0
	for _, i := range rows {
		y += z[o.Column][i] / n
		for a, k := range o.From {
			centre[a] += z[k][i] / n
		}
	}
	o.Coefficients, o.Intercept = make([]float64, p), y
	if p == 0 {
		return
	}
	gram, right := mat.NewSymDense(p, nil), mat.NewVecDense(p, nil)
	centred, sums := make([][]float64, p+1), make([]float64, p+1) // the columns that predict, and what is predicted
	for a := range centred {
		column, middle := z[o.Column], y
		if a < p {
			column, middle = z[o.From[a]], centre[a]
		}
		centred[a] = make([]float64, len(rows))
		for at, i := range rows {
			centred[a][at] = column[i] - middle
		}
	}
	for a := range p {
		pairs(centred[a], centred[a:], sums[a:])
		sums[a] += shrinkage * n
		for b := a; b < p; b++ {
			gram.SetSym(a, b, sums[b])
		}
		right.SetVec(a, sums[p])
	}
	var factor mat.Cholesky
	var beta mat.VecDense
	if !factor.Factorize(gram) || factor.SolveVecTo(&beta, right) != nil {
		return // the penalty makes this a matter of values beyond all numbers
	}
	for a := range p {
		o.Coefficients[a] = beta.AtVec(a)
		o.Intercept -= beta.AtVec(a) * centre[a]
	}
}

func (o *regression) at(z [][]float64, row int) float64 {
	v := o.Intercept
	for a, k := range o.From {
		v += o.Coefficients[a] * z[k][row]
	}
	return v
}

// within keeps a standardised value inside what training saw.
func (r *regressions) within(c int, v float64) float64 {
	return max((r.Low[c]-r.Means[c])/r.Spread[c], min((r.High[c]-r.Means[c])/r.Spread[c], v))
}

// fill returns the columns of On with their missing values replaced, in that order. Rows do not touch each other.
func (r *regressions) fill(x models.Matrix) [][]float64 {
	out, z := make([][]float64, len(r.On)), make([][]float64, len(r.On))
	for c, j := range r.On {
		out[c], z[c] = slices.Clone(x.Column(j)), make([]float64, x.Rows)
		for i, v := range out[c] {
			if !math.IsNaN(v) {
				z[c][i] = (v - r.Means[c]) / r.Spread[c]
			}
		}
	}
	for range r.Rounds {
		for k := range r.Of {
			c := r.Of[k].Column
			for i, v := range out[c] {
				if math.IsNaN(v) {
					z[c][i] = r.within(c, r.Of[k].at(z, i))
				}
			}
		}
	}
	for c := range out {
		for i, v := range out[c] {
			if math.IsNaN(v) {
				out[c][i] = r.Means[c] + r.Spread[c]*z[c][i]
			}
		}
	}
	return out
}

// check proves that fill cannot fail.
func (r *regressions) check(columns int) error {
	n := len(r.On)
	for _, list := range [][]float64{r.Means, r.Spread, r.Low, r.High} {
		if err := checkLength("values", len(list), n); err != nil {
			return err
		}
	}
	if r.Rounds < 0 || r.Rounds > mostRounds {
		return fmt.Errorf("%d rounds", r.Rounds)
	}
	for i, j := range r.On {
		if j < 0 || j >= columns || i > 0 && j <= r.On[i-1] {
			return fmt.Errorf("column index %d of %d is out of order or range", j, columns)
		}
		if !(r.Spread[i] > 0) {
			return fmt.Errorf("spread %v is not above zero", r.Spread[i])
		}
	}
	for _, o := range r.Of {
		if o.Column < 0 || o.Column >= n || len(o.From) != len(o.Coefficients) {
			return fmt.Errorf("a regression of column %d has %d columns and %d coefficients", o.Column, len(o.From), len(o.Coefficients))
		}
		for _, k := range o.From {
			if k < 0 || k >= n {
				return fmt.Errorf("a regression on column %d of %d", k, n)
			}
		}
	}
	return nil
}
