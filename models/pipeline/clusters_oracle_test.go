package pipeline

import (
	"fmt"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/work"
)

// Groups are those of joining the nearest pair again and again, as the definition of average linkage says, tried on 40 matrices.
func TestClustersByDefinition(t *testing.T) {
	for trial := range 40 {
		rng := work.Seed(trial).Rand()
		p := 2 + rng.IntN(25)
		like := make([]float64, p*p)
		for i := range p {
			for j := range i {
				v := rng.Float64()
				like[i*p+j], like[j*p+i] = v, v
			}
		}
		var groups [][]int
		for i := range p {
			groups = append(groups, []int{i})
		}
		mean := func(a, b []int) float64 {
			sum := 0.0
			for _, i := range a {
				for _, j := range b {
					sum += like[i*p+j]
				}
			}
			return sum / float64(len(a)*len(b))
		}
		for {
			x, y, most := -1, -1, 0.6
			for i := range groups {
				for j := range i {
					if v := mean(groups[i], groups[j]); v > most {
						x, y, most = j, i, v
					}
				}
			}
			if x < 0 {
				break
			}
			groups[x] = append(groups[x], groups[y]...)
			groups = slices.Delete(groups, y, y+1)
		}
		want := make([]int, p)
		for _, g := range groups {
			for _, i := range g {
				want[i] = slices.Min(g)
			}
		}
		if got := clusters(slices.Clone(like), p, 0.6); !slices.Equal(got, want) {
			t.Fatalf("%d items: %v, want %v", p, got, want)
		}
	}
}

// SciPy 1.10.1: fcluster(linkage(1 − |r|, "average"), 0.35, "distance") of this matrix gives {0, 1, 4} and {2, 3}.
func TestClustersOracle(t *testing.T) {
	like := []float64{1, .9, .2, .3, .7, .9, 1, .1, .25, .66, .2, .1, 1, .8, .3, .3, .25, .8, 1, .5, .7, .66, .3, .5, 1}
	check := oracle.Absolute(t, "group", "average linkage of five columns", "SciPy 1.10.1", 0)
	for i, g := range clusters(like, 5, 0.65) {
		check.Near(fmt.Sprint(i), float64(g), []float64{0, 0, 2, 2, 0}[i])
	}
}
