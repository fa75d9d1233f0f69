package metrics_test

import (
	"math"
	"testing"

	"github.com/voxgene/voxgene/models/metrics"
	"pgregory.net/rapid"
)

// table draws outcomes and probabilities with ties, certain ones among them, and often one class alone.
func table(t *rapid.T) (is []bool, p []float64) {
	n := rapid.IntRange(1, 40).Draw(t, "n")
	positive := rapid.SampledFrom([]float64{0, 0.1, 0.5, 1}).Draw(t, "share")
	for range n {
		is = append(is, rapid.Float64Range(0, 1).Draw(t, "u") < positive)
		p = append(p, float64(rapid.IntRange(0, 10).Draw(t, "p"))/10)
	}
	return is, p
}

// Every measure is within its bounds or not defined, whatever the table, and does not depend on the order of its rows.
func TestMeasuresStayWithinBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		is, p := table(t)
		a, err := metrics.NewBinary(is, p)
		if err != nil {
			t.Fatal(err)
		}
		n := len(is)
		back, pBack := make([]bool, n), make([]float64, n)
		for i := range n {
			back[i], pBack[i] = is[n-1-i], p[n-1-i]
		}
		b, _ := metrics.NewBinary(back, pBack)
		both := a.Positives() > 0 && a.Negatives() > 0
		threshold := float64(rapid.IntRange(1, 9).Draw(t, "threshold")) / 10
		for _, m := range []struct {
			name      string
			of        func(*metrics.Binary) float64
			low, high float64
			always    bool // defined for one class too
		}{
			{"AUC", (*metrics.Binary).AUC, 0, 1, false}, {"average precision", (*metrics.Binary).AveragePrecision, 0, 1, false},
			{"Brier", (*metrics.Binary).Brier, 0, 1, true}, {"log-loss", (*metrics.Binary).LogLoss, 0, math.Inf(1), true},
			{"MCC", func(b *metrics.Binary) float64 { return b.At(threshold).MCC() }, -1, 1, true},
			{"kappa", func(b *metrics.Binary) float64 { return b.At(threshold).Kappa() }, -1, 1, false},
			{"balanced accuracy", func(b *metrics.Binary) float64 { return b.At(threshold).BalancedAccuracy() }, 0, 1, false},
			{"net benefit", func(b *metrics.Binary) float64 { v, _ := b.NetBenefit(threshold); return v }, -threshold / (1 - threshold), 1, true},
			{"calibration error", func(b *metrics.Binary) float64 { v, _ := metrics.CalibrationError(b.BinsByWidth(10)); return v }, 0, 1, true},
		} {
			v, w := m.of(a), m.of(b)
			if math.IsNaN(v) != math.IsNaN(w) || math.Abs(v-w) > 1e-12*(1+math.Abs(v)) {
				t.Fatalf("%s is %v, and %v with the rows in another order", m.name, v, w)
			}
			if math.IsNaN(v) && (m.always || both) || v < m.low-1e-12 || v > m.high+1e-12 {
				t.Fatalf("%s is %v of %v, %v", m.name, v, is, p)
			}
		}
		if low, high := a.AUCInterval(0.95); both && a.Positives() > 1 && a.Negatives() > 1 && !(low >= 0 && low <= a.AUC()+1e-12 && a.AUC() <= high+1e-12 && high <= 1) {
			t.Fatalf("AUC %v with the interval %v to %v", a.AUC(), low, high)
		}
	})
}

// Margins that are infinite are ordered like any others: the AUC is that of their ranks.
func TestInfiniteMarginsAreOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		is, rank := table(t)
		margin := make([]float64, len(rank))
		for i, r := range rank {
			margin[i] = math.Log(r / (1 - r)) // −Inf at 0, Inf at 1
		}
		a, _ := metrics.NewBinary(is, rank)
		b, err := metrics.NewBinary(is, margin)
		if err != nil {
			t.Fatal(err)
		}
		if x, y := a.AUC(), b.AUC(); math.IsNaN(x) != math.IsNaN(y) || math.Abs(x-y) > 1e-12 {
			t.Fatalf("AUC %v of ranks and %v of margins", x, y)
		}
		if x, y := a.AveragePrecision(), b.AveragePrecision(); math.IsNaN(x) != math.IsNaN(y) || math.Abs(x-y) > 1e-12 {
			t.Fatalf("average precision %v of ranks and %v of margins", x, y)
		}
	})
}

