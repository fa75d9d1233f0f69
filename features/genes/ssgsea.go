package genes

import (
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/stat"
)

// SSGSEA scores gene sets in each sample by itself: the sum, over genes in decreasing order of expression, of the share of the set
// seen so far, weighted by rank to the power 0.25, less the share of other genes (Barbie and others 2009). It is not divided by the
// range among samples, so a patient's score does not depend on the others; Scores.DivideByRange does that.
func SSGSEA(m *Matrix, sets []Set) (Scores, error) {
	const alpha = 0.25
	out, members, err := newScores(m, sets)
	if err != nil {
		return out, err
	}
	n := len(m.Genes)
	x := make([]float64, n)
	place := make([]int, n)
	for s := range m.Samples {
		m.Sample(s, x)
		if slices.ContainsFunc(x, math.IsNaN) {
			return out, fmt.Errorf("sample %s has missing values; impute them before", m.Samples[s])
		}
		ranks := stat.Ranks(x)
		for g, r := range ranks {
			ranks[g] = math.Floor(r)
		}
		for p, g := range decreasing(ranks) {
			place[g] = p
		}
		for k, at := range members {
			// The running sums are summed over all places, so a gene at place p counts n−p times.
			hit, weight, inside := 0.0, 0.0, 0.0
			for _, g := range at {
				w := math.Pow(ranks[g], alpha)
				left := float64(n - place[g])
				hit += w * left
				weight += w
				inside += left
			}
			miss := float64(n)*float64(n+1)/2 - inside
			out.Values[k][s] = hit/weight - miss/float64(n-len(at))
		}
	}
	return out, nil
}

// newScores finds the genes of each set. A set without a gene, or with all of them, is an error.
func newScores(m *Matrix, sets []Set) (Scores, [][]int, error) {
	out := Scores{Samples: m.Samples}
	index := m.Index()
	var members [][]int
	for _, set := range sets {
		at := set.Indices(index)
		if len(at) == 0 {
			return out, nil, fmt.Errorf("gene set %s: none of its %d genes is in the data; are the names of the same kind?", set.Name, len(set.Genes))
		}
		if len(at) == len(m.Genes) {
			return out, nil, fmt.Errorf("gene set %s has every gene of the data: there is nothing to compare it with", set.Name)
		}
		members = append(members, at)
		out.Sets = append(out.Sets, set.Name)
		out.Values = append(out.Values, make([]float64, len(m.Samples)))
	}
	return out, members, nil
}

// decreasing returns the indices of values from the largest; of equals the first comes first.
func decreasing(x []float64) []int {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case x[a] > x[b]:
			return -1
		case x[a] < x[b]:
			return 1
		}
		return 0
	})
	return order
}

// Range is the difference between the largest and the smallest score of all sets and samples.
func (s Scores) Range() float64 {
	low, high := math.Inf(1), math.Inf(-1)
	for _, row := range s.Values {
		low, high = min(low, slices.Min(row)), max(high, slices.Max(row))
	}
	return high - low
}

// DivideByRange divides every score by a range, for example that of training samples: GSVA's ssgsea.norm.
func (s Scores) DivideByRange(r float64) {
	for _, row := range s.Values {
		for i := range row {
			row[i] /= r
		}
	}
}
