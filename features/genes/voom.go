package genes

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/voxgene/voxgene/features/stat"
)

// Voom turns counts into log₂ counts per million and the weight of each, from the trend of the variance with the count (Law and
// others 2014). sizes are effective library sizes. Fit a LinearModel of the result with the weights.
func Voom(counts *Matrix, sizes []float64, design [][]float64) (logs, weights *Matrix, err error) {
	n := len(counts.Samples)
	if len(sizes) != n {
		return nil, nil, fmt.Errorf("%d library sizes for %d samples", len(sizes), n)
	}
	logs = NewMatrix(counts.Genes, counts.Samples)
	meanSize := 0.0
	for _, size := range sizes {
		meanSize += math.Log2(size+1) / float64(n)
	}
	for g := range counts.Genes {
		to := logs.Gene(g)
		for s, v := range counts.Gene(g) {
			if !(v >= 0) {
				return nil, nil, fmt.Errorf("gene %s, sample %s: %v is not a count", counts.Genes[g], counts.Samples[s], v)
			}
			to[s] = math.Log2((v + 0.5) / (sizes[s] + 1) * 1e6)
		}
	}
	fit, err := FitLinearModel(logs, design, nil)
	if err != nil {
		return nil, nil, err
	}
	var x, y []float64
	for g := range counts.Genes {
		if slices.Max(counts.Gene(g)) > 0 && fit.DF[g] > 0 {
			x = append(x, fit.Average[g]+meanSize-math.Log2(1e6))
			y = append(y, math.Sqrt(fit.Sigma[g]))
		}
	}
	if len(x) < 2 {
		return nil, nil, errors.New("fewer than two genes have counts")
	}
	trend := newCurve(Lowess(x, y, 0.5))
	weights = NewMatrix(counts.Genes, counts.Samples)
	for g := range counts.Genes {
		to := weights.Gene(g)
		for s := range to {
			fitted := 0.0
			for j, b := range fit.Coef[g] {
				fitted += b * design[s][j]
			}
			sd := trend.at(math.Log2(1e-6 * math.Exp2(fitted) * (sizes[s] + 1)))
			to[s] = 1 / (sd * sd * sd * sd)
		}
	}
	return logs, weights, nil
}

// curve interpolates between points, and is constant beyond them.
type curve struct{ x, y []float64 }

// newCurve joins points of the same x by the mean of their y; x is ascending.
func newCurve(x, y []float64) curve {
	var c curve
	for i := 0; i < len(x); {
		j, sum := i, 0.0
		for j < len(x) && x[j] == x[i] {
			sum += y[j]
			j++
		}
		c.x, c.y = append(c.x, x[i]), append(c.y, sum/float64(j-i))
		i = j
	}
	return c
}

func (c curve) at(v float64) float64 {
	k := sort.SearchFloat64s(c.x, v)
	switch {
	case k == 0:
		return c.y[0]
	case k == len(c.x):
		return c.y[k-1]
	}
	return c.y[k-1] + (c.y[k]-c.y[k-1])*(v-c.x[k-1])/(c.x[k]-c.x[k-1])
}

// Lowess smooths y on x by locally weighted lines over a share of the points, with three rounds of robustness weights and lines
// fitted at points at least 1 % of the range apart (Cleveland 1981), as R's lowess. It returns the points sorted by x.
func Lowess(x, y []float64, span float64) (xs, smooth []float64) {
	n := len(x)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return 0
	})
	xs = make([]float64, n)
	ys := make([]float64, n)
	for k, i := range order {
		xs[k], ys[k] = x[i], y[i]
	}
	smooth = make([]float64, n)
	if n < 2 {
		copy(smooth, ys)
		return xs, smooth
	}
	l := lowess{x: xs, y: ys, robust: ones(n), weight: make([]float64, n), near: max(2, min(n, int(span*float64(n)+1e-7)))}
	delta := 0.01 * (xs[n-1] - xs[0])
	for round := 0; ; round++ {
		l.pass(smooth, delta, round > 0)
		if round == 3 || !l.reweigh(smooth) {
			return xs, smooth
		}
	}
}

