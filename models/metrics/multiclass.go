package metrics

import (
	"fmt"
	"math"
)

// Multiclass is what probabilities said of patients of several classes and what they had.
type Multiclass struct {
	class   []int
	prob    []float64 // row-major, rows × classes; each row sums to 1
	classes int
}

// NewMulticlass checks probabilities, row-major, rows × classes, and scales each row to sum to 1.
func NewMulticlass(class []int, prob []float64, classes int) (*Multiclass, error) {
	if len(class) == 0 || classes < 2 {
		return nil, fmt.Errorf("metrics: %d rows of %d classes", len(class), classes)
	}
	if len(prob) != len(class)*classes {
		return nil, fmt.Errorf("metrics: %d probabilities for %d rows of %d classes", len(prob), len(class), classes)
	}
	m := &Multiclass{class: class, prob: make([]float64, len(prob)), classes: classes}
	for i, c := range class {
		if c < 0 || c >= classes {
			return nil, fmt.Errorf("metrics: row %d has class %d of %d", i, c, classes)
		}
		row, sum := prob[i*classes:(i+1)*classes], 0.0
		for _, p := range row {
			if !(p >= 0) || math.IsInf(p, 0) {
				return nil, fmt.Errorf("metrics: row %d has the probability %v", i, p)
			}
			sum += p
		}
		if sum == 0 {
			return nil, fmt.Errorf("metrics: the probabilities of row %d are all 0", i)
		}
		for k, p := range row {
			m.prob[i*classes+k] = p / sum
		}
	}
	return m, nil
}

// Predicted returns the likeliest class of each row, the first where they tie.
func (m *Multiclass) Predicted() []int {
	out := make([]int, len(m.class))
	for i := range out {
		row := m.prob[i*m.classes : (i+1)*m.classes]
		for k, p := range row {
			if p > row[out[i]] {
				out[i] = k
			}
		}
	}
	return out
}

// Confusion returns the table of the likeliest class.
func (m *Multiclass) Confusion() Confusion { return NewConfusion(m.class, m.Predicted(), m.classes) }

// OneVersusRest returns each class's Binary.
func (m *Multiclass) OneVersusRest() []*Binary {
	out := make([]*Binary, m.classes)
	for k := range out {
		is, p := make([]bool, len(m.class)), make([]float64, len(m.class))
		for i, c := range m.class {
			is[i], p[i] = c == k, m.prob[i*m.classes+k]
		}
		out[k], _ = NewBinary(is, p) // cannot fail: same lengths, nothing missing
	}
	return out
}

// AUC returns the mean of the one-versus-rest AUCs, and the same weighted by prevalence.
func (m *Multiclass) AUC() (macro, weighted float64) {
	for _, b := range m.OneVersusRest() {
		auc := b.AUC()
		macro += auc / float64(m.classes)
		weighted += auc * b.Prevalence()
	}
	return macro, weighted
}

// MicroAUC is the AUC of all one-versus-rest decisions together.
func (m *Multiclass) MicroAUC() float64 {
	is := make([]bool, len(m.prob))
	for i, c := range m.class {
		is[i*m.classes+c] = true
	}
	b, _ := NewBinary(is, m.prob)
	return b.AUC()
}

// AveragePrecision is the mean of the classes' average precisions.
func (m *Multiclass) AveragePrecision() float64 {
	sum := 0.0
	for _, b := range m.OneVersusRest() {
		sum += b.AveragePrecision()
	}
	return sum / float64(m.classes)
}

// HandTill is the mean of the AUCs of all pairs of classes [HandTill2001], and the same weighted by the pairs' prevalence.
//
// [HandTill2001]: https://doi.org/10.1023/A:1010920819831
func (m *Multiclass) HandTill() (macro, weighted float64) {
	pairs, weights := 0.0, 0.0
	for a := range m.classes {
		for b := a + 1; b < m.classes; b++ {
			auc, rows := (m.pairAUC(a, b)+m.pairAUC(b, a))/2, 0
			for _, c := range m.class {
				if c == a || c == b {
					rows++
				}
			}
			macro += auc
			weighted += auc * float64(rows)
			pairs++
			weights += float64(rows)
		}
	}
	return macro / pairs, weighted / weights
}

// pairAUC tells class a from class b by the probability of a.
func (m *Multiclass) pairAUC(a, b int) float64 {
	var is []bool
	var p []float64
	for i, c := range m.class {
		if c == a || c == b {
			is, p = append(is, c == a), append(p, m.prob[i*m.classes+a])
		}
	}
	s, err := NewBinary(is, p)
	if err != nil {
		return math.NaN()
	}
	return s.AUC()
}

// LogLoss is the mean of −log probability of the class each row had, probabilities kept 1e-15 off 0 and 1.
func (m *Multiclass) LogLoss() float64 {
	sum := 0.0
	for i, c := range m.class {
		sum -= math.Log(min(max(m.prob[i*m.classes+c], 1e-15), 1-1e-15))
	}
	return sum / float64(len(m.class))
}

// Brier is the mean over rows of Σ (p − y)² over all classes: for two classes twice Binary's.
func (m *Multiclass) Brier() float64 {
	sum := 0.0
	for i, c := range m.class {
		for k := range m.classes {
			y := 0.0
			if k == c {
				y = 1
			}
			d := m.prob[i*m.classes+k] - y
			sum += d * d
		}
	}
	return sum / float64(len(m.class))
}
