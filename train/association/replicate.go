package association

import (
	"context"
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/work"
)

// Replication is what a second cohort says of the pairs found in the first.
type Replication struct {
	Patients int `json:"patients"` // of the second cohort, with a value on both sides
	Found    int `json:"found"`    // pairs found in the first cohort
	Tested   int `json:"tested"`   // of them, pairs that the second could test
	SameSign int `json:"same_sign"`
	// Replicated are pairs of the same sign whose p in the second cohort, adjusted over the tested pairs, is within the level.
	Replicated int `json:"replicated"`
	// Rate is Replicated over Tested, with its Wilson interval at 95 %.
	Rate float64 `json:"rate"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Size is the correlation of effects in the two cohorts over the tested pairs.
	Size  float64          `json:"size"`
	Pairs []ReplicatedPair `json:"pairs"`
}

// Percent, PercentLow and PercentHigh are the rate and its interval for a page.
func (r *Replication) Percent() float64     { return 100 * r.Rate }
func (r *Replication) PercentLow() float64  { return 100 * r.Low }
func (r *Replication) PercentHigh() float64 { return 100 * r.High }

// ReplicatedPair is a pair in both cohorts.
type ReplicatedPair struct {
	X      string  `json:"x"`
	Y      string  `json:"y"`
	Effect float64 `json:"effect"`
	Second float64 `json:"second"` // effect in the second cohort
	P      float64 `json:"p"`      // in the second cohort
	Q      float64 `json:"q"`
	N      int     `json:"n"`
}

// Replicate tests the pairs that were found again in a second cohort, by the same methods.
func (m *Map) Replicate(ctx context.Context, second Cohort, seed work.Seed, jobs int) error {
	c := m.Config
	c.Permutations, c.Bootstrap, c.Modules, c.Sets.File, c.Replicate = 0, 0, 0, "", ""
	again, err := Run(ctx, second, c, seed, jobs)
	if err != nil {
		return fmt.Errorf("second cohort: %w", err)
	}
	place := func(columns []string) map[string]int {
		out := map[string]int{}
		for k, name := range columns {
			out[name] = k
		}
		return out
	}
	atX, atY := place(names(again.x)), place(names(again.y))
	r := &Replication{Patients: again.patients(second.Table)}
	var p, first, other []float64
	for _, k := range m.foundPairs() {
		r.Found++
		i, okX := atX[m.X[k/len(m.Y)].Name]
		j, okY := atY[m.Y[k%len(m.Y)].Name]
		if !okX || !okY {
			continue
		}
		to := i*len(again.Y) + j
		if math.IsNaN(again.Q[to]) {
			continue
		}
		p, first, other = append(p, again.PValue(to)), append(first, m.Effect[k]), append(other, again.Effect[to])
		r.Pairs = append(r.Pairs, ReplicatedPair{X: m.X[k/len(m.Y)].Name, Y: m.Y[k%len(m.Y)].Name, Effect: m.Effect[k], Second: again.Effect[to], P: again.PValue(to), N: again.Count(to)})
	}
	r.Tested = len(p)
	for k, q := range stat.Adjust(p, c.Adjust) {
		r.Pairs[k].Q = q
		if first[k]*other[k] > 0 {
			r.SameSign++
			if q <= c.Level {
				r.Replicated++
			}
		}
	}
	r.Rate, r.Low, r.High = wilson(r.Replicated, r.Tested)
	r.Size = stat.Pearson(first, other).R
	if math.IsNaN(r.Size) {
		r.Size = 0
	}
	m.Replicated = r
	return nil
}

func names(side []variable) []string {
	out := make([]string, len(side))
	for i, v := range side {
		out[i] = v.Name
	}
	return out
}

// foundPairs are the pairs within the level, strongest first, up to a hundred thousand.
func (m *Map) foundPairs() []int { return m.strongest(100_000, m.Config.Level) }

// wilson is a share with its interval at 95 % (Wilson 1927); 0 to 1 when nothing was tried.
func wilson(k, n int) (share, low, high float64) {
	if n == 0 {
		return 0, 0, 1
	}
	z := stat.NormalQuantile(0.975)
	p, m := float64(k)/float64(n), float64(n)
	centre, half := p+z*z/(2*m), z*math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return p, max(0, (centre-half)/(1+z*z/m)), min(1, (centre+half)/(1+z*z/m))
}
