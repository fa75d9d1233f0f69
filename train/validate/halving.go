package validate

import (
	"cmp"
	"math"
	"slices"
)

// halvingFactor is by how much the rows grow from rung to rung, and the candidates shrink [Jamieson2016]; scikit-learn's default.
//
// [Jamieson2016]: https://proceedings.mlr.press/v51/jamieson16.html
const halvingFactor = 3

// smallestPart is how many patients of each class, or with and without the event, a rung keeps where there are as many.
const smallestPart = 10

// rungsOf is the number of rungs that so many candidates need: 1 for up to two.
func rungsOf(candidates int) int {
	n := 1
	for candidates >= halvingFactor {
		candidates /= halvingFactor
		n++
	}
	return n
}

// rungs is the number of rungs of the model with most candidates; 1 without halving.
func (p Procedure) rungs() int {
	most := 1
	for _, m := range p.Models {
		if m.Halving {
			most = max(most, rungsOf(len(m.Candidates)))
		}
	}
	return most
}

// racing returns which candidates are fitted in a rung: models that are not halved wait for the last, those of fewer candidates begin
// later.
func (p Procedure) racing(alive []bool, rung, rungs int) []bool {
	out := slices.Clone(alive)
	at := 0
	for _, m := range p.Models {
		begins := rungs - 1
		if m.Halving {
			begins = rungs - rungsOf(len(m.Candidates))
		}
		for k := range m.Candidates {
			out[at+k] = alive[at+k] && rung >= begins
		}
		at += len(m.Candidates)
	}
	return out
}

func count(in []bool) int {
	n := 0
	for _, v := range in {
		if v {
			n++
		}
	}
	return n
}

// halve takes the worse candidates of each halved model out of the race after a rung; equal ones stay in their order.
func (p Procedure) halve(alive []bool, scores []float64, rung, rungs int) {
	at := 0
	for _, m := range p.Models {
		n := len(m.Candidates)
		begins := rungs - rungsOf(n)
		if m.Halving && rung >= begins {
			var order []int
			for k := range n {
				if alive[at+k] {
					order = append(order, k)
				}
			}
			slices.SortStableFunc(order, func(a, b int) int {
				x, y := scores[at+a], scores[at+b]
				if math.IsNaN(x) {
					x = math.Inf(-1)
				}
				if math.IsNaN(y) {
					y = math.Inf(-1)
				}
				return cmp.Compare(y, x)
			})
			stay := max(1, int(math.Ceil(float64(n)/math.Pow(halvingFactor, float64(rung-begins+1)))))
			for _, k := range order[min(stay, len(order)):] {
				alive[at+k] = false
			}
		}
		at += n
	}
}

// part returns a stratified share of a fold's training rows, whole patients.
func (s *Study) part(f Fold, share float64) []int {
	c := patients(s.Rows.Select(f.Train))
	rng := s.Seed.Split("halving", s.Rows.Outcome.Name, f.Label()).Rand()
	in := make([]bool, len(c.first))
	for stratum := range c.strata {
		var deck []int
		for k, t := range c.stratum {
			if t == stratum {
				deck = append(deck, k)
			}
		}
		rng.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		n := max(int(math.Ceil(share*float64(len(deck)))), smallestPart)
		for _, k := range deck[:min(n, len(deck))] {
			in[k] = true
		}
	}
	var out []int
	for i, row := range f.Train {
		if in[c.of[i]] {
			out = append(out, row)
		}
	}
	return out
}
