package neural

import (
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
)

// learnt is one outcome of training rows as the loss of a head reads it. A row whose outcome is not known has weight 0.
type learnt struct {
	head      Head
	y         clinical.Outcome
	weights   []float64 // of cases and of classes together
	smoothing float64
}

// newLearnt checks an outcome and makes the targets of a head. caseWeights may be nil.
func newLearnt(h Head, y clinical.Outcome, caseWeights []float64, balanced bool, smoothing float64) *learnt {
	l := &learnt{head: h, y: y, smoothing: smoothing, weights: make([]float64, y.Rows())}
	counts, known := make([]float64, len(y.Classes)), 0.0
	for i := range l.weights {
		if !y.Known(i) {
			continue
		}
		l.weights[i] = 1
		if caseWeights != nil {
			l.weights[i] = caseWeights[i]
		}
		if y.Kind == clinical.Class {
			counts[y.Class[i]]++
			known++
		}
	}
	if balanced && y.Kind == clinical.Class {
		for i, k := range y.Class {
			if k >= 0 {
				l.weights[i] *= known / float64(len(counts)) / counts[k]
			}
		}
	}
	return l
}

// checkOutcome says why an outcome cannot be learnt from.
func checkOutcome(y clinical.Outcome, rows int) error {
	if y.Rows() != rows {
		return fmt.Errorf("%d outcomes for %d rows", y.Rows(), rows)
	}
	if y.Kind == clinical.Class {
		seen := map[int]bool{}
		for _, k := range y.Class {
			if k >= 0 {
				seen[k] = true
			}
		}
		if len(seen) < 2 {
			return fmt.Errorf("outcome %q: every row is of one class; there is nothing to tell apart", y.Name)
		}
		return nil
	}
	events := 0
	for i, t := range y.Time {
		if math.IsNaN(t) {
			continue
		}
		if t < 0 || math.IsInf(t, 0) {
			return fmt.Errorf("outcome %q: row %d has the time %g", y.Name, i+1, t)
		}
		if y.Event[i] == 1 {
			events++
		}
	}
	if events == 0 {
		return fmt.Errorf("outcome %q: no row has the event; all are censored", y.Name)
	}
	return nil
}

// enter is the time from which row i is at risk.
func (l *learnt) enter(i int) float64 {
	if l.y.Entry == nil || math.IsNaN(l.y.Entry[i]) {
		return math.Inf(-1)
	}
	return l.y.Entry[i]
}

// scaleOf is what the weights of a batch are divided by: their sum, over events for cox.
func (l *learnt) scaleOf(rows []int) float64 {
	sum := 0.0
	for _, i := range rows {
		if i < 0 || l.head.Kind == coxHead && l.y.Known(i) && l.y.Event[i] != 1 {
			continue
		}
		sum += l.weights[i]
	}
	return max(sum, 1e-9)
}

// targets packs what the loss reads of rows whose weights are divided by scale. Patients at risk are compared within each part of so many rows.
func (l *learnt) targets(rows []int, scale float64, part int) []array {
	n := len(rows)
	switch l.head.Kind {
	case classesHead:
		k := l.head.Classes
		wanted, weight := newArray(k, n), newArray(1, n)
		for b, i := range rows {
			if i < 0 || l.weights[i] == 0 {
				continue
			}
			for c := range k {
				wanted.values[c*n+b] = float32(l.smoothing / float64(k))
			}
			wanted.values[l.y.Class[i]*n+b] += float32(1 - l.smoothing)
			weight.values[b] = float32(l.weights[i] / scale)
		}
		return []array{wanted, weight}
	case coxHead:
		risk, weight := newArray(n, n), newArray(1, n)
		for a, i := range rows {
			risk.values[a*n+a] = 1
			if i < 0 || l.weights[i] == 0 || l.y.Event[i] != 1 {
				continue
			}
			weight.values[a] = float32(l.weights[i] / scale)
			for b, j := range rows {
				if j >= 0 && a/part == b/part && l.weights[j] > 0 && l.y.Time[j] >= l.y.Time[i] && l.enter(j) < l.y.Time[i] {
					risk.values[a*n+b] = 1
				}
			}
		}
		return []array{risk, weight}
	}
	cuts := l.head.Cuts
	wanted, weight := newArray(len(cuts), n), newArray(len(cuts), n)
	for b, i := range rows {
		if i < 0 || l.weights[i] == 0 {
			continue
		}
		begin := 0.0
		for c, end := range cuts {
			// At risk through an interval: entered by its beginning, and either failed within it or seen past its middle.
			failed := l.y.Event[i] == 1 && l.y.Time[i] > begin && l.y.Time[i] <= end || c == 0 && l.y.Event[i] == 1 && l.y.Time[i] <= begin
			if failed {
				wanted.values[c*n+b] = 1
			}
			if (failed || l.y.Time[i] > (begin+end)/2) && l.enter(i) <= begin {
				weight.values[c*n+b] = float32(l.weights[i] / scale)
			}
			if failed {
				break
			}
			begin = end
		}
	}
	return []array{wanted, weight}
}

// loss is that of outputs, row-major with the head's width, for the rows in double precision: what early stopping watches.
func (l *learnt) loss(rows []int, out func(i int) []float64) float64 {
	scale := l.scaleOf(rows)
	total := 0.0
	switch l.head.Kind {
	case classesHead:
		for _, i := range rows {
			if l.weights[i] == 0 {
				continue
			}
			z := out(i)
			top := slices.Max(z)
			sum := 0.0
			for _, v := range z {
				sum += math.Exp(v - top)
			}
			total -= l.weights[i] / scale * (z[l.y.Class[i]] - top - math.Log(sum))
		}
	case coxHead:
		for _, i := range rows {
			if l.weights[i] == 0 || l.y.Event[i] != 1 {
				continue
			}
			at := out(i)[0]
			sum := 0.0
			for _, j := range rows {
				if l.weights[j] > 0 && l.y.Time[j] >= l.y.Time[i] && l.enter(j) < l.y.Time[i] {
					sum += math.Exp(out(j)[0] - at)
				}
			}
			total += l.weights[i] / scale * math.Log(max(sum, 1))
		}
	default:
		for _, i := range rows {
			t := l.targets([]int{i}, scale, 1)
			for c, z := range out(i) {
				soft := max(z, 0) + math.Log1p(math.Exp(-math.Abs(z)))
				total += float64(t[1].values[c]) * (soft - z*float64(t[0].values[c]))
			}
		}
	}
	return total
}

// cutsOf are the ends of n intervals that hold as many events each; the last is the longest time.
func cutsOf(y clinical.Outcome, n int) []float64 {
	var events []float64
	last := 0.0
	for i, t := range y.Time {
		if math.IsNaN(t) {
			continue
		}
		last = max(last, t)
		if y.Event[i] == 1 && t > 0 {
			events = append(events, t)
		}
	}
	slices.Sort(events)
	var cuts []float64
	for k := 1; k < n && len(events) > 0; k++ {
		cuts = append(cuts, events[min(k*len(events)/n, len(events)-1)])
	}
	cuts = slices.Compact(append(cuts, last))
	return slices.DeleteFunc(cuts, func(v float64) bool { return !(v > 0) })
}
