package tree

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// curves are the cumulative hazards of all leaves of a forest, each divided by the number of trees: at node n, steps Start[n] to Start[n+1],
// the k-th at the event time Times[Place[k]-1]. Their number is bounded by the events in the bags, not by nodes × times.
type curves struct {
	Times    []float64
	FollowUp float64
	Start    []int32
	Place    []uint16
	Step     []float64
}

// curves joins the leaves of all trees.
func (g *timeGrid) curves(e *Ensemble, leaves []leafHazards, trees int) *curves {
	c := &curves{Times: g.times, FollowUp: g.followUp, Start: make([]int32, e.Nodes()+1)}
	total := 0
	for t := range leaves {
		total += len(leaves[t].time)
	}
	c.Place, c.Step = make([]uint16, 0, total), make([]float64, 0, total)
	for t := range leaves {
		h := &leaves[t]
		next := 0
		for n := e.Roots[t]; n < e.Roots[t+1]; n++ {
			c.Start[n] = int32(len(c.Place))
			if next >= len(h.node) || h.node[next] != n-e.Roots[t] {
				continue
			}
			end := len(h.time)
			if next+1 < len(h.start) {
				end = h.start[next+1]
			}
			c.Place = append(c.Place, h.time[h.start[next]:end]...)
			for _, s := range h.step[h.start[next]:end] {
				c.Step = append(c.Step, s/float64(trees))
			}
			next++
		}
	}
	c.Start[e.Nodes()] = int32(len(c.Place))
	return c
}

// hazard writes a row's cumulative hazard at each of Times; the row has a value a column.
func (c *curves) hazard(e *Ensemble, row, out []float64) {
	clear(out)
	for t := range e.Trees() {
		n := e.Reach(t, row)
		for k := c.Start[n]; k < c.Start[n+1]; k++ {
			out[c.Place[k]-1] += c.Step[k]
		}
	}
	for i := 1; i < len(out); i++ {
		out[i] += out[i-1]
	}
}

// check returns an error unless the curves fit an ensemble.
func (c *curves) check(e *Ensemble) error {
	if len(c.Start) != e.Nodes()+1 || len(c.Place) != len(c.Step) || c.Start[0] != 0 || int(c.Start[e.Nodes()]) != len(c.Place) || !finite(c.FollowUp) {
		return errors.New("the curves do not fit the trees")
	}
	for n := range e.Nodes() {
		if c.Start[n] > c.Start[n+1] {
			return fmt.Errorf("node %d: its curve ends before it starts", n)
		}
	}
	for k, p := range c.Place {
		if p < 1 || int(p) > len(c.Times) || !(c.Step[k] >= 0) || math.IsInf(c.Step[k], 0) {
			return fmt.Errorf("step %d of the curves is %v at time %d of %d", k, c.Step[k], p, len(c.Times))
		}
	}
	return checkAscending(c.Times)
}

const curvesMagic = "VXHAZD01"

