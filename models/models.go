// Package models holds the contracts between what learns and all that uses it, and the table of kinds.
//
// A Learner holds hyper-parameters; its Fit takes training rows only and returns a Model. A Model is pure: it never changes after
// Fit, and Predict is safe for concurrent use. Neither ever sees the outcome of a row it predicts: Predict takes a Matrix, which
// has none. Steps that are fitted in training and applied in serving have the same two halves (package pipeline).
package models

import (
	"context"
	"fmt"
	"io"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
)

// Matrix is what a model reads: rows × columns, column-major, so that the value of row i in column j is Values[j*Rows+i]. One row
// is then simply its columns in order, which is what a server has. NaN is missing. Columns are shared between matrices and are
// never written to.
type Matrix struct {
	Columns []table.Column
	Rows    int
	Values  []float64
	// Volumes are crops of images, for models that read them; nil where there are none.
	Volumes []Volumes
	// Absent says of which rows whole sources were not given although a pipeline has filled in their columns; nil where all were.
	Absent []Absence
}

// NewMatrix returns a matrix of zeros.
func NewMatrix(columns []table.Column, rows int) Matrix {
	return Matrix{Columns: columns, Rows: rows, Values: make([]float64, len(columns)*rows)}
}

// FromTable copies a table's columns, in order.
func FromTable(t *table.Table) Matrix {
	m := NewMatrix(t.Columns, t.Rows())
	for j, v := range t.Values {
		copy(m.Column(j), v)
	}
	return m
}

// Column returns column j; writing to it writes to the matrix.
func (m Matrix) Column(j int) []float64 { return m.Values[j*m.Rows : (j+1)*m.Rows : (j+1)*m.Rows] }

// Row copies row i into dst, which has a value a column.
func (m Matrix) Row(i int, dst []float64) {
	for j := range m.Columns {
		dst[j] = m.Values[j*m.Rows+i]
	}
}

// Select returns a copy of the rows with these indices, in this order. A row may be asked for twice, as a bootstrap does.
func (m Matrix) Select(rows []int) Matrix {
	out := NewMatrix(m.Columns, len(rows))
	for j := range m.Columns {
		from, to := m.Column(j), out.Column(j)
		for i, r := range rows {
			to[i] = from[r]
		}
	}
	out.Volumes, out.Absent = selectVolumes(m.Volumes, rows), selectAbsent(m.Absent, rows)
	return out
}

// Training is all that a Fit may look at: training rows and nothing else.
type Training struct {
	X       Matrix
	Y       clinical.Outcome
	Weights []float64 // case weights, one a row; nil means 1 for all
	Groups  []int     // patient of each row, for inner folds; nil means each row is a patient
	Seed    work.Seed
	// Again are other measurements of the rows, a matrix a reader, under the names that columns have where they are read; from them a
	// step tells which columns last. Lower are lower limits of intraclass correlations that were measured elsewhere, by the same names.
	Again []Matrix
	Lower map[string]float64
	// Joint are all outcomes of a model that learns several at once, nil for any other. Rows may then have one outcome and lack Y.
	Joint *Joint
}

// Joint are the outcomes that one model learns together. Its fit depends on all of them and not on which is asked for, so that the models of
// the outcomes of a cohort are one: the same rows and seed give the same weights for each.
type Joint struct {
	Outcomes []clinical.Outcome // of every row, not known for some
	Weights  []float64          // of the loss of each
	At       int                // the one that is predicted, Training.Y
}

// Select returns the outcomes of the rows with these indices.
func (j *Joint) Select(rows []int) *Joint {
	if j == nil {
		return nil
	}
	out := &Joint{Weights: j.Weights, At: j.At}
	for _, y := range j.Outcomes {
		out.Outcomes = append(out.Outcomes, y.Select(rows))
	}
	return out
}

