package linear

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Regression is a fit without penalty, with its standard errors.
type Regression struct {
	// Coefficients of each response by column, 0 where left out. Binomial, Gaussian and Cox have one response; Multinomial one a
	// class, the first of which is the baseline and all 0.
	Coefficients [][]float64
	Intercepts   []float64
	// StdErrs as Coefficients and InterceptErrs as Intercepts, NaN where left out. From the Fisher information; Gaussian: with σ².
	StdErrs       [][]float64
	InterceptErrs []float64
	// Covariance of what was fitted: for each response but a baseline its intercept (none for Cox) and then the columns of Fitted.
	Covariance *mat.SymDense
	Fitted     []int // columns that were fitted
	Constant   []int // left out: one value
	Aliased    []Alias
	// Separated are the columns along which the likelihood rises for ever; nothing else is then filled but what was left out.
	Separated []int

	LogLik, NullLogLik float64 // Cox: partial; counted with the weights as they are
	Score              float64 // the score test's statistic against no effect; Cox only
	Iterations         int

	newton *newton
}

// ErrSeparated says that the maximum likelihood estimate does not exist: some columns tell the outcome without error.
var ErrSeparated = errors.New("the outcome is separated, and a fit without penalty does not exist")

// Regress maximises the likelihood by Newton's method. Columns of one value, and columns that earlier ones determine, are left out
// and named. The error is ErrSeparated, with the regression that names the columns, where a direction is found along which the
// likelihood never falls.
func Regress(p Problem) (*Regression, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	d, err := newDesign(&p, nil, nil, true)
	if err != nil {
		return nil, err
	}
	r := &Regression{Constant: d.constant}
	constant := map[int]bool{}
	for _, j := range d.constant {
		constant[j] = true
	}
	var columns []int
	for j := range p.Columns {
		if !constant[j] {
			columns = append(columns, j)
		}
	}
	r.Fitted, r.Aliased = d.aliased(columns)
	if len(columns) >= p.Rows {
		return nil, fmt.Errorf("%d columns for %d rows: a fit without penalty needs more rows than columns; use a ridge or lasso penalty", len(columns), p.Rows)
	}
	n := newNewton(&p, d, r.Fitted)
	switch p.Family {
	case Gaussian:
		n.objective = n.gaussian
	case Binomial, Multinomial:
		n.objective = n.logistic
		n.separates, n.margin = n.classes, n.classMargin
	case CoxModel:
		n.objective, n.margin = n.partial, n.riskMargin
		if p.Ties == Exact {
			if p.Weights != nil {
				return nil, errors.New("the exact partial likelihood takes no case weights; use Efron's or Breslow's")
			}
			n.objective = n.exact
		}
	}
	if err := n.run(); err != nil {
		if errors.Is(err, ErrSeparated) {
			r.Separated = n.direction()
			return r, fmt.Errorf("%w: %s", err, p.list(r.Separated))
		}
		return nil, err
	}
	n.fill(r)
	r.newton = n
	return r, nil
}

// Z returns the Wald statistic of a coefficient and its two-sided p.
func (r *Regression) Z(response, column int) (z, p float64) {
	z = r.Coefficients[response][column] / r.StdErrs[response][column]
	return z, 2 * distuv.UnitNormal.Survival(math.Abs(z))
}

// Interval returns the Wald interval of a coefficient.
func (r *Regression) Interval(response, column int, level float64) (low, high float64) {
	half := distuv.UnitNormal.Quantile(0.5+level/2) * r.StdErrs[response][column]
	b := r.Coefficients[response][column]
	return b - half, b + half
}

// LikelihoodRatio returns the statistic against no effect of any column, its degrees of freedom and p.
func (r *Regression) LikelihoodRatio() (statistic, df, p float64) {
	statistic, df = 2*(r.LogLik-r.NullLogLik), float64(len(r.Fitted)*max(1, len(r.Coefficients)-1))
	return statistic, df, distuv.ChiSquared{K: df}.Survival(statistic)
}

// Wald returns the statistic of all coefficients together, for a single response.
func (r *Regression) Wald() float64 {
	first := r.Covariance.SymmetricDim() - len(r.Fitted)
	k := len(r.Fitted)
	b := mat.NewVecDense(k, nil)
	for i, j := range r.Fitted {
		b.SetVec(i, r.Coefficients[0][j])
	}
	var c mat.Cholesky
	c.Factorize(r.Covariance.SliceSym(first, first+k).(*mat.SymDense))
	var x mat.VecDense
	if err := c.SolveVecTo(&x, b); err != nil {
		return math.NaN()
	}
	return mat.Dot(b, &x)
}

