package association

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/voxgene/voxgene/features/stat"
)

// Modules are clusters of the columns of each side, and the map of cluster against cluster.
type Modules struct {
	X, Y []Module
	// R, P and Q are row-major len(X) × len(Y): correlations of the eigengenes.
	R, P, Q []float64
	N       []int32
}

// Module is a cluster of columns and its eigengene.
type Module struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"` // those most like the eigengene first
	// Explained is the share of the columns' variance that the eigengene has.
	Explained float64   `json:"explained"`
	eigengene []float64 // first principal component, a value a patient, NaN where all columns are missing
}

// Columns that one side is clustered with at most: a distance for each pair of them has to fit in memory.
const maxClustered = 6000

// Modules of fewer columns say no more than a column does.
const minModule = 3

// modules clusters both sides by average linkage of 1−|correlation|, cut where the mean |correlation| falls below the configured one, and
// tests every module against every other.
func (m *Map) modules(ctx context.Context, jobs int) (*Modules, error) {
	out := &Modules{}
	var err error
	if out.X, err = m.clusters(ctx, m.x, "X", jobs); err != nil {
		return nil, err
	}
	if out.Y, err = m.clusters(ctx, m.y, "Y", jobs); err != nil {
		return nil, err
	}
	if len(out.X) == 0 || len(out.Y) == 0 {
		m.Notes = append(m.Notes, fmt.Sprintf("no modules: at a mean |correlation| of %g there are %d clusters of %d columns or more on one side and %d on the other", m.Config.Modules, len(out.X), minModule, len(out.Y)))
		return out, nil
	}
	eigen := func(list []Module) [][]float64 {
		var columns [][]float64
		for _, module := range list {
			columns = append(columns, module.eigengene)
		}
		return columns
	}
	x, y, method := residuals(eigen(out.X), eigen(out.Y), m.given, stat.PearsonMethod)
	pairs, err := stat.Correlate(ctx, x, y, method, len(m.given), jobs)
	if err != nil {
		return nil, err
	}
	out.R = pairs.R
	if out.P, err = pairs.PValues(ctx, nil, jobs); err != nil {
		return nil, err
	}
	out.Q = slices.Clone(out.P)
	stat.AdjustMany(out.Q, m.Config.Adjust)
	for i := range x {
		for j := range y {
			out.N = append(out.N, int32(pairs.Count(i, j)))
		}
	}
	return out, nil
}

// clusters finds the modules of one side, largest first.
func (m *Map) clusters(ctx context.Context, side []variable, prefix string, jobs int) ([]Module, error) {
	at := of(side, numeric)
	if len(at) > maxClustered {
		slices.SortStableFunc(at, func(a, b int) int {
			va, vb := spread(side[a].values), spread(side[b].values)
			switch {
			case va > vb:
				return -1
			case va < vb:
				return 1
			}
			return 0
		})
		m.Notes = append(m.Notes, fmt.Sprintf("modules of %s were looked for among the %d columns of largest variance, of %d", prefix, maxClustered, len(at)))
		at = at[:maxClustered]
		slices.Sort(at)
	}
	n := len(at)
	if n < minModule {
		return nil, nil
	}
	columns := valuesAt(side, at)
	pairs, err := stat.Correlate(ctx, columns, columns, stat.Method(m.correlation()), 0, jobs)
	if err != nil {
		return nil, err
	}
	distance := pairs.R
	for k, r := range distance {
		distance[k] = 1 - math.Abs(zeroed(r))
	}
	members := map[int][]int{}
	number := cut(averageLinkage(distance, n), n, 1-m.Config.Modules)
	for k, c := range number {
		members[c] = append(members[c], k)
	}
	var out []Module
	for c := range len(members) {
		if len(members[c]) < minModule {
			continue
		}
		var names []string
		var values [][]float64
		for _, k := range members[c] {
			names, values = append(names, side[at[k]].Name), append(values, columns[k])
		}
		out = append(out, newModule(names, values))
	}
	slices.SortStableFunc(out, func(a, b Module) int { return len(b.Columns) - len(a.Columns) })
	for k := range out {
		out[k].Name = fmt.Sprintf("%s%d", prefix, k+1)
	}
	return out, nil
}

// correlation is the method for clustering; Kendall's would be far too slow there and Spearman's stands in.
func (m *Map) correlation() Method {
	if m.Config.Method == Pearson {
		return Pearson
	}
	return Spearman
}

func spread(v []float64) float64 {
	var present []float64
	for _, a := range v {
		if !math.IsNaN(a) {
			present = append(present, a)
		}
	}
	return stat.Variance(present)
}

// newModule computes the eigengene: the first principal component of the standardised columns, with missing values at their column's mean,
// turned so that most columns go along with it.
func newModule(names []string, values [][]float64) Module {
	rows := len(values[0])
	z := mat.NewDense(rows, len(values), nil)
	missing := make([]int, rows)
	for j, v := range values {
		var present []float64
		for _, a := range v {
			if !math.IsNaN(a) {
				present = append(present, a)
			}
		}
		mean, sd := stat.Mean(present), math.Sqrt(stat.Variance(present))
		for i, a := range v {
			if math.IsNaN(a) {
				missing[i]++
				continue
			}
			z.Set(i, j, (a-mean)/sd)
		}
	}
	var svd mat.SVD
	module := Module{eigengene: make([]float64, rows)}
	if !svd.Factorize(z, mat.SVDThin) {
		module.Columns = names
		return module
	}
	var u, v mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	sum, positive := 0.0, 0.0
	for k, s := range svd.Values(nil) {
		sum += s * s
		if k == 0 {
			module.Explained = s * s
		}
	}
	module.Explained /= sum
	for j := range values {
		positive += v.At(j, 0)
	}
	sign := 1.0
	if positive < 0 {
		sign = -1
	}
	for i := range rows {
		module.eigengene[i] = sign * u.At(i, 0)
		if missing[i] == len(values) {
			module.eigengene[i] = math.NaN()
		}
	}
	order := make([]int, len(names))
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int {
		la, lb := math.Abs(v.At(a, 0)), math.Abs(v.At(b, 0))
		switch {
		case la > lb:
			return -1
		case la < lb:
			return 1
		}
		return 0
	})
	for _, j := range order {
		module.Columns = append(module.Columns, names[j])
	}
	return module
}
