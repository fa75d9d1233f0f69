package explain

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
)

// Background is what stands in for a column that is left out: rows, each with a weight. One that NewBackground made holds centroids
// and no patient; a user's own rows are taken as they are.
type Background struct {
	Columns []string    // names
	Rows    [][]float64 // row-major; NaN is missing
	Weights []float64   // a row's share is its weight over the sum; for centroids, the patients in it
}

// ErrNoBackground says that a method puts in background values and was given none.
var ErrNoBackground = errors.New("this method needs a background: a bundle has one, or give a table of rows")

const (
	// Smallest is the least number of patients that a centroid stands for.
	Smallest = 5
	// Most is the greatest number of centroids that NewBackground makes.
	Most = 100
)

// NewBackground returns centroids of the rows of x, each of at least five, weighted by their rows.
//
// The rows are halved again and again. Columns are brought to mean 0 and variance 1, missing values to 0; a part is cut across its
// direction of greatest variance, found by power iteration from a vector drawn from the seed and the columns' names; its rows, in
// order of their place along it and then of their index, go to two parts whose sizes allow their share of the min(100, rows/5)
// centroids. A centroid has the mean of its rows; for a categorical column the most frequent level, the first of equals.
// Where fewer than five of a centroid's rows have a value, it has that of all rows if most of its own have one (and five of all
// do), and is missing otherwise: no number stands for fewer than five patients.
func NewBackground(x models.Matrix, seed work.Seed) (Background, error) {
	return NewGroupedBackground(x, nil, seed)
}

// NewGroupedBackground is NewBackground where several rows are of one patient: groups has the patient of each row, as in
// models.Training, and nil means each row is a patient. A patient counts once, as the mean of their rows.
func NewGroupedBackground(x models.Matrix, groups []int, seed work.Seed) (Background, error) {
	if groups != nil && len(groups) != x.Rows {
		return Background{}, fmt.Errorf("a background of %d rows was given the patients of %d", x.Rows, len(groups))
	}
	if groups != nil {
		x = byPatient(x, groups)
	}
	if x.Rows < Smallest {
		return Background{}, fmt.Errorf("a background needs at least %d patients, there are %d: give a background file, or a method that needs none", Smallest, x.Rows)
	}
	parts := bisect(x, min(Most, x.Rows/Smallest), seed)
	b := Background{Columns: make([]string, len(x.Columns)), Rows: make([][]float64, len(parts)), Weights: make([]float64, len(parts))}
	for i, rows := range parts {
		b.Rows[i], b.Weights[i] = make([]float64, len(x.Columns)), float64(len(rows))
	}
	all := make([]int, x.Rows)
	for i := range all {
		all[i] = i
	}
	for j, c := range x.Columns {
		b.Columns[j] = c.Name
		values := x.Column(j)
		overall, present := centre(c.Kind, values, all)
		if present < Smallest {
			overall = math.NaN()
		}
		for i, rows := range parts {
			v, n := centre(c.Kind, values, rows)
			switch {
			case n >= Smallest:
			case 2*n > len(rows):
				v = overall
			default:
				v = math.NaN()
			}
			b.Rows[i][j] = v
		}
	}
	return b, nil
}

// centre returns the mean, or the most frequent level, of the values that are there among these rows, and how many are.
func centre(kind table.Kind, values []float64, rows []int) (float64, int) {
	n, sum := 0, 0.0
	counts := map[float64]int{}
	for _, i := range rows {
		if v := values[i]; !table.Missing(v) {
			n++
			sum += v
			if kind == table.Categorical {
				counts[v]++
			}
		}
	}
	if n == 0 {
		return math.NaN(), 0
	}
	if kind != table.Categorical {
		return sum / float64(n), n
	}
	best, most := 0.0, 0
	for v, c := range counts {
		if c > most || c == most && v < best {
			best, most = v, c
		}
	}
	return best, n
}

