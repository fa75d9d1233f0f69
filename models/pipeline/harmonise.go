package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

func init() {
	Register(Kind{
		Name: "harmonise",
		Doc:  "take away what differs between batches (scanners, centres, plates) from radiomics or expression",
		Params: []models.Param{
			{Name: "method", Doc: "ComBat of Johnson and others (2007)", Default: "combat", Choices: []string{"combat"}},
			{Name: "batch", Doc: "the categorical column, in the step's scope, that names the batch; empty takes the one whose name is batch", Default: ""},
			{Name: "covariates", Doc: "columns in the step's scope whose effect is kept; never the outcome", Default: []string{}},
			{Name: "parametric", Doc: "normal and inverse-gamma priors; false takes the other features' estimates", Default: true},
			{Name: "mean_only", Doc: "leave variances as they are", Default: false},
			{Name: "reference", Doc: "batch to which the others are brought; it stays as it is", Default: ""},
			{Name: "smallest", Doc: "rows that a batch needs", Default: 5, Min: 2, Max: 1000},
			{Name: "unseen", Doc: "what becomes of a row of a batch that was not there in training", Default: "refuse", Choices: []string{"refuse", "pass_with_warning"}},
			{Name: "estimate_from", Doc: "table of patients, of whom no outcome is needed, from which the effects of batches that training had not are estimated; " +
				"also written unseen: {estimate_from: FILE}", Default: "", File: true},
		},
		Touches: []table.Kind{table.Numeric, table.Ordinal, table.Categorical},
		New: func(o models.Options) (Step, error) {
			var local *table.Table
			if path := o["estimate_from"].(string); path != "" {
				var err error
				if local, err = table.Read(path, table.Options{}); err != nil {
					return nil, err
				}
			}
			return harmonise{patients: local, batch: o["batch"].(string), covariates: o["covariates"].([]string), pass: o["unseen"].(string) == "pass_with_warning",
				options: genes.ComBatOptions{MeanOnly: o["mean_only"].(bool), NonParametric: !o["parametric"].(bool),
					Reference: o["reference"].(string), Smallest: o["smallest"].(int)}}, nil
		},
		Decode: decodeHarmonised,
	})
}

// harmonise fits ComBat on the numeric columns of its scope that are not clinical. The batch column ends with the step; covariates
// and other columns pass.
type harmonise struct {
	batch      string
	covariates []string
	pass       bool
	patients   *table.Table // of batches that training may not have; nil for none
	options    genes.ComBatOptions
}

func (s harmonise) local() *table.Table { return s.patients }

func (s harmonise) names(c table.Column) bool {
	if s.batch == "" {
		return Bare(c) == "batch"
	}
	return c.Name == s.batch || Bare(c) == s.batch
}

// harmonised is a fitted harmonise.
type harmonised struct {
	given   []table.Column
	columns []table.Column
	state   harmonisedState
}

type harmonisedState struct {
	Batch      int           `json:"batch"`      // index of the batch column among those given
	Features   []int         `json:"features"`   // indices of the columns that are corrected
	Covariates []int         `json:"covariates"` // indices of those whose effect is kept
	Pass       bool          `json:"pass"`
	ComBat     *genes.ComBat `json:"combat"`
}

func (s harmonise) Fit(_ context.Context, t models.Training) (Fitted, error) {
	f := &harmonised{given: t.X.Columns, state: harmonisedState{Batch: -1, Features: []int{}, Covariates: []int{}, Pass: s.pass}}
	for j, c := range t.X.Columns {
		switch {
		case s.names(c) && c.Kind == table.Categorical:
			if f.state.Batch >= 0 {
				return nil, fmt.Errorf("batch: both %q and %q could be meant; write the full name", t.X.Columns[f.state.Batch].Name, c.Name)
			}
			f.state.Batch = j
		case slices.Contains(s.covariates, c.Name) || slices.Contains(s.covariates, Bare(c)):
			f.state.Covariates = append(f.state.Covariates, j)
		case c.Kind == table.Numeric && c.Group != "clinical":
			f.state.Features = append(f.state.Features, j)
		}
	}
	switch {
	case f.state.Batch < 0:
		return nil, errors.New("no categorical column in the step's scope is the batch; name it with batch, and in on beside the features")
	case len(f.state.Features) == 0:
		return nil, errors.New("the step's scope has no column of images or genes to harmonise")
	case len(f.state.Covariates) < len(s.covariates):
		return nil, fmt.Errorf("covariates: of %s, the step's scope has %d; name them in on beside the features", strings.Join(s.covariates, ", "), len(f.state.Covariates))
	}
	m, covariates, err := f.parts(t.X)
	if err != nil {
		return nil, err
	}
	o := s.options
	if t.Y.Kind == clinical.Class {
		o.Outcome = t.Y.Class
	}
	batches, err := f.batches(t.X)
	if err != nil {
		return nil, err
	}
	if f.state.ComBat, err = genes.FitComBat(m, batches, covariates, o); err != nil {
		return nil, err
	}
	return f, f.describe()
}

// parts returns the features, and the covariates as numbers: a categorical one as indicators of its levels but the first.
func (f *harmonised) parts(x models.Matrix) (*genes.Matrix, [][]float64, error) {
	m := sharedMatrix(gather(x, f.state.Features, columnsAt(f.given, f.state.Features))) // ComBat passes missing values over
	var covariates [][]float64
	for _, j := range f.state.Covariates {
		v := x.Column(j)
		for i, w := range v {
			if w != w {
				return nil, nil, fmt.Errorf("column %s, row %d: a covariate is missing; impute before", f.given[j].Name, i+1)
			}
		}
		if f.given[j].Kind != table.Categorical {
			covariates = append(covariates, v)
			continue
		}
		for level := 1; level < len(f.given[j].Levels); level++ {
			is := make([]float64, len(v))
			for i, w := range v {
				if int(w) == level {
					is[i] = 1
				}
			}
			covariates = append(covariates, is)
		}
	}
	return m, covariates, nil
}

