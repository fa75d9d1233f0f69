package linear

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models/metrics"
	"github.com/voxgene/voxgene/models/survival"
)

// Measure is what cross-validation of λ judges by.
type Measure int

// The measures of glmnet's cv.glmnet.
const (
	Deviance      Measure = iota // −2 log-likelihood a row; Cox: of the partial likelihood that a fold adds, by its events
	AUC                          // Binomial
	Misclassified                // Binomial, Multinomial
	SquaredError                 // Gaussian; Binomial and Multinomial: summed over classes
	AbsoluteError
	Concordance // Cox: Harrell's C
)

// rises reports whether more is better.
func (m Measure) rises() bool { return m == AUC || m == Concordance }

// Selection is a path and how well each λ did on rows it was not fitted to.
type Selection struct {
	Path   *Path
	Lambda []float64
	Mean   []float64 // of the measure over folds, weighted by their size
	StdErr []float64
	Min    int // index of the best λ
	OneSE  int // of the largest λ within one standard error of the best
}

// CrossValidate fits the path to all rows, and to all but each fold's for the same λ, and judges the folds. fold numbers the fold of
// each row from 0. Folds are fitted side by side; the result does not depend on how many at once.
func CrossValidate(ctx context.Context, p Problem, o Options, fold []int, m Measure) (*Selection, error) {
	path, err := FitPath(ctx, p, o)
	if err != nil {
		return nil, err
	}
	if len(fold) != p.Rows {
		return nil, fmt.Errorf("%d fold numbers for %d rows", len(fold), p.Rows)
	}
	folds := 0
	for i, f := range fold {
		if f < 0 || f >= p.Rows {
			return nil, fmt.Errorf("row %d is in fold %d", i, f)
		}
		folds = max(folds, f+1)
	}
	if folds < 2 {
		return nil, fmt.Errorf("cross-validation needs at least two folds")
	}
	s := &Selection{Path: path}
	for _, f := range path.Fits {
		s.Lambda = append(s.Lambda, f.Lambda)
	}
	o.Lambda, o.Count, o.Ratio = s.Lambda, 0, 0
	results, errs := make([]foldResult, folds), make([]error, folds)
	limit := make(chan struct{}, runtime.GOMAXPROCS(0))
	var group sync.WaitGroup
	for f := range folds {
		group.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			results[f], errs[f] = judge(ctx, &p, o, fold, f, m)
		})
	}
	group.Wait()
	for f, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("inner fold %d: %w", f, err)
		}
	}
	s.summarise(results, m)
	return s, nil
}

// foldResult is the measure of a fold at each λ, and what the fold weighs.
type foldResult struct {
	value  []float64
	weight float64
}

func judge(ctx context.Context, p *Problem, o Options, fold []int, f int, m Measure) (foldResult, error) {
	var train, test []int
	for i, k := range fold {
		if k == f {
			test = append(test, i)
		} else {
			train = append(train, i)
		}
	}
	if len(test) == 0 {
		return foldResult{}, fmt.Errorf("no row is in it")
	}
	in := p.outcomes(train)
	if err := in.checkOutcome(); err != nil {
		return foldResult{}, err
	}
	d, err := newDesign(in, train, o.PenaltyFactors, !o.Unstandardised)
	if err != nil {
		return foldResult{}, err
	}
	path, err := fitPath(ctx, in, d, o)
	if err != nil {
		return foldResult{}, err
	}
	d = nil // a copy of the table, not needed for the judgement
	r := foldResult{value: make([]float64, len(path.Fits))}
	for i := range test {
		r.weight += p.weight(test[i])
	}
	if p.Family == CoxModel && m == Deviance {
		r.weight = 0
		for _, i := range test {
			if p.Event[i] {
				r.weight += p.weight(i)
			}
		}
		full, part := newPartial(p, rawWeights(p)), newPartial(in, rawWeights(in))
		for l, fit := range path.Fits {
			eta := p.predict(fit, nil)
			partEta := make([]float64, len(train))
			for k, i := range train {
				partEta[k] = eta[0][i]
			}
			dev := 2*(full.saturated()+full.value(eta)) - 2*(part.saturated()+part.value([][]float64{partEta}))
			r.value[l] = dev / r.weight
		}
		return r, nil
	}
	out := p.outcomes(test)
	for l, fit := range path.Fits {
		r.value[l] = out.measure(p.predict(fit, test), m)
	}
	return r, nil
}

func rawWeights(p *Problem) []float64 {
	w := make([]float64, p.Rows)
	for i := range w {
		w[i] = p.weight(i)
	}
	return w
}

// outcomes returns the problem of these rows with the whole table in X.
func (p *Problem) outcomes(rows []int) *Problem {
	q := *p
	q.Rows = len(rows)
	q.Weights, q.Y, q.Entry, q.Time = at(p.Weights, rows), at(p.Y, rows), at(p.Entry, rows), at(p.Time, rows)
	q.Class, q.Strata, q.Event = at(p.Class, rows), at(p.Strata, rows), at(p.Event, rows)
	if p.Offset != nil {
		k := p.responses()
		q.Offset = make([]float64, 0, len(rows)*k)
		for _, i := range rows {
			q.Offset = append(q.Offset, p.Offset[i*k:(i+1)*k]...)
		}
	}
	return &q
}

func at[T any](v []T, rows []int) []T {
	if v == nil {
		return nil
	}
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = v[r]
	}
	return out
}

