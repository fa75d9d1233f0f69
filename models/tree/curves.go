package tree

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// curves are what the leaves of a forest have over time: at node n, steps Start[n] to Start[n+1], the k-th at the event time
// Times[Place[k]-1], where the Nelson–Aalen estimate of the leaf rises by Step and its Kaplan–Meier estimate comes to Left. Their number is
// bounded by the events in the bags, not by nodes × times. The forest's are means over trees.
type curves struct {
	Times    []float64
	FollowUp float64
	Start    []int32
	Place    []uint16
	Step     []float64
	Left     []float64 // nil in forests of the first encoding, whose S(t) is exp(−H(t)) and whose steps are divided by the trees
	trees    float64   // that the mean is over: 1 where it is divided already
}

// curves joins the leaves of all trees.
func (g *timeGrid) curves(e *Ensemble, leaves []leafHazards, trees int) *curves {
	c := &curves{Times: g.times, FollowUp: g.followUp, Start: make([]int32, e.Nodes()+1), trees: float64(trees)}
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
			c.Step = append(c.Step, h.step[h.start[next]:end]...)
			next++
		}
	}
	c.Start[e.Nodes()] = int32(len(c.Place))
	c.survive()
	return c
}

// survive sets the Kaplan–Meier estimates of the leaves: a step is the events over those at risk, so that one less it is the share left.
func (c *curves) survive() {
	c.Left = make([]float64, len(c.Step))
	for n := range len(c.Start) - 1 {
		left := 1.0
		for k := c.Start[n]; k < c.Start[n+1]; k++ {
			left *= 1 - c.Step[k]
			c.Left[k] = left
		}
	}
}

// leaves sets the leaf that a row reaches in each tree.
func (c *curves) leaves(e *Ensemble, row []float64, out []int32) {
	for t := range out {
		out[t] = e.Reach(t, row)
	}
}

// hazard writes the mean cumulative hazard of the leaves at each of Times.
func (c *curves) hazard(leaves []int32, out []float64) {
	clear(out)
	for _, n := range leaves {
		for k := c.Start[n]; k < c.Start[n+1]; k++ {
			out[c.Place[k]-1] += c.Step[k]
		}
	}
	sum := 0.0
	for i, v := range out {
		sum += v
		out[i] = sum / c.trees
	}
}

// hazardAt is the cumulative hazard of a leaf after a number of event times.
func (c *curves) hazardAt(leaf int32, after int) float64 {
	sum := 0.0
	for k := c.Start[leaf]; k < c.Start[leaf+1] && int(c.Place[k]) <= after; k++ {
		sum += c.Step[k]
	}
	return sum
}

// leftAt is the Kaplan–Meier estimate of a leaf after a number of event times.
func (c *curves) leftAt(leaf int32, after int) float64 {
	left := 1.0
	for k := c.Start[leaf]; k < c.Start[leaf+1] && int(c.Place[k]) <= after; k++ {
		left = c.Left[k]
	}
	return left
}

// half returns the first event time at which the leaves' mean survival is at most one half, +Inf where there is none; falls has room for a
// value a time.
func (c *curves) half(leaves []int32, falls []float64) float64 {
	clear(falls)
	for _, n := range leaves {
		left := 1.0
		for k := c.Start[n]; k < c.Start[n+1]; k++ {
			falls[c.Place[k]-1] += left - c.Left[k]
			left = c.Left[k]
		}
	}
	fallen := 0.0
	for i, v := range falls {
		if fallen += v; fallen >= (0.5-1e-12)*c.trees { // as far as sums of falls are exact
			return c.Times[i]
		}
	}
	return math.Inf(1)
}

// place returns how many event times are not after a time.
func (c *curves) place(time float64) int {
	i, found := slices.BinarySearch(c.Times, time)
	if found {
		i++
	}
	return i
}

// means sets the mean survival and cumulative hazard of the leaves after numbers of event times, NaN where that is −1.
func (c *curves) means(leaves []int32, at []int, survival, hazard []float64) {
	for k, after := range at {
		if after < 0 {
			survival[k], hazard[k] = math.NaN(), math.NaN()
			continue
		}
		for _, n := range leaves {
			survival[k] += c.leftAt(n, after)
			hazard[k] += c.hazardAt(n, after)
		}
		survival[k] /= c.trees
		hazard[k] /= c.trees
	}
}

// exponential sets exp(−H) as forests of the first encoding have it, and returns the median.
func (c *curves) exponential(leaves []int32, at []int, hazard, survival []float64) float64 {
	c.hazard(leaves, hazard)
	for k, after := range at {
		switch {
		case after < 0:
			survival[k] = math.NaN()
		case after == 0:
			survival[k] = 1
		default:
			survival[k] = math.Exp(-hazard[after-1])
		}
	}
	if j, _ := slices.BinarySearch(hazard, math.Ln2); j < len(hazard) {
		return c.Times[j]
	}
	return math.Inf(1)
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

// The first encoding has steps divided by the number of trees; the second has them as they are, so that Kaplan–Meier estimates follow.
const (
	curvesMagic1 = "VXHAZD01"
	curvesMagic2 = "VXHAZD02"
)

func (c *curves) encode() []byte {
	b := []byte(curvesMagic2)
	if c.Left == nil {
		b = []byte(curvesMagic1)
	}
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
	magic := string(b[:min(len(b), len(curvesMagic1))])
	if magic != curvesMagic1 && magic != curvesMagic2 {
		return nil, errors.New("not curves of this version")
	}
	d := decoder{rest: b[len(magic):]}
	times, starts, steps := d.count(), d.count(), d.count()
	c := &curves{trees: 1}
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
	if err := c.check(e); err != nil || magic == curvesMagic1 {
		return c, err
	}
	if e.Trees() > 0 {
		c.trees = float64(e.Trees())
	}
	for k, s := range c.Step {
		if s > 1 {
			return nil, fmt.Errorf("step %d of the curves is %v: more events than rows at risk", k, s)
		}
	}
	c.survive()
	return c, nil
}
