package association

import "math"

// merge joins two clusters of a dendrogram at a distance. Clusters are named by their first row.
type merge struct {
	a, b     int
	distance float64
}

// averageLinkage clusters n rows by UPGMA from a full distance matrix, which it destroys, following chains of nearest neighbours: O(n²) time
// (Murtagh 1983). Merges come in the order in which chains find them; a cluster keeps the lower name.
func averageLinkage(distance []float64, n int) []merge {
	size := make([]int, n)
	for i := range size {
		size[i] = 1
	}
	var merges []merge
	var chain []int
	for len(merges) < n-1 {
		if len(chain) == 0 {
			for i := range size {
				if size[i] > 0 {
					chain = append(chain, i)
					break
				}
			}
		}
		top := chain[len(chain)-1]
		best, at := math.Inf(1), -1
		if len(chain) > 1 { // the one before wins ties, or the chain might never end
			at = chain[len(chain)-2]
			best = distance[top*n+at]
		}
		for k := range size {
			if k != top && size[k] > 0 && distance[top*n+k] < best {
				best, at = distance[top*n+k], k
			}
		}
		if len(chain) < 2 || at != chain[len(chain)-2] {
			chain = append(chain, at)
			continue
		}
		chain = chain[:len(chain)-2]
		a, b := min(top, at), max(top, at)
		na, nb := float64(size[a]), float64(size[b])
		for k := range size {
			if size[k] > 0 && k != a && k != b {
				d := (na*distance[a*n+k] + nb*distance[b*n+k]) / (na + nb)
				distance[a*n+k], distance[k*n+a] = d, d
			}
		}
		size[a], size[b] = size[a]+size[b], 0
		merges = append(merges, merge{a, b, best})
	}
	return merges
}

// leafOrder returns rows so that those of like profile, by Euclidean distance, stand together. NaN counts as 0.
func leafOrder(rows [][]float64) []int {
	n := len(rows)
	if n == 0 {
		return nil
	}
	distance := make([]float64, n*n)
	for i := range rows {
		for j := range i {
			d := 0.0
			for k := range rows[i] {
				e := zeroed(rows[i][k]) - zeroed(rows[j][k])
				d += e * e
			}
			distance[i*n+j] = math.Sqrt(d)
			distance[j*n+i] = distance[i*n+j]
		}
	}
	members := make([][]int, n)
	for i := range members {
		members[i] = []int{i}
	}
	// Chains find merges out of order, but a cluster is always complete before it is merged.
	for _, m := range averageLinkage(distance, n) {
		members[m.a] = append(members[m.a], members[m.b]...)
	}
	return members[0]
}

// cut returns the cluster of each row when merges up to a distance are made, numbered from 0 in order of first rows.
func cut(merges []merge, n int, limit float64) []int {
	parent := make([]int, n)
	for i := range parent {
		parent[i] = i
	}
	find := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	for _, m := range merges {
		if m.distance <= limit {
			a, b := find(m.a), find(m.b)
			parent[max(a, b)] = min(a, b)
		}
	}
	number := make([]int, n)
	next := 0
	label := map[int]int{}
	for i := range number {
		root := find(i)
		if _, ok := label[root]; !ok {
			label[root] = next
			next++
		}
		number[i] = label[root]
	}
	return number
}

func zeroed(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}
