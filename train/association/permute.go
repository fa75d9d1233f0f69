package association

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/work"
)

// permute fills FamilyWise: the share of permutations of patients in which the largest |effect| of all numeric pairs is at least the
// pair's own, (b+1)/(m+1). Patients move within their site. With covariates it is the residuals that move (Freedman and Lane 1983).
// Pairs differ in n where columns have holes; then the smallest p stands in for the largest effect (minP).
func (m *Map) permute(ctx context.Context, site []string, seed work.Seed, jobs int) error {
	ix, iy := of(m.x, numeric), of(m.y, numeric)
	m.FamilyWise = make([]float64, len(m.Q))
	for k := range m.FamilyWise {
		m.FamilyWise[k] = math.NaN()
	}
	if len(ix) == 0 || len(iy) == 0 || m.Config.Method == Kendall {
		m.Notes = append(m.Notes, "family-wise p-values by permutation are given for Pearson and Spearman pairs of numbers, of which there are none")
		return nil
	}
	if len(ix) < len(m.X) || len(iy) < len(m.Y) {
		m.Notes = append(m.Notes, "family-wise p-values by permutation are given for pairs of numbers only")
	}
	x, columns, method := residuals(valuesAt(m.x, ix), valuesAt(m.y, iy), m.given, stat.Method(m.Config.Method))
	again := newProjection(m.given, m.Config.Method)
	extreme := make([]float64, m.Config.Permutations)
	strength := m.strength(ix, iy)
	items := make([]work.Item, m.Config.Permutations)
	for k := range items {
		items[k] = work.Item{Name: fmt.Sprintf("permutation %d", k), Do: func(ctx context.Context) ([]byte, error) {
			order := permutation(seed.SplitInt("permutation", k), site, len(x[0]))
			moved := make([][]float64, len(columns))
			for j, c := range columns {
				moved[j] = make([]float64, len(c))
				for i, from := range order {
					moved[j][i] = c[from]
				}
				if len(m.given) > 0 {
					moved[j] = again.residual(moved[j])
				}
			}
			pairs, err := stat.Correlate(ctx, x, moved, method, len(m.given), 1)
			if err != nil {
				return nil, err
			}
			extreme[k], err = strength.largest(ctx, pairs)
			return nil, err
		}}
	}
	results, err := work.Pool{Jobs: jobs}.Run(ctx, items)
	if err != nil {
		return err
	}
	if err := work.Errors(results); err != nil {
		return err
	}
	slices.Sort(extreme)
	for _, i := range ix {
		for _, j := range iy {
			k := i*len(m.Y) + j
			if s := strength.of(m.Effect[k], m.PValue(k)); !math.IsNaN(s) {
				below, _ := slices.BinarySearch(extreme, s)
				m.FamilyWise[k] = float64(len(extreme)-below+1) / float64(len(extreme)+1)
			}
		}
	}
	return nil
}

// strength orders pairs: by |effect| where all have the same n, by p where they do not.
type strength struct{ byP bool }

func (m *Map) strength(ix, iy []int) strength {
	if m.N == nil {
		return strength{}
	}
	first := m.N[ix[0]*len(m.Y)+iy[0]]
	for _, i := range ix {
		for _, j := range iy {
			if m.N[i*len(m.Y)+j] != first {
				return strength{byP: true}
			}
		}
	}
	return strength{}
}

func (s strength) of(effect, p float64) float64 {
	if s.byP {
		return -p
	}
	return math.Abs(effect)
}

func (s strength) largest(ctx context.Context, pairs *stat.Pairs) (float64, error) {
	most := math.Inf(-1)
	if !s.byP {
		for _, r := range pairs.R {
			if a := math.Abs(r); a > most {
				most = a
			}
		}
		return most, nil
	}
	p, err := pairs.PValues(ctx, nil, 1)
	for _, v := range p {
		if -v > most {
			most = -v
		}
	}
	return most, err
}

// permutation draws an order of patients that keeps each within its site.
func permutation(seed work.Seed, site []string, n int) []int {
	r := seed.Rand()
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if site == nil {
		r.Shuffle(n, func(a, b int) { order[a], order[b] = order[b], order[a] })
		return order
	}
	members := map[string][]int{}
	for i, s := range site {
		members[s] = append(members[s], i)
	}
	for _, s := range slices.Sorted(maps.Keys(members)) {
		rows := members[s]
		to := slices.Clone(rows)
		r.Shuffle(len(to), func(a, b int) { to[a], to[b] = to[b], to[a] })
		for k, i := range rows {
			order[i] = to[k]
		}
	}
	return order
}