func columnsAt(columns []table.Column, at []int) []table.Column {
	out := make([]table.Column, len(at))
	for i, j := range at {
		out[i] = columns[j]
	}
	return out
}

// batches returns the name of the batch of each row; "" where it is not known.
func (f *harmonised) batches(x models.Matrix) ([]string, error) {
	c := f.given[f.state.Batch]
	out := make([]string, x.Rows)
	for i, v := range x.Column(f.state.Batch) {
		if k := int(v); v >= 0 && k < len(c.Levels) {
			out[i] = c.Levels[k]
		}
	}
	return out, nil
}

// describe works out the columns from the state.
func (f *harmonised) describe() error {
	for _, list := range [][]int{{f.state.Batch}, f.state.Features, f.state.Covariates} {
		for i, j := range list {
			if j < 0 || j >= len(f.given) || i > 0 && j <= list[i-1] {
				return fmt.Errorf("column index %d of %d is out of order or range", j, len(f.given))
			}
		}
	}
	if f.state.ComBat == nil || len(f.state.ComBat.Features) != len(f.state.Features) {
		return errors.New("the state has no correction of these columns")
	}
	for j, c := range f.given {
		if j != f.state.Batch {
			c.From = nil
			f.columns = append(f.columns, c)
		}
	}
	return f.state.ComBat.Validate()
}

func (f *harmonised) Kind() string            { return "harmonise" }
func (f *harmonised) Columns() []table.Column { return f.columns }
func (f *harmonised) Encode() ([]byte, error) { return json.Marshal(f.state) }

func (f *harmonised) Apply(x models.Matrix) (models.Matrix, error) {
	m, covariates, err := f.parts(x)
	if err != nil {
		return models.Matrix{}, err
	}
	batches, err := f.batches(x)
	if err != nil {
		return models.Matrix{}, err
	}
	for i, b := range batches {
		if !f.state.Pass && !f.state.ComBat.Knows(b) {
			if b == "" {
				b = "that is missing or unknown"
			}
			return models.Matrix{}, fmt.Errorf("row %d: batch %s was not there in training, which had %s; patients of it, without outcomes, can teach it (estimate_from), or unseen: "+
				"pass_with_warning leaves it as it is", i+1, b, strings.Join(f.state.ComBat.Batches, ", "))
		}
	}
	corrected := m
	if f.state.Pass {
		corrected, err = f.known(m, batches, covariates)
	} else {
		corrected, err = f.state.ComBat.Apply(m, batches, covariates)
	}
	if err != nil {
		return models.Matrix{}, err
	}
	out := models.NewMatrix(f.columns, x.Rows)
	to := 0
	for j := range f.given {
		if j == f.state.Batch {
			continue
		}
		if k, ok := slices.BinarySearch(f.state.Features, j); ok {
			copy(out.Column(to), corrected.Gene(k))
		} else {
			copy(out.Column(to), x.Column(j))
		}
		to++
	}
	return out, nil
}

// corrected keeps the columns of made that the step corrected, under the names of the raw columns that they come from.
func (f *harmonised) corrected(made models.Matrix, kept map[string][]float64) {
	for _, j := range f.state.Features {
		c := f.given[j]
		name := c.Name
		if len(c.From) == 1 {
			name = c.From[0]
		}
		if at := j - after(j, f.state.Batch); len(c.From) <= 1 {
			kept[name] = made.Column(at)
		}
	}
}

// after is 1 for a column that stands after the one that the step takes away.
func after(j, gone int) int {
	if j > gone {
		return 1
	}
	return 0
}

// known corrects the rows of batches that were fitted and passes the others on as they are.
func (f *harmonised) known(m *genes.Matrix, batches []string, covariates [][]float64) (*genes.Matrix, error) {
	var rows []int
	var of []string
	for i, b := range batches {
		if f.state.ComBat.Knows(b) {
			rows, of = append(rows, i), append(of, b)
		}
	}
	out := genes.NewMatrix(m.Genes, m.Samples)
	copy(out.Values, m.Values)
	part := make([][]float64, len(covariates))
	for k, v := range covariates {
		for _, i := range rows {
			part[k] = append(part[k], v[i])
		}
	}
	corrected, err := f.state.ComBat.Apply(m.SelectSamples(rows), of, part)
	if err != nil {
		return nil, err
	}
	for g := range out.Genes {
		for k, i := range rows {
			out.Gene(g)[i] = corrected.Gene(g)[k]
		}
	}
	return out, nil
}

func decodeHarmonised(columns []table.Column, state []byte) (Fitted, error) {
	f := &harmonised{given: columns}
	if err := decodeStrict(state, &f.state); err != nil {
		return nil, err
	}
	if err := f.describe(); err != nil {
		return nil, err
	}
	covariates := 0
	for _, j := range f.state.Covariates {
		covariates++
		if columns[j].Kind == table.Categorical {
			covariates += len(columns[j].Levels) - 2
		}
	}
	if covariates != f.state.ComBat.Covariates {
		return nil, errors.New("the covariates of the batch correction are others")
	}
	return f, nil
}