// predict returns the linear predictors of these rows (all where nil) by response.
func (p *Problem) predict(f Fit, rows []int) [][]float64 {
	n := len(rows)
	if rows == nil {
		n = p.Rows
	}
	row := func(i int) int {
		if rows == nil {
			return i
		}
		return rows[i]
	}
	eta := make([][]float64, len(f.Intercepts))
	for k := range eta {
		eta[k] = make([]float64, n)
		for i := range n {
			eta[k][i] = f.Intercepts[k]
			if p.Offset != nil {
				eta[k][i] += p.Offset[row(i)*len(eta)+k]
			}
		}
		for a, j := range f.Index {
			x, b := p.column(j), f.Values[k][a]
			if b == 0 {
				continue
			}
			for i := range n {
				eta[k][i] += b * x[row(i)]
			}
		}
	}
	return eta
}

// measure judges linear predictors by what happened; probabilities are kept 1e-5 off 0 and 1, as in glmnet.
func (p *Problem) measure(eta [][]float64, m Measure) float64 {
	switch m {
	case AUC:
		is := make([]bool, p.Rows)
		for i, c := range p.Class {
			is[i] = c == 1
		}
		b, err := metrics.NewBinary(is, eta[0])
		if err != nil {
			return math.NaN()
		}
		return b.AUC()
	case Concordance:
		obs := make([]survival.Observation, p.Rows)
		for i := range obs {
			obs[i] = survival.Observation{Time: p.Time[i]}
			if p.Event[i] {
				obs[i].Event = 1
			}
			if p.Entry != nil {
				obs[i].Entry = p.Entry[i]
			}
		}
		c, err := survival.Rank(obs, eta[0], survival.ConcordanceOptions{Strata: p.Strata})
		if err != nil {
			return math.NaN()
		}
		return c.C
	}
	sum, total := 0.0, 0.0
	prob := make([]float64, max(2, len(eta)))
	for i := range p.Rows {
		w := p.weight(i)
		total += w
		sum += w * p.error(eta, i, prob, m)
	}
	return sum / total
}

// error is the measure of one row.
func (p *Problem) error(eta [][]float64, i int, prob []float64, m Measure) float64 {
	if p.Family == Gaussian {
		d := p.Y[i] - eta[0][i]
		if m == AbsoluteError {
			return math.Abs(d)
		}
		return d * d
	}
	if len(eta) == 1 {
		prob[1] = 1 / (1 + math.Exp(-eta[0][i]))
		prob[0] = 1 - prob[1]
	} else {
		z := logSumExp(eta, i)
		for k := range eta {
			prob[k] = math.Exp(eta[k][i] - z)
		}
	}
	best, sum, sumAbs := 0, 0.0, 0.0
	for k, q := range prob {
		if q > prob[best] {
			best = k
		}
		d := q
		if k == p.Class[i] {
			d = 1 - q
		}
		sum += d * d
		sumAbs += d
	}
	switch m {
	case Misclassified:
		if best != p.Class[i] {
			return 1
		}
		return 0
	case SquaredError:
		return sum
	case AbsoluteError:
		return sumAbs
	}
	return -2 * math.Log(min(max(prob[p.Class[i]], 1e-5), 1-1e-5))
}

// summarise fills means, errors and the chosen λ. Folds where the measure is not defined are left out.
func (s *Selection) summarise(results []foldResult, m Measure) {
	sign := 1.0
	if m.rises() {
		sign = -1
	}
	best := math.Inf(1)
	for l := range s.Lambda {
		mean, total, n := 0.0, 0.0, 0.0
		for _, r := range results {
			if r.weight > 0 && !math.IsNaN(r.value[l]) {
				mean += r.weight * r.value[l]
				total += r.weight
				n++
			}
		}
		mean /= total
		variance := 0.0
		for _, r := range results {
			if r.weight > 0 && !math.IsNaN(r.value[l]) {
				variance += r.weight * (r.value[l] - mean) * (r.value[l] - mean)
			}
		}
		s.Mean = append(s.Mean, mean)
		s.StdErr = append(s.StdErr, math.Sqrt(variance/total/(n-1)))
		if sign*mean < best {
			best, s.Min = sign*mean, l
		}
	}
	s.OneSE = slices.IndexFunc(s.Mean, func(v float64) bool { return sign*v <= best+s.StdErr[s.Min] })
	if s.OneSE < 0 {
		s.OneSE = s.Min
	}
}

// Folds deals groups of rows into k folds, each stratum (a class; event or not) spread evenly, in an order drawn from the seed. A
// group goes by the stratum of most of its rows; nil groups make each row its own.
func Folds(stratum, groups []int, k int, seed work.Seed) []int {
	type member struct {
		rows   []int
		strata map[int]int
	}
	var order []int
	members := map[int]*member{}
	for i, s := range stratum {
		g := i
		if groups != nil {
			g = groups[i]
		}
		if members[g] == nil {
			members[g] = &member{strata: map[int]int{}}
			order = append(order, g)
		}
		members[g].rows = append(members[g].rows, i)
		members[g].strata[s]++
	}
	by := map[int][]int{}
	var strata []int
	for _, g := range order {
		most := -1
		for _, i := range members[g].rows {
			if s := stratum[i]; most < 0 || members[g].strata[s] > members[g].strata[most] || members[g].strata[s] == members[g].strata[most] && s > most {
				most = s
			}
		}
		if by[most] == nil {
			strata = append(strata, most)
		}
		by[most] = append(by[most], g)
	}
	slices.Sort(strata)
	out := make([]int, len(stratum))
	next := 0
	for _, s := range strata {
		list := by[s]
		r := seed.Split("inner folds", strconv.Itoa(s)).Rand()
		r.Shuffle(len(list), func(a, b int) { list[a], list[b] = list[b], list[a] })
		for _, g := range list {
			for _, i := range members[g].rows {
				out[i] = next % k
			}
			next++
		}
	}
	return out
}
