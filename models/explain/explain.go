// Package explain says how much each column contributed to a prediction: Shapley values [Shapley1953], exact wherever the model
// has a form that allows it, and sampled with a standard error elsewhere.
//
// The answer has one shape for every model: for each row a list of models.Attribution, one for each class (one in all, for the
// last class, where there are two) or for each time asked for. Base plus the values is the output to 1e-9, or there is an error
// and no answer. Contributions say what the model used, not what causes the outcome.
//
// [Shapley1953]: https://doi.org/10.1515/9781400881970-018
package explain

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
)

// The methods. What a column that is left out means differs, and so do the values: the path-dependent method asks how training
// rows were divided among the branches of the trees; all others put in the values of background rows.
const (
	// Auto is linear for linear models and tree_path_dependent for trees, on the scale on which they are sums; for other scales
	// enumeration where at most ten columns matter (twelve where what is explained is a function of such sums), linear for linear models
	// of at most 64, tree_interventional where trees leave little enough to do, and else permutation.
	Auto = "auto"
	// Linear is exact, for logistic regression on the log-odds and Cox models on the log-hazard: coefficient × (value − background mean);
	// and for two classes' probability, survival and cumulative hazard, where the average over coalitions is an integral (linkedSum).
	Linear = "linear"
	// LinearCorrelated is for the same, where a column that is left out takes its expected value given those that are in, by the
	// background's covariance: exact for at most seven columns with a coefficient, sampled for more.
	LinearCorrelated = "linear_correlated"
	// TreePathDependent is exact, for models of trees, and needs no background.
	TreePathDependent = "tree_path_dependent"
	// TreeInterventional is exact, for models of trees: on the scale on which the trees are summed, and for functions of one such sum (the
	// probability of two boosted classes, survival and cumulative hazard of boosted Cox models), where columns are eliminated from the
	// mixtures of the row and each background row. The rare row of which that would take too long is answered by Permutation.
	TreeInterventional = "tree_interventional"
	// TreeInterventionalRescaled is for functions of sums over trees: interventional values brought from the trees' scale to another,
	// background row by background row, as shap does for probabilities. They sum to the output and are not its Shapley values.
	TreeInterventionalRescaled = "tree_interventional_rescaled"
	// Combined is exact, for models that sum what others say (package fusion) on the scale on which they do, where each of the others is
	// explained exactly.
	Combined = "combined"
	// Enumeration is exact, for any model, by trying every subset of the columns that matter: at most 14, or 20 where what is explained
	// is a function of sums over trees or columns.
	Enumeration = "enumeration"
	// Permutation is sampled, for any model: columns are put in one after the other in a random order and in its reverse. Of functions
	// of sums over trees only what their secants leave is sampled, so that the errors are small.
	Permutation = "permutation"
	// ExpectedGradients [Erion2021] and IntegratedGradients [Sundararajan2017] are for networks, which take them of themselves (see
	// models.Attributed). They add up to the output but for a gap, which the answer shows.
	//
	// [Erion2021]: https://doi.org/10.1038/s42256-021-00343-w
	// [Sundararajan2017]: https://proceedings.mlr.press/v70/sundararajan17a.html
	ExpectedGradients   = "expected_gradients"
	IntegratedGradients = "integrated_gradients"
)

// Methods are the methods by name.
var Methods = []string{Auto, Linear, LinearCorrelated, TreePathDependent, TreeInterventional, TreeInterventionalRescaled, Combined, Enumeration, Permutation, ExpectedGradients, IntegratedGradients}

// The scales.
const (
	LogOdds          = "log-odds"
	Probability      = "probability"
	LogHazard        = "log-hazard"
	CumulativeHazard = "cumulative hazard"
	Survival         = "survival"
)

// Request says what to explain and how. The zero Request explains a model on its own scale by the method that suits it.
type Request struct {
	Method string // one of Methods; empty means Auto
	// Scale of what is explained; empty means that on which the model is a sum: log-odds or probability of classes, log-hazard or
	// cumulative hazard (mortality) for survival, or survival where Times are given.
	Scale string
	// Times at which survival or cumulative hazard are explained.
	Times []float64
	// Background is used by every method but tree_path_dependent. The linear method of a model that knows its training means does
	// without.
	Background *Background
	// Pairs is the number of orders, each walked in both directions, that the permutation method takes for each background row, 0 for
	// 2 (8 for functions of sums over trees, where a walk costs little), or that linear_correlated takes, 0 for 100.
	Pairs int
	Seed  work.Seed
	// Maps asks a model that reads images for the contribution of each voxel.
	Maps bool
	// Rows is how many rows are going to be explained, if known: preparations that pay only for many are then made. Explain sets it; who
	// keeps an Explainer for later says Many.
	Rows int
}