// byPatient returns a row a patient, in order of their first row.
func byPatient(x models.Matrix, groups []int) models.Matrix {
	place := map[int]int{}
	var rows [][]int
	for i, g := range groups {
		p, ok := place[g]
		if !ok {
			p = len(rows)
			place[g] = p
			rows = append(rows, nil)
		}
		rows[p] = append(rows[p], i)
	}
	out := models.NewMatrix(x.Columns, len(rows))
	for j, c := range x.Columns {
		from, to := x.Column(j), out.Column(j)
		for p, r := range rows {
			to[p], _ = centre(c.Kind, from, r)
		}
	}
	return out
}

// bisect cuts the rows into k parts of at least Smallest each.
func bisect(x models.Matrix, k int, seed work.Seed) [][]int {
	z := make([]float64, x.Rows*len(x.Columns)) // row-major
	start := make([]float64, len(x.Columns))
	for j, c := range x.Columns {
		standardise(x.Column(j), z[j:], len(x.Columns))
		start[j] = seed.Split("background", c.Name).Rand().NormFloat64()
	}
	all := make([]int, x.Rows)
	for i := range all {
		all[i] = i
	}
	var parts [][]int
	var cut func(rows []int, k int)
	cut = func(rows []int, k int) {
		if k <= 1 {
			slices.Sort(rows)
			parts = append(parts, rows)
			return
		}
		along := principal(z, rows, len(x.Columns), start)
		order := make([]int, len(rows))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int {
			return cmp.Or(cmp.Compare(along[a], along[b]), cmp.Compare(rows[a], rows[b]))
		})
		sorted := make([]int, len(rows))
		for i, o := range order {
			sorted[i] = rows[o]
		}
		left := k / 2
		at := len(rows) * left / k
		at = max(left*Smallest, min(at, len(rows)-(k-left)*Smallest))
		cut(sorted[:at:at], left)
		cut(sorted[at:], k-left)
	}
	cut(all, k)
	return parts
}

// standardise writes a column, at mean 0 and variance 1 and with 0 for what is missing, to every stride-th place of z.
func standardise(values, z []float64, stride int) {
	n, mean, squares := 0, 0.0, 0.0
	for _, v := range values {
		if !table.Missing(v) {
			n++
			d := v - mean
			mean += d / float64(n)
			squares += d * (v - mean)
		}
	}
	scale := 0.0
	if squares > 0 {
		scale = math.Sqrt(float64(n) / squares)
	}
	for i, v := range values {
		if !table.Missing(v) {
			z[i*stride] = (v - mean) * scale
		}
	}
}

// principal returns the place of each of these rows along their direction of greatest variance, as far as eight power iterations
// find it: enough to cut a cloud across its length.
func principal(z []float64, rows []int, columns int, start []float64) []float64 {
	mean := make([]float64, columns)
	for _, r := range rows {
		for j, v := range z[r*columns : (r+1)*columns] {
			mean[j] += v / float64(len(rows))
		}
	}
	direction := slices.Clone(start)
	along := make([]float64, len(rows))
	project := func() {
		offset := 0.0
		for j, d := range direction {
			offset += d * mean[j]
		}
		for i, r := range rows {
			sum := -offset
			for j, v := range z[r*columns : (r+1)*columns] {
				sum += direction[j] * v
			}
			along[i] = sum
		}
	}
	for range 8 {
		project()
		clear(direction)
		total := 0.0
		for i, r := range rows {
			a := along[i]
			total += a
			for j, v := range z[r*columns : (r+1)*columns] {
				direction[j] += a * v
			}
		}
		norm := 0.0
		for j := range direction {
			direction[j] -= total * mean[j]
			norm += direction[j] * direction[j]
		}
		if norm = math.Sqrt(norm); norm == 0 {
			break // the rows are all alike
		}
		for j := range direction {
			direction[j] /= norm
		}
	}
	project()
	return along
}

// Shares are the weights of the rows, summing to one.
func (b Background) Shares() []float64 { return b.shares() }

