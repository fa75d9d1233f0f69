package bundle

import (
	"encoding/json"
	"fmt"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/pipeline"
)

// exportFormat is the version of what Export writes.
const exportFormat = 1

// exported is a bundle as other programs read it.
type exported struct {
	Export   int               `json:"voxgene_export"`
	Name     string            `json:"name"`
	Version  string            `json:"version"`
	Missing  []string          `json:"missing"` // texts that stand for a missing value
	Outcomes []exportedOutcome `json:"outcomes"`
}

type exportedOutcome struct {
	Name   string                  `json:"name"`
	Kind   clinical.OutcomeKind    `json:"kind"`
	Unit   string                  `json:"unit,omitempty"`
	Limit  *float64                `json:"limit,omitempty"` // of the follow-up: nothing is predicted beyond
	Inputs []exportedInput         `json:"inputs"`
	Steps  []pipeline.StepFormulas `json:"steps"`
	Model  any                     `json:"model"`
}

type exportedInput struct {
	Name   string     `json:"name"`
	Bare   string     `json:"bare"` // the name without its source
	Source string     `json:"source"`
	Kind   table.Kind `json:"kind"`
	Levels []string   `json:"levels,omitempty"` // a cell of ordinal and categorical columns is its index among these, -1 where it is none
	Unit   string     `json:"unit,omitempty"`
}

// Export returns the fitted steps and coefficients of outcomes (by name; none means all) as JSON, from which other programs work out the
// same predictions. An outcome whose model is no sum of columns, or one of whose steps cannot be written column by column, is an error.
func (b *Bundle) Export(names []string) ([]byte, error) {
	if err := b.prepare(); err != nil {
		return nil, err
	}
	chosen, err := b.chosen(names)
	if err != nil {
		return nil, err
	}
	e := exported{Export: exportFormat, Name: b.Name, Version: b.Version(), Missing: table.MissingMarkers()}
	for _, i := range chosen {
		o, err := b.Outcomes[i].export()
		if err != nil {
			return nil, fmt.Errorf("outcome %s: %w", b.Outcomes[i].Name, err)
		}
		e.Outcomes = append(e.Outcomes, o)
	}
	text, err := json.MarshalIndent(e, "", " ")
	return append(text, '\n'), err
}

func (o *Outcome) export() (exportedOutcome, error) {
	e := exportedOutcome{Name: o.Name, Kind: o.Kind}
	p, ok := o.Model.(models.Portable)
	if !ok {
		return e, fmt.Errorf("a model of kind %s is not a sum of columns; logistic and cox are", o.Model.Kind())
	}
	var err error
	if e.Model, err = p.Portable(); err != nil {
		return e, err
	}
	if e.Steps, err = o.Chain.Formulas(); err != nil {
		return e, err
	}
	for _, c := range o.Chain.Inputs() {
		e.Inputs = append(e.Inputs, exportedInput{c.Name, pipeline.Bare(c), c.Source, c.Kind, c.Levels, c.Unit})
	}
	if o.Kind == clinical.Survival {
		e.Unit, e.Limit = o.Unit, &o.FollowUp.Limit
	}
	return e, nil
}
