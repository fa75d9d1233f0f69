package explain

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/voxgene/voxgene/models"
)

// correlated explains sums where a column that is left out takes its expected value given those that are in, for columns that are
// jointly normal with the background's mean and covariance: what correlated columns say alike is shared among them [Aas2021].
//
// In an order of the columns, with the covariance of that order as L Lᵀ and innovations z = L⁻¹ (x − mean), putting column k in moves
// the expectation by (Lᵀ coefficients)_k z_k. All orders of at most seven columns are taken, and then the values are exact; of more,
// orders and their reverses are drawn, and the standard error is that of the mean over pairs.
//
// [Aas2021]: https://doi.org/10.1016/j.artint.2021.103502
type correlated struct {
	used   []int
	means  []float64
	base   []float64
	orders []order
	paired bool // orders 2i and 2i+1 are each other's reverse
}

// order is one order of the columns with what it needs.
type order struct {
	columns []int // places in used
	lower   mat.TriDense
	gains   [][]float64 // by output, Lᵀ coefficients
}

const (
	allOrders = 7   // columns of which every order is taken
	somePairs = 100 // pairs of orders of more columns, where the request does not say
)

func newCorrelated(m models.Model, scale string, r Request) (*correlated, bool, error) {
	a, err := coefficients(m, scale)
	if err != nil {
		return nil, false, err
	}
	if r.Background == nil {
		return nil, false, fmt.Errorf("%s: %w", r.Method, ErrNoBackground)
	}
	b, err := r.Background.Matrix(m.Columns())
	if err != nil {
		return nil, false, err
	}
	intercepts, weights, _ := a.Linear()
	c := &correlated{used: active(m), base: slices.Clone(intercepts)}
	covariance, means, err := shrunk(b, r.Background.shares(), c.used)
	if err != nil {
		return nil, false, err
	}
	c.means = means
	for k, w := range weights {
		for j, col := range c.used {
			c.base[k] += w[col] * means[j]
		}
	}
	n := len(c.used)
	exact := n <= allOrders
	var lists [][]int
	if exact {
		lists = permutations(n)
	} else {
		pairs := r.Pairs
		if pairs == 0 {
			pairs = somePairs
		}
		if pairs < 2 || pairs > 1<<16 {
			return nil, false, fmt.Errorf("%s: %d pairs of orders; want 2 to %d", LinearCorrelated, pairs, 1<<16)
		}
		c.paired = true
		for i := range pairs {
			p := r.Seed.Split("correlated").SplitInt("pair", i).Rand().Perm(n)
			q := slices.Clone(p)
			slices.Reverse(q)
			lists = append(lists, p, q)
		}
	}
	for _, l := range lists {
		o, err := newOrder(l, covariance, weights, c.used)
		if err != nil {
			return nil, false, err
		}
		c.orders = append(c.orders, o)
	}
	return c, exact, nil
}

func newOrder(columns []int, covariance *mat.SymDense, weights [][]float64, used []int) (order, error) {
	n := len(columns)
	o := order{columns: columns, gains: make([][]float64, len(weights))}
	if n == 0 {
		return o, nil
	}
	turned := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			turned.SetSym(i, j, covariance.At(columns[i], columns[j]))
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(turned) {
		return o, errors.New("the covariance of the background is not positive definite")
	}
	chol.LTo(&o.lower)
	for k, w := range weights {
		o.gains[k] = make([]float64, n)
		for j := range n {
			for i := j; i < n; i++ {
				o.gains[k][j] += o.lower.At(i, j) * w[used[columns[i]]]
			}
		}
	}
	return o, nil
}

// permutations returns all orders of n columns.
func permutations(n int) [][]int {
	out := [][]int{{}}
	for i := range n {
		var next [][]int
		for _, p := range out {
			for at := range len(p) + 1 {
				next = append(next, slices.Insert(slices.Clone(p), at, i))
			}
		}
		out = next
	}
	return out
}

