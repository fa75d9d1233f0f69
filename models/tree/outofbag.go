package tree

import (
	"math"
	"slices"
)

// outOfBag scores a forest of class shares on the rows outside the bags.
func outOfBag(s *sample, routers []*router, b bags, known []int32) *OutOfBag {
	width := s.width()
	mean := make([]float64, len(known)*width)
	votes := make([]int32, len(known))
	const block = 512
	blocks := (len(known) + block - 1) / block
	parallel(blocks, len(known)*len(routers), func() func(int) {
		return func(k int) {
			from, to := k*block, min((k+1)*block, len(known))
			for t, tree := range routers {
				for i := from; i < to; i++ {
					if b.has(t, known[i]) {
						continue
					}
					leaf := int(tree.leaf(known[i]))
					for j := range width {
						mean[i*width+j] += tree.tree.values[leaf*width+j]
					}
					votes[i]++
				}
			}
		}
	})
	out := &OutOfBag{}
	shares := make([]float64, s.k)
	var scores []float64
	var positive []bool
	for i, r := range known {
		if votes[i] == 0 {
			continue
		}
		one := mean[i*width : (i+1)*width]
		for j := range one {
			one[j] /= float64(votes[i])
		}
		probabilities(Probability, one, shares)
		out.Rows++
		if argmax(shares) == int(s.class[r]) {
			out.Accuracy++
		}
		out.LogLoss -= math.Log(max(shares[s.class[r]], 1e-15))
		if s.k == 2 {
			scores, positive = append(scores, shares[1]), append(positive, s.class[r] == 1)
		}
	}
	if out.Rows > 0 {
		out.Accuracy /= float64(out.Rows)
		out.LogLoss /= float64(out.Rows)
		out.AUC = areaUnderCurve(scores, positive)
	}
	return out
}

// routers prepares trees for routing.
func routers(trees []*nodes, columns []ranks, byRow []uint16) []*router {
	out := make([]*router, len(trees))
	for t := range out {
		out[t] = trees[t].router(columns, byRow)
	}
	return out
}

// argmax returns the first of the largest.
func argmax(list []float64) int {
	best := 0
	for k, v := range list {
		if v > list[best] {
			best = k
		}
	}
	return best
}

// areaUnderCurve is the share of pairs of a positive and a negative in which the positive scores higher, ties counted half; 0 where
// there is no such pair.
func areaUnderCurve(scores []float64, positive []bool) float64 {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return compareFloats(scores[a], scores[b]) })
	below, pairs, ones, zeros := 0.0, 0.0, 0.0, 0.0
	for i := 0; i < len(order); {
		p, n := 0.0, 0.0
		first := scores[order[i]]
		for ; i < len(order) && scores[order[i]] == first; i++ {
			if positive[order[i]] {
				p++
			} else {
				n++
			}
		}
		pairs += p * (below + n/2)
		below += n
		ones += p
		zeros += n
	}
	if ones*zeros == 0 {
		return 0
	}
	return pairs / (ones * zeros)
}
