// Package association draws the map between two sides of a cohort, as a rule image features and genes: which pairs go together, how
// strongly, and which of that can be believed after so many tests.
package association

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
)

// Cohort is what a map is made of. Rows are patients.
type Cohort struct {
	Table    *table.Table
	Outcomes []clinical.Outcome // of the same rows
	Site     []string           // centre of each patient, within which patients are permuted; nil for one centre
}

// Map holds every pair of a column of X with a column of Y.
type Map struct {
	X, Y   []table.Column
	Config Config
	// Effect, row-major len(X) × len(Y): a correlation between numbers; between a number and two categories Cliff's delta of the last
	// category, or the difference in standard deviations where the test is moderated; epsilon squared between a number and more of them;
	// Cramér's V between categories, with the sign of phi where both have two; for a survival outcome the log hazard ratio of one
	// standard deviation. NaN where there is none.
	Effect []float64
	Q      []float64 // adjusted p-values; NaN where the pair could not be tested
	// Raw is the map without removing the covariates; nil where there are none.
	Raw *Map
	// FamilyWise are p-values by permutation of patients, of the strongest of all numeric pairs (Westfall and Young's single-step maxT, or
	// minP where n differs between pairs); nil without permutations.
	FamilyWise []float64
	// N is the number of rows that both columns have; nil where it is Rows for every pair. Count reads it.
	N          []int32
	Rows       int
	Modules    *Modules
	Sets       *SetMap
	Replicated *Replication
	Notes      []string // what a reader has to know: columns left out, sources normalised before

	x, y  []variable
	given [][]float64 // covariates as numbers
	// stdErr is the standard error of the effects that a model gave: hazard ratios, moderated differences.
	stdErr map[int]float64
	mu     sync.Mutex // guards stdErr
	// p holds two-sided p-values; nil for a map of correlations, where millions of them follow from r and n.
	p     []float64
	pairs *stat.Pairs
}

// ErrNoPairs says that one side of the map is empty.
var ErrNoPairs = errors.New("association: nothing to pair")

// Run computes the map. Results do not depend on jobs.
func Run(ctx context.Context, data Cohort, c Config, seed work.Seed, jobs int) (*Map, error) {
	x, y, given, err := sides(variables(data.Table, data.Outcomes), c)
	if err != nil {
		return nil, err
	}
	m := &Map{Config: c, Rows: data.Table.Rows()}
	m.x, m.y = m.usable(x), m.usable(y)
	m.X, m.Y = columnsOf(m.x), columnsOf(m.y)
	if len(m.X) == 0 || len(m.Y) == 0 {
		return nil, fmt.Errorf("%w: x has %d usable columns and y has %d", ErrNoPairs, len(m.X), len(m.Y))
	}
	if m.given, err = design(given); err != nil {
		return nil, err
	}
	if err := m.test(ctx, jobs); err != nil {
		return nil, err
	}
	if len(given) > 0 {
		raw := c
		raw.Given, raw.Permutations, raw.Bootstrap, raw.Modules, raw.Sets.File = nil, 0, 0, 0, ""
		m.Raw = &Map{Config: raw, Rows: m.Rows, X: m.X, Y: m.Y, x: m.x, y: m.y}
		if err := m.Raw.test(ctx, jobs); err != nil {
			return nil, err
		}
	}
	if c.Permutations > 0 {
		if err := m.permute(ctx, data.Site, seed, jobs); err != nil {
			return nil, err
		}
	}
	if c.Modules > 0 {
		if m.Modules, err = m.modules(ctx, jobs); err != nil {
			return nil, err
		}
	}
	for _, s := range c.Prenormalised {
		m.Notes = append(m.Notes, fmt.Sprintf("source %s was normalised over the whole cohort before it reached Voxgene; its patients are not independent, and p-values are a little too small", s))
	}
	return m, nil
}

// test fills Effect, P, N and Q.
func (m *Map) test(ctx context.Context, jobs int) error {
	if err := m.correlate(ctx, jobs); err != nil {
		return err
	}
	if m.Config.Groups == Moderated {
		if err := m.moderated(); err != nil {
			return err
		}
	}
	if err := m.compare(ctx, jobs); err != nil {
		return err
	}
	return m.adjust(ctx, jobs)
}

// PValue is the two-sided p-value of pair k, k counting as in Effect; NaN where it could not be tested.
func (m *Map) PValue(k int) float64 {
	if m.pairs != nil {
		return m.pairs.P(k/len(m.Y), k%len(m.Y))
	}
	return m.p[k]
}

// Count is the number of rows that both columns of pair k have.
func (m *Map) Count(k int) int {
	if m.N == nil {
		return m.Rows
	}
	return int(m.N[k])
}

