package explain

import (
	"fmt"

	"github.com/voxgene/voxgene/models"
)

// additive is a model whose log-odds or log-hazards are sums over columns.
type additive interface {
	// Linear returns, for each output, the intercept and a coefficient for each column, and the mean of each column in training.
	Linear() (intercepts []float64, coefficients [][]float64, means []float64)
}

// linear explains sums: a column's value is its coefficient times its distance from the background's mean, exactly the Shapley value
// where a column that is left out takes its value from a background row, whatever the correlations.
type linear struct {
	used         []int
	coefficients []float64 // outputs × used
	means        []float64 // used
	base         []float64
}

// coefficients returns a model's linear form on a scale.
func coefficients(m models.Model, scale string) (additive, error) {
	a, ok := m.(additive)
	if !ok {
		return nil, fmt.Errorf("a model of kind %s is not linear; the method %s is not for it", m.Kind(), Linear)
	}
	if scale != LogOdds && scale != LogHazard {
		return nil, fmt.Errorf("the %s of a model of kind %s is not a sum over columns: explain its log-odds or log-hazard, or use %s", scale, m.Kind(), Permutation)
	}
	return a, nil
}

func newLinear(m models.Model, scale string, r Request) (*linear, error) {
	a, err := coefficients(m, scale)
	if err != nil {
		return nil, err
	}
	intercepts, weights, means := a.Linear()
	if r.Background != nil {
		b, err := r.Background.Matrix(m.Columns())
		if err != nil {
			return nil, err
		}
		shares := r.Background.shares()
		means = make([]float64, len(b.Columns))
		for j := range means {
			for i, v := range b.Column(j) {
				means[j] += shares[i] * v
			}
		}
	}
	l := &linear{used: active(m), base: append([]float64{}, intercepts...)}
	for k, w := range weights {
		for _, j := range l.used {
			l.coefficients = append(l.coefficients, w[j])
			l.base[k] += w[j] * means[j]
		}
	}
	for _, j := range l.used {
		l.means = append(l.means, means[j])
	}
	return l, nil
}

func (l *linear) columns() []int   { return l.used }
func (l *linear) bases() []float64 { return l.base }

func (l *linear) values(x models.Matrix, lo, hi int, s *scratch) (phi, errs []float64, err error) {
	n := len(l.used)
	phi = s.take((hi - lo) * len(l.base) * n)
	for j, c := range l.used {
		for i, v := range x.Column(c)[lo:hi] {
			for k := range l.base {
				phi[(i*len(l.base)+k)*n+j] = l.coefficients[k*n+j] * (v - l.means[j])
			}
		}
	}
	return phi, nil, nil
}

// take returns n zeros.
func (s *scratch) take(n int) []float64 {
	if len(s.phi) < n {
		s.phi = make([]float64, n)
	}
	clear(s.phi[:n])
	return s.phi[:n]
}
