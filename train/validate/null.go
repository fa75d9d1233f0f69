package validate

import (
	"context"
	"math/rand/v2"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/work"
)

// Null is what a procedure scores when there is nothing to find.
type Null struct {
	Observed float64   // score of the same procedure on the outcome as it is, over the same number of repeats
	Scores   []float64 // one a permutation that was run
	Asked    int       // permutations asked for
	AtLeast  int       // of them scored as high as observed
	P        float64   // (AtLeast+1) / (len(Scores)+1)
	Settled  bool      // stopped early, because p can no longer come near 0.05
}

// settledAt is the number of permutations as good as the observed score after which more cannot change the reading: with as few
// as 99 in all, p is over 0.1 (Besag and Clifford 1991, sequential Monte Carlo p-values).
const settledAt = 10

// Permute shuffles the outcome among patients, within a site, because outcome and site may go together in the data. Time and event, or
// a class, move as one. Where the rows of each patient share their outcome it moves between patients of any number of rows; where a
// lesion or visit has its own, between patients of as many rows, and among those who are alone with their number, each row taking that
// of its place, the places beginning again where the other patient has fewer. Labels of a permutation depend on its number alone.
func Permute(r Rows, rng *rand.Rand) clinical.Outcome {
	c := patients(r)
	rows := make([][]int, len(c.first))
	for row, k := range c.of {
		rows[k] = append(rows[k], row)
	}
	from := make([]int, r.Len()) // row whose outcome a row is given
	for _, donors := range blocks(r, rows) {
		shuffled := make([]int, len(donors))
		for i, j := range rng.Perm(len(donors)) {
			shuffled[i] = donors[j]
		}
		for i, k := range donors {
			given := rows[shuffled[i]]
			for j, row := range rows[k] {
				from[row] = given[j%len(given)]
			}
		}
	}
	return r.Outcome.Select(from)
}

// blocks are the sets of patients, by their rows, within which outcomes move.
func blocks(r Rows, rows [][]int) [][]int {
	type block struct {
		site string
		size int
	}
	shared := true
	for _, of := range rows {
		for _, row := range of[1:] {
			shared = shared && same(r.Outcome, of[0], row)
		}
	}
	members := map[block][]int{}
	var order []block
	add := func(b block, k int) {
		if members[b] == nil {
			order = append(order, b)
		}
		members[b] = append(members[b], k)
	}
	for k, of := range rows {
		b := block{}
		if r.Site != nil {
			b.site = r.Site[of[0]]
		}
		if !shared {
			b.size = len(of)
		}
		add(b, k)
	}
	var out [][]int
	alone := map[string][]int{}
	var sites []string
	for _, b := range order {
		if k := members[b]; len(k) == 1 && !shared {
			if alone[b.site] == nil {
				sites = append(sites, b.site)
			}
			alone[b.site] = append(alone[b.site], k...)
			continue
		}
		out = append(out, members[b])
	}
	for _, site := range sites {
		out = append(out, alone[site])
	}
	return out
}

// same reports whether two rows have the same outcome.
func same(o clinical.Outcome, a, b int) bool {
	if o.Kind == clinical.Class {
		return o.Class[a] == o.Class[b]
	}
	return o.Time[a] == o.Time[b] && o.Event[a] == o.Event[b] && (o.Entry == nil || o.Entry[a] == o.Entry[b])
}

// Permutations runs the procedure on permuted outcomes, one repeat each, and compares with the outcome as it is. The procedure
// should have its search reduced to what the run chose (see Procedure.At); the choice between models is still made in inner folds.
// plan divides the rows of a permuted outcome; it is called with a seed of the permutation's own.
func (s *Study) Permutations(ctx context.Context, number, inner int, plan func(Rows, work.Seed) ([]Fold, error), pool work.Pool) (Null, error) {
	one := func(r Rows, seed work.Seed) (float64, error) {
		t := *s
		t.Rows, t.Seed, t.Times = r, seed, nil
		t.Learned = nil // what images teach of one another does not depend on the outcome, and would be learned again in every permutation
		folds, err := plan(r, seed)
		if err != nil {
			return 0, err
		}
		out, err := t.headline(ctx, folds, inner, pool)
		return out, err
	}
	progress := pool.Progress
	pool.Progress = nil // of the folds; what counts is permutations
	null := Null{Asked: number}
	var err error
	if null.Observed, err = one(s.Rows, s.Seed.Split("observed")); err != nil {
		return null, err
	}
	for m := range number {
		seed := s.Seed.Split("permutation", s.Rows.Outcome.Name).SplitInt("number", m)
		r := s.Rows
		r.Outcome = Permute(r, seed.Split("labels").Rand())
		score, err := one(r, seed)
		if err != nil {
			return null, err
		}
		null.Scores = append(null.Scores, score)
		if !(score < null.Observed) {
			null.AtLeast++
		}
		if progress != nil {
			progress(m+1, number)
		}
		if null.AtLeast >= settledAt && m+1 < number {
			null.Settled = true
			break
		}
	}
	null.P = float64(null.AtLeast+1) / float64(len(null.Scores)+1)
	return null, nil
}

// headline is the mean score of the winner of each fold.
func (s *Study) headline(ctx context.Context, folds []Fold, inner int, pool work.Pool) (float64, error) {
	r, err := s.Judge(ctx, folds, inner, pool)
	if err != nil {
		return 0, err
	}
	scores := make([]float64, len(r.Folds))
	for i, f := range r.Folds {
		scores[i] = s.Score(s.Rows.Outcome.Select(f.Fold.Test), f.Models[f.Choice.Winner].Prediction)
	}
	return Summarise(NestedCV, folds, scores, 0.95, unit).Value, nil
}

// At returns the procedure with each model at the candidate that its outer folds chose most often, the first of them where several
// were chosen as often.
func (p Procedure) At(r Result) Procedure {
	out := p
	out.Models = make([]Entry, len(p.Models))
	for m, entry := range p.Models {
		votes := make([]int, len(entry.Candidates))
		for _, f := range r.Folds {
			votes[f.Choice.Chosen[m]]++
		}
		best := 0
		for k, v := range votes {
			if v > votes[best] {
				best = k
			}
		}
		out.Models[m] = Entry{Name: entry.Name, Candidates: entry.Candidates[best : best+1]}
	}
	return out
}

// Only returns the procedure with one of its models.
func (p Procedure) Only(model int) Procedure {
	p.Models = p.Models[model : model+1]
	return p
}
