package linear

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/floats"
)

// Alias is a column that is a linear combination of earlier ones, and which.
type Alias struct {
	Column int
	Of     []int // the earlier columns that make it up, most first
}

// aliased finds columns that earlier ones determine, by Gram–Schmidt on the standardised columns. Where the columns outnumber the
// rows it stops once nothing more can be independent.
func (d *design) aliased(columns []int) (kept []int, out []Alias) {
	const tolerance = 1e-7 // of the norm that is left, R's limit for lm and glm
	var q [][]float64
	var r [][]float64 // of each kept column: its projections on q before it, then its own norm
	root := make([]float64, d.rows)
	for i, w := range d.weight {
		root[i] = math.Sqrt(w)
	}
	for _, j := range columns {
		v := make([]float64, d.rows)
		floats.MulTo(v, root, d.column(j))
		norm := floats.Norm(v, 2)
		projection := make([]float64, len(q), len(q)+1)
		for range 2 { // twice is enough [Kahan]
			for k, u := range q {
				c := floats.Dot(u, v)
				projection[k] += c
				floats.AddScaled(v, -c, u)
			}
		}
		left := floats.Norm(v, 2)
		if left > tolerance*norm && len(q) < d.rows-1 {
			floats.Scale(1/left, v)
			q, r, kept = append(q, v), append(r, append(projection, left)), append(kept, j)
			continue
		}
		out = append(out, Alias{j, combination(r, projection, kept)})
	}
	return kept, out
}

// combination solves R·c = projection and returns the columns with a coefficient, largest first.
func combination(r [][]float64, projection []float64, kept []int) []int {
	c := slices.Clone(projection)
	for k := len(c) - 1; k >= 0; k-- {
		c[k] /= r[k][k]
		for i := range k {
			c[i] -= c[k] * r[k][i]
		}
	}
	order := make([]int, len(c))
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case math.Abs(c[a]) > math.Abs(c[b]):
			return -1
		case math.Abs(c[a]) < math.Abs(c[b]):
			return 1
		}
		return 0
	})
	var of []int
	for _, k := range order {
		if math.Abs(c[k]) > 1e-6 {
			of = append(of, kept[k])
		}
	}
	return of
}

// list names up to five columns.
func (p *Problem) list(columns []int) string {
	var names []string
	for i, j := range columns {
		if i == 5 {
			names = append(names, fmt.Sprintf("and %d more", len(columns)-5))
			break
		}
		names = append(names, p.name(j))
	}
	return strings.Join(names, ", ")
}
