package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/mat"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// Space is where the training cohort of an outcome lay among the columns that its model sees: after the pipeline. It tells how far a
// patient is from that cohort, by the Mahalanobis distance under the shrunk covariance of [Ledoit2004] of standardised columns. It holds
// means, deviations and directions, and no row.
//
// The distance is divided by the square root of the number of columns: about one for a typical patient. With more than 64 columns the 16
// directions of greatest variance are told apart and the others share the mean of their variances, so that a distance costs
// 16 multiplications a column.
//
// [Ledoit2004]: https://doi.org/10.1016/S0047-259X(03)00096-4
type Space struct {
	On      []int     `json:"on"`      // indices of the model's columns that are numeric and vary
	Mean    []float64 `json:"mean"`    // of each
	SD      []float64 `json:"sd"`      // of each
	Weights []float64 `json:"weights"` // one a direction: 1/variance less that of the rest
	Vectors []float64 `json:"vectors"` // of each column, its part in each direction
	Rest    float64   `json:"rest"`    // 1/variance of what no direction holds
	// Distances are quantiles, at 0, 1/20, … 1, of the distances of training patients from the others: each was measured by the
	// covariance of the four fifths of the cohort that it was not among.
	Distances []float64 `json:"distances"`
}

const (
	spaceLeast      = 20   // rows without which there is no space
	spaceMost       = 1000 // rows that are looked at: of more, every second, third, …
	spaceWhole      = 64   // columns up to which all directions are told apart
	spaceDirections = 16   // of more columns
	spaceParts      = 5
)

// NewSpace describes training rows as their pipeline made them. It is nil where there are fewer than 20, or no numeric column varies.
func NewSpace(z models.Matrix) (*Space, error) {
	var rows []int
	for i := 0; i < z.Rows; i += 1 + (z.Rows-1)/spaceMost {
		rows = append(rows, i)
	}
	if len(rows) < spaceLeast {
		return nil, nil
	}
	s, err := fitSpace(z, rows)
	if s == nil || err != nil {
		return nil, err
	}
	var d []float64
	for part := range spaceParts {
		var others []int
		for k, i := range rows {
			if k%spaceParts != part {
				others = append(others, i)
			}
		}
		o, err := fitSpace(z, others)
		if err != nil {
			return nil, err
		}
		for k, i := range rows {
			if k%spaceParts == part && o != nil {
				d = append(d, o.Distance(z, i))
			}
		}
	}
	if len(d) == 0 {
		return nil, nil
	}
	slices.Sort(d)
	s.Distances = grid(d)
	return s, nil
}

// fitSpace describes rows of z, without distances.
func fitSpace(z models.Matrix, rows []int) (*Space, error) {
	s := &Space{}
	var y [][]float64 // standardised columns; a missing value stands at the mean
	for j, c := range z.Columns {
		if c.Kind != table.Numeric {
			continue
		}
		v, mean, sd := standardised(z.Column(j), rows)
		if !(sd > 0) || math.IsInf(sd, 0) {
			continue
		}
		s.On, s.Mean, s.SD = append(s.On, j), append(s.Mean, mean), append(s.SD, sd)
		y = append(y, v)
	}
	if len(y) == 0 {
		return nil, nil
	}
	p, n := len(y), len(rows)
	values, vectors, err := directions(y, n)
	if err != nil {
		return nil, err
	}
	shrinkage, mean := ledoitWolf(y, n, values)
	told := min(p, len(values))
	if p > spaceWhole {
		told = min(told, spaceDirections)
	}
	rest, left := mean*float64(p), p-told // the trace, which shrinkage keeps
	variances := make([]float64, told)
	for k := range variances {
		variances[k] = (1-shrinkage)*values[k] + shrinkage*mean
		rest -= variances[k]
	}
	least := 1e-9 * mean
	if s.Rest = 1; left > 0 {
		s.Rest = 1 / max(rest/float64(left), least)
	}
	for _, v := range variances {
		s.Weights = append(s.Weights, 1/max(v, least)-s.Rest)
	}
	s.Vectors = make([]float64, p*told)
	for j := range p {
		for k := range told {
			s.Vectors[j*told+k] = vectors.At(j, k)
		}
	}
	return s, nil
}

