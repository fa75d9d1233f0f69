package explain

import (
	"fmt"
	"math/bits"

	"github.com/voxgene/voxgene/models"
)

const (
	fewColumns  = 10 // up to which Auto enumerates
	mostColumns = 14 // up to which enumeration is allowed
	// The same for functions of sums over trees or columns, whose subsets need no prediction each.
	fewLinked  = 12
	mostLinked = 20
	mostCells  = 1 << 25 // and the numbers that all subsets have together
	// fewIntegrated is up to which Auto integrates: exact at any size, but a second a row at a hundred columns and background rows.
	fewIntegrated = 64
	widest        = 120 // and how far the sum may move within the background
	// mostWork is up to how many visits to cells a row Auto eliminates columns: some tenths of a second.
	mostWork = 3e7
)

// enumerated computes Shapley values by their definition, over all subsets of the columns that matter.
type enumerated struct{ *mixtures }

func newEnumerated(e *Explainer, r Request) (engine, error) {
	if l, ok := linkOf(e.model, e.targets[0].scale, len(e.targets), e.times); ok && r.Background != nil {
		b, err := r.Background.Matrix(e.model.Columns())
		if err != nil {
			return nil, err
		}
		return newLinkedGame(e.model, l, len(e.targets), b, r.Background.shares())
	}
	if n := len(active(e.model)); n > mostColumns {
		return nil, fmt.Errorf("%s: the model reacts to %d columns, and all subsets of at most %d can be tried: use %s", Enumeration, n, mostColumns, Permutation)
	}
	m, err := newMixtures(e, r)
	if err != nil {
		return nil, err
	}
	return &enumerated{m}, nil
}

func (e *enumerated) values(x models.Matrix, lo, hi int, s *scratch) (phi, errs []float64, err error) {
	n, targets := len(e.used), len(e.targets)
	phi = s.take((hi - lo) * targets * n)
	game := make([]float64, targets<<n) // of each subset: the targets, averaged over the background
	for i := lo; i < hi; i++ {
		clear(game)
		for b, share := range e.shares {
			err := e.score(x, i, b, 1<<n, func(s, j int) bool { return s>>j&1 == 1 }, func(s int, v []float64) {
				for k := range v {
					game[s*targets+k] += share * v[k]
				}
			})
			if err != nil {
				return nil, nil, err
			}
		}
		shapley(game, n, targets, phi[(i-lo)*targets*n:(i-lo+1)*targets*n])
	}
	return phi, nil, nil
}

// shapley sets phi, targets × players, from the worth of every subset of n players, subsets × targets.
func shapley(game []float64, n, targets int, phi []float64) {
	for s := range 1 << n {
		size := bits.OnesCount(uint(s))
		for j := range n {
			if s>>j&1 == 1 {
				continue
			}
			weight := beta[size][n-1-size]
			with := s | 1<<j
			for k := range targets {
				phi[k*n+j] += weight * (game[with*targets+k] - game[s*targets+k])
			}
		}
	}
}
