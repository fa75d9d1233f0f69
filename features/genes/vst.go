package genes

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// VST is DESeq2's variance-stabilising transformation of counts, with the parametric trend of the dispersion α = Asymptotic +
// ExtraPoisson / mean (Anders and Huber 2010; Love, Huber and Anders 2014). It is close to log₂ of normalised counts for large
// ones and damps small ones.
type VST struct {
	SizeFactors  SizeFactors
	Asymptotic   float64
	ExtraPoisson float64
}

// The settings of DESeq2's vst: genes with a mean above 5, a thousand of them at equal steps of the mean.
const (
	vstLeastMean = 5
	vstGenes     = 1000
)

// FitVST fits size factors and the trend of the dispersion, without regard to any outcome.
func FitVST(counts *Matrix) (*VST, error) {
	f, err := FitSizeFactors(counts, false)
	if err != nil {
		return nil, err
	}
	sizes, err := f.Factors(counts)
	if err != nil {
		return nil, err
	}
	if len(sizes) < 3 {
		return nil, errors.New("the trend of the dispersion wants three samples at least")
	}
	means := make([]float64, len(counts.Genes))
	var some, all []int
	for g := range counts.Genes {
		for s, v := range counts.Gene(g) {
			means[g] += v / sizes[s]
		}
		means[g] /= float64(len(sizes))
		if means[g] > 0 {
			all = append(all, g)
		}
		if means[g] > vstLeastMean {
			some = append(some, g)
		}
	}
	if len(some) >= vstGenes {
		slices.SortStableFunc(some, func(a, b int) int {
			switch {
			case means[a] < means[b]:
				return -1
			case means[a] > means[b]:
				return 1
			}
			return 0
		})
		all = all[:0]
		for k := range vstGenes {
			all = append(all, some[int(math.RoundToEven(float64(k)*float64(len(some)-1)/(vstGenes-1)))])
		}
	}
	v := &VST{SizeFactors: f}
	var m, d []float64
	for _, g := range all {
		if a := dispersion(counts.Gene(g), sizes); a > 100*leastDispersion {
			m, d = append(m, means[g]), append(d, a)
		}
	}
	v.Asymptotic, v.ExtraPoisson, err = dispersionTrend(m, d)
	return v, err
}

// leastDispersion is the lower bound of a gene's dispersion.
const leastDispersion = 1e-8

// dispersion is the maximum of the Cox–Reid adjusted profile likelihood of one gene's dispersion, for samples of one group, as
// DESeq2 finds it: by steps along the gradient from a moment estimate. Genes that vary less than Poisson counts stay where they start, and
// the trend depends on that.
func dispersion(counts, sizes []float64) float64 {
	n := float64(len(counts))
	mean, inverse := 0.0, 0.0
	for s, v := range counts {
		mean += v / sizes[s] / n
		inverse += 1 / sizes[s] / n
	}
	variance, rough := 0.0, 0.0
	at := max(mean, 1)
	for s, v := range counts {
		q := v / sizes[s]
		variance += (q - mean) * (q - mean) / (n - 1)
		rough += ((q-at)*(q-at) - at) / (at * at) / (n - 1)
	}
	most := max(10, n)
	start := min(max(leastDispersion, min(max(rough, 0), (variance-inverse*mean)/(mean*mean))), most)
	mu := make([]float64, len(counts))
	for s := range mu {
		mu[s] = max(mean*sizes[s], 0.5)
	}
	alpha, converged := climb(counts, mu, start)
	if !converged && alpha > 10*leastDispersion {
		alpha = gridDispersion(counts, mu, most)
	}
	return min(max(alpha, leastDispersion), most)
}

// climb goes up the likelihood of the log of the dispersion by steps with Armijo's condition.
func climb(counts, mu []float64, start float64) (alpha float64, converged bool) {
	const (
		tolerance = 1e-6
		steps     = 100
		armijo    = 1e-4
		lowest    = -30
		highest   = 10
	)
	a := math.Log(start)
	value := adjustedProfile(counts, mu, start)
	initial := value
	slope := profileSlope(counts, mu, start)
	kappa, accepted, step := 1.0, 0, 0
	for step < steps {
		step++
		if p := a + kappa*slope; p < lowest {
			kappa = (lowest - a) / slope
		} else if p > highest {
			kappa = (highest - a) / slope
		}
		next := adjustedProfile(counts, mu, math.Exp(a+kappa*slope))
		if next < value+kappa*armijo*slope*slope {
			kappa /= 2
			continue
		}
		accepted++
		a += kappa * slope
		change := next - value
		value = next
		if change < tolerance || a < math.Log(leastDispersion/10) {
			break
		}
		slope = profileSlope(counts, mu, math.Exp(a))
		kappa = min(kappa*1.1, 1)
		if accepted%5 == 0 {
			kappa /= 2
		}
	}
	converged = step < steps && step != 1
	if value < initial+math.Abs(initial)/1e6 {
		return start, converged
	}
	return math.Exp(a), converged
}

// gridDispersion is the best of a grid of logarithms, refined once around it.
func gridDispersion(counts, mu []float64, most float64) float64 {
	const points = 20
	low, high := math.Log(leastDispersion), math.Log(most)
	width := (high - low) / (points - 1)
	search := func(low, width float64) float64 {
		best, value := low, math.Inf(-1)
		for k := range points {
			x := low + float64(k)*width
			if v := adjustedProfile(counts, mu, math.Exp(x)); v > value {
				best, value = x, v
			}
		}
		return best
	}
	return math.Exp(search(search(low, width)-width, 2*width/(points-1)))
}

