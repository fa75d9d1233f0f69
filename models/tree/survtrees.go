package tree

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// SurvivalTrees is a fitted survival_forest model. Its risk is mortality: the number of events expected among the training rows were all
// like the row (Ishwaran and others 2008).
type SurvivalTrees struct {
	about  about
	e      *Ensemble
	runner *runner
	curves *curves
}

const partCurves = "curves.bin"

func newSurvivalTrees(a about, e *Ensemble, c *curves) *SurvivalTrees {
	return &SurvivalTrees{a, e, newRunner(e), c}
}

// Kind is survival_forest.
func (m *SurvivalTrees) Kind() string { return m.about.Kind }

// Columns are the columns that Predict expects.
func (m *SurvivalTrees) Columns() []table.Column { return m.about.Columns }

// Notes says what is to be known of the fit.
func (m *SurvivalTrees) Notes() []string { return m.about.Notes }

// Ensemble returns the model's trees; their output is mortality.
func (m *SurvivalTrees) Ensemble() *Ensemble { return m.e }

// OutOfBag returns the concordance on rows that trees were not grown on, or nil.
func (m *SurvivalTrees) OutOfBag() *OutOfBag { return m.about.OutOfBag }

// WriteText writes a summary of the model.
func (m *SurvivalTrees) WriteText(w io.Writer) error { return writeSummary(w, m.about, m.e) }

// HazardAt returns the same trees with another output: the cumulative hazard at a time, so that it can be explained exactly.
func (m *SurvivalTrees) HazardAt(time float64) *Ensemble {
	after := m.curves.place(time)
	return m.e.with(func(leaf int32) float64 { return m.curves.hazardAt(leaf, after) / m.curves.trees })
}

// SurvivalAt returns the same trees with S(t) for output. It is false for a forest of the first encoding, whose S(t) is no sum over trees.
func (m *SurvivalTrees) SurvivalAt(time float64) (*Ensemble, bool) {
	if m.curves.Left == nil {
		return nil, false
	}
	after := m.curves.place(time)
	e := m.e.with(func(leaf int32) float64 { return m.curves.leftAt(leaf, after) / m.curves.trees })
	e.Scale = Survival
	return e, true
}

// Predict returns mortality as the risk; S(t) at the times, the mean over trees of the Kaplan–Meier estimates of the leaves, NaN past the
// follow-up; the median; and H(t), the mean of the Nelson–Aalen estimates. Forests of the first encoding have S(t) = exp(−H(t)).
func (m *SurvivalTrees) Predict(x models.Matrix, times []float64) (models.Prediction, error) {
	if err := models.CheckColumns(m.about.Columns, x); err != nil {
		return models.Prediction{}, err
	}
	p := models.Prediction{Kind: clinical.Survival, Rows: x.Rows, Risk: make([]float64, x.Rows), Times: times,
		Survival: make([]float64, x.Rows*len(times)), Median: make([]float64, x.Rows)}
	if m.curves.Left != nil {
		p.Hazard = make([]float64, x.Rows*len(times))
	}
	m.runner.score(x, p.Risk)
	at := make([]int, len(times)) // event times up to each time, -1 past the follow-up
	for k, t := range times {
		if at[k] = m.curves.place(t); !(t <= m.curves.FollowUp) {
			at[k] = -1
		}
	}
	parallel(x.Rows, x.Rows*m.e.Trees()*20, func() func(int) {
		row, grid, leaves := make([]float64, m.e.Features), make([]float64, len(m.curves.Times)), make([]int32, m.e.Trees())
		return func(i int) {
			ReadRow(x, i, row)
			m.curves.leaves(m.e, row, leaves)
			from, to := i*len(times), (i+1)*len(times)
			if m.curves.Left == nil {
				p.Median[i] = m.curves.exponential(leaves, at, grid, p.Survival[from:to])
				return
			}
			m.curves.means(leaves, at, p.Survival[from:to], p.Hazard[from:to])
			p.Median[i] = m.curves.half(leaves, grid)
		}
	})
	return p, nil
}

// Encode returns the parts that a bundle stores.
func (m *SurvivalTrees) Encode() (map[string][]byte, error) {
	a, err := json.Marshal(m.about)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{partTrees: m.e.Encode(), partAbout: a, partCurves: m.curves.encode()}, nil
}

func decodeSurvivalForest(parts map[string][]byte) (models.Model, error) {
	const kind = "survival_forest"
	a, e, err := decode(kind, parts)
	if err != nil {
		return nil, err
	}
	if e.Scale != CumulativeHazard || e.Outputs() != 1 {
		return nil, fmt.Errorf("%s: %d outputs on the scale %q", kind, e.Outputs(), e.Scale)
	}
	c, err := decodeCurves(parts[partCurves], e)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", kind, partCurves, err)
	}
	return newSurvivalTrees(a, e, c), nil
}
