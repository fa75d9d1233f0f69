package metrics

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Brier is the mean squared error of the probability.
func (b *Binary) Brier() float64 {
	sum := 0.0
	for i, p := range b.score {
		sum += (p - b.y(i)) * (p - b.y(i))
	}
	return sum / float64(len(b.score))
}

// BrierScaled is 1 − Brier/(π(1−π)), π the prevalence: 0 for a model that knows only the prevalence.
func (b *Binary) BrierScaled() float64 {
	pi := b.Prevalence()
	return 1 - b.Brier()/(pi*(1-pi))
}

// LogLoss is the mean of −log probability of what happened, probabilities kept 1e-15 off 0 and 1.
func (b *Binary) LogLoss() float64 {
	sum := 0.0
	for i, p := range b.score {
		p = min(max(p, 1e-15), 1-1e-15)
		if !b.positive[i] {
			p = 1 - p
		}
		sum -= math.Log(p)
	}
	return sum / float64(len(b.score))
}

// Bin is a group of rows of similar probability.
type Bin struct {
	Rows      int
	Predicted float64 // mean probability
	Observed  float64 // fraction positive
}

// BinsByWidth groups rows into k bins of equal width, (i/k, (i+1)/k] with 0 in the first. Empty bins have Rows 0.
func (b *Binary) BinsByWidth(k int) []Bin {
	edges := make([]float64, k+1)
	for i := range edges {
		edges[i] = float64(i) / float64(k)
	}
	bins := make([]Bin, k)
	at := 0
	for _, row := range b.order {
		for at < k-1 && b.score[row] > edges[at+1] {
			at++
		}
		bins[at].add(b.score[row], b.y(row))
	}
	return finish(bins)
}

// BinsByCount groups rows, in order of probability, into k bins of equal size; the first n mod k have one more.
func (b *Binary) BinsByCount(k int) []Bin {
	n := len(b.order)
	bins := make([]Bin, k)
	at := 0
	for i := range bins {
		size := n / k
		if i < n%k {
			size++
		}
		for range size {
			bins[i].add(b.score[b.order[at]], b.y(b.order[at]))
			at++
		}
	}
	return finish(bins)
}

func (b *Bin) add(p, y float64) { b.Rows++; b.Predicted += p; b.Observed += y }

func finish(bins []Bin) []Bin {
	for i := range bins {
		if n := float64(bins[i].Rows); n > 0 {
			bins[i].Predicted /= n
			bins[i].Observed /= n
		}
	}
	return bins
}

// CalibrationError returns the expected (ECE) and the maximum error over bins: Σ nₖ/n·|observed − predicted|, and the largest.
func CalibrationError(bins []Bin) (expected, maximum float64) {
	n := 0
	for _, b := range bins {
		n += b.Rows
	}
	for _, b := range bins {
		gap := math.Abs(b.Observed - b.Predicted)
		expected += float64(b.Rows) / float64(n) * gap
		if b.Rows > 0 {
			maximum = max(maximum, gap)
		}
	}
	return expected, maximum
}

// HosmerLemeshow tests the calibration in k groups of equal count, with k−2 degrees of freedom.
func (b *Binary) HosmerLemeshow(k int) (statistic, p float64) {
	for _, g := range b.BinsByCount(k) {
		n := float64(g.Rows)
		d := n * (g.Observed - g.Predicted)
		statistic += d * d / (n * g.Predicted * (1 - g.Predicted))
	}
	return statistic, distuv.ChiSquared{K: float64(k - 2)}.Survival(statistic)
}

// SpiegelhalterZ is the standardised difference of the Brier score from what it would be if the probabilities were true.
func (b *Binary) SpiegelhalterZ() float64 {
	num, variance := 0.0, 0.0
	for i, p := range b.score {
		num += (b.y(i) - p) * (1 - 2*p)
		variance += (1 - 2*p) * (1 - 2*p) * p * (1 - p)
	}
	return num / math.Sqrt(variance)
}

// Calibration says how probabilities must be changed to fit: logit P(y) = Intercept + Slope·logit p. A slope below 1 says that they
// are too extreme. InTheLarge is the intercept when the slope is held at 1.
type Calibration struct {
	Slope, SlopeStdErr           float64
	Intercept                    float64
	InTheLarge, InTheLargeStdErr float64
	ObservedOverExpected         float64
}

// clipLogit keeps probabilities that a forest calls 0 or 1 from deciding a slope alone.
const clipLogit = 1e-6

// Calibration fits the recalibration by maximum likelihood [Cox1958], probabilities kept 1e-6 off 0 and 1. All are NaN where one
// class is missing or the outcome is separated by the probability.
//
// [Cox1958]: https://doi.org/10.1093/biomet/45.3-4.562
func (b *Binary) Calibration() Calibration {
	logit := make([]float64, len(b.score))
	expected := 0.0
	for i, p := range b.score {
		expected += p
		p = min(max(p, clipLogit), 1-clipLogit)
		logit[i] = math.Log(p / (1 - p))
	}
	c := Calibration{ObservedOverExpected: float64(b.positives) / expected}
	c.Intercept, c.Slope, c.SlopeStdErr = b.recalibrate(logit, true)
	c.InTheLarge, _, c.InTheLargeStdErr = b.recalibrate(logit, false)
	return c
}

// recalibrate maximises the likelihood of intercept and slope, or of the intercept alone, by Newton's method. The error is that of
// the last parameter fitted.
func (b *Binary) recalibrate(x []float64, withSlope bool) (intercept, slope, stdErr float64) {
	slope = 1
	if withSlope {
		slope = 0
	}
	for range 50 {
		var g0, g1, h00, h01, h11 float64
		for i, xi := range x {
			p := 1 / (1 + math.Exp(-intercept-slope*xi))
			w, r := p*(1-p), b.y(i)-p
			g0, g1 = g0+r, g1+r*xi
			h00, h01, h11 = h00+w, h01+w*xi, h11+w*xi*xi
		}
		if !withSlope {
			d := g0 / h00
			intercept += d
			stdErr = math.Sqrt(1 / h00)
			if math.Abs(d) < 1e-12*(1+math.Abs(intercept)) {
				return intercept, slope, stdErr
			}
			continue
		}
		det := h00*h11 - h01*h01
		d0, d1 := (h11*g0-h01*g1)/det, (h00*g1-h01*g0)/det
		intercept, slope = intercept+d0, slope+d1
		stdErr = math.Sqrt(h00 / det)
		if math.Abs(d0)+math.Abs(d1) < 1e-12*(1+math.Abs(intercept)+math.Abs(slope)) {
			return intercept, slope, stdErr
		}
	}
	return math.NaN(), math.NaN(), math.NaN()
}
