package fusion

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/tree"
)

// PatternsKind is the kind of models per pattern. It is registered for decoding; configurations ask for it by missing_source in another.
const PatternsKind = "model_per_pattern"

func init() {
	models.Register(models.Kind{
		Name:     PatternsKind,
		Outcomes: []clinical.OutcomeKind{clinical.Class, clinical.Survival},
		New: func(models.Options) (models.Learner, error) {
			return nil, fmt.Errorf("%s is not a model by itself: set missing_source: %[1]s in another", PatternsKind)
		},
		Decode: decodePatterns,
	})
}

// mostSources bounds the sources of models per pattern; below fewSources every set of them has a model.
const (
	mostSources = 20
	fewSources  = 3
)

// PerPattern returns a learner that fits base anew for each set of sources that a patient may have: to the training rows that have all
// of the set, on its columns alone (pattern submodels, Mercaldo and Blume 2020, https://doi.org/10.1093/biostatistics/kxy040). Of up to three
// sources every set has a model; of more all together, each alone, all but each, and every set that training rows have.
func PerPattern(base models.Learner) models.Learner { return perPattern{base} }

type perPattern struct{ base models.Learner }

// Patterns is a model for each set of sources. A row takes that of the most sources that it has; one without any takes that of all
// sources, on whatever stands in.
type Patterns struct {
	columns []table.Column
	sources []string
	kind    clinical.OutcomeKind
	classes []string
	parts   []Part // in order of preference
	sets    []int  // of each part, the sources that it reads; bit s stands for source s
	rows    []int  // on which each was fitted
	notes   []string
}

func (l perPattern) Fit(ctx context.Context, t models.Training) (models.Model, error) {
	m := &Patterns{columns: t.X.Columns, kind: t.Y.Kind, classes: t.Y.Classes}
	for _, c := range m.columns {
		if c.Source != "" && !slices.Contains(m.sources, c.Source) {
			m.sources = append(m.sources, c.Source)
		}
	}
	slices.Sort(m.sources) // so that the order of the columns decides nothing
	if len(m.sources) > mostSources {
		return nil, fmt.Errorf("columns of %d sources; models per pattern are for at most %d", len(m.sources), mostSources)
	}
	given := m.given(t.X)
	var first error
	for _, set := range m.candidates(given) {
		rows := having(given, set)
		if len(rows) == 0 {
			continue
		}
		sub := t.Select(rows)
		part := Part{Name: m.names(set), Columns: m.of(set)}
		if len(part.Columns) == 0 {
			continue
		}
		sub.X, sub.Again = part.Of(t.X, rows), nil
		sub.Seed = t.Seed.Split("model per pattern", part.Name)
		model, err := l.base.Fit(ctx, sub)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			if first == nil {
				first = err
			}
			m.notes = append(m.notes, fmt.Sprintf("no model of %s alone: %v", part.Name, err))
			continue
		}
		part.Model = model
		m.parts, m.sets, m.rows = append(m.parts, part), append(m.sets, set), append(m.rows, len(rows))
		m.notes = append(m.notes, fmt.Sprintf("a model of %s, fitted to the %d training rows that have all of it", part.Name, len(rows)))
		if n, ok := model.(models.Noted); ok {
			for _, note := range n.Notes() {
				m.notes = append(m.notes, part.Name+": "+note)
			}
		}
	}
	if len(m.parts) == 0 {
		return nil, errors.Join(errors.New("no set of sources could be fitted"), first)
	}
	return m, nil
}

// candidates are the sets of sources that are tried, those of more sources first.
func (m *Patterns) candidates(given []int) []int {
	full := 1<<len(m.sources) - 1
	sets := []int{full}
	for s := range m.sources {
		sets = append(sets, 1<<s, full&^(1<<s))
	}
	if len(m.sources) <= fewSources {
		for set := range full {
			sets = append(sets, set)
		}
	}
	sets = append(sets, given...)
	slices.SortFunc(sets, func(a, b int) int {
		if d := bits.OnesCount(uint(b)) - bits.OnesCount(uint(a)); d != 0 {
			return d
		}
		return a - b
	})
	sets = slices.Compact(sets)
	return slices.DeleteFunc(sets, func(set int) bool { return set == 0 && len(m.sources) > 0 })
}

// given is for each row the set of sources of which something was given.
func (m *Patterns) given(x models.Matrix) []int {
	out := make([]int, x.Rows)
	for s := range m.sources {
		for i, without := range lacks(x, m.only(s)) {
			if !without {
				out[i] |= 1 << s
			}
		}
	}
	return out
}

// only are the columns of one source.
func (m *Patterns) only(s int) []int {
	var out []int
	for j, c := range m.columns {
		if c.Source == m.sources[s] {
			out = append(out, j)
		}
	}
	return out
}

// of are the columns of a set of sources, and those of no source.
func (m *Patterns) of(set int) []int {
	var out []int
	for j, c := range m.columns {
		s := slices.Index(m.sources, c.Source)
		if s < 0 || set&(1<<s) != 0 {
			out = append(out, j)
		}
	}
	return out
}

func (m *Patterns) names(set int) string {
	var names []string
	for s, name := range m.sources {
		if set&(1<<s) != 0 {
			names = append(names, name)
		}
	}
	return list(names)
}

// way is the part for a row that has these sources: the first, of most sources, all of which it has; else the first of all.
func (m *Patterns) way(given int) int {
	for p, set := range m.sets {
		if set&given == set {
			return p
		}
	}
	return 0
}

// Kind is "model_per_pattern".
func (m *Patterns) Kind() string { return PatternsKind }

