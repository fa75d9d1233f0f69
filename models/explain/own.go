package explain

import (
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/models"
)

// own asks a model that explains itself.
type own struct {
	model   models.Attributed
	request models.AttributionRequest
	used    []int
	targets int
	base    []float64
}

// WideGap is the share of the distance between base and output from which a gap makes contributions doubtful.
const WideGap = 0.05

// Wide reports whether the gap of an attribution is so wide that its reader has to be warned.
func Wide(a models.Attribution) bool {
	return gradients(a.Method) && math.Abs(a.Gap) > WideGap*math.Abs(a.Output-a.Base)
}

func gradients(method string) bool {
	return method == ExpectedGradients || method == IntegratedGradients
}

// ownMethods are the methods by which a model explains itself, none for most.
func ownMethods(m models.Model) []string {
	if a, ok := m.(models.Attributed); ok {
		return a.AttributionMethods()
	}
	return nil
}

func newOwn(m models.Model, scale string, targets int, r Request) (*own, error) {
	if !slices.Contains(ownMethods(m), r.Method) {
		return nil, fmt.Errorf("a model of kind %s has no gradients of its own for %s: use %s or another method", m.Kind(), r.Method, Auto)
	}
	if r.Background == nil {
		return nil, fmt.Errorf("%s: %w", r.Method, ErrNoBackground)
	}
	b, err := r.Background.Matrix(m.Columns())
	if err != nil {
		return nil, err
	}
	o := &own{model: m.(models.Attributed), targets: targets, used: active(m), request: models.AttributionRequest{
		Method: r.Method, Scale: scale, Times: r.Times, Background: b, Shares: r.Background.shares(), Seed: r.Seed.Split(r.Method)}}
	// The background's first row is asked for the bases, and shows whether the model can do this at all.
	if _, o.base, err = o.ask(b.Select([]int{0})); err != nil {
		return nil, err
	}
	return o, nil
}

// ask returns what the model says, where it has the length that it should have.
func (o *own) ask(x models.Matrix) (phi, base []float64, err error) {
	if phi, base, err = o.model.Attribute(x, o.request); err != nil {
		return nil, nil, err
	}
	if len(phi) != x.Rows*o.targets*len(x.Columns) || len(base) != o.targets {
		return nil, nil, fmt.Errorf("%s: %d values and %d bases for %d rows of %d columns and %d numbers", o.request.Method, len(phi), len(base), x.Rows, len(x.Columns), o.targets)
	}
	return phi, base, nil
}

func (o *own) columns() []int   { return o.used }
func (o *own) bases() []float64 { return o.base }

func (o *own) values(x models.Matrix, lo, hi int, _ *scratch) (phi, errs []float64, err error) {
	if lo > 0 || hi < x.Rows {
		rows := make([]int, hi-lo)
		for i := range rows {
			rows[i] = lo + i
		}
		x = x.Select(rows)
	}
	phi, _, err = o.ask(x)
	return phi, nil, err
}
