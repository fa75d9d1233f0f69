package neural

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// Network learns a network: the hyper-parameters of every kind. Fit makes the architecture from the training rows.
type Network struct {
	kind string

	Images                []string // sources of crops; empty takes all
	Dimensions            string
	Widths                []int
	Depth, Kernel         int
	Residual              bool
	Norm                  string
	Hidden                []int
	Fusion                string
	Embedding             int
	Survival              string // cox or discrete_time
	Intervals             int
	Epochs, Batch         int
	Replicas              int // parts of a batch whose gradients are computed at once
	Rate, Decay           float64
	Warmup                float64 // share of the steps
	Clip                  float64
	Dropout, ModalityDrop float64
	Smoothing             float64
	Balanced              bool
	Holdout               float64 // share of the patients that early stopping watches; 0 trains for all epochs
	Patience              int
	Members               int
	Augment               []string
	Strength              float64
	Start                 string   // a .safetensors file or a bundle to start from
	Freeze                []string // patterns of layers that keep what they start with

	step bool // of a pipeline, which leaves rows without an image as they are
}

// architecture makes that of a training set.
func (n Network) architecture(t models.Training) (Architecture, []models.Crops, error) {
	a := Architecture{}
	var crops []models.Crops
	if n.kind != mlpKind {
		var err error
		if crops, err = choose(t.X.Volumes, n.Images); err != nil {
			return a, nil, err
		}
		a.Image = n.encoder(crops)
	}
	if n.kind != cnnKind {
		if len(t.X.Columns) == 0 {
			return a, nil, fmt.Errorf("%s reads a table and there is no column to learn from", n.kind)
		}
		for _, c := range t.X.Columns {
			if c.Kind == table.Categorical {
				return a, nil, fmt.Errorf("column %q is categorical; a network reads numbers: add the encode step before it", c.Name)
			}
		}
		a.Columns, a.Hidden = len(t.X.Columns), n.Hidden
	}
	if n.kind == fusionKind {
		a.Fusion, a.Embedding = n.Fusion, n.Embedding
	}
	for _, y := range outcomesOf(t) {
		h := n.head(y)
		if t.Joint != nil {
			h.Weight = t.Joint.Weights[len(a.Heads)]
		}
		a.Heads = append(a.Heads, h)
	}
	return a, crops, a.Check()
}

// encoder is the convolutional part for crops that become the channels of one image.
func (n Network) encoder(crops []models.Crops) *Encoder {
	channels := 0
	for _, c := range crops {
		channels += len(c.Channels)
	}
	return &Encoder{Dimensions: n.Dimensions, Channels: channels, Size: crops[0].Size, Widths: n.Widths, Depth: n.Depth, Kernel: n.Kernel,
		Residual: n.Residual, Norm: n.Norm}
}

// outcomesOf are those that a network learns: one a head.
func outcomesOf(t models.Training) []clinical.Outcome {
	if t.Joint == nil {
		return []clinical.Outcome{t.Y}
	}
	return t.Joint.Outcomes
}

// head is the one for an outcome.
func (n Network) head(y clinical.Outcome) Head {
	if y.Kind == clinical.Class {
		return Head{Kind: classesHead, Classes: len(y.Classes), Weight: 1}
	}
	if n.Survival == discreteHead {
		return Head{Kind: discreteHead, Cuts: cutsOf(y, n.Intervals), Weight: 1}
	}
	return Head{Kind: coxHead, Weight: 1}
}

// Fit trains the network, or several whose outputs are averaged, each of them watching another part of the patients.
func (n Network) Fit(ctx context.Context, t models.Training) (models.Model, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	outcomes := outcomesOf(t)
	for _, y := range outcomes {
		if err := checkOutcome(y, t.X.Rows); err != nil {
			return nil, err
		}
	}
	a, crops, err := n.architecture(t)
	if err != nil {
		return nil, err
	}
	m := &Model{kind: n.kind, Architecture: a, Reads: crops, Inputs: t.X.Columns, Classes: t.Y.Classes, Unit: t.Y.Unit}
	if t.Joint != nil {
		m.Head = t.Joint.At
		m.Remarks = append(m.Remarks, learntTogether(t.Joint))
	}
	if a.Columns > 0 {
		m.Scale = newScale(t.X)
	}
	d, err := newDataset(t.X, m.Scale, crops, a.Image, a.Columns)
	if err != nil {
		return nil, err
	}
	m.Levels = d.newLevels()
	d.levels = m.Levels
	m.MeanCrop = d.meanCrop(t.Groups)
	learnt := make([]*learnt, len(outcomes))
	for h, y := range outcomes {
		learnt[h] = newLearnt(a.Heads[h], y, t.Weights, n.Balanced, n.Smoothing)
	}
	folds := n.folds(t)
	for k := range n.Members {
		one := training{n: n, a: &m.Architecture, d: d, y: learnt, seed: t.Seed.SplitInt("member", k)}
		one.split(folds, k)
		w, note, err := one.run(ctx)
		if err != nil {
			return nil, err
		}
		m.Members = append(m.Members, w)
		if n.Members > 1 {
			note = fmt.Sprintf("network %d of %d: %s", k+1, n.Members, note)
		}
		m.Remarks = append(m.Remarks, note)
	}
	if t.Y.Kind == clinical.Survival {
		if competing(t.Y) > 0 {
			m.Remarks = append(m.Remarks, fmt.Sprintf("%d competing events count as censored", competing(t.Y)))
		}
		if err := m.followUp(d, t.Y); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// learntTogether says what a joint network was trained on.
func learntTogether(j *models.Joint) string {
	parts := make([]string, len(j.Outcomes))
	for i, y := range j.Outcomes {
		known := 0
		for row := range y.Rows() {
			if y.Known(row) {
				known++
			}
		}
		parts[i] = fmt.Sprintf("%s (weight %g, known of %d rows)", y.Name, j.Weights[i], known)
	}
	return fmt.Sprintf("one network learnt %s together on %d rows", strings.Join(parts, " and "), j.Outcomes[0].Rows())
}

func competing(y clinical.Outcome) int {
	n := 0
	for _, e := range y.Event {
		if e > 1 {
			n++
		}
	}
	return n
}

// lastWidth is the width of what the heads read.
func (a *Architecture) lastWidth() int {
	for _, w := range a.layout() {
		if strings.HasPrefix(w.Name, "head0.weight") {
			return w.Shape[1]
		}
	}
	return 0
}

// finite says whether every weight is a number.
func (w Weights) finite() bool {
	for i := range w {
		for _, v := range w[i].Values {
			if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
				return false
			}
		}
	}
	return true
}
