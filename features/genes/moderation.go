package genes

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/voxgene/voxgene/features/stat"
)

// Moderation is what an empirical Bayes fit adds (Smyth 2004).
type Moderation struct {
	DF        float64   // prior degrees of freedom; +Inf where variances do not differ
	S2        []float64 // prior variance of each gene, all the same without a trend
	Posterior []float64 // posterior variance
	Total     []float64 // degrees of freedom of the moderated t
	VarPrior  []float64 // prior variance of each coefficient among genes that change, for log odds
}

// Moderate draws the variances of genes to a common prior, or with trend to one that follows the mean of each gene (limma's eBayes).
func (f *LinearModel) Moderate(trend bool) error {
	s2 := make([]float64, len(f.Sigma))
	total := 0.0
	for g, s := range f.Sigma {
		s2[g] = s * s
		if f.DF[g] > 0 {
			total += f.DF[g]
		}
	}
	var covariate []float64
	if trend {
		covariate = f.Average
	}
	df, prior, err := fitVariances(s2, f.DF, covariate)
	if err != nil {
		return err
	}
	m := Moderation{DF: df, S2: prior, Posterior: make([]float64, len(s2)), Total: make([]float64, len(s2))}
	for g := range s2 {
		switch {
		case math.IsInf(df, 1) || f.DF[g] == 0:
			m.Posterior[g] = prior[g]
		default:
			m.Posterior[g] = (f.DF[g]*s2[g] + df*prior[g]) / (f.DF[g] + df)
		}
		m.Total[g] = min(f.DF[g]+df, total)
	}
	f.Moderation = m
	for j := range f.Coef[0] {
		f.Moderation.VarPrior = append(f.Moderation.VarPrior, f.varPrior(j))
	}
	return nil
}

// fitVariances fits a scaled F distribution to variances by the moments of their logarithms (Smyth 2004, section 6.2). With a
// covariate the scale follows it by a natural spline of up to four degrees of freedom.
func fitVariances(s2, df1, covariate []float64) (df2 float64, scale []float64, err error) {
	var at []int
	for g := range s2 {
		if df1[g] > 0 && !math.IsNaN(s2[g]) && !math.IsInf(s2[g], 0) {
			at = append(at, g)
		}
	}
	if len(at) < 3 {
		return 0, nil, errors.New("fewer than three genes have a residual variance")
	}
	x := make([]float64, len(at))
	for k, g := range at {
		x[k] = max(s2[g], 0)
	}
	m := stat.Median(x)
	if m == 0 {
		m = 1
	}
	e := make([]float64, len(at))
	mean, noise := 0.0, 0.0
	for k, g := range at {
		x[k] = max(x[k], 1e-5*m)
		e[k] = math.Log(x[k]) - mathext.Digamma(df1[g]/2) + math.Log(df1[g]/2)
		mean += e[k] / float64(len(at))
		noise += trigamma(df1[g]/2) / float64(len(at))
	}
	centre := make([]float64, len(s2)) // mean of e for every gene
	variance := 0.0
	if covariate == nil {
		for g := range centre {
			centre[g] = mean
		}
		variance = stat.Variance(e)
	} else {
		variance, err = splineFit(at, e, covariate, centre)
		if err != nil {
			return 0, nil, err
		}
	}
	scale = make([]float64, len(s2))
	if variance -= noise; variance > 0 {
		df2 = 2 * trigammaInverse(variance)
		for g := range scale {
			scale[g] = math.Exp(centre[g] + mathext.Digamma(df2/2) - math.Log(df2/2))
		}
		return df2, scale, nil
	}
	pooled := stat.Mean(x)
	for g := range scale {
		scale[g] = pooled
		if covariate != nil {
			scale[g] = math.Exp(centre[g])
		}
	}
	return math.Inf(1), scale, nil
}

