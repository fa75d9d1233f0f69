package fusion

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/linear"
)

// stored is how a bundle holds what joins the parts. Parts have their own files, under part-N- and their names.
type stored struct {
	Columns []table.Column       `json:"columns"`
	Parts   []storedPart         `json:"parts"`
	Kind    clinical.OutcomeKind `json:"kind"`
	Classes []string             `json:"classes,omitempty"`
	Combine string               `json:"combine,omitempty"`
	Rows    []int                `json:"rows,omitempty"`
	Prior   []float64            `json:"prior,omitempty"`
	// Combinations has the kind of each set's combination, "" for none; nil for the mean of probabilities.
	Combinations []string `json:"combinations,omitempty"`
	Sources      []string `json:"sources,omitempty"` // of models per pattern
}

type storedPart struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Columns []int  `json:"columns"`
	Set     int    `json:"set,omitempty"`  // sources of a model per pattern
	Rows    int    `json:"rows,omitempty"` // on which it was fitted
}

const fileName = "fusion.json"

// add adds the parts of a model under a prefix.
func add(to map[string][]byte, prefix string, m models.Model) error {
	parts, err := m.Encode()
	for name, b := range parts {
		to[prefix+name] = b
	}
	return err
}

// take decodes the model under a prefix.
func take(parts map[string][]byte, prefix, kind string) (models.Model, error) {
	if kind == LateKind || kind == PatternsKind {
		return nil, fmt.Errorf("a part is itself a %s", kind)
	}
	own := map[string][]byte{}
	for name, b := range parts {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			own[rest] = b
		}
	}
	return models.Decode(kind, own)
}

func partPrefix(p int) string          { return "part-" + strconv.Itoa(p) + "-" }
func combinationPrefix(set int) string { return "combination-" + strconv.Itoa(set) + "-" }

// Encode returns the parts' files and what joins them. No training row is in it.
func (m *Late) Encode() (map[string][]byte, error) {
	s := stored{Columns: m.columns, Kind: m.kind, Classes: m.classes, Combine: m.combine, Rows: m.rows, Prior: m.prior}
	out := map[string][]byte{}
	for p, part := range m.parts {
		s.Parts = append(s.Parts, storedPart{Name: part.Name, Kind: part.Model.Kind(), Columns: part.Columns})
		if err := add(out, partPrefix(p), part.Model); err != nil {
			return nil, fmt.Errorf("%s: %w", part.Name, err)
		}
	}
	for set, c := range m.combinations {
		kind := ""
		if c != nil {
			kind = c.model().Kind()
			if err := add(out, combinationPrefix(set), c.model()); err != nil {
				return nil, fmt.Errorf("combination of %s: %w", m.names(set), err)
			}
		}
		s.Combinations = append(s.Combinations, kind)
	}
	b, err := json.Marshal(s)
	out[fileName] = b
	return out, err
}

// read decodes what both kinds store, with every part.
func read(parts map[string][]byte) (stored, []Part, error) {
	var s stored
	b, ok := parts[fileName]
	if !ok {
		return s, nil, fmt.Errorf("there is no %s; there are %v", fileName, slices.Sorted(maps.Keys(parts)))
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, nil, err
	}
	if s.Kind != clinical.Class && s.Kind != clinical.Survival || s.Kind == clinical.Class && len(s.Classes) < 2 {
		return s, nil, fmt.Errorf("an outcome of kind %q with %d classes", s.Kind, len(s.Classes))
	}
	if len(s.Parts) == 0 || len(s.Parts) > 1<<mostParts {
		return s, nil, fmt.Errorf("%d parts", len(s.Parts))
	}
	var out []Part
	for p, part := range s.Parts {
		for i, j := range part.Columns {
			if j < 0 || j >= len(s.Columns) || i > 0 && j <= part.Columns[i-1] {
				return s, nil, fmt.Errorf("%s: column index %d of %d is out of order or range", part.Name, j, len(s.Columns))
			}
		}
		m, err := take(parts, partPrefix(p), part.Kind)
		if err != nil {
			return s, nil, fmt.Errorf("%s: %w", part.Name, err)
		}
		one := Part{part.Name, part.Columns, m}
		own := models.NewMatrix(s.Columns, 0)
		if err := models.CheckColumns(m.Columns(), one.gather(own)); err != nil {
			return s, nil, fmt.Errorf("%s: %w", part.Name, err)
		}
		said, err := m.Predict(models.NewMatrix(m.Columns(), 1), nil)
		if err != nil {
			return s, nil, fmt.Errorf("%s: %w", part.Name, err)
		}
		if said.Kind != s.Kind || !slices.Equal(said.Classes, s.Classes) || len(numbers(said, false)) != numbersOf(s.Kind, len(s.Classes)) {
			return s, nil, fmt.Errorf("%s predicts %s %v where %s %v is wanted", part.Name, said.Kind, said.Classes, s.Kind, s.Classes)
		}
		out = append(out, one)
	}
	return s, out, nil
}

func decodeLate(parts map[string][]byte) (models.Model, error) {
	s, list, err := read(parts)
	if err != nil {
		return nil, fmt.Errorf("late fusion: %w", err)
	}
	m := &Late{columns: s.Columns, parts: list, kind: s.Kind, classes: s.Classes, combine: s.Combine, rows: s.Rows, prior: s.Prior}
	if len(list) > mostParts || len(s.Rows) != 1<<len(list) || s.Kind == clinical.Class && len(s.Prior) != len(s.Classes) {
		return nil, fmt.Errorf("late fusion: %d parts with counts of %d sets and %d shares of classes", len(list), len(s.Rows), len(s.Prior))
	}
	for _, q := range s.Prior {
		if !(q > 0 && q < 1) {
			return nil, fmt.Errorf("late fusion: the share of a class is %v", q)
		}
	}
	if s.Combinations == nil {
		if s.Kind == clinical.Survival {
			return nil, fmt.Errorf("late fusion: there is no combination of risks")
		}
		return m, nil
	}
	if len(s.Combinations) != 1<<len(list) {
		return nil, fmt.Errorf("late fusion: %d combinations of %d parts", len(s.Combinations), len(list))
	}
	m.combinations = make([]*combination, len(s.Combinations))
	for set, kind := range s.Combinations {
		if kind == "" && set == 0 && s.Kind == clinical.Class {
			continue
		}
		one, err := take(parts, combinationPrefix(set), kind)
		if err != nil {
			return nil, fmt.Errorf("late fusion: combination of %s: %w", m.names(set), err)
		}
		c := &combination{}
		switch one := one.(type) {
		case *linear.Logistic:
			c.class = one
		case *linear.Cox:
			c.survival = one
		}
		if c.class != nil != (s.Kind == clinical.Class) || c.class == nil && c.survival == nil {
			return nil, fmt.Errorf("late fusion: combination of %s is of kind %s", m.names(set), kind)
		}
		if err := models.CheckColumns(one.Columns(), models.Matrix{Columns: m.inputs(set)}); err != nil || len(one.Columns()) != len(m.inputs(set)) {
			return nil, fmt.Errorf("late fusion: combination of %s reads other numbers", m.names(set))
		}
		if c.class != nil && !slices.Equal(c.class.Classes, s.Classes) {
			return nil, fmt.Errorf("late fusion: combination of %s is of the classes %v", m.names(set), c.class.Classes)
		}
		m.combinations[set] = c
	}
	return m, nil
}
