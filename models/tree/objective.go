package tree

import (
	"cmp"
	"math"
	"slices"
)

// objective is what boosting lowers: it knows outcomes and weights, and returns gradients at margins.
type objective interface {
	// outputs is the number of margins a row has, and of trees a round.
	outputs() int
	// start returns the margins from which boosting starts.
	start() []float64
	// gradients writes the gradient and hessian of each row in output k; margins are rows × outputs.
	gradients(margins []float64, k int, out []pair)
	// loss is the mean loss over the rows asked for: what XGBoost prints as logloss, mlogloss, cox-nloglik, rmse.
	loss(margins []float64, rows []int32) float64
}

// leastHessian is the least hessian that XGBoost gives a row.
const leastHessian = 1e-16

// logisticLoss is the loss of two classes.
type logisticLoss struct {
	positive []bool
	weight   []float64
	base     float64
}

func (o *logisticLoss) outputs() int     { return 1 }
func (o *logisticLoss) start() []float64 { return []float64{o.base} }

func (o *logisticLoss) gradients(margins []float64, _ int, out []pair) {
	for i, m := range margins {
		p, y := logistic(m), 0.0
		if o.positive[i] {
			y = 1
		}
		out[i] = pair{(p - y) * o.weight[i], max(p*(1-p), leastHessian) * o.weight[i]}
	}
}

func (o *logisticLoss) loss(margins []float64, rows []int32) float64 {
	sum, total := 0.0, 0.0
	for _, r := range rows {
		m := margins[r]
		if o.positive[r] {
			m = -m
		}
		sum += o.weight[r] * softplus(m)
		total += o.weight[r]
	}
	return sum / total
}

// softplus is log(1 + exp(x)).
func softplus(x float64) float64 {
	if x > 0 {
		return x + math.Log1p(math.Exp(-x))
	}
	return math.Log1p(math.Exp(x))
}

// softmaxLoss is the loss of several classes.
type softmaxLoss struct {
	class  []int32
	weight []float64
	base   []float64
}

func (o *softmaxLoss) outputs() int     { return len(o.base) }
func (o *softmaxLoss) start() []float64 { return o.base }

func (o *softmaxLoss) gradients(margins []float64, k int, out []pair) {
	n := len(o.base)
	for i := range out {
		m := margins[i*n : (i+1)*n]
		p := math.Exp(m[k] - logSum(m))
		y := 0.0
		if int(o.class[i]) == k {
			y = 1
		}
		out[i] = pair{(p - y) * o.weight[i], max(2*p*(1-p)*o.weight[i], leastHessian)}
	}
}

func (o *softmaxLoss) loss(margins []float64, rows []int32) float64 {
	sum, total, n := 0.0, 0.0, len(o.base)
	for _, r := range rows {
		m := margins[int(r)*n : (int(r)+1)*n]
		sum += o.weight[r] * (logSum(m) - m[o.class[r]])
		total += o.weight[r]
	}
	return sum / total
}

// logSum is the logarithm of the sum of exponentials.
func logSum(m []float64) float64 {
	high := slices.Max(m)
	sum := 0.0
	for _, v := range m {
		sum += math.Exp(v - high)
	}
	return high + math.Log(sum)
}

// squaredLoss is half the squared error; it makes regression trees, and boosting of a number.
type squaredLoss struct {
	y, weight []float64
	base      float64
}

func (o *squaredLoss) outputs() int     { return 1 }
func (o *squaredLoss) start() []float64 { return []float64{o.base} }

func (o *squaredLoss) gradients(margins []float64, _ int, out []pair) {
	for i, m := range margins {
		out[i] = pair{(m - o.y[i]) * o.weight[i], o.weight[i]}
	}
}

func (o *squaredLoss) loss(margins []float64, rows []int32) float64 {
	sum, total := 0.0, 0.0
	for _, r := range rows {
		d := margins[r] - o.y[r]
		sum += o.weight[r] * d * d
		total += o.weight[r]
	}
	return math.Sqrt(sum / total)
}

// coxLoss is minus the log partial likelihood of a Cox model with Breslow's ties, each event and each row at risk counted by its weight
// (Ridgeway 1999). Rows count from their entry.
type coxLoss struct {
	entry, time []float64
	event       []bool
	weight      []float64
	rows        []int32 // that are fitted
	byTime      []int32 // of rows, by time
	byEntry     []int32 // of rows, by entry; nil where all enter at nought
	risk        []float64
	// oneByOne counts tied events for a row only up to its own place in the order of rows, as XGBoost does; its gradients, and so its
	// trees, then depend on the order of rows with the same time.
	oneByOne bool
}