// splineFit fits e on a natural cubic spline of the covariate and writes the fit of every gene into centre. It returns the residual
// variance.
func splineFit(at []int, e, covariate, centre []float64) (float64, error) {
	n := len(at)
	sorted := make([]float64, n)
	for k, g := range at {
		sorted[k] = covariate[g]
	}
	slices.Sort(sorted)
	df := 1
	for _, least := range []int{3, 6, 30} {
		if n >= least {
			df++
		}
	}
	df = min(df, len(slices.Compact(slices.Clone(sorted))))
	if df < 2 {
		return 0, errors.New("the genes have one mean; there is no trend to fit")
	}
	knots := make([]float64, df)
	for k := range knots {
		knots[k] = stat.Quantile(sorted, float64(k)/float64(df-1))
	}
	a := mat.NewDense(n, df, nil)
	for k, g := range at {
		a.SetRow(k, naturalSpline(covariate[g], knots))
	}
	var qr mat.QR
	qr.Factorize(a)
	beta := mat.NewVecDense(df, nil)
	if err := qr.SolveVecTo(beta, false, mat.NewVecDense(n, e)); err != nil {
		return 0, errors.New("the means of the genes do not determine a trend")
	}
	for g := range centre {
		for j, v := range naturalSpline(covariate[g], knots) {
			centre[g] += v * beta.AtVec(j)
		}
	}
	rss := 0.0
	for k, g := range at {
		rss += (e[k] - centre[g]) * (e[k] - centre[g])
	}
	return rss / float64(n-df), nil
}

// naturalSpline is the truncated-power basis of natural cubic splines with these knots, scaled to their range (Hastie, Tibshirani
// and Friedman 2009, equation 5.4). It spans the same functions as R's ns.
func naturalSpline(x float64, knots []float64) []float64 {
	k := len(knots)
	width := knots[k-1] - knots[0]
	at := func(v float64) float64 { return (v - knots[0]) / width }
	cube := func(v float64) float64 { v = max(v, 0); return v * v * v }
	d := func(j int) float64 {
		return (cube(at(x)-at(knots[j])) - cube(at(x)-at(knots[k-1]))) / (at(knots[k-1]) - at(knots[j]))
	}
	basis := []float64{1, at(x)}
	for j := range k - 2 {
		basis = append(basis, d(j)-d(k-2))
	}
	return basis
}

// trigamma is the second derivative of the log gamma function: ζ(2, x).
func trigamma(x float64) float64 { return mathext.Zeta(2, x) }

// trigammaInverse solves trigamma(y) = x by Newton's method on 1/trigamma, which is convex and nearly linear (Smyth 2004, appendix).
func trigammaInverse(x float64) float64 {
	switch {
	case x > 1e7:
		return 1 / math.Sqrt(x)
	case x < 1e-6:
		return 1 / x
	}
	y := 0.5 + 1/x
	for range 50 {
		tri := trigamma(y)
		step := tri * (1 - tri/x) / (-2 * mathext.Zeta(3, y))
		y += step
		if -step/y < 1e-12 {
			break
		}
	}
	return y
}

// proportion of genes that limma assumes to change, and the limits of the standard deviation of their effects, in sigma.
const changing = 0.01

var effectLimits = [2]float64{0.1, 4}

// varPrior estimates the variance of the effects of coefficient j among the genes that change (limma's tmixture).
func (f *LinearModel) varPrior(j int) float64 {
	var fitted []int // genes that have a t
	most := 0.0
	for g := range f.Genes {
		if f.DF[g] > 0 {
			fitted = append(fitted, g)
			most = max(most, f.Moderation.Total[g])
		}
	}
	n := len(fitted)
	dist := student(most)
	t := make([]float64, n)
	for k, g := range fitted {
		t[k] = math.Abs(f.T(g, j))
		if df := f.Moderation.Total[g]; df < most { // the same tail under the largest degrees of freedom
			if p := stat.StudentP(t[k], df) / 2; p > 0 {
				t[k] = -quantileT(p, most)
			}
		}
	}
	targets := int(math.Ceil(changing / 2 * float64(n)))
	p := max(float64(targets)/float64(n), changing)
	s2 := stat.Median(f.Moderation.S2)
	low, high := effectLimits[0]*effectLimits[0]/s2, effectLimits[1]*effectLimits[1]/s2
	sum := 0.0
	for r, k := range decreasing(t)[:targets] {
		g := fitted[k]
		p0 := 2 * dist.Survival(t[k])
		target := ((float64(r)+0.5)/float64(n) - (1-p)*p0) / p
		v := 0.0
		if target > p0 {
			q := -quantileT(target/2, most)
			v = f.Unscaled[g][j] * f.Unscaled[g][j] * (t[k]*t[k]/(q*q) - 1)
		}
		sum += min(max(v, low), high)
	}
	return sum / float64(targets)
}