// Columns are those of all sources.
func (m *Patterns) Columns() []table.Column { return m.columns }

// Notes say which sets of sources have a model.
func (m *Patterns) Notes() []string { return m.notes }

// Parts are the models, one a set of sources.
func (m *Patterns) Parts() []Part { return m.parts }

// Predict answers each row by the model of the sources that it has.
func (m *Patterns) Predict(x models.Matrix, times []float64) (models.Prediction, error) {
	if err := models.CheckColumns(m.columns, x); err != nil {
		return models.Prediction{}, err
	}
	ways := m.Ways(x)
	probe, err := m.parts[0].Model.Predict(models.NewMatrix(m.parts[0].Model.Columns(), 0), times)
	if err != nil {
		return models.Prediction{}, err
	}
	out := newPrediction(m.kind, m.classes, x.Rows, times, probe.Margin != nil || margins(m.parts[0].Model))
	for p, part := range m.parts {
		var rows []int
		for i, w := range ways {
			if w == p {
				rows = append(rows, i)
			}
		}
		if len(rows) == 0 {
			continue
		}
		one, err := part.Model.Predict(part.Of(x, rows), times)
		if err != nil {
			return models.Prediction{}, fmt.Errorf("model of %s: %w", part.Name, err)
		}
		scatter(&out, one, rows)
	}
	return out, nil
}

// margins reports whether a model's predictions have margins.
func margins(m models.Model) bool {
	p, err := m.Predict(models.Blank(m), nil)
	return err == nil && p.Margin != nil
}

// Way says which model a row takes without some sources.
func (m *Patterns) Way(absent []string) string {
	given := 0
	for s, name := range m.sources {
		if !slices.Contains(absent, name) {
			given |= 1 << s
		}
	}
	p := m.way(given)
	if given == 0 || m.sets[p]&given != m.sets[p] {
		return fmt.Sprintf("no model is without it: that of %s is asked, with what is usual in training in its place", m.parts[p].Name)
	}
	return fmt.Sprintf("the model of %s answers, fitted to %d training rows", m.parts[p].Name, m.rows[p])
}

// WriteText prints every model.
func (m *Patterns) WriteText(w io.Writer) error { return writeParts(w, m.parts) }

// Mask returns x with missing values wherever a source is absent that the row's model does not read.
func (m *Patterns) Mask(x models.Matrix) models.Matrix {
	var sources []Part
	for s := range m.sources {
		sources = append(sources, Part{Columns: m.only(s)})
	}
	out := mask(x, sources)
	for i, w := range m.Ways(x) { // where nothing fits, what stands in is read
		for _, j := range m.parts[w].Columns {
			out.Values[j*x.Rows+i] = x.Values[j*x.Rows+i]
		}
	}
	return out
}

// Ways returns the part of every row.
func (m *Patterns) Ways(x models.Matrix) []int {
	out := m.given(x)
	for i, g := range out {
		out[i] = m.way(g)
	}
	return out
}

// Probabilities is false: each model is explained on its own scale.
func (m *Patterns) Probabilities() bool { return false }

// Terms of a way: what the part says, as it is.
func (m *Patterns) Terms(way int) Terms {
	n := numbersOf(m.kind, len(m.classes))
	t := Terms{Constants: make([]float64, n), Weights: make([][]float64, n)}
	for k := range n {
		t.Weights[k] = make([]float64, n*len(m.parts))
		t.Weights[k][way*n+k] = 1
	}
	return t
}

// RiskScale is that of the models.
func (m *Patterns) RiskScale() string { return riskScale(m.parts[0].Model) }

// Encode returns the models' files and which sources each reads. No training row is in it.
func (m *Patterns) Encode() (map[string][]byte, error) {
	s := stored{Columns: m.columns, Kind: m.kind, Classes: m.classes, Sources: m.sources}
	out := map[string][]byte{}
	for p, part := range m.parts {
		s.Parts = append(s.Parts, storedPart{part.Name, part.Model.Kind(), part.Columns, m.sets[p], m.rows[p]})
		if err := add(out, partPrefix(p), part.Model); err != nil {
			return nil, fmt.Errorf("model of %s: %w", part.Name, err)
		}
	}
	b, err := json.Marshal(s)
	out[fileName] = b
	return out, err
}

func decodePatterns(parts map[string][]byte) (models.Model, error) {
	s, list, err := read(parts)
	if err != nil {
		return nil, fmt.Errorf("models per pattern: %w", err)
	}
	m := &Patterns{columns: s.Columns, sources: s.Sources, kind: s.Kind, classes: s.Classes, parts: list}
	if len(s.Sources) > mostSources {
		return nil, fmt.Errorf("models per pattern: %d sources", len(s.Sources))
	}
	for _, p := range s.Parts {
		if p.Set < 0 || p.Set >= 1<<len(s.Sources) || !slices.Equal(p.Columns, m.of(p.Set)) {
			return nil, fmt.Errorf("models per pattern: the model of %s reads other columns than its sources'", p.Name)
		}
		m.sets, m.rows = append(m.sets, p.Set), append(m.rows, p.Rows)
	}
	return m, nil
}

// riskScale is that of a survival model's risk, in the words of models.Attribution.
func riskScale(m models.Model) string {
	if e, ok := m.(interface{ Ensemble() *tree.Ensemble }); ok {
		return string(e.Ensemble().Scale)
	}
	if s, ok := m.(interface{ RiskScale() string }); ok {
		return s.RiskScale()
	}
	return "log-hazard"
}
