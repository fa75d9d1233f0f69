package pipeline

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/models"
)

// neighbours imputes as scikit-learn's KNNImputer does [Troyanskaya2001]: a missing value is the mean of its column over the nearest
// training rows in which it is known. Distances are over the columns that both rows have, scaled up to all of them; rows with none in
// common are not compared, and without a neighbour the column's mean is taken. It holds training rows, which is why a configuration
// has to allow it by keep_rows.
//
// [Troyanskaya2001]: https://doi.org/10.1093/bioinformatics/17.6.520
type neighbours struct {
	Number int        `json:"number"`
	Rows   int        `json:"rows"`
	Values []*float64 `json:"values"` // column-major over the columns of On; null is missing
	On     []int      `json:"on"`     // columns of the step that take part

	flat []float64
}

// newNeighbours keeps the training rows of these columns.
func newNeighbours(x models.Matrix, on []int, k int) *neighbours {
	n := &neighbours{Number: k, Rows: x.Rows, On: on}
	for _, j := range on {
		n.flat = append(n.flat, x.Column(j)...)
	}
	n.Values = make([]*float64, len(n.flat))
	for i := range n.flat {
		if !math.IsNaN(n.flat[i]) {
			n.Values[i] = &n.flat[i]
		}
	}
	return n
}

// check proves that fill cannot fail, and makes ready.
func (n *neighbours) check(columns int) error {
	if n.Number < 1 || n.Rows < 1 || len(n.Values) != n.Rows*len(n.On) {
		return fmt.Errorf("%d neighbours among %d values of %d rows and %d columns", n.Number, len(n.Values), n.Rows, len(n.On))
	}
	for i, j := range n.On {
		if j < 0 || j >= columns || i > 0 && j <= n.On[i-1] {
			return fmt.Errorf("column index %d of %d is out of order or range", j, columns)
		}
	}
	n.flat = make([]float64, len(n.Values))
	for i, v := range n.Values {
		n.flat[i] = math.NaN()
		if v != nil {
			n.flat[i] = *v
		}
	}
	return nil
}

// fill returns the columns of On with their missing values replaced, in that order.
func (n *neighbours) fill(x models.Matrix) [][]float64 {
	out := make([][]float64, len(n.On))
	for c, j := range n.On {
		out[c] = slices.Clone(x.Column(j))
	}
	row := make([]float64, len(n.On))
	type near struct {
		row      int
		distance float64
	}
	order := make([]near, 0, n.Rows)
	for i := range x.Rows {
		missing := false
		for c, j := range n.On {
			row[c] = x.Column(j)[i]
			missing = missing || math.IsNaN(row[c])
		}
		if !missing {
			continue
		}
		order = order[:0]
		for r := range n.Rows {
			if d := n.distance(row, r); !math.IsNaN(d) {
				order = append(order, near{r, d})
			}
		}
		slices.SortStableFunc(order, func(a, b near) int { return cmp.Compare(a.distance, b.distance) })
		for c := range n.On {
			if !math.IsNaN(row[c]) {
				continue
			}
			column := n.flat[c*n.Rows : (c+1)*n.Rows]
			sum, found := 0.0, 0
			for _, o := range order {
				if v := column[o.row]; !math.IsNaN(v) {
					sum += v
					if found++; found == n.Number {
						break
					}
				}
			}
			if found == 0 {
				for _, v := range column {
					if !math.IsNaN(v) {
						sum += v
						found++
					}
				}
			}
			out[c][i] = sum / float64(found)
		}
	}
	return out
}

// distance is Euclidean over the columns that both have, scaled up to all.
func (n *neighbours) distance(row []float64, r int) float64 {
	sum, both := 0.0, 0
	for c, v := range row {
		d := v - n.flat[c*n.Rows+r]
		if !math.IsNaN(d) {
			sum += d * d
			both++
		}
	}
	if both == 0 {
		return math.NaN()
	}
	return math.Sqrt(sum * float64(len(row)) / float64(both))
}
