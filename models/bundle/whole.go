package bundle

import (
	"errors"
	"fmt"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// whole is the pipeline and the model of one outcome together, as a model of raw inputs.
type whole struct {
	b *Bundle
	n int
}

// Whole returns the pipeline and the model of an outcome as one model, whose columns are the bundle's inputs: what to ask how an
// estimate moves with an input as it is measured. It cannot be encoded.
func (b *Bundle) Whole(outcome string) (models.Model, error) {
	if err := b.prepare(); err != nil {
		return nil, err
	}
	n := b.outcome(outcome)
	if n < 0 {
		return nil, fmt.Errorf("%s does not predict %q", b.Name, outcome)
	}
	return whole{b, n}, nil
}

func (w whole) Kind() string { return w.b.Outcomes[w.n].Model.Kind() }

func (w whole) Columns() []table.Column { return w.b.columns }

// Crops are the volumes that the model reads, which pass by the pipeline.
func (w whole) Crops() []models.Crops {
	if m, ok := Beneath(w.b.Outcomes[w.n].Model).(models.Imaged); ok {
		return m.Crops()
	}
	return nil
}

// Predict applies the pipeline and predicts; times are in the outcome's unit.
func (w whole) Predict(x models.Matrix, times []float64) (models.Prediction, error) {
	if err := models.CheckColumns(w.b.columns, x); err != nil {
		return models.Prediction{}, err
	}
	o, p := &w.b.Outcomes[w.n], w.b.plans[w.n]
	z, err := o.Chain.Apply(gather(x, p))
	if err != nil {
		return models.Prediction{}, err
	}
	z.Columns = p.columns
	return o.Model.Predict(z, times)
}

func (w whole) Encode() (map[string][]byte, error) {
	return nil, errors.New("a pipeline and a model together are stored as a bundle")
}
