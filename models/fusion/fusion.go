// Package fusion holds models that are made of models: one for each source of columns, combined late, and one for each set of sources
// that a patient may have.
//
// Early fusion needs neither: a learner that is given the columns of all sources side by side fuses them early. Late fusion (kind
// late_fusion) fits a model to each source and combines what they say. Models per pattern (missing_source: model_per_pattern in any
// other model) are early fusion with another model for patients who lack a source. In both a missing source is left out, and nothing
// that a pipeline put in its place is looked at.
package fusion

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// Part is a model of some of the columns.
type Part struct {
	Name    string
	Columns []int // indices of the whole's columns
	Model   models.Model
}

// gather returns the part's columns.
func (p Part) gather(x models.Matrix) models.Matrix {
	columns := make([]table.Column, len(p.Columns))
	for i, j := range p.Columns {
		columns[i] = x.Columns[j]
	}
	out := models.NewMatrix(columns, x.Rows)
	for i, j := range p.Columns {
		copy(out.Column(i), x.Column(j))
	}
	return out
}

// Of returns the part's columns of rows, as its model reads them.
func (p Part) Of(x models.Matrix, rows []int) models.Matrix {
	out := p.gather(x).Select(rows)
	if p.Model != nil {
		out.Columns = p.Model.Columns()
	}
	return out
}

// lacks says for each row of x whether nothing of these columns was given.
func lacks(x models.Matrix, columns []int) []bool {
	out := slices.Repeat([]bool{len(columns) > 0}, x.Rows)
	for _, j := range columns {
		var absent []bool
		for _, a := range x.Absent {
			if a.Source == x.Columns[j].Source {
				absent = a.Rows
			}
		}
		for i, v := range x.Column(j) {
			if v == v && (absent == nil || !absent[i]) {
				out[i] = false
			}
		}
	}
	return out
}

// numbersOf is how many numbers a model of an outcome gives to a combination: one of two classes or of survival, else one a class.
func numbersOf(kind clinical.OutcomeKind, classes int) int {
	if kind == clinical.Class && classes > 2 {
		return classes
	}
	return 1
}

// numbers are those of every row, row-major: margins where the model has them, else probabilities, and risks.
func numbers(p models.Prediction, probabilities bool) []float64 {
	switch k := len(p.Classes); {
	case p.Kind == clinical.Survival:
		return p.Risk
	case p.Margin != nil && !probabilities:
		return p.Margin
	case k > 2:
		return p.Probabilities
	default:
		out := make([]float64, p.Rows)
		for i := range out {
			out[i] = p.Probabilities[2*i+1]
		}
		return out
	}
}

// spec is the learner of one part.
type spec struct {
	name    string
	kind    models.Kind
	options models.Options
}

// readSources reads the option sources: {imaging: {kind: logistic, …}, rna: {…}}. What Options hold is the same with all options of each kind.
func readSources(v any) (any, error) {
	given, ok := v.(map[string]any)
	if !ok || len(given) < 2 {
		return nil, fmt.Errorf("want two sources or more, each with its model: {imaging: {kind: logistic}, rna: {kind: random_forest}}")
	}
	if len(given) > mostParts {
		return nil, fmt.Errorf("%d sources; at most %d", len(given), mostParts)
	}
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		set, ok := given[name].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s: want a model, such as {kind: logistic}", name)
		}
		set = maps.Clone(set)
		kind, _ := set["kind"].(string)
		k, known := models.Lookup(kind)
		switch {
		case !known || k.Params == nil:
			return nil, fmt.Errorf("%s: there is no kind of model %q; a part is one of %s", name, kind, strings.Join(partKinds(), ", "))
		case !slices.Contains(partKinds(), kind):
			return nil, fmt.Errorf("%s: a model of kind %s cannot be a part; a part is one of %s", name, kind, strings.Join(partKinds(), ", "))
		}
		if _, ok := set["options"].(models.Options); ok { // read already
			out[name] = set
			continue
		}
		delete(set, "kind")
		o, problems := models.Check(k.Params, set)
		for _, option := range slices.Sorted(maps.Keys(problems)) {
			return nil, fmt.Errorf("%s: %w", name, problems[option])
		}
		if _, err := k.New(o); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[name] = map[string]any{"kind": kind, "options": o}
	}
	return out, nil
}

// mostParts bounds the parts of a combination, of which every set has weights of its own.
const mostParts = 6

// partKinds are the kinds of model that read columns alone.
func partKinds() []string {
	var out []string
	for _, k := range models.Kinds() {
		if k.Params != nil && !k.Volumes && k.Name != LateKind && k.Fits == nil {
			out = append(out, k.Name)
		}
	}
	return out
}

// specs are the parts that options name, by name.
func specs(o models.Options) []spec {
	all, _ := o["sources"].(map[string]any)
	var out []spec
	for _, name := range slices.Sorted(maps.Keys(all)) {
		one, _ := all[name].(map[string]any)
		kind, _ := one["kind"].(string)
		k, _ := models.Lookup(kind)
		options, _ := one["options"].(models.Options)
		out = append(out, spec{name, k, options})
	}
	return out
}

// fits are the kinds of outcome that every part fits.
func fits(o models.Options) []clinical.OutcomeKind {
	out := []clinical.OutcomeKind{clinical.Class, clinical.Survival}
	for _, s := range specs(o) {
		out = slices.DeleteFunc(out, func(k clinical.OutcomeKind) bool { return !slices.Contains(s.kind.Outcomes, k) })
	}
	return out
}

// list writes names as a sentence does.
func list(names []string) string {
	switch n := len(names); n {
	case 0:
		return "nothing"
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}