func student(df float64) interface{ Survival(float64) float64 } {
	if math.IsInf(df, 1) {
		return distuv.UnitNormal
	}
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}
}

// quantileT is the lower quantile of Student's t, polished by Newton's method on the accurate tail of package stat.
func quantileT(p, df float64) float64 {
	if math.IsInf(df, 1) {
		return distuv.UnitNormal.Quantile(p)
	}
	d := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}
	q := d.Quantile(p)
	for range 3 {
		tail := stat.StudentP(q, df) / 2
		if q > 0 {
			tail = 1 - tail
		}
		if density := d.Prob(q); density > 0 {
			q -= (tail - p) / density
		}
	}
	return q
}

// T is the moderated t of coefficient j of gene g.
func (f *LinearModel) T(g, j int) float64 {
	return f.Coef[g][j] / f.Unscaled[g][j] / math.Sqrt(f.Moderation.Posterior[g])
}

// Ordinary is the t of coefficient j of gene g without moderation.
func (f *LinearModel) Ordinary(g, j int) float64 { return f.Coef[g][j] / f.Unscaled[g][j] / f.Sigma[g] }

// P is the two-sided p-value of the moderated t.
func (f *LinearModel) P(g, j int) float64 {
	if df := f.Moderation.Total[g]; !math.IsInf(df, 1) {
		return stat.StudentP(f.T(g, j), df)
	}
	return stat.NormalP(f.T(g, j))
}

// LogOdds is limma's B: the log odds that the coefficient is not zero, one gene in a hundred being taken to change.
func (f *LinearModel) LogOdds(g, j int) float64 {
	m := f.Moderation
	u := f.Unscaled[g][j] * f.Unscaled[g][j]
	r := (u + m.VarPrior[j]) / u
	t := f.T(g, j)
	kernel := t * t * (1 - 1/r) / 2
	if m.DF <= 1e6 {
		df := m.Total[g]
		kernel = (1 + df) / 2 * math.Log((t*t+df)/(t*t/r+df))
	}
	return math.Log(changing/(1-changing)) - math.Log(r)/2 + kernel
}

// Interval is the confidence interval of a coefficient, from its moderated standard error.
func (f *LinearModel) Interval(g, j int, level float64) (low, high float64) {
	half := -quantileT((1-level)/2, f.Moderation.Total[g]) * f.Unscaled[g][j] * math.Sqrt(f.Moderation.Posterior[g])
	return f.Coef[g][j] - half, f.Coef[g][j] + half
}

// Treat tests whether a coefficient is larger than lfc in size (McCarthy and Smyth 2009): the t and its p-value.
func (f *LinearModel) Treat(g, j int, lfc float64) (t, p float64) {
	c, df := f.Coef[g][j], f.Moderation.Total[g]
	se := f.Unscaled[g][j] * math.Sqrt(f.Moderation.Posterior[g])
	right, left := (math.Abs(c)-lfc)/se, (math.Abs(c)+lfc)/se
	upper := func(t float64) float64 {
		p := stat.StudentP(t, df) / 2
		if t < 0 {
			return 1 - p
		}
		return p
	}
	return math.Copysign(max(right, 0), c), upper(right) + upper(left)
}

// F tests several coefficients at once: the moderated F and its p-value.
func (f *LinearModel) F(g int, coefficients []int) (F, p float64, err error) {
	k, width := len(coefficients), len(f.Coef[g])
	cov := mat.NewSymDense(k, nil)
	b := mat.NewVecDense(k, nil)
	for a, i := range coefficients {
		b.SetVec(a, f.Coef[g][i])
		for c, j := range coefficients {
			cov.SetSym(a, c, f.covariance[g][i*width+j])
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(cov) {
		return 0, 0, errors.New("the coefficients are not independent of each other")
	}
	var x mat.VecDense
	if err := chol.SolveVecTo(&x, b); err != nil {
		return 0, 0, err
	}
	F = mat.Dot(b, &x) / float64(k) / f.Moderation.Posterior[g]
	df2 := f.Moderation.Total[g]
	if math.IsInf(df2, 1) {
		return F, stat.ChiSquaredP(F*float64(k), float64(k)), nil
	}
	return F, stat.FP(F, float64(k), df2), nil
}
