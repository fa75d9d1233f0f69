package association

import "math"

// leafOrder returns the rows in the order of an average-linkage dendrogram (UPGMA) of their Euclidean distances, so that rows of like
// profile stand together. NaN counts as 0. Of two subtrees the one whose first row came first stays first. O(n²) memory, O(n³) time at worst:
// for the few hundred rows that a page can show.
func leafOrder(rows [][]float64) []int {
	n := len(rows)
	distance := make([][]float64, n)
	members := make([][]int, n)
	for i := range rows {
		distance[i] = make([]float64, n)
		members[i] = []int{i}
		for j := range i {
			d := 0.0
			for k := range rows[i] {
				if e := zeroed(rows[i][k]) - zeroed(rows[j][k]); e != 0 {
					d += e * e
				}
			}
			distance[i][j] = math.Sqrt(d)
			distance[j][i] = distance[i][j]
		}
	}
	for range n - 1 {
		a, b := nearest(distance, members)
		na, nb := float64(len(members[a])), float64(len(members[b]))
		for k := range members {
			if members[k] != nil && k != a && k != b {
				distance[a][k] = (na*distance[a][k] + nb*distance[b][k]) / (na + nb)
				distance[k][a] = distance[a][k]
			}
		}
		members[a] = append(members[a], members[b]...)
		members[b] = nil
	}
	if n == 0 {
		return nil
	}
	return members[0]
}

// nearest returns the closest pair of clusters, the lower index first; ties go to the lower indices, so cluster 0 survives to the end.
func nearest(distance [][]float64, members [][]int) (a, b int) {
	best := math.Inf(1)
	for i := range members {
		if members[i] == nil {
			continue
		}
		for j := i + 1; j < len(members); j++ {
			if members[j] != nil && distance[i][j] < best {
				best, a, b = distance[i][j], i, j
			}
		}
	}
	return a, b
}

func zeroed(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}