type lowess struct {
	x, y   []float64
	robust []float64 // robustness weights
	weight []float64 // of one local fit
	near   int       // points in a neighbourhood
}

// pass fits lines at points delta apart and interpolates between them.
func (l *lowess) pass(smooth []float64, delta float64, robust bool) {
	n := len(l.x)
	left, right := 0, l.near-1
	last := -1
	for i := 0; ; {
		for right < n-1 && l.x[i]-l.x[left] > l.x[right+1]-l.x[i] {
			left++
			right++
		}
		if v, ok := l.line(l.x[i], left, right, robust); ok {
			smooth[i] = v
		} else {
			smooth[i] = l.y[i]
		}
		if last < i-1 {
			width := l.x[i] - l.x[last]
			for j := last + 1; j < i; j++ {
				share := (l.x[j] - l.x[last]) / width
				smooth[j] = share*smooth[i] + (1-share)*smooth[last]
			}
		}
		last = i
		cut := l.x[last] + delta
		for i = last + 1; i < n; i++ {
			if l.x[i] > cut {
				break
			}
			if l.x[i] == l.x[last] {
				smooth[i] = smooth[last]
				last = i
			}
		}
		i = max(last+1, i-1)
		if last >= n-1 {
			return
		}
	}
}

// line fits a weighted line in the neighbourhood of a point and returns its value there, or false when no point has weight.
func (l *lowess) line(at float64, left, right int, robust bool) (float64, bool) {
	n := len(l.x)
	h := max(at-l.x[left], l.x[right]-at)
	h9, h1 := 0.999*h, 0.001*h
	sum := 0.0
	j := left
	for ; j < n; j++ {
		l.weight[j] = 0
		r := math.Abs(l.x[j] - at)
		if r <= h9 {
			l.weight[j] = 1
			if r > h1 {
				q := r / h
				c := 1 - q*q*q
				l.weight[j] = c * c * c
			}
			if robust {
				l.weight[j] *= l.robust[j]
			}
			sum += l.weight[j]
		} else if l.x[j] > at {
			break
		}
	}
	last := j - 1
	if sum <= 0 {
		return 0, false
	}
	for k := left; k <= last; k++ {
		l.weight[k] /= sum
	}
	if h > 0 {
		mean := 0.0
		for k := left; k <= last; k++ {
			mean += l.weight[k] * l.x[k]
		}
		b := at - mean
		c := 0.0
		for k := left; k <= last; k++ {
			c += l.weight[k] * (l.x[k] - mean) * (l.x[k] - mean)
		}
		if math.Sqrt(c) > 0.001*(l.x[n-1]-l.x[0]) {
			b /= c
			for k := left; k <= last; k++ {
				l.weight[k] *= b*(l.x[k]-mean) + 1
			}
		}
	}
	v := 0.0
	for k := left; k <= last; k++ {
		v += l.weight[k] * l.y[k]
	}
	return v, true
}

// reweigh sets the robustness weights from the residuals, and reports whether another round is worth it.
func (l *lowess) reweigh(smooth []float64) bool {
	n := len(l.x)
	r := make([]float64, n)
	scale := 0.0
	for i := range r {
		r[i] = math.Abs(l.y[i] - smooth[i])
		scale += r[i] / float64(n)
	}
	six := 6 * stat.Median(r)
	if six < 1e-7*scale {
		return false
	}
	high, low := 0.999*six, 0.001*six
	for i, v := range r {
		switch {
		case v <= low:
			l.robust[i] = 1
		case v <= high:
			q := v / six
			l.robust[i] = (1 - q*q) * (1 - q*q)
		default:
			l.robust[i] = 0
		}
	}
	return true
}