// standardised returns the values of rows less their mean, over their standard deviation, with 0 for a missing one.
func standardised(column []float64, rows []int) (out []float64, mean, sd float64) {
	known := 0
	for _, i := range rows {
		if v := column[i]; v == v {
			mean += v
			known++
		}
	}
	if known == 0 {
		return nil, 0, 0
	}
	mean /= float64(known)
	for _, i := range rows {
		if v := column[i]; v == v {
			sd += (v - mean) * (v - mean)
		}
	}
	sd = math.Sqrt(sd / float64(known))
	if !(sd > 1e-12*math.Abs(mean)) {
		return nil, mean, 0
	}
	out = make([]float64, len(rows))
	for k, i := range rows {
		if v := column[i]; v == v {
			out[k] = (v - mean) / sd
		}
	}
	return out, mean, sd
}

// directions returns the eigenvalues of the covariance of columns, descending, and the eigenvectors as columns: of the smaller of the two
// products, because a cohort has often fewer patients than columns.
func directions(y [][]float64, n int) ([]float64, *mat.Dense, error) {
	p := len(y)
	d := mat.NewDense(n, p, nil)
	for j, column := range y {
		d.SetCol(j, column)
	}
	var product mat.SymDense
	if p <= n {
		product.SymOuterK(1/float64(n), d.T())
	} else {
		product.SymOuterK(1/float64(n), d)
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(&product, true) {
		return nil, nil, errors.New("the covariance of the training rows has no eigenvalues")
	}
	ascending := eigen.Values(nil)
	var found mat.Dense
	eigen.VectorsTo(&found)
	var values []float64
	var keep []int
	for k := len(ascending) - 1; k >= 0; k-- {
		if v := ascending[k]; v > 1e-10*ascending[len(ascending)-1] {
			values, keep = append(values, v), append(keep, k)
		}
	}
	vectors := mat.NewDense(p, max(1, len(keep)), nil)
	for to, k := range keep {
		v := found.ColView(k)
		if p > n {
			long := mat.NewVecDense(p, nil)
			long.MulVec(d.T(), v)
			long.ScaleVec(1/math.Sqrt(values[to]*float64(n)), long)
			v = long
		}
		for j := range p {
			vectors.Set(j, to, v.AtVec(j))
		}
	}
	return values, vectors, nil
}

// ledoitWolf returns how much of the covariance of standardised columns is replaced by the mean of its diagonal, and that mean.
func ledoitWolf(y [][]float64, n int, eigenvalues []float64) (shrinkage, mean float64) {
	p := float64(len(y))
	trace, squares := 0.0, 0.0
	for _, v := range eigenvalues {
		trace += v
		squares += v * v
	}
	mean = trace / p
	fourth := 0.0 // Σ ‖row‖⁴
	for i := range n {
		norm := 0.0
		for _, column := range y {
			norm += column[i] * column[i]
		}
		fourth += norm * norm
	}
	beta := (fourth/float64(n) - squares) / (p * float64(n))
	delta := (squares - 2*mean*trace + p*mean*mean) / p
	if beta = min(beta, delta); beta <= 0 || delta <= 0 {
		return 0, mean
	}
	return beta / delta, mean
}

// Distance is how far row i of z lies from the cohort.
func (s *Space) Distance(z models.Matrix, i int) float64 {
	var few [spaceWhole]float64
	told := len(s.Weights)
	along := few[:told]
	sum := 0.0
	const block = 128 // columns that are standardised before the directions are looked at
	var v [block]float64
	for from := 0; from < len(s.On); from += block {
		n := min(block, len(s.On)-from)
		mean, sd := s.Mean[from:from+n], s.SD[from:from+n]
		for k, j := range s.On[from : from+n] {
			v[k] = 0
			if x := z.Values[j*z.Rows+i]; x == x { // a missing value stands at the mean
				v[k] = (x - mean[k]) / sd[k]
				sum += v[k] * v[k]
			}
		}
		vectors := s.Vectors[from*told : (from+n)*told]
		if told == spaceDirections {
			addEight(along[:8], v[:n], vectors)
			addEight(along[8:], v[:n], vectors[8:])
			continue
		}
		for k, a := range v[:n] {
			for d, w := range vectors[k*told : (k+1)*told] {
				along[d] += a * w
			}
		}
	}
	sum *= s.Rest
	for k, a := range along {
		sum += s.Weights[k] * a * a
	}
	return math.Sqrt(max(sum, 0) / float64(len(s.On)))
}

// near reports that row i of z is no further than most, where that shows without looking along the directions: those of greatest variance, which
// are the ones told apart, only bring a row nearer. Otherwise Distance says how far it is.
func (s *Space) near(z models.Matrix, i int, most float64) bool {
	for _, w := range s.Weights {
		if w > 0 {
			return false
		}
	}
	sum := 0.0
	for k, j := range s.On {
		if x := z.Values[j*z.Rows+i]; x == x {
			v := (x - s.Mean[k]) / s.SD[k]
			sum += v * v
		}
	}
	return math.Sqrt(sum*s.Rest/float64(len(s.On))) <= most
}

// addEight adds to along the products of v with eight of the sixteen directions, those with which vectors begins. The sums stay in registers.
func addEight(along, v, vectors []float64) {
	to := (*[8]float64)(along)
	a, b, c, d, e, f, g, h := to[0], to[1], to[2], to[3], to[4], to[5], to[6], to[7]
	for k, x := range v {
		w := (*[8]float64)(vectors[k*spaceDirections:])
		a += x * w[0]
		b += x * w[1]
		c += x * w[2]
		d += x * w[3]
		e += x * w[4]
		f += x * w[5]
		g += x * w[6]
		h += x * w[7]
	}
	*to = [8]float64{a, b, c, d, e, f, g, h}
}

// check says what is wrong with a stored space over columns.
func (s *Space) check(columns int) error {
	if s == nil {
		return nil
	}
	p, told := len(s.On), len(s.Weights)
	if p == 0 || len(s.Mean) != p || len(s.SD) != p || told > spaceWhole || len(s.Vectors) != p*told || len(s.Distances) != quantiles+1 || !slices.IsSorted(s.Distances) {
		return errors.New("the space of the training cohort does not fit together")
	}
	for c, j := range s.On {
		if j < 0 || j >= columns || !(s.SD[c] > 0) {
			return fmt.Errorf("the space of the training cohort names column %d of %d, or one that does not vary", j, columns)
		}
	}
	return nil
}

// MarshalJSON writes numbers to six digits: the rest tells nothing of a distance.
func (s *Space) MarshalJSON() ([]byte, error) {
	type plain struct {
		On        []int     `json:"on"`
		Mean      shortened `json:"mean"`
		SD        shortened `json:"sd"`
		Weights   shortened `json:"weights"`
		Vectors   shortened `json:"vectors"`
		Rest      float64   `json:"rest"`
		Distances []float64 `json:"distances"`
	}
	return json.Marshal(plain{s.On, s.Mean, s.SD, s.Weights, s.Vectors, s.Rest, s.Distances})
}

// shortened are numbers that are written to six digits.
type shortened []float64

func (v shortened) MarshalJSON() ([]byte, error) {
	b := []byte{'['}
	for i, x := range v {
		if i > 0 {
			b = append(b, ',')
		}
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("%v cannot be stored", x)
		}
		b = strconv.AppendFloat(b, x, 'g', 6, 64)
	}
	return append(b, ']'), nil
}

// far compares row i of what the pipeline made with the training cohort.
func (o *Outcome) far(z models.Matrix, i int) (Warning, bool) {
	if o.Space == nil {
		return Warning{}, false
	}
	most := o.Space.Distances[len(o.Space.Distances)-1]
	if o.Space.near(z, i, most) {
		return Warning{}, false
	}
	d := o.Space.Distance(z, i)
	if d <= most {
		return Warning{}, false
	}
	return Warning{Code: FarFromTraining, Outcome: o.Name,
		Message: fmt.Sprintf("the patient is %.3g from the centre of the training cohort, and the furthest in it %.3g (Mahalanobis distance by column)", d, most)}, true
}
