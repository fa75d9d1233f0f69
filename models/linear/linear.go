// Package linear holds elastic-net logistic regression and Cox regression: the kinds logistic and cox.
//
// A Problem is a table of numbers and an outcome. FitPath minimises, for a falling sequence of λ,
//
//	ℓ(β) + λ Σⱼ pfⱼ ( α |sⱼβⱼ| + (1−α)/2 (sⱼβⱼ)² )
//
// where ℓ is the mean negative log-likelihood under weights that sum to one and sⱼ the standard deviation of column j (divisor n), 1
// where columns are not standardised. That is glmnet's objective [Friedman2010], with its scaling of penalty factors to sum to the
// number of columns, so that a λ means here what it means there. Newton fits without penalty, with standard errors, are in Logit,
// Multinom and CoxPH.
//
// [Friedman2010]: https://doi.org/10.18637/jss.v033.i01
package linear

import (
	"errors"
	"fmt"
	"math"
)

// Family is the kind of outcome.
type Family int

// The families.
const (
	Gaussian    Family = iota // Y
	Binomial                  // Class in {0, 1}
	Multinomial               // Class in 0…Classes−1
	CoxModel                  // Time, Event and where given Entry and Strata
)

// Ties says how events at the same time share their risk set.
type Ties int

// The approximations to tied events, and the exact partial likelihood for times that are truly discrete.
const (
	Efron Ties = iota
	Breslow
	Exact
)

// Problem is what a fit reads. Slices are never written to. Columns are contiguous: row i of column j is X[j*Rows+i].
type Problem struct {
	Family        Family
	X             []float64
	Rows, Columns int
	Names         []string  // of columns, for messages; nil means their numbers
	Weights       []float64 // case weights, 0 or more; nil means 1
	Offset        []float64 // added to the linear predictor; row-major rows × classes for Multinomial; nil means 0

	Y       []float64
	Class   []int
	Classes int

	Entry, Time []float64
	Event       []bool
	Strata      []int // a baseline hazard each; nil means one
	Ties        Ties
}

// Errors of outcomes that nothing can be learned from.
var (
	ErrOneClass = errors.New("every row has the same class; a classifier needs at least two")
	ErrNoEvents = errors.New("no row has the event: all are censored")
)

// name returns how messages call a column.
func (p *Problem) name(j int) string {
	if p.Names != nil {
		return fmt.Sprintf("%q", p.Names[j])
	}
	return fmt.Sprintf("%d", j)
}

// column returns column j.
func (p *Problem) column(j int) []float64 { return p.X[j*p.Rows : (j+1)*p.Rows : (j+1)*p.Rows] }

// check returns the first thing that is wrong.
func (p *Problem) check() error {
	if p.Rows < 2 || p.Columns < 0 || len(p.X) != p.Rows*p.Columns {
		return fmt.Errorf("%d values for %d rows of %d columns; at least two rows are needed", len(p.X), p.Rows, p.Columns)
	}
	if p.Names != nil && len(p.Names) != p.Columns {
		return fmt.Errorf("%d names for %d columns", len(p.Names), p.Columns)
	}
	for j := range p.Columns {
		for i, v := range p.column(j) {
			if math.IsNaN(v) {
				return fmt.Errorf("column %s is missing in row %d; a linear model needs every value: add the impute step before it", p.name(j), i)
			}
			if math.IsInf(v, 0) {
				return fmt.Errorf("column %s is infinite in row %d", p.name(j), i)
			}
		}
	}
	if err := p.checkWeights(); err != nil {
		return err
	}
	responses := 1
	if p.Family == Multinomial {
		responses = p.Classes
	}
	if p.Offset != nil && len(p.Offset) != p.Rows*responses {
		return fmt.Errorf("%d offsets for %d rows", len(p.Offset), p.Rows*responses)
	}
	return p.checkOutcome()
}

func (p *Problem) checkOutcome() error {
	switch p.Family {
	case Gaussian:
		return p.checkResponse()
	case Binomial, Multinomial:
		return p.checkClass()
	case CoxModel:
		return p.checkTimes()
	}
	return fmt.Errorf("unknown family %d", p.Family)
}

func (p *Problem) checkWeights() error {
	if p.Weights == nil {
		return nil
	}
	if len(p.Weights) != p.Rows {
		return fmt.Errorf("%d weights for %d rows", len(p.Weights), p.Rows)
	}
	total := 0.0
	for i, w := range p.Weights {
		if !(w >= 0) || math.IsInf(w, 0) {
			return fmt.Errorf("the weight of row %d is %v; want 0 or more", i, w)
		}
		total += w
	}
	if total == 0 {
		return errors.New("every row has the weight 0")
	}
	return nil
}

func (p *Problem) checkResponse() error {
	if len(p.Y) != p.Rows {
		return fmt.Errorf("%d responses for %d rows", len(p.Y), p.Rows)
	}
	varies := false
	for i, y := range p.Y {
		if math.IsNaN(y) || math.IsInf(y, 0) {
			return fmt.Errorf("the response of row %d is %v", i, y)
		}
		varies = varies || y != p.Y[0]
	}
	if !varies {
		return errors.New("the response is the same in every row")
	}
	return nil
}

func (p *Problem) checkClass() error {
	if len(p.Class) != p.Rows {
		return fmt.Errorf("%d classes for %d rows", len(p.Class), p.Rows)
	}
	if p.Family == Binomial && p.Classes != 2 || p.Classes < 2 {
		return fmt.Errorf("%d classes", p.Classes)
	}
	seen := make([]float64, p.Classes)
	for i, c := range p.Class {
		if c < 0 || c >= p.Classes {
			return fmt.Errorf("row %d has class %d of %d; rows without a class must be left out", i, c, p.Classes)
		}
		seen[c] += p.weight(i)
	}
	present := 0
	for _, n := range seen {
		if n > 0 {
			present++
		}
	}
	if present < 2 {
		return ErrOneClass
	}
	for c, n := range seen {
		if n == 0 {
			return fmt.Errorf("no row has class %d of %d", c, p.Classes)
		}
	}
	return nil
}

func (p *Problem) checkTimes() error {
	if len(p.Time) != p.Rows || len(p.Event) != p.Rows {
		return fmt.Errorf("%d times and %d events for %d rows", len(p.Time), len(p.Event), p.Rows)
	}
	if p.Entry != nil && len(p.Entry) != p.Rows || p.Strata != nil && len(p.Strata) != p.Rows {
		return fmt.Errorf("%d entries and %d strata for %d rows", len(p.Entry), len(p.Strata), p.Rows)
	}
	events := false
	for i, t := range p.Time {
		if math.IsNaN(t) || math.IsInf(t, 0) || t < 0 {
			return fmt.Errorf("the time of row %d is %v; want a finite time of 0 or more", i, t)
		}
		if p.Entry != nil && p.Entry[i] != 0 && !(p.Entry[i] < t) {
			return fmt.Errorf("row %d enters at %v, not before %v, the end of its follow-up", i, p.Entry[i], t)
		}
		events = events || p.Event[i] && p.weight(i) > 0
	}
	if !events {
		return ErrNoEvents
	}
	return nil
}

func (p *Problem) weight(i int) float64 {
	if p.Weights == nil {
		return 1
	}
	return p.Weights[i]
}

// responses is the number of linear predictors.
func (p *Problem) responses() int {
	if p.Family == Multinomial {
		return p.Classes
	}
	return 1
}
