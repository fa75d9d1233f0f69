package linear

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// Options choose the penalty. The zero value is a ridge path of 100 λ over standardised columns.
type Options struct {
	Alpha          float64   // share of the lasso in the penalty: 0 ridge, 1 lasso
	Lambda         []float64 // falling; nil chooses Count of them
	Count          int       // 0 means 100
	Ratio          float64   // smallest λ by the largest; 0 means 1e-4, or 1e-2 with more columns than rows
	PenaltyFactors []float64 // of each column; 0 leaves it free; nil means 1
	Unstandardised bool      // penalise coefficients as they are
	Grouped        bool      // Multinomial: a column's coefficients enter together
	// Tolerance is the loss, by that of the null model, that a last change of a coefficient may still have been worth; 0 means 1e-7,
	// glmnet's default. 1e-14 gives coefficients to seven digits and more.
	Tolerance float64
	// last is the tolerance of the last λ where it is not 0: the others are then only the way there.
	last float64
}

// Fit is the solution at one λ, on the scale of the columns as given.
type Fit struct {
	Lambda     float64
	Intercepts []float64 // one a response; 0 for Cox
	Index      []int     // columns with a coefficient off zero in any response, ascending
	Values     [][]float64
	DevRatio   float64 // share of the null deviance explained
	Objective  float64
}

// Dense returns the coefficients of one response for all columns.
func (f Fit) Dense(response, columns int) []float64 {
	out := make([]float64, columns)
	for i, j := range f.Index {
		out[j] = f.Values[response][i]
	}
	return out
}

// Path is the solutions at falling λ.
type Path struct {
	Fits         []Fit
	NullDeviance float64 // −2 × log-likelihood ratio to the saturated model without columns; weights counted as they are
	Constant     []int   // columns of one value, which take part in no fit
}

// FitPath fits the whole path, each λ from the one before. With Lambda nil it stops early where nothing is left to explain. The
// error names the column, row or outcome that cannot be used.
func FitPath(ctx context.Context, p Problem, o Options) (*Path, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	d, err := newDesign(&p, nil, o.PenaltyFactors, !o.Unstandardised)
	if err != nil {
		return nil, err
	}
	return fitPath(ctx, &p, d, o)
}

func (o Options) check() error {
	if !(o.Alpha >= 0 && o.Alpha <= 1) {
		return fmt.Errorf("alpha %v: want a number from 0 (ridge) to 1 (lasso)", o.Alpha)
	}
	for i, l := range o.Lambda {
		if !(l >= 0) || math.IsInf(l, 0) || i > 0 && l > o.Lambda[i-1] {
			return fmt.Errorf("lambda %d is %v: want numbers of 0 or more that fall", i, l)
		}
	}
	if o.Count < 0 || o.Ratio < 0 || o.Ratio >= 1 || o.Tolerance < 0 {
		return fmt.Errorf("count %d, ratio %v, tolerance %v: want a count of 0 or more, a ratio below 1 and a tolerance of 0 or more", o.Count, o.Ratio, o.Tolerance)
	}
	return nil
}

func fitPath(ctx context.Context, p *Problem, d *design, o Options) (*Path, error) {
	grouped := o.Grouped && p.Family == Multinomial
	s, saturated := prepareSolver(p, d, grouped)
	s.grouped = grouped
	s.lasso = math.Inf(1)
	for j, f := range d.penalty {
		if f == 0 && !s.excluded(j) {
			for k := range s.r {
				s.activate(k, j)
			}
		}
	}
	nothing := nullLoss(s)
	s.tolerance = orDefault(o.Tolerance, 1e-7) * max(nothing-saturated, 1e-3)
	s.predictors()
	s.descend()
	lambdas, chosen := o.Lambda, false
	if lambdas == nil {
		lambdas, chosen = s.lambdas(o), true
	}
	total := sumWeights(p)
	path := &Path{Constant: d.constant, NullDeviance: 2 * total * (nothing - saturated)}
	for i, lambda := range lambdas {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if i == len(lambdas)-1 && o.last > 0 {
			s.tolerance *= o.last / orDefault(o.Tolerance, 1e-7)
		}
		s.penalise(p, lambda, o.Alpha)
		s.prune()
		if s.lasso == 0 {
			s.activateAll()
		}
		s.solve()
		loss := s.loss.value(s.eta)
		f := s.fit(lambda)
		f.Objective = loss + s.penalty()
		f.DevRatio = (nothing - loss) / (nothing - saturated)
		path.Fits = append(path.Fits, f)
		if n := len(path.Fits); chosen && n >= 5 {
			gain := f.DevRatio - path.Fits[n-2].DevRatio
			if f.DevRatio > 0.999 || gain < 1e-5*f.DevRatio {
				break
			}
		}
	}
	return path, nil
}

