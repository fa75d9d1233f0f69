package explain

import (
	"fmt"
	"math"

	"github.com/voxgene/voxgene/models"
)

// mixtures scores rows made of two: the explained row where a column is in, a background row where it is left out. It is what the
// methods share that know nothing of a model but its predictions.
type mixtures struct {
	model      models.Model
	times      []float64
	targets    []target
	used       []int
	background models.Matrix
	shares     []float64
	at         [][]float64 // by background row, the targets there
	base       []float64
}

// atOnce bounds the values that are handed to a model at once.
const atOnce = 1 << 21

func newMixtures(e *Explainer, r Request) (*mixtures, error) {
	if r.Background == nil {
		return nil, fmt.Errorf("%s: %w", r.Method, ErrNoBackground)
	}
	b, err := r.Background.Matrix(e.model.Columns())
	if err != nil {
		return nil, err
	}
	m := &mixtures{model: e.model, times: e.times, targets: e.targets, used: active(e.model), background: b, shares: r.Background.shares(),
		at: make([][]float64, b.Rows), base: make([]float64, len(e.targets))}
	p, err := e.model.Predict(b, e.times)
	if err != nil {
		return nil, fmt.Errorf("the background: %w", err)
	}
	for i := range m.at {
		m.at[i] = m.read(p, i)
		for k, v := range m.at[i] {
			m.base[k] += m.shares[i] * v
		}
	}
	return m, nil
}

func (m *mixtures) columns() []int   { return m.used }
func (m *mixtures) bases() []float64 { return m.base }

// read returns the targets of one row of a prediction.
func (m *mixtures) read(p models.Prediction, row int) []float64 {
	out := make([]float64, len(m.targets))
	for k, t := range m.targets {
		out[k] = t.number(p, row)
	}
	return out
}

// score calls do with the targets of n mixtures of row i of x and background row b. Mixture s has the row's value in the used column
// j where in(s, j) and the background's where not.
func (m *mixtures) score(x models.Matrix, i, b, n int, in func(s, j int) bool, do func(s int, targets []float64)) error {
	size := max(1, min(n, atOnce/max(1, len(x.Columns))))
	for lo := 0; lo < n; lo += size {
		rows := min(size, n-lo)
		mix := models.NewMatrix(x.Columns, rows)
		for j := range x.Columns {
			v := x.Column(j)[i]
			for s := range rows {
				mix.Column(j)[s] = v
			}
		}
		for j, c := range m.used {
			v, to := m.background.Column(c)[b], mix.Column(c)
			for s := range rows {
				if !in(lo+s, j) {
					to[s] = v
				}
			}
		}
		p, err := m.model.Predict(mix, m.times)
		if err != nil {
			return err
		}
		for s := range rows {
			do(lo+s, m.read(p, s))
		}
	}
	return nil
}

// differs returns the places among the used columns in which row i of x and background row b differ.
func (m *mixtures) differs(x models.Matrix, i, b int) []int {
	var out []int
	for j, c := range m.used {
		v, w := x.Column(c)[i], m.background.Column(c)[b]
		if v != w && !(math.IsNaN(v) && math.IsNaN(w)) {
			out = append(out, j)
		}
	}
	return out
}