func newCoxLoss(entry, time []float64, event []bool, weight []float64, rows []int32) *coxLoss {
	o := &coxLoss{entry: entry, time: time, event: event, weight: weight, rows: rows, risk: make([]float64, len(time))}
	o.byTime, o.byEntry = o.orders(rows)
	return o
}

func (o *coxLoss) orders(rows []int32) (byTime, byEntry []int32) {
	byTime = slices.Clone(rows)
	slices.SortStableFunc(byTime, func(a, b int32) int { return cmp.Compare(o.time[a], o.time[b]) })
	if o.entry != nil {
		byEntry = slices.Clone(rows)
		slices.SortStableFunc(byEntry, func(a, b int32) int { return cmp.Compare(o.entry[a], o.entry[b]) })
	}
	return byTime, byEntry
}

func (o *coxLoss) outputs() int     { return 1 }
func (o *coxLoss) start() []float64 { return []float64{0} }

// each calls visit for each time at which rows leave, ascending, with those rows, the weight of their events, and the sum of the risks of
// the rows under observation then.
func (o *coxLoss) each(margins []float64, byTime, byEntry []int32, visit func(leaving []int32, events, atRisk float64)) {
	high := math.Inf(-1)
	for _, r := range byTime {
		high = max(high, margins[r])
	}
	for _, r := range byTime {
		o.risk[r] = o.weight[r] * math.Exp(margins[r]-high)
	}
	// Sums over those still at risk are taken from the end, so that none is a difference of larger ones.
	later := make([]float64, len(byTime)+1)
	for i := len(byTime) - 1; i >= 0; i-- {
		later[i] = later[i+1] + o.risk[byTime[i]]
	}
	var notYet []float64 // risks of those that enter at or after the entry of each
	if byEntry != nil {
		notYet = make([]float64, len(byEntry)+1)
		for i := len(byEntry) - 1; i >= 0; i-- {
			notYet[i] = notYet[i+1] + o.risk[byEntry[i]]
		}
	}
	entered := 0
	for i := 0; i < len(byTime); {
		t, events, end := o.time[byTime[i]], 0.0, i
		for ; end < len(byTime) && o.time[byTime[end]] == t; end++ {
			if o.event[byTime[end]] {
				events += o.weight[byTime[end]]
			}
		}
		atRisk := later[i]
		if byEntry != nil {
			for entered < len(byEntry) && o.entry[byEntry[entered]] < t {
				entered++
			}
			atRisk -= notYet[entered]
		}
		visit(byTime[i:end], events, atRisk)
		i = end
	}
}

func (o *coxLoss) gradients(margins []float64, _ int, out []pair) {
	clear(out)
	// cumulative sums of events/atRisk and events/atRisk², at the time of each visit
	var times, one, two []float64
	a, b := 0.0, 0.0
	o.each(margins, o.byTime, o.byEntry, func(leaving []int32, events, atRisk float64) {
		if events > 0 && atRisk > 0 && !o.oneByOne {
			a += events / atRisk
			b += events / (atRisk * atRisk)
		}
		for _, r := range leaving {
			if o.oneByOne && o.event[r] {
				a += o.weight[r] / atRisk
				b += o.weight[r] / (atRisk * atRisk)
			}
			out[r] = pair{a, b}
		}
		times, one, two = append(times, o.time[leaving[0]]), append(one, a), append(two, b)
	})
	for _, r := range o.rows {
		a, b := out[r].g, out[r].h
		if o.entry != nil {
			if i, _ := slices.BinarySearchFunc(times, o.entry[r], func(t, entry float64) int {
				if t <= entry {
					return -1
				}
				return 1
			}); i > 0 {
				a -= one[i-1]
				b -= two[i-1]
			}
		}
		e := o.risk[r]
		g := e * a
		if o.event[r] {
			g -= o.weight[r]
		}
		out[r] = pair{g, max(e*a-e*e*b, leastHessian)}
	}
}

// loss is XGBoost's cox-nloglik: minus the log partial likelihood a unit of events.
func (o *coxLoss) loss(margins []float64, rows []int32) float64 {
	byTime, byEntry := o.orders(rows)
	high := math.Inf(-1)
	for _, r := range rows {
		high = max(high, margins[r])
	}
	sum, total := 0.0, 0.0
	o.each(margins, byTime, byEntry, func(leaving []int32, events, atRisk float64) {
		if events <= 0 || atRisk <= 0 {
			return
		}
		for _, r := range leaving {
			if o.event[r] {
				sum += o.weight[r] * (math.Log(atRisk) + high - margins[r])
			}
		}
		total += events
	})
	return sum / total
}