// Select returns the training data of the rows with these indices.
func (t Training) Select(rows []int) Training {
	out := t
	out.X, out.Y = t.X.Select(rows), t.Y.Select(rows)
	out.Weights, out.Groups = pick(t.Weights, rows), pick(t.Groups, rows)
	out.Again, out.Joint = SelectEach(t.Again, rows), t.Joint.Select(rows)
	return out
}

// SelectEach selects the same rows of several matrices.
func SelectEach(all []Matrix, rows []int) []Matrix {
	if all == nil {
		return nil
	}
	out := make([]Matrix, len(all))
	for i, m := range all {
		out[i] = m.Select(rows)
	}
	return out
}

func pick[T any](from []T, rows []int) []T {
	if from == nil {
		return nil
	}
	to := make([]T, len(rows))
	for i, r := range rows {
		to[i] = from[r]
	}
	return to
}

// Learner fits models. It holds hyper-parameters, is never changed by Fit, and may be used by several goroutines at once.
type Learner interface {
	// Fit learns from training rows. The same training data and seed give the same model to the bit, whatever GOMAXPROCS.
	Fit(ctx context.Context, t Training) (Model, error)
}

// Foreseeing is a Learner that can tell before any fit what it could not learn from, also one that its kind returned with an error.
type Foreseeing interface {
	// Foresee returns all that makes every fit fail, in the options or in the volumes of x: OptionErrors, joined. The columns of x are those before
	// the pipeline, which no one can judge yet. A matrix without rows stands for files that nobody has read: its volumes have a form and no crop.
	Foresee(x Matrix) error
}

// OptionError is a fault of one option of a model or a step.
type OptionError struct {
	Option string // as configurations write it
	Rows   []int  // of the rows that are at fault; nil where it is none of them
	Err    error
}

func (e *OptionError) Error() string { return e.Option + ": " + e.Err.Error() }

// Unwrap returns the fault.
func (e *OptionError) Unwrap() error { return e.Err }

// Faults takes joined errors apart.
func Faults(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var out []error
	for _, e := range joined.Unwrap() {
		out = append(out, Faults(e)...)
	}
	return out
}

// Model predicts. It is safe for concurrent use.
type Model interface {
	// Kind is the name under which the model's kind is registered.
	Kind() string
	// Columns are the columns that Predict expects, in order.
	Columns() []table.Column
	// Predict predicts every row of x, whose columns must be Columns(). For a survival model, S(t) is returned at the given
	// times; classifiers ignore them.
	Predict(x Matrix, times []float64) (Prediction, error)
	// Encode returns the parts that a bundle stores, by file name. They hold no row and no identifier of a patient.
	Encode() (map[string][]byte, error)
}

// Noted is a Model that has something to say about how its fit went: separation, columns dropped as constant or collinear.
type Noted interface {
	Notes() []string
}

// Readable is a Model that prints what a person can read: its coefficients, its tree, or which columns matter.
type Readable interface {
	WriteText(w io.Writer) error
}

// Drawn is a Model that a person can look at, as SVG.
type Drawn interface {
	WriteSVG(w io.Writer) error
}

// Portable is a Model that another program can apply by itself: a sum of columns, and what turns it into an answer.
type Portable interface {
	// Portable returns what is written as JSON: an object whose kind says how the rest is read. An error says why the model is none.
	Portable() (any, error)
}

// Tuned is a Model whose fit chose hyper-parameters by itself, on its training rows: the strength of a penalty.
type Tuned interface {
	// Chosen returns them by the names of the options with which they can be set.
	Chosen() map[string]float64
}

// Attributed is a Model that explains itself by what it alone knows: a network, by its gradients. Package explain asks it where the
// method is one of its own, adds what every attribution carries, and shows the gap.
type Attributed interface {
	// AttributionMethods are the methods by name, such as expected_gradients; the first is taken where none is asked for.
	AttributionMethods() []string
	// Attribute returns the contributions of every column and image to every number of each row of x. The numbers are those that
	// Predict gives: one a class (the last alone where there are two), one a time, or the risk. It is safe for concurrent use, and a
	// row's values do not depend on the rows beside it. Of a matrix without rows it gives the bases. It ends soon after ctx is done, with
	// its error.
	Attribute(ctx context.Context, x Matrix, r AttributionRequest) (Contributions, error)
}

