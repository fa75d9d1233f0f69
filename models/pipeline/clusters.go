package pipeline

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/stat"
)

// maxClustered bounds the columns that are clustered; their distances are kept as numbers.
const maxClustered = 6000

// representatives groups standardised columns by average linkage of 1 − |correlation|, cut where the mean correlation between two
// groups is no longer above the limit, and returns the column of each group that is most like the others, ascending.
func representatives(ctx context.Context, z [][]float64, above float64) ([]int, error) {
	p := len(z)
	if p > maxClustered {
		return nil, fmt.Errorf("%d columns are too many to cluster (at most %d); select or drop some first, or use by: order", p, maxClustered)
	}
	like := make([]float64, p*p) // |correlation|
	err := stat.Products(ctx, z, z, 0, func(i int, r []float64) {
		for j, v := range r {
			like[i*p+j] = math.Abs(v)
		}
	})
	if err != nil {
		return nil, err
	}
	group := clusters(slices.Clone(like), p, above)
	members := map[int][]int{}
	for j, g := range group {
		members[g] = append(members[g], j)
	}
	var out []int
	for g, of := range members {
		best, most := g, math.Inf(-1)
		for _, j := range of {
			sum := 0.0
			for _, k := range of {
				sum += like[j*p+k]
			}
			if sum > most+1e-12 { // equal ones: the first
				best, most = j, sum
			}
		}
		out = append(out, best)
	}
	slices.Sort(out)
	return out, nil
}

// clusters returns the group of each of p items, named by its first item: agglomeration by average linkage along chains of nearest
// neighbours (Murtagh 1983), which gives the same tree as joining the nearest pair each time. like is overwritten.
func clusters(like []float64, p int, above float64) []int {
	size, first := make([]float64, p), make([]int, p)
	parent := make([]int, p)
	open := make([]bool, p)
	for i := range p {
		size[i], first[i], parent[i], open[i] = 1, i, i, true
	}
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	var chain []int
	for left := p; left > 1; {
		if len(chain) == 0 {
			chain = append(chain, slices.Index(open, true))
		}
		a := chain[len(chain)-1]
		b, most := -1, math.Inf(-1)
		if len(chain) > 1 { // the one before wins ties, so that the chain ends
			b = chain[len(chain)-2]
			most = like[a*p+b]
		}
		for k := range p {
			if open[k] && k != a && like[a*p+k] > most {
				b, most = k, like[a*p+k]
			}
		}
		if len(chain) < 2 || b != chain[len(chain)-2] {
			chain = append(chain, b)
			continue
		}
		chain = chain[:len(chain)-2]
		low, high := min(a, b), max(a, b)
		if most > above {
			parent[root(first[high])] = root(first[low])
		}
		for k := range p {
			if open[k] && k != low && k != high {
				v := (size[low]*like[low*p+k] + size[high]*like[high*p+k]) / (size[low] + size[high])
				like[low*p+k], like[k*p+low] = v, v
			}
		}
		size[low] += size[high]
		open[high] = false
		left--
	}
	out := make([]int, p)
	name := map[int]int{}
	for i := range p {
		r := root(i)
		if _, ok := name[r]; !ok {
			name[r] = i
		}
		out[i] = name[r]
	}
	return out
}
