package validate

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/work"
)

// leaveOneSiteOut returns a fold a site, in order of their names.
func leaveOneSiteOut(r Rows) ([]Fold, error) {
	if r.Site == nil {
		return nil, errors.New("leave_one_site_out needs to know each patient's site: name the column with cohort.site")
	}
	sites := slices.Compact(slices.Sorted(slices.Values(r.Site)))
	if len(sites) < 2 {
		return nil, fmt.Errorf("leave_one_site_out needs two sites or more; all patients are of %q", sites[0])
	}
	c := patients(r)
	folds := make([]Fold, len(sites))
	for k, site := range sites {
		folds[k] = c.split(func(p int) bool { return r.Site[c.first[p]] == site })
		folds[k].Number, folds[k].Name = k, site
		if site == "" {
			folds[k].Name = "(no site)"
		}
		if err := learnable(r, folds[k]); err != nil {
			return nil, fmt.Errorf("leaving out %s: %w", folds[k].Name, err)
		}
	}
	return folds, nil
}

// leaveOneOut returns a fold a patient.
func leaveOneOut(r Rows) []Fold {
	c := patients(r)
	folds := make([]Fold, len(c.first))
	for k := range folds {
		folds[k] = c.split(func(p int) bool { return p == k })
		folds[k].Number = k
	}
	return folds
}

// bootstrap draws as many patients as there are, with replacement, and tests on those not drawn. A draw whose test or training
// part lacks a class or has no event is drawn again.
func bootstrap(r Rows, draws int, seed work.Seed) ([]Fold, error) {
	c := patients(r)
	rows := make([][]int, len(c.first))
	for row, k := range c.of {
		rows[k] = append(rows[k], row)
	}
	folds := make([]Fold, draws)
	for b := range folds {
		rng := seed.Split("bootstrap", r.Outcome.Name).SplitInt("draw", b).Rand()
		ok := false
		for range 100 {
			f := Fold{Repeat: b, Name: fmt.Sprintf("bootstrap %d", b+1)}
			drawn := make([]int, len(c.first))
			for range c.first {
				drawn[rng.IntN(len(drawn))]++
			}
			for k, times := range drawn {
				if times == 0 {
					f.Test = append(f.Test, rows[k]...)
				}
				for range times {
					f.Train = append(f.Train, rows[k]...)
				}
			}
			slices.Sort(f.Test)
			slices.Sort(f.Train)
			if learnable(r, f) == nil && scorable(r, f) {
				folds[b], ok = f, true
				break
			}
		}
		if !ok {
			return nil, fmt.Errorf("outcome %s: too few patients of a class, or events, to draw bootstraps whose parts have all", r.Outcome.Name)
		}
	}
	return folds, nil
}

// holdout sets a stratified fraction of the patients apart.
func holdout(r Rows, fraction float64, seed work.Seed) ([]Fold, error) {
	if !(fraction > 0 && fraction < 1) {
		return nil, fmt.Errorf("holdout: test_fraction is %v; it lies between 0 and 1", fraction)
	}
	c := patients(r)
	test := make([]bool, len(c.first))
	rng := seed.Split("holdout", r.Outcome.Name).Rand()
	for s := range c.strata {
		var deck []int
		for k, t := range c.stratum {
			if t == s {
				deck = append(deck, k)
			}
		}
		rng.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		for _, k := range deck[:int(math.Round(fraction*float64(len(deck))))] {
			test[k] = true
		}
	}
	f := c.split(func(k int) bool { return test[k] })
	f.Name = "hold-out"
	return []Fold{f}, testable(r, f, "holdout")
}

// timeSplit sets the latest patients apart. Patients of the same time as the earliest of the test set stay with the training set.
func timeSplit(r Rows, fraction float64) ([]Fold, error) {
	if r.Time == nil {
		return nil, errors.New("time_split needs to know when each patient came: name the column with validation.time")
	}
	if !(fraction > 0 && fraction < 1) {
		return nil, fmt.Errorf("time_split: test_fraction is %v; it lies between 0 and 1", fraction)
	}
	for i, t := range r.Time {
		if math.IsNaN(t) {
			return nil, fmt.Errorf("time_split: row %d has no time", i+1)
		}
	}
	c := patients(r)
	byTime := order(c, r.Time)
	cut := r.Time[c.first[byTime[len(byTime)-1-int(math.Round(fraction*float64(len(byTime))))]]]
	f := c.split(func(k int) bool { return r.Time[c.first[k]] > cut })
	f.Name = "latest patients"
	return []Fold{f}, testable(r, f, "time_split")
}

// learnable returns an error when the training part lacks a class or has no event.
func learnable(r Rows, f Fold) error {
	if len(f.Train) == 0 {
		return errors.New("no patient is left to train on")
	}
	if what, n, _ := scarcest(r.Select(f.Train)); n == 0 {
		return fmt.Errorf("the training patients lack %s", what)
	}
	return nil
}

// scorable reports whether the test part has all classes, or two events.
func scorable(r Rows, f Fold) bool {
	if len(f.Test) == 0 {
		return false
	}
	_, n, each := scarcest(r.Select(f.Test))
	return n >= min(each, 1)
}

func testable(r Rows, f Fold, scheme string) error {
	if err := learnable(r, f); err != nil {
		return fmt.Errorf("%s: %w", scheme, err)
	}
	if !scorable(r, f) {
		return fmt.Errorf("%s: the test part of outcome %s lacks a class, or has no event; set a larger test_fraction or use nested_cv", scheme, r.Outcome.Name)
	}
	return nil
}