// Probabilities that are recalibrated by their own slope and intercept are calibrated; separated ones have no slope and do not go on for ever.
func TestRecalibratedIsCalibrated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		is, p := table(t)
		b, _ := metrics.NewBinary(is, p)
		c := b.Calibration()
		if math.IsNaN(c.Slope) || math.Abs(c.Slope) > 20 || math.Abs(c.Intercept) > 20 {
			return
		}
		again := make([]float64, len(p))
		for i, q := range p {
			q = min(max(q, 1e-6), 1-1e-6)
			again[i] = 1 / (1 + math.Exp(-c.Intercept-c.Slope*math.Log(q/(1-q))))
			if again[i] < 2e-6 || again[i] > 1-2e-6 {
				return
			}
		}
		r, _ := metrics.NewBinary(is, again)
		d := r.Calibration()
		if c.Slope > 1e-3 && (math.Abs(d.Slope-1) > 1e-6 || math.Abs(d.Intercept) > 1e-6 || math.Abs(d.InTheLarge) > 1e-6) {
			t.Fatalf("slope %v, intercept %v, in the large %v after recalibration by %v, %v", d.Slope, d.Intercept, d.InTheLarge, c.Slope, c.Intercept)
		}
	})
	for _, p := range [][]float64{{0.1, 0.2, 0.8, 0.9}, {0, 0, 1, 1}} {
		b, _ := metrics.NewBinary([]bool{false, false, true, true}, p)
		if c := b.Calibration(); !math.IsNaN(c.Slope) {
			t.Errorf("separated probabilities %v have the slope %v", p, c.Slope)
		}
		if b.AUC() != 1 || b.LogLoss() < 0 {
			t.Errorf("separated probabilities %v: AUC %v", p, b.AUC())
		}
	}
}

// Two classes are judged alike as two and as several, and names of classes do not matter.
func TestSeveralClassesAreTwo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		is, p := table(t)
		b, _ := metrics.NewBinary(is, p)
		class, prob, swapped := make([]int, len(is)), make([]float64, 0, 2*len(is)), make([]float64, 0, 2*len(is))
		other := make([]int, len(is))
		for i := range is {
			if is[i] {
				class[i] = 1
			}
			other[i] = 1 - class[i]
			prob, swapped = append(prob, 1-p[i], p[i]), append(swapped, p[i], 1-p[i])
		}
		m, err := metrics.NewMulticlass(class, prob, 2)
		if err != nil {
			t.Fatal(err)
		}
		s, _ := metrics.NewMulticlass(other, swapped, 2)
		if b.Positives() > 0 && b.Negatives() > 0 {
			macro, weighted := m.AUC()
			hand, _ := m.HandTill()
			for _, v := range []float64{macro, weighted, hand} {
				if math.Abs(v-b.AUC()) > 1e-12 {
					t.Fatalf("AUC %v of two classes, %v, %v and %v of several", b.AUC(), macro, weighted, hand)
				}
			}
			if h, _ := s.HandTill(); math.Abs(h-hand) > 1e-12 {
				t.Fatalf("Hand and Till %v, %v with the names swapped", hand, h)
			}
		}
		// A certain error counts as one in 1e15, of which 1 − (1 − 1e-15) has three digits.
		if math.Abs(m.LogLoss()-b.LogLoss()) > 1e-3*(1+b.LogLoss()) || math.Abs(m.Brier()-2*b.Brier()) > 1e-12 {
			t.Fatalf("log-loss %v and %v, Brier score %v and %v", m.LogLoss(), b.LogLoss(), m.Brier(), b.Brier())
		}
	})
}