// adjust fills Q, over the whole map or block by block.
func (m *Map) adjust(ctx context.Context, jobs int) error {
	if m.pairs != nil {
		var err error
		if m.Q, err = m.pairs.PValues(ctx, nil, jobs); err != nil {
			return err
		}
	} else {
		m.Q = slices.Clone(m.p)
	}
	if m.Config.Within == "map" {
		stat.AdjustMany(m.Q, m.Config.Adjust)
		return nil
	}
	blocks := map[[2]string][]int{}
	var order [][2]string
	for i, a := range m.X {
		for j, b := range m.Y {
			key := [2]string{a.Source, b.Source}
			if blocks[key] == nil {
				order = append(order, key)
			}
			blocks[key] = append(blocks[key], i*len(m.Y)+j)
		}
	}
	for _, key := range order {
		p := make([]float64, len(blocks[key]))
		for k, at := range blocks[key] {
			p[k] = m.Q[at]
		}
		stat.AdjustMany(p, m.Config.Adjust)
		for k, at := range blocks[key] {
			m.Q[at] = p[k]
		}
	}
	return nil
}

// of returns the places of the variables of a scale.
func of(side []variable, s scale) []int {
	var out []int
	for i, v := range side {
		if v.scale == s {
			out = append(out, i)
		}
	}
	return out
}

func valuesAt(side []variable, at []int) [][]float64 {
	out := make([][]float64, len(at))
	for k, i := range at {
		out[k] = side[i].values
	}
	return out
}

// correlate fills the pairs of numbers.
func (m *Map) correlate(ctx context.Context, jobs int) error {
	ix, iy := of(m.x, numeric), of(m.y, numeric)
	allNumbers := len(ix) == len(m.x) && len(iy) == len(m.y) && m.Config.Method != Kendall
	if !allNumbers {
		n := len(m.X) * len(m.Y)
		m.Effect, m.p, m.N = make([]float64, n), make([]float64, n), make([]int32, n)
		for k := range n {
			m.Effect[k], m.p[k] = math.NaN(), math.NaN()
		}
	}
	if len(ix) == 0 || len(iy) == 0 || m.Config.Method == Kendall {
		return nil
	}
	x, y, method := residuals(valuesAt(m.x, ix), valuesAt(m.y, iy), m.given, stat.Method(m.Config.Method))
	pairs, err := stat.Correlate(ctx, x, y, method, len(m.given), jobs)
	if err != nil {
		return err
	}
	if allNumbers { // thirty million pairs are not copied
		m.Effect, m.N, m.pairs = pairs.R, pairs.N, pairs
		return nil
	}
	for a, i := range ix {
		for b, j := range iy {
			to, from := i*len(m.Y)+j, a*len(iy)+b
			m.Effect[to], m.p[to], m.N[to] = pairs.R[from], pairs.P(a, b), int32(pairs.Count(a, b))
		}
	}
	return nil
}

// compare fills every pair that the matrix product and the moderated tests have not.
func (m *Map) compare(ctx context.Context, jobs int) error {
	fast := m.Config.Method != Kendall
	if fast && len(of(m.x, numeric)) == len(m.x) && len(of(m.y, numeric)) == len(m.y) {
		return nil
	}
	items := make([]work.Item, len(m.x))
	for i := range items {
		items[i] = work.Item{Name: m.X[i].Name, Do: func(context.Context) ([]byte, error) {
			for j := range m.y {
				a, b := m.x[i], m.y[j]
				if a.scale == numeric && b.scale == numeric && fast || m.isModerated(a, b) {
					continue
				}
				k := i*len(m.Y) + j
				if b.scale == survival {
					var se float64
					m.Effect[k], se, m.p[k], m.N[k] = coxTest(a, *b.time, m.given)
					m.keepError(k, se)
					continue
				}
				m.Effect[k], m.p[k], m.N[k] = m.pairTest(a, b)
			}
			return nil, nil
		}}
	}
	results, err := work.Pool{Jobs: jobs}.Run(ctx, items)
	if err != nil {
		return err
	}
	if err := work.Errors(results); err != nil {
		return err
	}
	if len(m.given) > 0 && slices.ContainsFunc(m.y, func(v variable) bool { return v.scale == grouped && m.Config.Groups == Ranks }) {
		m.Notes = append(m.Notes, "covariates were not removed from tests by ranks between categories; groups: moderated removes them")
	}
	return nil
}

func (m *Map) keepError(k int, se float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stdErr == nil {
		m.stdErr = map[int]float64{}
	}
	m.stdErr[k] = se
}

// pairTest compares two variables, neither a survival outcome, by what their scales allow.
func (m *Map) pairTest(a, b variable) (effect, p float64, n int32) {
	switch {
	case a.scale == grouped && b.scale == grouped:
		return tableTest(a, b)
	case b.scale == grouped:
		return rankTest(a.values, b.values)
	case a.scale == grouped:
		return rankTest(b.values, a.values)
	}
	return kendallTest(a.values, b.values)
}