func (c *curves) encode() []byte {
	b := []byte(curvesMagic)
	for _, n := range []int{len(c.Times), len(c.Start), len(c.Place)} {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	b = appendFloats(b, []float64{c.FollowUp})
	b = appendFloats(b, c.Times)
	b = appendInts(b, c.Start)
	for _, p := range c.Place {
		b = binary.LittleEndian.AppendUint16(b, p)
	}
	return appendFloats(b, c.Step)
}

func decodeCurves(b []byte, e *Ensemble) (*curves, error) {
	if len(b) < len(curvesMagic) || string(b[:len(curvesMagic)]) != curvesMagic {
		return nil, errors.New("not curves of this version")
	}
	d := decoder{rest: b[len(curvesMagic):]}
	times, starts, steps := d.count(), d.count(), d.count()
	c := &curves{}
	if f := d.floats(1); f != nil {
		c.FollowUp = f[0]
	}
	c.Times, c.Start = d.floats(times), d.ints(starts)
	places := d.take(steps, 2)
	c.Step = d.floats(steps)
	if d.err != nil || len(d.rest) > 0 {
		return nil, errors.New("the curves are cut short or too long")
	}
	c.Place = make([]uint16, steps)
	for i := range c.Place {
		c.Place[i] = binary.LittleEndian.Uint16(places[2*i:])
	}
	return c, c.check(e)
}

// SurvivalTrees is a fitted survival_forest model. Its risk is mortality: the number of events expected among the training rows were all
// like the row (Ishwaran and others 2008).
type SurvivalTrees struct {
	about  about
	e      *Ensemble
	runner *runner
	curves *curves
}

const partCurves = "curves.bin"

func newSurvivalTrees(a about, e *Ensemble, c *curves) *SurvivalTrees {
	return &SurvivalTrees{a, e, newRunner(e), c}
}

// Kind is survival_forest.
func (m *SurvivalTrees) Kind() string { return m.about.Kind }

// Columns are the columns that Predict expects.
func (m *SurvivalTrees) Columns() []table.Column { return m.about.Columns }

// Notes says what is to be known of the fit.
func (m *SurvivalTrees) Notes() []string { return m.about.Notes }

// Ensemble returns the model's trees; their output is mortality.
func (m *SurvivalTrees) Ensemble() *Ensemble { return m.e }

// OutOfBag returns the concordance on rows that trees were not grown on, or nil.
func (m *SurvivalTrees) OutOfBag() *OutOfBag { return m.about.OutOfBag }

// WriteText writes a summary of the model.
func (m *SurvivalTrees) WriteText(w io.Writer) error { return writeSummary(w, m.about, m.e) }

// At returns the same trees with another output: the cumulative hazard at a time, so that it can be explained exactly.
func (m *SurvivalTrees) At(time float64) *Ensemble {
	e := *m.e
	e.Values = make([]float64, len(m.e.Values))
	last, found := slices.BinarySearch(m.curves.Times, time)
	if found {
		last++
	}
	for n := e.Nodes() - 1; n >= 0; n-- {
		if !e.Leaf(int32(n)) {
			l, r := e.Left[n], e.Right[n]
			e.Values[n] = (e.Cover[l]*e.Values[l] + e.Cover[r]*e.Values[r]) / (e.Cover[l] + e.Cover[r])
			continue
		}
		for k := m.curves.Start[n]; k < m.curves.Start[n+1] && int(m.curves.Place[k]) <= last; k++ {
			e.Values[n] += m.curves.Step[k]
		}
	}
	return &e
}

// Predict returns mortality as the risk, S(t) = exp(-H(t)) at the times with H the mean cumulative hazard of the trees, NaN past the
// follow-up, and the median.
func (m *SurvivalTrees) Predict(x models.Matrix, times []float64) (models.Prediction, error) {
	if err := models.CheckColumns(m.about.Columns, x); err != nil {
		return models.Prediction{}, err
	}
	p := models.Prediction{Kind: clinical.Survival, Rows: x.Rows, Risk: make([]float64, x.Rows), Times: times,
		Survival: make([]float64, x.Rows*len(times)), Median: make([]float64, x.Rows)}
	m.runner.score(x, p.Risk)
	at := make([]int, len(times)) // steps up to each time, -1 past the follow-up
	for k, t := range times {
		i, found := slices.BinarySearch(m.curves.Times, t)
		if found {
			i++
		}
		if !(t <= m.curves.FollowUp) {
			i = -1
		}
		at[k] = i
	}
	parallel(x.Rows, x.Rows*m.e.Trees()*20, func() func(int) {
		row, hazard := make([]float64, m.e.Features), make([]float64, len(m.curves.Times))
		return func(i int) {
			ReadRow(x, i, row)
			m.curves.hazard(m.e, row, hazard)
			for k, steps := range at {
				s := math.NaN()
				switch {
				case steps == 0:
					s = 1
				case steps > 0:
					s = math.Exp(-hazard[steps-1])
				}
				p.Survival[i*len(times)+k] = s
			}
			p.Median[i] = math.Inf(1)
			if j, _ := slices.BinarySearch(hazard, math.Ln2); j < len(hazard) {
				p.Median[i] = m.curves.Times[j]
			}
		}
	})
	return p, nil
}

// Encode returns the parts that a bundle stores.
func (m *SurvivalTrees) Encode() (map[string][]byte, error) {
	a, err := json.Marshal(m.about)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{partTrees: m.e.Encode(), partAbout: a, partCurves: m.curves.encode()}, nil
}

func decodeSurvivalForest(parts map[string][]byte) (models.Model, error) {
	const kind = "survival_forest"
	a, e, err := decode(kind, parts)
	if err != nil {
		return nil, err
	}
	if e.Scale != CumulativeHazard || e.Outputs() != 1 {
		return nil, fmt.Errorf("%s: %d outputs on the scale %q", kind, e.Outputs(), e.Scale)
	}
	c, err := decodeCurves(parts[partCurves], e)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", kind, partCurves, err)
	}
	return newSurvivalTrees(a, e, c), nil
}