// Explainer explains one model by one request. It is prepared once, holds no row but the background's, and is safe for concurrent use.
type Explainer struct {
	model   models.Model
	times   []float64
	targets []target
	method  string
	exact   bool
	engine  engine
}

// target is one number of a prediction.
type target struct {
	class  string
	time   float64
	scale  string
	number func(p models.Prediction, row int) float64
}

// engine computes Shapley values of every target for a block of rows.
type engine interface {
	// columns are the indices of the columns that can have values other than zero.
	columns() []int
	// bases are the targets' bases.
	bases() []float64
	// values sets phi, rows × targets × columns, for the rows of x from lo to hi; errs is their standard errors, or nil.
	values(x models.Matrix, lo, hi int, s *scratch) (phi, errs []float64, err error)
}

// scratch is what a goroutine needs; each engine uses its part.
type scratch struct {
	ctx          context.Context // engines that take long over a row look at it; nil in what does not
	tree         treeScratch
	phi          []float64
	eliminations eliminations
	sampled      []bool                      // by row, those that an engine sampled where it could not be exact; nil where there are none
	images       []models.ImageContributions // of the rows explained last, by a model that explains itself
	bases        []float64                   // of each of these rows, where a row has bases of its own
}

// stopped is the error of a context that is done.
func (s *scratch) stopped() error {
	if s.ctx == nil {
		return nil
	}
	return s.ctx.Err()
}

// block is the number of rows that are explained together.
const block = 64

