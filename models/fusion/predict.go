package fusion

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// Kind is "late_fusion".
func (m *Late) Kind() string { return LateKind }

// Columns are those of all parts.
func (m *Late) Columns() []table.Column { return m.columns }

// Notes say how the parts are combined, and what the parts' fits had to say.
func (m *Late) Notes() []string { return m.notes }

// Parts are the models of the single sources.
func (m *Late) Parts() []Part { return m.parts }

// Predict combines what the parts of which a row has something say. A row without any gets the shares of the classes in training, or
// the survival of all training rows.
func (m *Late) Predict(x models.Matrix, times []float64) (models.Prediction, error) {
	if err := models.CheckColumns(m.columns, x); err != nil {
		return models.Prediction{}, err
	}
	given := m.given(x)
	said := make([][]float64, len(m.parts))
	n := numbersOf(m.kind, len(m.classes))
	for p, part := range m.parts {
		said[p] = slices.Repeat([]float64{math.NaN()}, n*x.Rows)
		rows := having(given, 1<<p)
		if len(rows) == 0 {
			continue
		}
		one, err := part.Model.Predict(part.Of(x, rows), nil)
		if err != nil {
			return models.Prediction{}, fmt.Errorf("%s: %w", part.Name, err)
		}
		v := numbers(one, m.combinations == nil)
		for i, row := range rows {
			copy(said[p][n*row:n*(row+1)], v[n*i:n*(i+1)])
		}
	}
	out := newPrediction(m.kind, m.classes, x.Rows, times, m.combinations != nil)
	for set := range 1 << len(m.parts) {
		var rows []int
		for i, g := range given {
			if g == set {
				rows = append(rows, i)
			}
		}
		if len(rows) == 0 {
			continue
		}
		if m.combinations == nil {
			m.meanProbabilities(set, said, rows, out.Probabilities)
			continue
		}
		if m.combinations[set] == nil {
			m.byPrior(rows, &out)
			continue
		}
		one, err := m.combinations[set].model().Predict(m.matrix(set, said, rows), times)
		if err != nil {
			return models.Prediction{}, fmt.Errorf("combination of %s: %w", m.names(set), err)
		}
		scatter(&out, one, rows)
	}
	return out, nil
}

// newPrediction has room for the answer of rows.
func newPrediction(kind clinical.OutcomeKind, classes []string, rows int, times []float64, margins bool) models.Prediction {
	out := models.Prediction{Kind: kind, Rows: rows, Classes: classes}
	if kind == clinical.Survival {
		out.Risk, out.Median, out.Times = make([]float64, rows), make([]float64, rows), times
		out.Survival = make([]float64, rows*len(times))
		return out
	}
	out.Probabilities = make([]float64, rows*len(classes))
	if margins {
		out.Margin = make([]float64, rows*numbersOf(kind, len(classes)))
	}
	return out
}

// scatter writes the answers of rows to their places.
func scatter(out *models.Prediction, one models.Prediction, rows []int) {
	place := func(to, from []float64) {
		if width := len(to) / max(1, out.Rows); len(from) == width*len(rows) {
			for i, row := range rows {
				copy(to[width*row:width*(row+1)], from[width*i:])
			}
		}
	}
	place(out.Margin, one.Margin)
	place(out.Probabilities, one.Probabilities)
	place(out.Risk, one.Risk)
	place(out.Median, one.Median)
	place(out.Survival, one.Survival)
}

// meanProbabilities is the mean of what the parts of a set say; of no part it is the shares in training.
func (m *Late) meanProbabilities(set int, said [][]float64, rows []int, to []float64) {
	k, n := len(m.classes), numbersOf(m.kind, len(m.classes))
	members := m.members(set)
	for _, row := range rows {
		p := to[k*row : k*(row+1)]
		if len(members) == 0 {
			copy(p, m.prior)
			continue
		}
		for _, part := range members {
			for c := range n {
				p[k-n+c] += said[part][n*row+c] / float64(len(members))
			}
		}
		if n == 1 {
			p[0] = 1 - p[1]
		}
	}
}

