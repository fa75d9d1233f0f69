// Package association draws the map between two sides of a cohort, as a rule image features and genes: which pairs go together, how
// strongly, and which of that can be believed after so many tests.
package association

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
)

// Map holds every pair of a column of X with a column of Y. Effect, P and Q are row-major, len(X) × len(Y).
type Map struct {
	X, Y   []table.Column
	Config Config
	// Effect is a correlation where both columns are numeric or ordinal, Cliff's delta of the last level against the other where one has
	// two levels, and epsilon squared where it has more. NaN where there is none.
	Effect []float64
	P      []float64 // two-sided; NaN where the pair could not be tested
	Q      []float64 // adjusted over the whole map
	// FamilyWise are p-values by permutation of patients, of the largest |effect| of the whole map (Westfall and Young's maxT, single
	// step); nil without permutations.
	FamilyWise []float64
	N          []int32  // rows that both columns have
	Notes      []string // what a reader has to know: columns left out, sources normalised before
}

// ErrNoPairs says that one side of the map is empty.
var ErrNoPairs = errors.New("association: nothing to pair")

// Run computes the map. The rows of t are patients; site, which may be nil, is the centre of each, within which patients are permuted.
// Results do not depend on jobs.
func Run(ctx context.Context, t *table.Table, site []string, c Config, seed work.Seed, jobs int) (*Map, error) {
	xs, ys, given, err := sides(t, c)
	if err != nil {
		return nil, err
	}
	m := &Map{Config: c}
	x, y := m.take(t, xs, true), m.take(t, ys, false)
	if len(m.X) == 0 || len(m.Y) == 0 {
		return nil, fmt.Errorf("%w: x has %d usable columns and y has %d", ErrNoPairs, len(m.X), len(m.Y))
	}
	covariates, err := design(t, given)
	if err != nil {
		return nil, err
	}
	n := len(m.X) * len(m.Y)
	m.Effect, m.P, m.N = make([]float64, n), make([]float64, n), make([]int32, n)
	if err := m.numeric(ctx, x, y, covariates, jobs); err != nil {
		return nil, err
	}
	if err := m.grouped(ctx, x, y, jobs); err != nil {
		return nil, err
	}
	m.Q = slices.Clone(m.P)
	stat.AdjustMany(m.Q, c.Adjust)
	if c.Permutations > 0 {
		if err := m.permute(ctx, x, y, covariates, site, seed, jobs); err != nil {
			return nil, err
		}
	}
	for _, s := range c.Prenormalised {
		m.Notes = append(m.Notes, fmt.Sprintf("source %s was normalised over the whole cohort before it reached Voxgene; its patients are not independent, and p-values are a little too small", s))
	}
	return m, nil
}

// sides resolves the two sides and the covariates to columns of t. A column on both sides, or among the covariates, is left out of x and y.
func sides(t *table.Table, c Config) (x, y, given []int, err error) {
	find := func(what string, patterns []string) []int {
		var out []int
		for _, pattern := range patterns {
			found := false
			for j, col := range t.Columns {
				if col.Group == pattern || col.Source == pattern || table.Match(pattern, col.Name) {
					found = true
					if !slices.Contains(out, j) {
						out = append(out, j)
					}
				}
			}
			if !found {
				err = errors.Join(err, fmt.Errorf("association.%s: %q is no group, source or column of this cohort", what, pattern))
			}
		}
		return out
	}
	x, y, given = find("x", c.X), find("y", c.Y), find("given", c.Given)
	x = slices.DeleteFunc(x, func(j int) bool { return slices.Contains(given, j) || slices.Contains(y, j) })
	y = slices.DeleteFunc(y, func(j int) bool { return slices.Contains(given, j) })
	return x, y, given, err
}

