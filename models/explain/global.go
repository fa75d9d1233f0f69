package explain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
)

// Importance is what explanations of many rows say of each column together.
type Importance struct {
	Class string  // empty for survival
	Time  float64 // NaN where none was asked for
	Scale string
	Rows  int
	// MeanAbsolute is the mean over rows of |contribution|, one a column; Mean keeps the sign; Direction is Pearson's correlation of
	// a column's values with its contributions, NaN where either is constant.
	MeanAbsolute, Mean, Direction []float64
}

// Summarise explains every row of x and returns one Importance for each class or time. Memory does not grow with the rows.
func Summarise(ctx context.Context, m models.Model, x models.Matrix, r Request) ([]Importance, error) {
	r.Rows = x.Rows
	e, err := New(m, r)
	if err != nil {
		return nil, err
	}
	out := make([]Importance, len(e.targets))
	moments := make([][]covariance, len(out))
	p := len(x.Columns)
	for k, t := range e.targets {
		out[k] = Importance{Class: t.class, Time: t.time, Scale: t.scale, MeanAbsolute: make([]float64, p), Mean: make([]float64, p), Direction: make([]float64, p)}
		moments[k] = make([]covariance, p)
	}
	row := make([]float64, p)
	err = e.Each(ctx, x, func(i int, list []models.Attribution) error {
		x.Row(i, row)
		for k, a := range list {
			out[k].Rows++
			for j, v := range a.Values {
				out[k].MeanAbsolute[j] += math.Abs(v)
				out[k].Mean[j] += v
				moments[k][j].add(row[j], v)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for k := range out {
		for j := range p {
			out[k].MeanAbsolute[j] /= float64(max(1, out[k].Rows))
			out[k].Mean[j] /= float64(max(1, out[k].Rows))
			out[k].Direction[j] = moments[k][j].correlation()
		}
	}
	return out, nil
}

// covariance accumulates the moments of pairs (Welford).
type covariance struct{ n, meanX, meanY, xx, yy, xy float64 }

// add takes in a pair; one with a missing value is passed over.
func (c *covariance) add(x, y float64) {
	if math.IsNaN(x) || math.IsNaN(y) {
		return
	}
	c.n++
	dx, dy := x-c.meanX, y-c.meanY
	c.meanX += dx / c.n
	c.meanY += dy / c.n
	c.xx += dx * (x - c.meanX)
	c.yy += dy * (y - c.meanY)
	c.xy += dx * (y - c.meanY)
}

func (c *covariance) correlation() float64 {
	if !(c.xx > 0 && c.yy > 0) {
		return math.NaN()
	}
	return max(-1, min(1, c.xy/math.Sqrt(c.xx*c.yy)))
}

// Ranking returns the columns by falling mean absolute contribution, the first of equals first.
func (i Importance) Ranking() []int {
	order := make([]int, len(i.MeanAbsolute))
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(i.MeanAbsolute[b], i.MeanAbsolute[a]) })
	return order
}

// Permuted is the importance of a column, or of columns permuted together, by permutation [Breiman2001]: how much a score falls
// when their values are shuffled among the rows.
//
// [Breiman2001]: https://doi.org/10.1023/A:1010933404324
type Permuted struct {
	Drop   float64   // mean over repeats of the score as it is less the score shuffled
	StdDev float64   // of the repeats, divisor n as in scikit-learn
	Drops  []float64 // one a repeat
}

// PermutationImportance returns the importance of each set of columns of x: sets[i] are shuffled together, by the same permutation,
// so that correlated columns can be asked about as one. Score is higher for better predictions (an AUC, a C-index). Rows should be
// ones that the model was not fitted on.
func PermutationImportance(ctx context.Context, m models.Model, x models.Matrix, times []float64, score func(models.Prediction) (float64, error), sets [][]int, repeats int, seed work.Seed) ([]Permuted, error) {
	if repeats < 1 {
		return nil, fmt.Errorf("permutation importance: %d repeats, want 1 or more", repeats)
	}
	evaluate := func(x models.Matrix) (float64, error) {
		p, err := m.Predict(x, times)
		if err != nil {
			return 0, err
		}
		s, err := score(p)
		if err == nil && math.IsNaN(s) {
			err = errors.New("permutation importance: the score is not a number")
		}
		return s, err
	}
	whole, err := evaluate(x)
	if err != nil {
		return nil, err
	}
	shuffled := x
	shuffled.Values = slices.Clone(x.Values)
	out := make([]Permuted, len(sets))
	for i, set := range sets {
		for _, j := range set {
			if j < 0 || j >= len(x.Columns) {
				return nil, fmt.Errorf("permutation importance: column %d of %d", j, len(x.Columns))
			}
		}
		p := &out[i]
		for r := range repeats {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			order := seed.Split("permutation importance", setName(x, set)).SplitInt("repeat", r).Rand().Perm(x.Rows)
			for _, j := range set {
				from, to := x.Column(j), shuffled.Column(j)
				for n, o := range order {
					to[n] = from[o]
				}
			}
			s, err := evaluate(shuffled)
			if err != nil {
				return nil, err
			}
			p.Drops = append(p.Drops, whole-s)
			p.Drop += (whole - s) / float64(repeats)
		}
		for _, j := range set {
			copy(shuffled.Column(j), x.Column(j))
		}
		for _, d := range p.Drops {
			p.StdDev += (d - p.Drop) * (d - p.Drop) / float64(repeats)
		}
		p.StdDev = math.Sqrt(p.StdDev)
	}
	return out, nil
}

// setName names a set of columns, for its random stream.
func setName(x models.Matrix, set []int) string {
	name := ""
	for _, j := range set {
		name += x.Columns[j].Name + "\x00"
	}
	return name
}
