package explain

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// Effect is how a model's output moves with one column, on a grid of its values.
type Effect struct {
	Class string
	Time  float64
	Scale string
	Grid  []float64
	Value []float64 // one a grid point
	// Rows is, for accumulated effects, the rows in the interval that ends at each grid point (0 at the first); nil for partial dependence.
	Rows []int
}

// PartialDependence returns the mean over the rows of x of the model's output when column j is set to each value of the grid
// [Friedman2001], one Effect for each class or time. A nil grid is at most 20 quantiles of the column, its levels where it is not
// numeric. Where columns are correlated it asks about rows that cannot be; AccumulatedEffects does not.
//
// [Friedman2001]: https://doi.org/10.1214/aos/1013203451
func PartialDependence(m models.Model, x models.Matrix, j int, grid []float64, r Request) ([]Effect, error) {
	targets, err := about(m, x, j, r)
	if err != nil {
		return nil, err
	}
	if grid == nil {
		if grid = gridOf(x, j, 20); len(grid) == 0 {
			return nil, fmt.Errorf("column %q has no value", x.Columns[j].Name)
		}
	}
	out := effects(targets, grid)
	set := x
	set.Values = slices.Clone(x.Values)
	for g, v := range grid {
		column := set.Column(j)
		for i := range column {
			column[i] = v
		}
		p, err := m.Predict(set, r.Times)
		if err != nil {
			return nil, err
		}
		for k, t := range targets {
			sum := 0.0
			for i := range x.Rows {
				sum += t.number(p, i)
			}
			out[k].Value[g] = sum / float64(x.Rows)
		}
	}
	return out, nil
}

// AccumulatedEffects returns the accumulated local effect of a numeric column [Apley2020] on at most that many intervals between
// quantiles of the column: within each interval the mean change of the output when the column moves from one end to the other in
// the rows that lie there, summed up and centred to mean 0 over the rows. Rows without the column's value are left out.
//
// [Apley2020]: https://doi.org/10.1111/rssb.12377
func AccumulatedEffects(m models.Model, x models.Matrix, j, intervals int, r Request) ([]Effect, error) {
	targets, err := about(m, x, j, r)
	if err != nil {
		return nil, err
	}
	if x.Columns[j].Kind != table.Numeric {
		return nil, fmt.Errorf("column %q is %v; accumulated effects need a numeric one: use partial dependence", x.Columns[j].Name, x.Columns[j].Kind)
	}
	if intervals < 1 || intervals > 10000 {
		return nil, fmt.Errorf("accumulated effects: %d intervals, want 1 to 10000", intervals)
	}
	var rows []int
	for i, v := range x.Column(j) {
		if !table.Missing(v) {
			rows = append(rows, i)
		}
	}
	there := x.Select(rows)
	edges := gridOf(there, j, intervals+1)
	if len(edges) < 2 {
		return nil, fmt.Errorf("column %q has %d different values; accumulated effects need two", x.Columns[j].Name, len(edges))
	}
	// Interval g is (edges[g−1], edges[g]]; the first also has its lower end.
	at := make([]int, there.Rows)
	low, high := there, there
	low.Values, high.Values = slices.Clone(there.Values), slices.Clone(there.Values)
	for i, v := range there.Column(j) {
		at[i] = max(1, sort.SearchFloat64s(edges, v))
		low.Column(j)[i], high.Column(j)[i] = edges[at[i]-1], edges[at[i]]
	}
	before, err := m.Predict(low, r.Times)
	if err != nil {
		return nil, err
	}
	after, err := m.Predict(high, r.Times)
	if err != nil {
		return nil, err
	}
	out := effects(targets, edges)
	for k, t := range targets {
		e := &out[k]
		e.Rows = make([]int, len(edges))
		for i, g := range at {
			e.Rows[g]++
			e.Value[g] += t.number(after, i) - t.number(before, i)
		}
		mean := 0.0
		for g := 1; g < len(edges); g++ {
			if e.Rows[g] > 0 {
				e.Value[g] /= float64(e.Rows[g])
			}
			e.Value[g] += e.Value[g-1]
			mean += (e.Value[g-1] + e.Value[g]) / 2 * float64(e.Rows[g])
		}
		mean /= float64(there.Rows)
		for g := range e.Value {
			e.Value[g] -= mean
		}
	}
	return out, nil
}

// about checks what both effects need.
func about(m models.Model, x models.Matrix, j int, r Request) ([]target, error) {
	if err := models.CheckColumns(m.Columns(), x); err != nil {
		return nil, err
	}
	if j < 0 || j >= len(x.Columns) {
		return nil, fmt.Errorf("column %d of %d", j, len(x.Columns))
	}
	if x.Rows == 0 {
		return nil, errors.New("no rows to average over")
	}
	return choose(m, r)
}

func effects(targets []target, grid []float64) []Effect {
	out := make([]Effect, len(targets))
	for k, t := range targets {
		out[k] = Effect{Class: t.class, Time: t.time, Scale: t.scale, Grid: grid, Value: make([]float64, len(grid))}
	}
	return out
}

// gridOf returns at most n distinct quantiles of a column, its lowest and highest value among them; all levels where it is not numeric.
func gridOf(x models.Matrix, j, n int) []float64 {
	values := slices.DeleteFunc(slices.Clone(x.Column(j)), math.IsNaN)
	slices.Sort(values)
	if distinct := slices.Compact(slices.Clone(values)); len(distinct) <= n || x.Columns[j].Kind != table.Numeric {
		return distinct
	}
	out := make([]float64, n)
	for i := range out {
		place := float64(i) / float64(n-1) * float64(len(values)-1)
		at := min(int(place), len(values)-2)
		out[i] = values[at] + (place-float64(at))*(values[at+1]-values[at])
	}
	return slices.Compact(out)
}