// fill brings the solution back to the scale of the columns.
func (n *newton) fill(r *Regression) {
	p, d := n.p, n.d
	r.LogLik, r.NullLogLik, r.Iterations, r.Score = -n.value, -n.null, n.steps, n.score
	size := len(n.b)
	transform := mat.NewDense(size, size, nil)
	k := len(r.Fitted)
	for f := range n.free {
		base := f * (k + n.intercept)
		if n.intercept == 1 {
			transform.Set(base, base, 1)
		}
		for i, j := range r.Fitted {
			at := base + n.intercept + i
			transform.Set(at, at, 1/d.scale[j])
			if n.intercept == 1 {
				transform.Set(base, at, -d.mean[j]/d.scale[j])
			}
		}
	}
	var b mat.VecDense
	b.MulVec(transform, mat.NewVecDense(size, n.b))
	var half, full mat.Dense
	half.Mul(transform, n.covariance)
	full.Mul(&half, transform.T())
	r.Covariance = mat.NewSymDense(size, nil)
	for i := range size {
		for j := i; j < size; j++ {
			r.Covariance.SetSym(i, j, full.At(i, j))
		}
	}
	responses := p.responses()
	for c := range responses {
		coef, errs := make([]float64, p.Columns), make([]float64, p.Columns)
		for j := range errs {
			errs[j] = math.NaN()
		}
		intercept, interceptErr := 0.0, math.NaN()
		if f := c - (responses - n.free); f >= 0 {
			base := f * (k + n.intercept)
			if n.intercept == 1 {
				intercept, interceptErr = b.AtVec(base), math.Sqrt(r.Covariance.At(base, base))
			}
			for i, j := range r.Fitted {
				at := base + n.intercept + i
				coef[j], errs[j] = b.AtVec(at), math.Sqrt(r.Covariance.At(at, at))
			}
		}
		r.Coefficients, r.StdErrs = append(r.Coefficients, coef), append(r.StdErrs, errs)
		r.Intercepts, r.InterceptErrs = append(r.Intercepts, intercept), append(r.InterceptErrs, interceptErr)
	}
}

// newton maximises a likelihood in the coefficients of standardised columns: for each free response its intercept, then its columns.
type newton struct {
	p         *Problem
	d         *design
	columns   []int
	free      int // responses that are fitted
	intercept int // 1 where there is one
	weights   []float64
	cox       *partial

	// objective returns the negative log-likelihood at b, and fills gradient and Hessian of it where they are not nil.
	objective func(b []float64, gradient []float64, hessian *mat.SymDense) float64
	// separates reports whether b tells every row's outcome; margin returns the smallest and the largest amount by which η puts a
	// row's outcome before what else could have happened.
	separates func(b []float64) bool
	margin    func() (least, most float64)

	b, step     []float64
	value, null float64
	score       float64
	covariance  *mat.SymDense
	steps       int
	eta         [][]float64
}

func newNewton(p *Problem, d *design, columns []int) *newton {
	n := &newton{p: p, d: d, columns: columns, free: 1, intercept: 1, weights: rawWeights(p)}
	switch p.Family {
	case Multinomial:
		n.free = p.Classes - 1
	case CoxModel:
		n.intercept = 0
		n.cox = newPartial(p, n.weights)
	}
	for range p.responses() {
		n.eta = append(n.eta, make([]float64, p.Rows))
	}
	n.b = make([]float64, n.free*(len(columns)+n.intercept))
	n.step = make([]float64, len(n.b))
	return n
}

// predictors fills η at b; the first response of a multinomial model is the baseline.
func (n *newton) predictors(b []float64) {
	responses, k := len(n.eta), len(n.columns)
	for c, e := range n.eta {
		clear(e)
		if n.p.Offset != nil {
			for i := range e {
				e[i] = n.p.Offset[i*responses+c]
			}
		}
		f := c - (responses - n.free)
		if f < 0 {
			continue
		}
		base := f * (k + n.intercept)
		if n.intercept == 1 {
			floats.AddConst(b[base], e)
		}
		for i, j := range n.columns {
			floats.AddScaled(e, b[base+n.intercept+i], n.d.column(j))
		}
	}
}