// Contributions is what an Attributed model says of all rows of a matrix.
type Contributions struct {
	Values []float64 // rows × numbers × columns
	Bases  []float64 // of each number: what it is where all columns and images are left out
	Images []ImageContributions
}

// ImageContributions are those of one source of images.
type ImageContributions struct {
	Source string
	Totals []float64 // rows × numbers
	// Maps are the contribution of each voxel of a row's crop, x fastest, rows × numbers; nil where there is no image or no map was asked for.
	Maps [][]float32
}

// AttributionRequest says how an Attributed model is to explain itself.
type AttributionRequest struct {
	Method string
	Scale  string    // of the numbers, in the words of Attribution; an error where the model has no gradient on it
	Times  []float64 // at which survival or cumulative hazard are explained; none for the risk and for classes
	// Background has the model's columns; its rows stand in for columns that are left out, each with its share of one.
	Background Matrix
	Shares     []float64
	Seed       work.Seed
	Maps       bool // gives maps of images
}

// Prediction is the answer of a model for all rows of a matrix.
type Prediction struct {
	Kind    clinical.OutcomeKind
	Rows    int
	Classes []string // of a class outcome

	// Margin is row-major. Class outcomes: the log-odds of the last class where there are two (one value a row); one value a
	// class, before normalisation, where there are more; nil for models without one. Survival: nil.
	Margin []float64
	// Probabilities is row-major, rows × classes; each row sums to one.
	Probabilities []float64

	// Risk orders patients: higher means earlier. For Cox models it is the log-hazard against the training mean.
	Risk []float64
	// Times and Survival: S(t), row-major, rows × times, never rising along a row; NaN past the training follow-up.
	Times    []float64
	Survival []float64
	// Hazard is the cumulative hazard at Times, in the same places; nil where it is −ln S(t), as in all models but forests.
	Hazard []float64
	// Median survival time of each row, +Inf where the curve stays above one half.
	Median []float64
}

// Attribution says how much each column, and each image, contributed to one number of one row's prediction:
// Base + ΣValues + ΣImages = Output − Gap.
type Attribution struct {
	Method string // linear, tree_path_dependent, tree_interventional, permutation, expected_gradients, …
	Exact  bool   // true when Gap is rounding alone
	Class  string // the class explained; empty for survival
	// Time is the time explained, NaN where the output is not tied to one.
	Time float64
	// Scale of Base, Values and Output: log-odds, probability, log-hazard, cumulative hazard, survival.
	Scale  string
	Base   float64
	Values []float64 // one a column of the model
	Images []ImagePart
	// Errors are the standard errors of Values, from the sampling alone; nil where nothing was sampled.
	Errors []float64
	Output float64
	Gap    float64
}

// ImagePart is what the image of one source contributed.
type ImagePart struct {
	Source string
	Value  float64
	// Map has a contribution a voxel of the crop, x fastest; they sum to Value. Nil where it was not asked for, or there is no image.
	Map []float32
}

// CheckColumns returns an error that says how the columns of x differ from those wanted.
func CheckColumns(want []table.Column, x Matrix) error {
	if len(x.Columns) != len(want) {
		return fmt.Errorf("the model reads %d columns and was given %d", len(want), len(x.Columns))
	}
	if len(want) > 0 && &want[0] == &x.Columns[0] {
		return nil // the very same description
	}
	for j := range want {
		if x.Columns[j].Name != want[j].Name {
			return fmt.Errorf("column %d is %q where the model reads %q", j+1, x.Columns[j].Name, want[j].Name)
		}
	}
	return nil
}