// prepareSolver returns the solver of a family and the loss of the saturated model. It is not yet set to move responses together.
func prepareSolver(p *Problem, d *design, grouped bool) (s *solver, saturated float64) {
	switch p.Family {
	case Gaussian:
		s = newSolver(d, gaussian{p.Y, d.weight}, 1, p.Offset)
		s.intercept = true
	case Binomial:
		s = newSolver(d, binomial{p.Class, d.weight}, 1, p.Offset)
		s.intercept = true
	case Multinomial:
		s = newSolver(d, newSoftmax(p, d.weight, grouped), p.Classes, p.Offset)
		s.intercept = true
	case CoxModel:
		l := newPartial(p, d.weight)
		s = newSolver(d, l, 1, p.Offset)
		saturated = -l.saturated()
	}
	return s, saturated
}

// nullLoss returns the loss of the intercepts alone, offsets in place.
func nullLoss(s *solver) float64 {
	active := make([][]int, len(s.r))
	for k, r := range s.r {
		active[k], r.active = r.active, nil
	}
	grouped, tolerance := s.grouped, s.tolerance
	s.grouped, s.tolerance = false, 1e-16
	s.predictors()
	s.descend()
	loss := s.loss.value(s.eta)
	s.grouped, s.tolerance = grouped, tolerance
	for k, r := range s.r {
		r.active = active[k]
	}
	return loss
}

// penalise sets the penalty of λ. glmnet standardises a Gaussian response, which divides the ridge by its standard deviation.
func (s *solver) penalise(p *Problem, lambda, alpha float64) {
	s.lasso, s.ridge = lambda*alpha, lambda*(1-alpha)
	if p.Family == Gaussian {
		s.ridge /= deviation(p.Y, s.d.weight)
	}
}

func deviation(y, w []float64) float64 {
	mean, variance := floats.Dot(w, y), 0.0
	for i, v := range y {
		variance += w[i] * (v - mean) * (v - mean)
	}
	return math.Sqrt(variance)
}

// prune leaves active what is off zero or free.
func (s *solver) prune() {
	for k, r := range s.r {
		kept := r.active[:0]
		for _, j := range r.active {
			off := r.b[j] != 0
			for _, o := range s.r {
				off = off || s.grouped && o.b[j] != 0
			}
			if off || s.d.penalty[j] == 0 {
				kept = append(kept, j)
			} else {
				s.r[k].isActive[j] = false
			}
		}
		r.active = kept
	}
	s.predictors()
	s.look(s.lasso)
}

func (s *solver) activateAll() {
	for k := range s.r {
		for j := range s.d.columns {
			if !s.excluded(j) {
				s.activate(k, j)
			}
		}
	}
}

// lambdas returns the sequence from where the first column enters, equally spaced in log.
func (s *solver) lambdas(o Options) []float64 {
	count, ratio := o.Count, o.Ratio
	if count == 0 {
		count = 100
	}
	if ratio == 0 {
		ratio = 1e-4
		if s.d.rows < s.d.columns {
			ratio = 1e-2
		}
	}
	top := 0.0
	s.see()
	for j, f := range s.d.penalty {
		if f == 0 || s.excluded(j) {
			continue
		}
		squares := 0.0
		for _, r := range s.r {
			g := r.screen.compute(j, s.d.column(j))
			squares += g * g
			if !s.grouped {
				top = max(top, math.Abs(g)/f)
			}
		}
		if s.grouped {
			top = max(top, math.Sqrt(squares)/f)
		}
	}
	top /= max(o.Alpha, 1e-3) // as glmnet, so that a ridge path has a start
	out := make([]float64, count)
	for i := range out {
		out[i] = top
		if i > 0 {
			out[i] = top * math.Pow(ratio, float64(i)/float64(count-1))
		}
	}
	return out
}

// fit returns the solution on the scale of the columns as given.
func (s *solver) fit(lambda float64) Fit {
	f := Fit{Lambda: lambda, Intercepts: make([]float64, len(s.r)), Values: make([][]float64, len(s.r))}
	for j := range s.d.columns {
		if slices.ContainsFunc(s.r, func(r *response) bool { return r.b[j] != 0 }) {
			f.Index = append(f.Index, j)
		}
	}
	for k, r := range s.r {
		f.Intercepts[k] = r.intercept
		f.Values[k] = make([]float64, len(f.Index))
		for i, j := range f.Index {
			b := r.b[j] / s.d.scale[j]
			f.Values[k][i] = b
			if s.intercept {
				f.Intercepts[k] -= b * s.d.mean[j]
			}
		}
	}
	if n := len(s.r); n > 1 { // a softmax does not see their mean
		floats.AddConst(-floats.Sum(f.Intercepts)/float64(n), f.Intercepts)
	}
	return f
}

func sumWeights(p *Problem) float64 {
	if p.Weights == nil {
		return float64(p.Rows)
	}
	return floats.Sum(p.Weights)
}

func orDefault(v, d float64) float64 {
	if v == 0 {
		return d
	}
	return v
}