const maxNewton = 60

// run iterates until the likelihood and the coefficients stand still.
func (n *newton) run() error {
	size := len(n.b)
	gradient, hessian := make([]float64, size), mat.NewSymDense(max(size, 1), nil)
	n.startNull()
	if size == 0 {
		n.value = n.objective(n.b, nil, nil)
		n.covariance = &mat.SymDense{}
		return nil
	}
	trial := make([]float64, size)
	n.value = n.objective(n.b, gradient, hessian)
	var cholesky mat.Cholesky
	for n.steps = 1; n.steps <= maxNewton; n.steps++ {
		if !cholesky.Factorize(hessian) {
			return fmt.Errorf("%w (the information matrix is singular)", ErrSeparated)
		}
		step := mat.NewVecDense(size, n.step)
		if err := cholesky.SolveVecTo(step, mat.NewVecDense(size, gradient)); err != nil && !errors.As(err, new(mat.Condition)) {
			return err
		}
		if n.steps == 1 {
			n.score = floats.Dot(n.step, gradient)
		}
		largest := floats.Norm(n.step, math.Inf(1))
		before := n.value
		for half := 0; ; half++ {
			copy(trial, n.b)
			floats.AddScaled(trial, -1, n.step)
			if n.value = n.objective(trial, nil, nil); n.value <= before+1e-12*(1+math.Abs(before)) || half == 40 {
				break
			}
			floats.Scale(0.5, n.step)
		}
		copy(n.b, trial)
		if n.separates != nil && n.separates(n.b) {
			return ErrSeparated
		}
		still := math.Abs(before-n.value) < 1e-6*(1+math.Abs(before))
		if still && largest > 1e-3 && n.recedes() {
			return ErrSeparated // the likelihood stands still and the coefficients do not
		}
		n.value = n.objective(n.b, gradient, hessian)
		if math.Abs(before-n.value) < 1e-13*(1+math.Abs(before)) && largest < 1e-7 || largest < 1e-11 {
			break
		}
	}
	if !cholesky.Factorize(hessian) {
		return fmt.Errorf("%w (the information matrix is singular)", ErrSeparated)
	}
	n.covariance = mat.NewSymDense(size, nil)
	if err := cholesky.InverseTo(n.covariance); err != nil && !errors.As(err, new(mat.Condition)) {
		return err
	}
	if n.p.Family == Gaussian { // the deviance is n log σ² there
		residual := 2 * n.value
		floats.Scale(residual/float64(n.p.Rows-size), n.covariance.RawSymmetric().Data)
	}
	return nil
}

// startNull finds the fit without columns, which is where the iteration starts.
func (n *newton) startNull() {
	if n.intercept == 0 {
		n.null = n.objective(n.b, nil, nil)
		return
	}
	s, _ := prepareSolver(n.p, n.d, false)
	loss := nullLoss(s)
	n.null = loss * sumWeights(n.p)
	responses, k := len(n.eta), len(n.columns)
	for f := range n.free {
		n.b[f*(k+1)] = s.r[f+responses-n.free].intercept
		if responses > 1 {
			n.b[f*(k+1)] -= s.r[0].intercept
		}
	}
}

// recedes reports whether the likelihood never falls along the step: whether it puts no row's outcome behind another.
func (n *newton) recedes() bool {
	if n.margin == nil {
		return false
	}
	step := make([]float64, len(n.step))
	floats.AddScaled(step, -1, n.step) // the step is taken downhill
	offset := n.p.Offset
	n.p.Offset = nil
	n.predictors(step)
	n.p.Offset = offset
	least, most := n.margin()
	return most > 0 && least >= -1e-3*most
}

// direction returns the columns that weigh most in where the coefficients run to.
func (n *newton) direction() []int {
	k := len(n.columns)
	weight := make([]float64, k)
	top := 0.0
	for f := range n.free {
		for i := range n.columns {
			at := f*(k+n.intercept) + n.intercept + i
			weight[i] = max(weight[i], math.Abs(n.b[at]))
			top = max(top, weight[i])
		}
	}
	var out []int
	for i, j := range n.columns {
		if weight[i] > 0.3*top {
			out = append(out, j)
		}
	}
	return out
}
