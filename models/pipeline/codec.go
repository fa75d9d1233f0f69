package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/voxgene/voxgene/features/table"
)

// storedChain is how a bundle holds a chain. encoding/json writes the shortest text that reads back as the same float64, so that
// states come back to the bit.
type storedChain struct {
	Inputs []table.Column `json:"inputs"`
	Steps  []storedStep   `json:"steps"`
}

type storedStep struct {
	Kind  string          `json:"kind"`
	On    []int           `json:"on"` // indices of incoming columns
	State json.RawMessage `json:"state"`
}

// Encode returns the chain as JSON: the same chain, the same bytes. It holds no row.
func (f *FittedChain) Encode() ([]byte, error) {
	s := storedChain{Inputs: f.inputs, Steps: make([]storedStep, len(f.steps))}
	for i, step := range f.steps {
		state, err := step.fitted.Encode()
		if err != nil {
			return nil, fmt.Errorf("step %s: %w", step.fitted.Kind(), err)
		}
		s.Steps[i] = storedStep{step.fitted.Kind(), step.on, state}
	}
	return json.Marshal(s)
}

// Decode is the inverse of Encode. It returns an error and never panics, whatever b holds.
func Decode(b []byte) (*FittedChain, error) {
	var s storedChain
	if err := decodeStrict(b, &s); err != nil {
		return nil, fmt.Errorf("pipeline: %w", err)
	}
	f := &FittedChain{inputs: s.Inputs, columns: s.Inputs}
	for i, step := range s.Steps {
		if err := f.decode(step); err != nil {
			return nil, fmt.Errorf("pipeline: step %d, %s: %w", i+1, step.Kind, err)
		}
	}
	for _, c := range f.columns {
		if c.Kind == table.Categorical {
			return nil, fmt.Errorf("pipeline: column %q leaves the chain as categorical", c.Name)
		}
	}
	return f, nil
}

func (f *FittedChain) decode(step storedStep) error {
	k, ok := Lookup(step.Kind)
	if !ok {
		return fmt.Errorf("this build has no such step; it has %v", names())
	}
	given := make([]table.Column, len(step.On))
	for i, j := range step.On {
		if j < 0 || j >= len(f.columns) || i > 0 && j <= step.On[i-1] {
			return fmt.Errorf("column index %d at place %d of %d is out of order or range", j, i, len(f.columns))
		}
		given[i] = f.columns[j]
	}
	fitted, err := k.Decode(given, step.State)
	if err != nil {
		return err
	}
	_, err = f.add(step.On, given, fitted)
	return err
}

// decodeStrict reads one JSON value and refuses unknown fields and what follows.
func decodeStrict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return fmt.Errorf("something follows the value")
	}
	return nil
}