// shrunk returns mean and covariance of the background, the covariance drawn towards a diagonal one of the same variances by the share
// that Ledoit and Wolf's estimate for such a target gives [Schaefer2005], so that it can be inverted however few the rows. A missing
// value counts as the mean.
//
// [Schaefer2005]: https://doi.org/10.2202/1544-6115.1175
func shrunk(b models.Matrix, shares []float64, used []int) (*mat.SymDense, []float64, error) {
	n := len(used)
	if b.Rows < 3 {
		return nil, nil, fmt.Errorf("%s: a covariance needs a background of three rows, this has %d", LinearCorrelated, b.Rows)
	}
	means, deviations := make([]float64, n), make([][]float64, n)
	squares := 0.0 // of the shares: 1/rows where they are equal
	for _, s := range shares {
		squares += s * s
	}
	for j, c := range used {
		column, weight := b.Column(c), 0.0
		for i, v := range column {
			if !math.IsNaN(v) {
				means[j] += shares[i] * v
				weight += shares[i]
			}
		}
		if weight > 0 {
			means[j] /= weight
		}
		deviations[j] = make([]float64, b.Rows)
		for i, v := range column {
			if !math.IsNaN(v) {
				deviations[j][i] = v - means[j]
			}
		}
	}
	unbiased := 1 / (1 - squares)
	sd := make([]float64, n)
	for j := range n {
		for i, d := range deviations[j] {
			sd[j] += unbiased * shares[i] * d * d
		}
		if sd[j] = math.Sqrt(sd[j]); sd[j] == 0 {
			sd[j] = 1 // constant in the background: uncorrelated, of any variance
		}
	}
	// The share is the sum of the variances of the correlations over the sum of their squares.
	correlations := mat.NewSymDense(max(1, n), nil)
	variances, total := 0.0, 0.0
	for j := range n {
		for k := range j {
			r := 0.0
			for i, d := range deviations[j] {
				r += shares[i] * d * deviations[k][i] / (sd[j] * sd[k])
			}
			spread := 0.0
			for i, d := range deviations[j] {
				e := d*deviations[k][i]/(sd[j]*sd[k]) - r
				spread += shares[i] * e * e
			}
			variances += spread * squares * unbiased * unbiased * unbiased
			correlations.SetSym(j, k, unbiased*r)
			total += unbiased * r * unbiased * r
		}
	}
	lambda := 1.0
	if total > 0 {
		lambda = min(1, max(1e-6, variances/total))
	}
	for j := range n {
		for k := range j {
			correlations.SetSym(j, k, (1-lambda)*correlations.At(j, k)*sd[j]*sd[k])
		}
		correlations.SetSym(j, j, sd[j]*sd[j])
	}
	return correlations, means, nil
}

func (c *correlated) columns() []int   { return c.used }
func (c *correlated) bases() []float64 { return c.base }

func (c *correlated) values(x models.Matrix, lo, hi int, s *scratch) (phi, errs []float64, err error) {
	n, targets := len(c.used), len(c.base)
	phi = s.take((hi - lo) * targets * n)
	if c.paired {
		errs = make([]float64, len(phi))
	}
	z, pair := make([]float64, n), make([]float64, targets*n)
	mean, squares := make([]float64, targets*n), make([]float64, targets*n)
	step := 1
	if c.paired {
		step = 2
	}
	for i := lo; i < hi; i++ {
		clear(mean)
		clear(squares)
		for at := 0; at < len(c.orders); at += step {
			clear(pair)
			for _, o := range c.orders[at : at+step] {
				o.innovations(x, i, c, z)
				for k, gains := range o.gains {
					for j, col := range o.columns {
						pair[k*n+col] += gains[j] * z[j] / float64(step)
					}
				}
			}
			count := float64(at/step + 1)
			for m, v := range pair {
				d := v - mean[m]
				mean[m] += d / count
				squares[m] += d * (v - mean[m])
			}
		}
		copy(phi[(i-lo)*targets*n:], mean)
		if c.paired {
			pairs := float64(len(c.orders) / 2)
			for m, v := range squares {
				errs[(i-lo)*targets*n+m] = math.Sqrt(v / (pairs * (pairs - 1)))
			}
		}
	}
	return phi, errs, nil
}

// innovations sets z = L⁻¹ (x − mean) in the order's columns.
func (o *order) innovations(x models.Matrix, row int, c *correlated, z []float64) {
	for j, col := range o.columns {
		v := x.Column(c.used[col])[row] - c.means[col]
		for k := range j {
			v -= o.lower.At(j, k) * z[k]
		}
		z[j] = v / o.lower.At(j, j)
	}
}
