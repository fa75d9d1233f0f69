package neural

import (
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
)

// curve is the survival of one patient.
type curve struct {
	risk     float64
	b        *Baseline
	cuts     []float64 // of discrete time
	survival []float64 // at the cuts
}

// curve turns the output of a head into survival. Risk is the log-hazard against the training mean; of discrete time, minus the mean
// survival within the follow-up as a share of it.
func (m *Model) curve(z []float64) curve {
	h := m.head()
	if h.Kind == coxHead {
		return curve{risk: z[0] - m.Baseline.Centre, b: &m.Baseline}
	}
	c := curve{b: &m.Baseline, cuts: h.Cuts, survival: make([]float64, len(z))}
	s, area, begin := 1.0, 0.0, 0.0
	for k, v := range z {
		next := s / (1 + math.Exp(v)) // 1 − hazard
		area += (s + next) / 2 * (h.Cuts[k] - begin)
		begin = h.Cuts[k]
		s = next
		c.survival[k] = s
	}
	c.risk = -area / begin
	return c
}

// at is S(t): a step function of cox, straight lines between the cuts of discrete time.
func (c *curve) at(t float64) float64 {
	if t <= 0 {
		return 1
	}
	if c.cuts == nil {
		k, exact := slices.BinarySearch(c.b.Times, t)
		if exact {
			k++
		}
		if k == 0 || c.b.Hazard[k-1] == 0 {
			return 1
		}
		return math.Exp(-c.b.Hazard[k-1] * math.Exp(c.risk))
	}
	k, _ := slices.BinarySearch(c.cuts, t)
	if k == len(c.cuts) {
		return c.survival[k-1]
	}
	begin, before := 0.0, 1.0
	if k > 0 {
		begin, before = c.cuts[k-1], c.survival[k-1]
	}
	return before + (c.survival[k]-before)*(t-begin)/(c.cuts[k]-begin)
}

// median is the first time at which survival is one half or less, +Inf where there is none.
func (c *curve) median() float64 {
	if c.cuts == nil {
		if k, _ := slices.BinarySearch(c.b.Hazard, math.Ln2/math.Exp(c.risk)); k < len(c.b.Times) {
			return c.b.Times[k]
		}
		return math.Inf(1)
	}
	begin, before := 0.0, 1.0
	for k, s := range c.survival {
		if s <= 0.5 {
			return begin + (c.cuts[k]-begin)*(before-0.5)/(before-s)
		}
		begin, before = c.cuts[k], s
	}
	return math.Inf(1)
}

// followUp learns what turns outputs into curves: for cox, Breslow's cumulative hazard of the training rows.
func (m *Model) followUp(d *dataset, y clinical.Outcome) error {
	for _, t := range y.Time {
		if !math.IsNaN(t) {
			m.Baseline.FollowUp = max(m.Baseline.FollowUp, t)
		}
	}
	if m.head().Kind != coxHead {
		return nil
	}
	out, err := m.outputs(d)
	if err != nil {
		return err
	}
	known := 0.0
	for i, z := range out {
		if y.Known(i) {
			known++
			m.Baseline.Centre += z[0]
		}
	}
	m.Baseline.Centre /= known
	l := newLearnt(*m.head(), y, nil, false, 0)
	deaths := map[float64]float64{}
	for i, t := range y.Time {
		if y.Known(i) && y.Event[i] == 1 {
			deaths[t]++
			m.Baseline.Times = append(m.Baseline.Times, t)
		}
	}
	slices.Sort(m.Baseline.Times)
	m.Baseline.Times = slices.Compact(m.Baseline.Times)
	hazard := 0.0
	for _, t := range m.Baseline.Times {
		sum := 0.0
		for j, z := range out {
			if y.Time[j] >= t && l.enter(j) < t {
				sum += math.Exp(z[0] - m.Baseline.Centre)
			}
		}
		hazard += deaths[t] / sum
		m.Baseline.Hazard = append(m.Baseline.Hazard, hazard)
	}
	return nil
}
