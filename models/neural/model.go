package neural

import (
	"errors"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// Model is a trained network, or several of one architecture whose outputs are averaged.
type Model struct {
	kind         string
	Architecture Architecture
	Inputs       []table.Column
	Scale        scale
	Levels       scale // of the intensities of each channel; empty in bundles of earlier versions
	Reads        []models.Crops
	Members      []Weights
	Head         int // the one that is predicted, of a network that learnt several outcomes
	Classes      []string
	Unit         string
	Baseline     Baseline // of survival
	// MeanCrop is the mean of the training patients' crops, channel by channel, from which attributions of images begin; nil where fewer than
	// leastOfMean had any.
	MeanCrop []float32
	Remarks  []string
}

var (
	_ models.Attributed = (*Model)(nil)
	_ models.Examined   = (*Model)(nil)
	_ models.Located    = (*Model)(nil)
	_ models.Imaged     = (*Model)(nil)
)

// Baseline is what turns the output of a survival network into curves.
type Baseline struct {
	FollowUp float64 `json:"follow_up,omitempty"` // the longest training time
	Centre   float64 `json:"centre,omitempty"`    // mean log-hazard of the training rows
	// Times and Hazard are Breslow's cumulative hazard at the mean log-hazard, of a cox head.
	Times  []float64 `json:"times,omitempty"`
	Hazard []float64 `json:"hazard,omitempty"`
}

// Kind is the name under which the network's kind is registered.
func (m *Model) Kind() string { return m.kind }

// Columns are the columns that Predict expects; a network over images alone does not look at them.
func (m *Model) Columns() []table.Column { return m.Inputs }

// Crops are the volumes that Predict reads.
func (m *Model) Crops() []models.Crops { return m.Reads }

// Notes says how training went.
func (m *Model) Notes() []string { return m.Remarks }

// head is that of the outcome predicted.
func (m *Model) head() *Head { return &m.Architecture.Heads[m.Head] }

// dataset reads a matrix.
func (m *Model) dataset(x models.Matrix) (*dataset, error) {
	if err := models.CheckColumns(m.Inputs, x); err != nil {
		return nil, err
	}
	d, err := newDataset(x, m.Scale, m.Reads, m.Architecture.Image, m.Architecture.Columns)
	if err != nil {
		return nil, err
	}
	d.levels = m.Levels
	return d, nil
}

// outputs are those of the head for every row, averaged over members.
func (m *Model) outputs(d *dataset) ([][]float64, error) {
	rows := make([]int, d.rows)
	for i := range rows {
		rows[i] = i
	}
	var sum [][]float64
	for _, w := range m.Members {
		out, err := m.Architecture.evaluate(w, d, rows)
		if err != nil {
			return nil, err
		}
		if sum == nil {
			sum = out
			continue
		}
		for i := range out {
			for k, v := range out[i] {
				sum[i][k] += v
			}
		}
	}
	from := 0
	for _, h := range m.Architecture.Heads[:m.Head] {
		from += h.width()
	}
	width := m.head().width()
	for i := range sum {
		sum[i] = sum[i][from : from+width]
		for k := range sum[i] {
			sum[i][k] /= float64(len(m.Members))
			if math.IsNaN(sum[i][k]) || math.IsInf(sum[i][k], 0) {
				return nil, errors.New("the network's output is not a number: its weights are damaged")
			}
		}
	}
	return sum, nil
}

// Predict predicts every row. A missing value counts as the training mean, and a row without any value as one that lacks the table; a
// row that has nothing of what a network over images reads is an error.
func (m *Model) Predict(x models.Matrix, times []float64) (models.Prediction, error) {
	d, err := m.dataset(x)
	if err != nil {
		return models.Prediction{}, err
	}
	out, err := m.outputs(d)
	if err != nil {
		return models.Prediction{}, err
	}
	if m.head().Kind == classesHead {
		return m.classes(out), nil
	}
	p := models.Prediction{Kind: clinical.Survival, Rows: x.Rows, Times: times, Risk: make([]float64, x.Rows),
		Survival: make([]float64, x.Rows*len(times)), Median: make([]float64, x.Rows)}
	for i, z := range out {
		c := m.curve(z)
		p.Risk[i], p.Median[i] = c.risk, c.median()
		for k, t := range times {
			p.Survival[i*len(times)+k] = math.NaN()
			if t <= m.Baseline.FollowUp {
				p.Survival[i*len(times)+k] = c.at(t)
			}
		}
	}
	return p, nil
}

// classes turns logits into probabilities and margins.
func (m *Model) classes(out [][]float64) models.Prediction {
	k := len(m.Classes)
	p := models.Prediction{Kind: clinical.Class, Rows: len(out), Classes: m.Classes, Probabilities: make([]float64, 0, k*len(out))}
	for _, z := range out {
		if k == 2 {
			margin := z[1] - z[0]
			q := 1 / (1 + math.Exp(-margin))
			p.Margin = append(p.Margin, margin)
			p.Probabilities = append(p.Probabilities, 1-q, q)
			continue
		}
		p.Margin = append(p.Margin, z...)
		top, sum := slices.Max(z), 0.0
		from := len(p.Probabilities)
		for _, v := range z {
			e := math.Exp(v - top)
			sum += e
			p.Probabilities = append(p.Probabilities, e)
		}
		for c := from; c < len(p.Probabilities); c++ {
			p.Probabilities[c] /= sum
		}
	}
	return p
}