// byPrior answers rows without any part by the shares of the classes.
func (m *Late) byPrior(rows []int, out *models.Prediction) {
	k := len(m.classes)
	for _, row := range rows {
		copy(out.Probabilities[k*row:k*(row+1)], m.prior)
		for c := range numbersOf(m.kind, k) {
			out.Margin[numbersOf(m.kind, k)*row+c] = m.priorMargin(c)
		}
	}
}

// priorMargin is the margin of the shares in training.
func (m *Late) priorMargin(c int) float64 {
	if len(m.classes) == 2 {
		return math.Log(m.prior[1] / m.prior[0])
	}
	return math.Log(m.prior[c])
}

// Way says which combination a row takes without some sources.
func (m *Late) Way(absent []string) string {
	set := 0
	for p, part := range m.parts {
		if slices.ContainsFunc(part.Columns, func(j int) bool { return !slices.Contains(absent, m.columns[j].Source) }) {
			set |= 1 << p
		}
	}
	switch {
	case set == 0:
		return "nothing is known of the patient, and what is usual in training is answered"
	case set == 1<<len(m.parts)-1:
		return "the part that it belongs to goes by its other sources"
	}
	return "it is left out: the answer is the combination " + m.describe(set)
}

// WriteText prints the weights of every set of sources and then the parts.
func (m *Late) WriteText(w io.Writer) error {
	for set := 1<<len(m.parts) - 1; set > 0; set-- {
		if _, err := fmt.Fprintln(w, "combination", m.describe(set)); err != nil {
			return err
		}
	}
	return writeParts(w, m.parts)
}

func writeParts(w io.Writer, parts []Part) error {
	for _, p := range parts {
		if _, err := fmt.Fprintf(w, "\n%s: %s over %d columns\n", p.Name, p.Model.Kind(), len(p.Columns)); err != nil {
			return err
		}
		if r, ok := p.Model.(models.Readable); ok {
			if err := r.WriteText(w); err != nil {
				return err
			}
		}
	}
	return nil
}

// Mask returns x with missing values wherever a part is absent, so that what stands in for it is not looked at by whoever puts other
// values in.
func (m *Late) Mask(x models.Matrix) models.Matrix { return mask(x, m.parts) }

func mask(x models.Matrix, parts []Part) models.Matrix {
	out := x
	out.Values, out.Absent = slices.Clone(x.Values), nil
	for _, p := range parts {
		for i, without := range lacks(x, p.Columns) {
			if without {
				for _, j := range p.Columns {
					out.Values[j*x.Rows+i] = math.NaN()
				}
			}
		}
	}
	return out
}

// Way of a row and its Terms are how explanations see a combination: number k of the answer of a row that goes way w is
// Constants[k] + Σ Weights[k][i] · said[i], where said are the numbers of the parts in turn: one a part, or one a class of each.
type Terms struct {
	Constants []float64
	Weights   [][]float64
}

// Ways returns the way of every row.
func (m *Late) Ways(x models.Matrix) []int { return m.given(x) }

// Probabilities says that the parts' numbers are probabilities, where models also have margins.
func (m *Late) Probabilities() bool { return m.combinations == nil && m.kind == clinical.Class }

// Terms of a way.
func (m *Late) Terms(way int) Terms {
	n := numbersOf(m.kind, len(m.classes))
	t := Terms{Constants: make([]float64, n), Weights: make([][]float64, n)}
	for k := range t.Weights {
		t.Weights[k] = make([]float64, n*len(m.parts))
	}
	members := m.members(way)
	if m.combinations == nil {
		for k := range n {
			if len(members) == 0 {
				t.Constants[k] = m.prior[len(m.prior)-n+k]
			}
			for _, p := range members {
				t.Weights[k][p*n+k] = 1 / float64(len(members))
			}
		}
		return t
	}
	constants, weights, ok := m.linear(way)
	for k := range n {
		if !ok {
			t.Constants[k] = m.priorMargin(k)
			continue
		}
		t.Constants[k] = constants[k]
		for at, p := range members {
			copy(t.Weights[k][p*n:(p+1)*n], weights[k][at*n:(at+1)*n])
		}
	}
	return t
}
