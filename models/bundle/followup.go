package bundle

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models/pipeline"
)

// days is the length of UCUM's units of time in days: a is the Julian year and mo a twelfth of it.
var days = map[string]float64{"d": 1, "wk": 7, "mo": 30.4375, "a": 365.25}

const unitNames = "d, wk, mo or a"

// Convert brings a time from one unit (UCUM: d, wk, mo, a) to another.
func Convert(value float64, from, to string) (float64, error) {
	f, ok := days[from]
	if !ok {
		return 0, fmt.Errorf("%q is not a unit of time: %s", from, unitNames)
	}
	t, ok := days[to]
	if !ok {
		return 0, fmt.Errorf("%q is not a unit of time: %s", to, unitNames)
	}
	if from == to {
		return value, nil
	}
	return value * f / t, nil
}

// MinAtRisk is how many training patients must be under observation for a survival probability to be given.
const MinAtRisk = 10

// FollowUp says how long training patients were observed.
type FollowUp struct {
	// Limit is the last time at which MinAtRisk patients were at risk; 0 where there never were as many.
	Limit float64 `json:"limit"`
	// AtRisk counts patients at Times, which divide 0 to Limit in ten.
	Times  []float64 `json:"times,omitempty"`
	AtRisk []int     `json:"at_risk,omitempty"`
}

// NewFollowUp describes the follow-up of a survival outcome. A patient is at risk at t with Entry < t ≤ Time (at 0: Entry = 0).
func NewFollowUp(y clinical.Outcome) FollowUp {
	var times []float64
	for i := range y.Time {
		if y.Known(i) {
			times = append(times, y.Time[i])
		}
	}
	slices.Sort(times)
	f := FollowUp{}
	for _, t := range slices.Backward(times) {
		if atRisk(y, t) >= MinAtRisk {
			f.Limit = t
			break
		}
	}
	if f.Limit > 0 {
		for i := range 11 {
			t := f.Limit * float64(i) / 10
			f.Times = append(f.Times, t)
			f.AtRisk = append(f.AtRisk, atRisk(y, t))
		}
	}
	return f
}

func atRisk(y clinical.Outcome, t float64) int {
	n := 0
	for i := range y.Time {
		entry := 0.0
		if y.Entry != nil {
			entry = y.Entry[i]
		}
		if y.Known(i) && t <= y.Time[i] && (entry < t || entry == 0 && t == 0) {
			n++
		}
	}
	return n
}

func (f FollowUp) check() error {
	if !(f.Limit >= 0) || math.IsInf(f.Limit, 0) || len(f.Times) != len(f.AtRisk) {
		return fmt.Errorf("the follow-up is not a time with its counts")
	}
	return nil
}

// horizons are the times at which survival is given when a request names none, in a unit: years within the follow-up, else
// months, else its end.
func (f FollowUp) horizons(unit string) []float64 {
	for _, h := range []struct {
		unit   string
		values []float64
	}{{"a", []float64{1, 2, 3, 5, 10}}, {"mo", []float64{1, 3, 6}}} {
		var out []float64
		for _, v := range h.values {
			if t, err := Convert(v, h.unit, unit); err == nil && t <= f.Limit {
				out = append(out, t)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	if f.Limit > 0 {
		return []float64{f.Limit}
	}
	return nil
}

// RiskGroups divide patients by risk at cuts that were fixed in training.
type RiskGroups struct {
	Cuts  []float64 `json:"cuts,omitempty"`  // ascending
	Names []string  `json:"names,omitempty"` // one more than cuts
}

// NewRiskGroups cuts training risks (best: out of fold) into two or three groups of equal size.
func NewRiskGroups(risk []float64, groups int) (RiskGroups, error) {
	names := map[int][]string{2: {"low", "high"}, 3: {"low", "medium", "high"}}[groups]
	if names == nil {
		return RiskGroups{}, fmt.Errorf("%d risk groups: 2 or 3 can be made", groups)
	}
	r := slices.DeleteFunc(slices.Clone(risk), math.IsNaN)
	if len(r) == 0 {
		return RiskGroups{}, fmt.Errorf("no risk to cut into groups")
	}
	slices.Sort(r)
	g := RiskGroups{Names: names}
	for i := 1; i < groups; i++ {
		g.Cuts = append(g.Cuts, pipeline.Quantile(r, float64(i)/float64(groups)))
	}
	return g, nil
}

// Group names the group of a risk; a risk at a cut belongs below it.
func (g RiskGroups) Group(risk float64) string {
	if len(g.Names) == 0 || math.IsNaN(risk) {
		return ""
	}
	k := 0
	for k < len(g.Cuts) && risk > g.Cuts[k] {
		k++
	}
	return g.Names[k]
}

func (g RiskGroups) check() error {
	if len(g.Cuts) == 0 && len(g.Names) == 0 {
		return nil
	}
	if len(g.Names) != len(g.Cuts)+1 || !slices.IsSorted(g.Cuts) {
		return fmt.Errorf("the risk groups %s do not fit %d cuts", strings.Join(g.Names, ", "), len(g.Cuts))
	}
	return nil
}

// Conformal makes a set of classes that holds the true one at a level, class by class (Mondrian; Vovk 2012).
type Conformal struct {
	Level float64 `json:"level"` // 0.9
	// Limits, one a class: the class is in the set when 1 − its probability is at most this. They are quantiles of out-of-fold scores.
	Limits []float64 `json:"limits"`
	// Counts and Coverage, one a class: training patients, and the fraction whose set held their class.
	Counts   []int     `json:"counts,omitempty"`
	Coverage []float64 `json:"coverage,omitempty"`
}

func (c *Conformal) check(classes int) error {
	if c != nil && len(c.Limits) != classes {
		return fmt.Errorf("the conformal set has %d limits for %d classes", len(c.Limits), classes)
	}
	return nil
}

// set returns the classes in the set of these probabilities.
func (c *Conformal) set(classes []string, probabilities []float64) []string {
	out := []string{}
	for k, p := range probabilities {
		if 1-p <= c.Limits[k] {
			out = append(out, classes[k])
		}
	}
	return out
}