// shares returns the weights, summing to one.
func (b Background) shares() []float64 {
	total := 0.0
	for _, w := range b.Weights {
		total += w
	}
	out := make([]float64, len(b.Weights))
	for i, w := range b.Weights {
		out[i] = w / total
	}
	return out
}

// Matrix returns the rows of the background as a matrix of these columns, which must be the background's. The order of its own
// columns does not matter.
func (b Background) Matrix(columns []table.Column) (models.Matrix, error) {
	if err := b.check(); err != nil {
		return models.Matrix{}, err
	}
	place := make(map[string]int, len(b.Columns))
	for j, name := range b.Columns {
		place[name] = j
	}
	var lost []error
	m := models.NewMatrix(columns, len(b.Rows))
	for j, c := range columns {
		at, ok := place[c.Name]
		if !ok {
			lost = append(lost, fmt.Errorf("the background has no column %q", c.Name))
			continue
		}
		to := m.Column(j)
		for i, r := range b.Rows {
			to[i] = r[at]
		}
	}
	return m, errors.Join(lost...)
}

// check returns an error where rows and weights do not fit.
func (b Background) check() error {
	if len(b.Rows) == 0 {
		return errors.New("the background has no row")
	}
	if len(b.Weights) != len(b.Rows) {
		return fmt.Errorf("the background has %d rows and %d weights", len(b.Rows), len(b.Weights))
	}
	total := 0.0
	for i, r := range b.Rows {
		if len(r) != len(b.Columns) {
			return fmt.Errorf("background row %d has %d values for %d columns", i+1, len(r), len(b.Columns))
		}
		if w := b.Weights[i]; !(w >= 0) || math.IsInf(w, 0) {
			return fmt.Errorf("background row %d has weight %v, want a finite number of 0 or more", i+1, w)
		}
		total += b.Weights[i]
	}
	if !(total > 0) || math.IsInf(total, 0) {
		return fmt.Errorf("the background's weights sum to %v", total)
	}
	return nil
}

// FromMatrix returns the rows of a matrix, a user's own background, with equal weights.
func FromMatrix(x models.Matrix) Background {
	b := Background{Columns: make([]string, len(x.Columns)), Rows: make([][]float64, x.Rows), Weights: make([]float64, x.Rows)}
	for j, c := range x.Columns {
		b.Columns[j] = c.Name
	}
	for i := range b.Rows {
		b.Rows[i], b.Weights[i] = make([]float64, len(x.Columns)), 1
		x.Row(i, b.Rows[i])
	}
	return b
}

// backgroundJSON is how a bundle stores a background: null is missing.
type backgroundJSON struct {
	Columns []string     `json:"columns"`
	Weights []float64    `json:"weights"`
	Rows    [][]*float64 `json:"rows"`
}

// MarshalJSON writes the background as a bundle stores it: columns, weights and rows, null for missing.
func (b Background) MarshalJSON() ([]byte, error) {
	out := backgroundJSON{b.Columns, b.Weights, make([][]*float64, len(b.Rows))}
	for i, r := range b.Rows {
		out.Rows[i] = make([]*float64, len(r))
		for j := range r {
			if !table.Missing(r[j]) {
				out.Rows[i][j] = &r[j]
			}
		}
	}
	return json.Marshal(out)
}

// UnmarshalJSON is the inverse of MarshalJSON. It refuses rows and weights that do not fit.
func (b *Background) UnmarshalJSON(data []byte) error {
	var in backgroundJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	got := Background{in.Columns, make([][]float64, len(in.Rows)), in.Weights}
	for i, r := range in.Rows {
		got.Rows[i] = make([]float64, len(r))
		for j, v := range r {
			got.Rows[i][j] = math.NaN()
			if v != nil {
				got.Rows[i][j] = *v
			}
		}
	}
	if err := got.check(); err != nil {
		return err
	}
	*b = got
	return nil
}