// take returns the values of the columns that can be tested and notes the others. Only y may have categories.
func (m *Map) take(t *table.Table, columns []int, isX bool) [][]float64 {
	var values [][]float64
	dropped := map[string][]string{}
	for _, j := range columns {
		c, v := t.Columns[j], t.Values[j]
		switch distinct := countDistinct(v); {
		case distinct < 2:
			dropped["of one value"] = append(dropped["of one value"], c.Name)
			continue
		case isX && c.Kind == table.Categorical && distinct > 2:
			dropped["of several categories on the x side"] = append(dropped["of several categories on the x side"], c.Name)
			continue
		}
		values = append(values, v)
		if isX {
			m.X = append(m.X, c)
		} else {
			m.Y = append(m.Y, c)
		}
	}
	for _, why := range []string{"of one value", "of several categories on the x side"} {
		if names := dropped[why]; len(names) > 0 {
			m.Notes = append(m.Notes, fmt.Sprintf("%d columns %s were left out, such as %s", len(names), why, names[0]))
		}
	}
	return values
}

// countDistinct counts distinct values up to three.
func countDistinct(v []float64) int {
	var seen []float64
	for _, a := range v {
		if !math.IsNaN(a) && !slices.Contains(seen, a) {
			if seen = append(seen, a); len(seen) == 3 {
				break
			}
		}
	}
	return len(seen)
}

// numeric fills the pairs whose y is a number or an order.
func (m *Map) numeric(ctx context.Context, x, y [][]float64, covariates [][]float64, jobs int) error {
	var at []int
	var columns [][]float64
	for j, c := range m.Y {
		if c.Kind != table.Categorical {
			at, columns = append(at, j), append(columns, y[j])
		}
	}
	if len(columns) == 0 {
		return nil
	}
	x, columns, method := residuals(x, columns, covariates, m.Config.Method)
	pairs, err := stat.Correlate(ctx, x, columns, method, len(covariates), jobs)
	if err != nil {
		return err
	}
	p, err := pairs.PValues(ctx, nil, jobs)
	if err != nil {
		return err
	}
	for i := range x {
		for k, j := range at {
			to, from := i*len(m.Y)+j, i*len(at)+k
			m.Effect[to], m.P[to], m.N[to] = pairs.R[from], p[from], int32(pairs.Count(i, k))
		}
	}
	return nil
}

// grouped fills the pairs whose y has categories: Mann–Whitney for two, Kruskal–Wallis for more. Covariates are not used here, and a note
// says so.
func (m *Map) grouped(ctx context.Context, x, y [][]float64, jobs int) error {
	var at []int
	for j, c := range m.Y {
		if c.Kind == table.Categorical {
			at = append(at, j)
		}
	}
	if len(at) == 0 {
		return nil
	}
	if len(m.Config.Given) > 0 {
		m.Notes = append(m.Notes, "covariates were removed from numeric pairs only; tests between categories use the values as they are")
	}
	items := make([]work.Item, len(x))
	for i := range items {
		items[i] = work.Item{Name: m.X[i].Name, Do: func(context.Context) ([]byte, error) {
			for _, j := range at {
				k := i*len(m.Y) + j
				m.Effect[k], m.P[k], m.N[k] = compareGroups(x[i], y[j])
			}
			return nil, nil
		}}
	}
	results, err := work.Pool{Jobs: jobs}.Run(ctx, items)
	if err != nil {
		return err
	}
	return work.Errors(results)
}

// minGroup is the smallest group that a test between categories takes.
const minGroup = 3

// compareGroups tests x between the categories of y.
func compareGroups(x, y []float64) (effect, p float64, n int32) {
	groups := stat.Groups(x, y)
	for _, g := range groups {
		n += int32(len(g))
	}
	groups = slices.DeleteFunc(groups, func(g []float64) bool { return len(g) < minGroup })
	switch {
	case len(groups) < 2 || n < stat.MinPairRows:
		return math.NaN(), math.NaN(), n
	case len(groups) == 2:
		p = stat.MannWhitneyU(groups[1], groups[0], true).P
		return stat.CliffDelta(groups[1], groups[0]), p, n
	}
	h := stat.KruskalWallis(groups)
	total := 0
	for _, g := range groups {
		total += len(g)
	}
	return h.Statistic / float64(total-1), h.P, n
}
