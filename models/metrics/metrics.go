// Package metrics holds the measures of a classifier: discrimination, calibration, utility, agreement, and their intervals.
//
// Binary judges one score for the positive class, Multiclass a probability for each class. Both are checked and sorted once, when
// made; their methods then cannot fail. A measure that its data do not define (an AUC of one class only) is NaN. Names and
// conventions are those of scikit-learn 1.2 and pROC 1.18 where they have the measure.
package metrics

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Binary is what a score said of patients and what they had. A higher score means the positive class is likelier. Measures of
// probability need scores in [0, 1].
type Binary struct {
	positive  []bool
	score     []float64
	order     []int // rows by score, ascending; stable
	positives int
}

// NewBinary checks and sorts scores. The slices are kept and must not change.
func NewBinary(positive []bool, score []float64) (*Binary, error) {
	if len(positive) == 0 {
		return nil, fmt.Errorf("metrics: no rows")
	}
	if len(positive) != len(score) {
		return nil, fmt.Errorf("metrics: %d outcomes and %d scores", len(positive), len(score))
	}
	b := &Binary{positive: positive, score: score, order: make([]int, len(score))}
	for i, s := range score {
		if math.IsNaN(s) {
			return nil, fmt.Errorf("metrics: the score of row %d is missing", i)
		}
		b.order[i] = i
		if positive[i] {
			b.positives++
		}
	}
	slices.SortStableFunc(b.order, func(i, j int) int { return cmp.Compare(score[i], score[j]) })
	return b, nil
}

// Rows, Positives and Negatives count.
func (b *Binary) Rows() int      { return len(b.score) }
func (b *Binary) Positives() int { return b.positives }
func (b *Binary) Negatives() int { return len(b.score) - b.positives }

// Prevalence is the fraction of positive rows.
func (b *Binary) Prevalence() float64 { return float64(b.positives) / float64(len(b.score)) }

// y is the outcome as a number.
func (b *Binary) y(i int) float64 {
	if b.positive[i] {
		return 1
	}
	return 0
}

// runs calls f for each distinct score, ascending, with the number of positives and negatives that have it.
func (b *Binary) runs(f func(score float64, positives, negatives int)) {
	for i := 0; i < len(b.order); {
		s, pos, neg := b.score[b.order[i]], 0, 0
		for ; i < len(b.order) && b.score[b.order[i]] == s; i++ {
			if b.positive[b.order[i]] {
				pos++
			} else {
				neg++
			}
		}
		f(s, pos, neg)
	}
}

// Row returns the outcome and the score of row i, in the order they were given.
func (b *Binary) Row(i int) (positive bool, score float64) { return b.positive[i], b.score[i] }