// adjustedProfile is the log likelihood of negative binomial counts with these means, less half the log of the information on the
// mean (Cox and Reid 1987).
func adjustedProfile(counts, mu []float64, alpha float64) float64 {
	r := 1 / alpha
	gr, _ := math.Lgamma(r)
	sum, information := 0.0, 0.0
	for s, y := range counts {
		g, _ := math.Lgamma(y + r)
		sum += g - gr - y*math.Log(mu[s]+r) - r*math.Log1p(mu[s]*alpha)
		information += 1 / (1/mu[s] + alpha)
	}
	return sum - 0.5*math.Log(information)
}

// profileSlope is the derivative of adjustedProfile by the log of the dispersion.
func profileSlope(counts, mu []float64, alpha float64) float64 {
	r := 1 / alpha
	dr := mathext.Digamma(r)
	sum, information, change := 0.0, 0.0, 0.0
	for s, y := range counts {
		ma := mu[s] * alpha
		sum += dr + math.Log1p(ma) - ma/(1+ma) - mathext.Digamma(y+r) + y/(mu[s]+r)
		w := 1 / (1/mu[s] + alpha)
		information += w
		change -= w * w
	}
	return sum*r - 0.5*alpha*change/information
}

// dispersionTrend fits α = a + b/mean by a gamma regression, leaving out dispersions far from the trend, until it stays.
func dispersionTrend(means, disp []float64) (a, b float64, err error) {
	a, b = 0.1, 1
	for range 11 {
		var x, y []float64
		for k, d := range disp {
			if r := d / (a + b/means[k]); r > 1e-4 && r < 15 {
				x, y = append(x, 1/means[k]), append(y, d)
			}
		}
		if len(x) < 3 {
			break
		}
		na, nb, converged := gammaRegression(x, y, a, b)
		if !(na > 0 && nb > 0) {
			break
		}
		change := math.Pow(math.Log(na/a), 2) + math.Pow(math.Log(nb/b), 2)
		a, b = na, nb
		if change < 1e-6 && converged {
			return a, b, nil
		}
	}
	return 0, 0, errors.New("the dispersions follow no trend of the form a + b/mean; the data may be no counts, or too few")
}

// gammaRegression fits y = a + b·x with gamma errors and an identity link by iteratively reweighted least squares.
func gammaRegression(x, y []float64, a, b float64) (float64, float64, bool) {
	before := math.Inf(1)
	for range 25 {
		var sw, sx, sy, sxx, sxy float64
		for i := range x {
			mu := a + b*x[i]
			w := 1 / (mu * mu)
			sw += w
			sx += w * x[i]
			sy += w * y[i]
			sxx += w * x[i] * x[i]
			sxy += w * x[i] * y[i]
		}
		det := sw*sxx - sx*sx
		a, b = (sy*sxx-sx*sxy)/det, (sw*sxy-sx*sy)/det
		deviance := 0.0
		for i := range x {
			mu := a + b*x[i]
			if !(mu > 0) {
				return a, b, false
			}
			deviance += -2 * (math.Log(y[i]/mu) - (y[i]-mu)/mu)
		}
		if math.Abs(deviance-before)/(math.Abs(deviance)+0.1) < 1e-8 {
			return a, b, true
		}
		before = deviance
	}
	return a, b, false
}

// Apply transforms each sample by itself.
func (v *VST) Apply(counts *Matrix) (*Matrix, error) {
	if !(v.Asymptotic > 0) || !(v.ExtraPoisson >= 0) {
		return nil, fmt.Errorf("the trend %g + %g/mean is none of a dispersion", v.Asymptotic, v.ExtraPoisson)
	}
	sizes, err := v.SizeFactors.Factors(counts)
	if err != nil {
		return nil, err
	}
	a0, a1 := v.Asymptotic, v.ExtraPoisson
	out := NewMatrix(counts.Genes, counts.Samples)
	for g := range counts.Genes {
		from, to := counts.Gene(g), out.Gene(g)
		for s, c := range from {
			q := c / sizes[s]
			to[s] = math.Log2((1 + a1 + 2*a0*q + 2*math.Sqrt(a0*q*(1+a1+a0*q))) / (4 * a0))
		}
	}
	return out, nil
}

// storedFactors is how size factors are stored: JSON has no infinity, so a gene that is left out has a null.
type storedFactors struct {
	Genes    []string
	LogMeans []*float64
	Scale    float64
}

// MarshalJSON writes the factors.
func (f SizeFactors) MarshalJSON() ([]byte, error) {
	s := storedFactors{Genes: f.Genes, LogMeans: make([]*float64, len(f.LogMeans)), Scale: f.Scale}
	for g := range f.LogMeans {
		if !math.IsInf(f.LogMeans[g], 0) {
			s.LogMeans[g] = &f.LogMeans[g]
		}
	}
	return json.Marshal(s)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *SizeFactors) UnmarshalJSON(b []byte) error {
	var s storedFactors
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if len(s.Genes) != len(s.LogMeans) || !(s.Scale > 0) {
		return errors.New("the size factors that are stored do not fit their genes")
	}
	*f = SizeFactors{Genes: s.Genes, LogMeans: make([]float64, len(s.LogMeans)), Scale: s.Scale}
	for g, v := range s.LogMeans {
		f.LogMeans[g] = math.Inf(-1)
		if v != nil {
			f.LogMeans[g] = *v
		}
	}
	return nil
}
