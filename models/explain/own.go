package explain

import (
	"context"
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
	targets int // numbers explained
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
		Method: r.Method, Scale: scale, Times: r.Times, Background: b, Shares: r.Background.shares(), Seed: r.Seed.Split(r.Method), Maps: r.Maps}}
	// No row at all is asked about, for the bases, and to see whether the model can do this.
	c, err := o.ask(context.Background(), models.Blank(m).Select(nil))
	o.base = c.Bases
	return o, err
}

// ask returns what the model says, where it has the lengths that it should have.
func (o *own) ask(ctx context.Context, x models.Matrix) (models.Contributions, error) {
	c, err := o.model.Attribute(ctx, x, o.request)
	if err != nil {
		return c, err
	}
	if len(c.Values) != x.Rows*o.targets*len(x.Columns) || len(c.Bases) != o.targets {
		return c, fmt.Errorf("%s: %d values and %d bases for %d rows of %d columns and %d numbers", o.request.Method, len(c.Values), len(c.Bases), x.Rows, len(x.Columns), o.targets)
	}
	for _, s := range c.Images {
		if n := x.Rows * o.targets; len(s.Totals) != n || len(s.Maps) != n {
			return c, fmt.Errorf("%s: %d totals and %d maps of %s for %d rows and %d numbers", o.request.Method, len(s.Totals), len(s.Maps), s.Source, x.Rows, o.targets)
		}
	}
	return c, nil
}

func (o *own) columns() []int   { return o.used }
func (o *own) bases() []float64 { return o.base }

func (o *own) values(x models.Matrix, lo, hi int, s *scratch) (phi, errs []float64, err error) {
	if lo > 0 || hi < x.Rows {
		rows := make([]int, hi-lo)
		for i := range rows {
			rows[i] = lo + i
		}
		x = x.Select(rows)
	}
	c, err := o.ask(s.ctx, x)
	s.images = c.Images
	return c.Values, nil, err
}
