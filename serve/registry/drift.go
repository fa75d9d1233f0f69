package registry

import (
	"math"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
)

// Drift compares the values that requests bring with those of training, for the inputs that count most: the population stability index over
// the tenths of the training values, of the last one to two thousand patients. Below 0.1 is called stable, above 0.25 a shift. It holds
// counts alone. It is safe for concurrent use.
type Drift struct {
	inputs []watched
	mu     sync.Mutex
	n      [2]int // patients of the window that fills and of the one before
}

// watched is one input: the edges between its bins and the fraction of training in each.
type watched struct {
	name     string
	at       int // among the inputs
	edges    []float64
	expected []float64
	counts   [2][]int
	known    [2]int
}

const (
	driftWindow = 1000
	driftLeast  = 200 // patients before there is an index: of fewer it is mostly chance
)

// newDrift watches the strongest numeric inputs of a bundle.
func newDrift(b *bundle.Bundle) *Drift {
	d := &Drift{}
	for i := range b.Outcomes {
		for _, name := range b.Outcomes[i].Strongest {
			at := b.Find(name)
			if at < 0 || slices.ContainsFunc(d.inputs, func(w watched) bool { return w.at == at }) {
				continue
			}
			q := b.Inputs[at].Quantiles
			if len(q) < 3 {
				continue
			}
			w := watched{name: name, at: at, expected: []float64{0}}
			step := 2.0 / float64(len(q)-1)
			for k := 2; k < len(q)-1; k += 2 { // equal quantiles, as of counts, are one edge
				w.expected[len(w.edges)] += step
				if n := len(w.edges); n == 0 || q[k] > w.edges[n-1] {
					w.edges, w.expected = append(w.edges, q[k]), append(w.expected, 0)
				}
			}
			w.expected[len(w.edges)] += step
			for side := range w.counts {
				w.counts[side] = make([]int, len(w.expected))
			}
			d.inputs = append(d.inputs, w)
		}
	}
	return d
}

// Observe counts the rows of x, whose columns are the bundle's inputs.
func (d *Drift) Observe(x models.Matrix) {
	if len(d.inputs) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range x.Rows {
		if d.n[0] == driftWindow {
			d.n = [2]int{0, driftWindow}
			for k := range d.inputs {
				w := &d.inputs[k]
				w.counts[0], w.counts[1] = w.counts[1], w.counts[0]
				clear(w.counts[0])
				w.known = [2]int{0, w.known[0]}
			}
		}
		d.n[0]++
		for k := range d.inputs {
			w := &d.inputs[k]
			if v := x.Values[w.at*x.Rows+i]; v == v {
				bin, _ := slices.BinarySearch(w.edges, v)
				w.counts[0][bin]++
				w.known[0]++
			}
		}
	}
}

// Index calls each with the stability index of every input of which enough was seen.
func (d *Drift) Index(each func(feature string, psi float64)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for k := range d.inputs {
		w := &d.inputs[k]
		n := w.known[0] + w.known[1]
		if n < driftLeast {
			continue
		}
		psi := 0.0
		for bin, e := range w.expected {
			if e == 0 {
				continue
			}
			o := max(float64(w.counts[0][bin]+w.counts[1][bin]), 0.5) / float64(n)
			psi += (o - e) * math.Log(o/e)
		}
		each(w.name, psi)
	}
}

var driftMetric = prometheus.NewDesc("voxgene_drift_psi", "Population stability index of the inputs that count most, against training.", []string{"model", "feature"}, nil)

var modelMetric = prometheus.NewDesc("voxgene_model_info", "The version that answers for a model, always 1.", []string{"model", "version"}, nil)

// Describe describes the metrics.
func (r *Registry) Describe(c chan<- *prometheus.Desc) {
	c <- driftMetric
	c <- modelMetric
}

// Collect gives the version that answers for each model, and its drift.
func (r *Registry) Collect(c chan<- prometheus.Metric) {
	seen := map[*Entry]bool{}
	for _, m := range r.Models() {
		e := m.Versions[0]
		if seen[e] || m.Name != e.Bundle.Name { // an alias
			continue
		}
		seen[e] = true
		c <- prometheus.MustNewConstMetric(modelMetric, prometheus.GaugeValue, 1, e.Bundle.Name, e.Bundle.Version())
		e.Drift.Index(func(feature string, psi float64) {
			c <- prometheus.MustNewConstMetric(driftMetric, prometheus.GaugeValue, psi, e.Bundle.Name, feature)
		})
	}
}
