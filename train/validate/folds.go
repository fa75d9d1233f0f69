package validate

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/work"
)

// RepeatedKFold divides patients into folds, repeats times over, with each stratum spread evenly: classes of a class outcome,
// events and censored patients of a survival outcome. Each row is in the test set once a repeat. It does not check that the folds
// can be scored; see Feasible.
func RepeatedKFold(r Rows, folds, repeats int, seed work.Seed) []Fold {
	p := patients(r)
	out := make([]Fold, 0, folds*repeats)
	for repeat := range repeats {
		of := p.deal(folds, seed.Split("folds", r.Outcome.Name).SplitInt("repeat", repeat).Rand())
		for k := range folds {
			f := Fold{Repeat: repeat, Number: k}
			for row, patient := range p.of {
				if of[patient] == k {
					f.Test = append(f.Test, row)
				} else {
					f.Train = append(f.Train, row)
				}
			}
			out = append(out, f)
		}
	}
	return out
}

// cases are the patients among rows, numbered in order of their first row.
type cases struct {
	of      []int // patient of each row
	first   []int // first row of each patient
	stratum []int // of each patient
	strata  int
}

// patients finds the patients and the stratum of each. A patient whose rows differ in their outcome belongs to the stratum that is
// rarest among all rows, so that the rare one is spread as well as it can be.
func patients(r Rows) cases {
	n := r.Len()
	c := cases{of: make([]int, n)}
	number := map[int]int{}
	for i := range n {
		id := i
		if r.Patient != nil {
			id = r.Patient[i]
		}
		k, seen := number[id]
		if !seen {
			k = len(c.first)
			number[id] = k
			c.first = append(c.first, i)
		}
		c.of[i] = k
	}
	row := make([]int, n)
	for i := range n {
		row[i] = stratum(r.Outcome, i)
		c.strata = max(c.strata, row[i]+1)
	}
	count := make([]int, c.strata)
	for _, s := range row {
		count[s]++
	}
	c.stratum = make([]int, len(c.first))
	for k, f := range c.first {
		c.stratum[k] = row[f]
	}
	for i, k := range c.of {
		if count[row[i]] < count[c.stratum[k]] {
			c.stratum[k] = row[i]
		}
	}
	return c
}

func stratum(o clinical.Outcome, i int) int {
	if o.Kind == clinical.Class {
		return o.Class[i]
	}
	return o.Event[i]
}

// deal gives each patient a fold: the patients of each stratum are shuffled and dealt like cards, each stratum going on where the
// last one stopped, so that strata and sizes are both even to within one patient.
func (c cases) deal(folds int, rng *rand.Rand) []int {
	of := make([]int, len(c.first))
	next := 0
	for s := range c.strata {
		var deck []int
		for k, t := range c.stratum {
			if t == s {
				deck = append(deck, k)
			}
		}
		rng.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		for _, k := range deck {
			of[k] = next % folds
			next++
		}
	}
	return of
}

// counts returns how many patients each stratum has.
func (c cases) counts() []int {
	n := make([]int, c.strata)
	for _, s := range c.stratum {
		n[s]++
	}
	return n
}

// split returns the fold whose test patients are those for which in is true.
func (c cases) split(in func(patient int) bool) Fold {
	var f Fold
	for row, k := range c.of {
		if in(k) {
			f.Test = append(f.Test, row)
		} else {
			f.Train = append(f.Train, row)
		}
	}
	return f
}

// order sorts the patients by a value of their first row.
func order[T cmp.Ordered](c cases, of []T) []int {
	o := make([]int, len(c.first))
	for k := range o {
		o[k] = k
	}
	slices.SortStableFunc(o, func(a, b int) int { return cmp.Compare(of[c.first[a]], of[c.first[b]]) })
	return o
}
