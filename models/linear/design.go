package linear

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
)

// design is a problem's table as the solvers read it: centred, scaled, with weights that sum to one.
type design struct {
	rows, columns int
	x             []float64 // column-major; columns of one value are all 0
	mean, scale   []float64 // x = (X − mean)/scale
	norm          []float64 // Euclidean, of each column of x
	weight        []float64
	penalty       []float64 // factors, scaled to sum to the number of columns
	constant      []int
}

// newDesign centres and scales the table x of a problem whose rows are those given (all where nil) of a table with stride rows. A
// column whose spread is rounding alone counts as constant and is left out of every fit.
func newDesign(p *Problem, rows []int, factors []float64, standardise bool) (*design, error) {
	d := &design{rows: p.Rows, columns: p.Columns, x: make([]float64, p.Rows*p.Columns), mean: make([]float64, p.Columns), scale: make([]float64, p.Columns),
		norm: make([]float64, p.Columns), weight: normalise(p.Weights, p.Rows)}
	stride := len(p.X) / max(p.Columns, 1)
	var err error
	if d.penalty, err = penaltyFactors(factors, p.Columns); err != nil {
		return nil, err
	}
	for j := range p.Columns {
		from, to := p.X[j*stride:(j+1)*stride], d.column(j)
		if rows == nil {
			copy(to, from)
		}
		for i, r := range rows {
			to[i] = from[r]
		}
		m := floats.Dot(d.weight, to)
		largest, variance := 0.0, 0.0
		for i, v := range to {
			to[i] = v - m
			largest = max(largest, math.Abs(v))
			variance += d.weight[i] * to[i] * to[i]
		}
		s := math.Sqrt(variance)
		d.mean[j], d.scale[j] = m, 1
		if s <= 1e-13*largest {
			d.constant = append(d.constant, j)
			clear(to)
			continue
		}
		if standardise {
			d.scale[j] = s
			floats.Scale(1/s, to)
		}
		d.norm[j] = floats.Norm(to, 2)
	}
	return d, nil
}

func (d *design) column(j int) []float64 { return d.x[j*d.rows : (j+1)*d.rows : (j+1)*d.rows] }

// normalise returns weights that sum to one.
func normalise(weights []float64, n int) []float64 {
	w := make([]float64, n)
	if weights == nil {
		for i := range w {
			w[i] = 1 / float64(n)
		}
		return w
	}
	total := floats.Sum(weights)
	for i, v := range weights {
		w[i] = v / total
	}
	return w
}

// penaltyFactors returns factors scaled to sum to the number of columns, as glmnet does.
func penaltyFactors(factors []float64, columns int) ([]float64, error) {
	out := make([]float64, columns)
	if factors == nil {
		for j := range out {
			out[j] = 1
		}
		return out, nil
	}
	if len(factors) != columns {
		return nil, fmt.Errorf("%d penalty factors for %d columns", len(factors), columns)
	}
	for j, f := range factors {
		if !(f >= 0) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("the penalty factor of column %d is %v; want 0 or more", j, f)
		}
	}
	total := floats.Sum(factors)
	if total == 0 {
		return nil, fmt.Errorf("every penalty factor is 0; fit without penalty instead")
	}
	for j, f := range factors {
		out[j] = f * float64(columns) / total
	}
	return out, nil
}