// Explain explains every row of x, whose columns must be the model's: for each row a list, one for each class or time.
func Explain(ctx context.Context, m models.Model, x models.Matrix, r Request) ([][]models.Attribution, error) {
	r.Rows = x.Rows
	e, err := New(m, r)
	if err != nil {
		return nil, err
	}
	out := make([][]models.Attribution, x.Rows)
	err = e.Each(ctx, x, func(row int, a []models.Attribution) error {
		out[row] = a
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Each explains the rows of x and hands them over in order. Memory does not grow with the rows. It stops at the first error, and soon
// after ctx is done.
func (e *Explainer) Each(ctx context.Context, x models.Matrix, do func(row int, a []models.Attribution) error) error {
	if err := models.CheckColumns(e.model.Columns(), x); err != nil {
		return err
	}
	jobs := min(runtime.GOMAXPROCS(0), (x.Rows+block-1)/block)
	out := make([][][]models.Attribution, jobs)
	errs := make([]error, jobs)
	scratches := make([]scratch, jobs)
	for j := range scratches {
		scratches[j].ctx = ctx
	}
	for lo := 0; lo < x.Rows; lo += jobs * block {
		if err := ctx.Err(); err != nil {
			return err
		}
		var group sync.WaitGroup
		for j := range jobs {
			from := min(lo+j*block, x.Rows)
			to := min(from+block, x.Rows)
			out[j], errs[j] = nil, nil
			if j == jobs-1 { // the last on this goroutine
				out[j], errs[j] = e.rows(x, from, to, &scratches[j])
				continue
			}
			group.Go(func() { out[j], errs[j] = e.rows(x, from, to, &scratches[j]) })
		}
		group.Wait()
		for j := range jobs {
			if errs[j] != nil {
				return errs[j]
			}
			for i, a := range out[j] {
				if err := do(lo+j*block+i, a); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// rows explains the rows from lo to hi and checks that each sums to what the model says.
func (e *Explainer) rows(x models.Matrix, lo, hi int, s *scratch) ([][]models.Attribution, error) {
	if hi <= lo {
		return nil, nil
	}
	part := x
	if lo > 0 || hi < x.Rows {
		rows := make([]int, hi-lo)
		for i := range rows {
			rows[i] = lo + i
		}
		part = x.Select(rows)
	}
	if c, ok := e.model.(combination); ok {
		part = c.Mask(part)
	}
	p, err := e.model.Predict(part, e.times)
	if err != nil {
		return nil, err
	}
	s.bases = nil
	phi, errs, err := e.engine.values(part, 0, hi-lo, s)
	if err != nil {
		return nil, err
	}
	columns, bases := e.engine.columns(), e.engine.bases()
	width := len(e.model.Columns())
	out := make([][]models.Attribution, hi-lo)
	for i := range out {
		out[i] = make([]models.Attribution, len(e.targets))
		for k, t := range e.targets {
			a := models.Attribution{Method: e.method, Exact: e.exact, Class: t.class, Time: t.time, Scale: t.scale, Base: bases[k],
				Values: make([]float64, width), Output: t.number(p, i)}
			at := (i*len(e.targets) + k) * len(columns)
			if s.bases != nil {
				a.Base = s.bases[i*len(e.targets)+k]
			}
			for j, c := range columns {
				a.Values[c] = phi[at+j]
			}
			if s.sampled != nil && s.sampled[i] {
				a.Method, a.Exact = Permutation, false
			}
			if errs != nil && !a.Exact {
				a.Errors = make([]float64, width)
				for j, c := range columns {
					a.Errors[c] = errs[at+j]
				}
			}
			for _, s := range s.images {
				at := i*len(e.targets) + k
				a.Images = append(a.Images, models.ImagePart{Source: s.Source, Value: s.Totals[at], Map: s.Maps[at]})
			}
			if err := settle(&a); err != nil {
				return nil, fmt.Errorf("row %d: %w", lo+i+1, err)
			}
			out[i][k] = a
		}
	}
	return out, nil
}

// ErrGap says that contributions do not add up to what the model says; no such answer is given.
var ErrGap = errors.New("contributions do not sum to the prediction")

// settle sets the gap and returns an error where it is more than rounding.
func settle(a *models.Attribution) error {
	sum, size := a.Base, math.Abs(a.Base)
	for _, v := range a.Values {
		sum += v
		size += math.Abs(v)
	}
	for _, s := range a.Images {
		sum += s.Value
	}
	a.Gap = a.Output - sum
	if gradients(a.Method) && !math.IsNaN(a.Gap) && !math.IsInf(a.Gap, 0) {
		return nil // the gap is shown, with a warning where it is Wide
	}
	if !(math.Abs(a.Gap) <= 1e-9*max(size, math.Abs(a.Output))) {
		return fmt.Errorf("%w: base %v and values sum to %v, the %s is %v", ErrGap, a.Base, sum, a.Scale, a.Output)
	}
	return nil
}

// BeforeCalibration is added to the scale of a calibrated model's explanation, which is that of the model beneath.
const BeforeCalibration = " before calibration"

// New prepares the explanation of a model. A calibrated model is explained on the margin of the model beneath, and the scale says
// so. The error says which methods and scales it allows where the request asks for another.
func New(m models.Model, r Request) (*Explainer, error) {
	if r.Method == "" {
		r.Method = Auto
	}
	if !slices.Contains(Methods, r.Method) {
		return nil, fmt.Errorf("there is no method %q; there are %v", r.Method, Methods)
	}
	if c, ok := m.(interface{ Base() models.Model }); ok {
		r.Scale = strings.TrimSuffix(r.Scale, BeforeCalibration)
		e, err := New(c.Base(), r)
		if err != nil {
			return nil, err
		}
		for i := range e.targets {
			e.targets[i].scale += BeforeCalibration
		}
		return e, nil
	}
	targets, err := choose(m, r)
	if err != nil {
		return nil, err
	}
	e := &Explainer{model: m, times: r.Times, targets: targets, exact: true}
	scale := targets[0].scale
	if r.Method == Auto {
		r.Method = automatic(m, scale, len(targets), r)
	}
	e.method = r.Method
	if reads, ok := m.(models.Imaged); ok && len(reads.Crops()) > 0 && !gradients(r.Method) {
		return nil, fmt.Errorf("%s puts in values of columns and a network of kind %s reads images: use %s or %s, for which the bundle needs a background of crops (at least %d training patients)",
			r.Method, m.Kind(), ExpectedGradients, IntegratedGradients, Smallest)
	}
	switch r.Method {
	case Linear:
		if one, ok, fault := newLinkedSum(m, scale, len(targets), r); ok || fault != nil {
			e.engine, err = one, fault
		} else {
			e.engine, err = newLinear(m, scale, r)
		}
	case LinearCorrelated:
		e.engine, e.exact, err = newCorrelated(m, scale, r)
	case TreePathDependent, TreeInterventional, TreeInterventionalRescaled:
		if one, ok, fault := newEliminated(m, scale, len(targets), r); r.Method == TreeInterventional && (ok || fault != nil) {
			e.engine, err = one, fault
		} else if e.engine, err = newTrees(m, scale, len(targets), r); err == nil {
			if _, ok := e.engine.(*rescaled); ok {
				e.method, e.exact = TreeInterventionalRescaled, false
			}
		}
	case Combined:
		e.engine, err = newCombined(m, scale, len(targets), r)
	case Enumeration:
		e.engine, err = newEnumerated(e, r)
	case ExpectedGradients, IntegratedGradients:
		e.exact = false
		e.engine, err = newOwn(m, scale, len(targets), r)
	case Permutation:
		e.exact = false
		e.engine, err = newSampled(e, r)
	}
	if err != nil {
		return nil, err
	}
	return e, nil
}
