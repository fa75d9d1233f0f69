package explain

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/models"
)

// Stability says how alike the importances of columns are in several fits: folds, repeats, bootstraps.
type Stability struct {
	// Rank is the mean, over pairs of fits, of Spearman's correlation of the importances of all columns.
	Rank float64
	// Chosen is the stability of the Top most important columns as a choice [Nogueira2018]: 1 where every fit has the same, near 0
	// where fits choose at random.
	Chosen float64
	Top    int
	// Frequency is, for each column, the share of fits that have it among their Top.
	Frequency []float64
}

// MeasureStability compares importances, one list of columns a fit, such as Importance.MeanAbsolute. A column of no importance is
// never among the top.
//
// [Nogueira2018]: https://jmlr.org/papers/v18/17-514.html
func MeasureStability(fits [][]float64, top int) (Stability, error) {
	if len(fits) < 2 {
		return Stability{}, fmt.Errorf("the stability of %d fits; two are needed", len(fits))
	}
	n := len(fits[0])
	if top < 1 || top >= n {
		return Stability{}, fmt.Errorf("the top %d of %d columns; want 1 to %d", top, n, n-1)
	}
	s := Stability{Top: top, Frequency: make([]float64, n)}
	pairs := 0.0
	chosen := 0.0 // columns, on average
	for i, f := range fits {
		if len(f) != n {
			return Stability{}, fmt.Errorf("fit %d has importances of %d columns, the first of %d", i+1, len(f), n)
		}
		for j, v := range f {
			if !(v >= 0) || math.IsInf(v, 0) {
				return Stability{}, fmt.Errorf("fit %d gives column %d the importance %v; want a finite number of 0 or more", i+1, j+1, v)
			}
		}
		for _, g := range fits[:i] {
			if r := stat.Spearman(f, g).R; !math.IsNaN(r) {
				s.Rank += r
				pairs++
			}
		}
		for _, j := range (Importance{MeanAbsolute: f}).Ranking()[:top] {
			if f[j] > 0 {
				s.Frequency[j] += 1 / float64(len(fits))
				chosen += 1 / float64(len(fits))
			}
		}
	}
	if s.Rank /= pairs; pairs == 0 {
		s.Rank = math.NaN()
	}
	variance := 0.0
	m := float64(len(fits))
	for _, p := range s.Frequency {
		variance += m / (m - 1) * p * (1 - p) / float64(n)
	}
	share := chosen / float64(n)
	if s.Chosen = 1 - variance/(share*(1-share)); share == 0 {
		s.Chosen = math.NaN()
	}
	return s, nil
}

// Difference is how a column's contributions differ between two cohorts that one model explained.
type Difference struct {
	Column int
	A, B   float64 // mean absolute contribution in each
	P      float64 // Mann–Whitney test of the absolute contributions, two-sided
	Q      float64 // adjusted over columns, Benjamini–Hochberg
}

// CompareCohorts compares explanations of two cohorts by the same model, entry by entry of their lists: the columns by falling
// difference of their mean absolute contributions. Columns that contribute in neither are left out.
func CompareCohorts(a, b [][]models.Attribution, entry int) ([]Difference, error) {
	x, err := absolute(a, entry)
	if err == nil {
		var y [][]float64
		if y, err = absolute(b, entry); err == nil {
			return differences(x, y)
		}
	}
	return nil, err
}

// absolute returns the absolute contributions, columns × rows.
func absolute(list [][]models.Attribution, entry int) ([][]float64, error) {
	if len(list) == 0 {
		return nil, errors.New("a cohort without patients")
	}
	var out [][]float64
	for i, row := range list {
		if entry < 0 || entry >= len(row) {
			return nil, fmt.Errorf("row %d has %d explanations; there is no number %d", i+1, len(row), entry)
		}
		if out == nil {
			out = make([][]float64, len(row[entry].Values))
		}
		if len(row[entry].Values) != len(out) {
			return nil, fmt.Errorf("row %d has contributions of %d columns, the first of %d", i+1, len(row[entry].Values), len(out))
		}
		for j, v := range row[entry].Values {
			out[j] = append(out[j], math.Abs(v))
		}
	}
	return out, nil
}

func differences(x, y [][]float64) ([]Difference, error) {
	if len(x) != len(y) {
		return nil, fmt.Errorf("contributions of %d columns in one cohort and of %d in the other: not by the same model", len(x), len(y))
	}
	var out []Difference
	var p []float64
	for j := range x {
		d := Difference{Column: j, A: stat.Mean(x[j]), B: stat.Mean(y[j])}
		if d.A == 0 && d.B == 0 {
			continue
		}
		if d.P = stat.MannWhitneyU(x[j], y[j], true).P; math.IsNaN(d.P) {
			d.P = 1 // all contributions are alike
		}
		out, p = append(out, d), append(p, d.P)
	}
	for i, q := range stat.Adjust(p, stat.BenjaminiHochberg) {
		out[i].Q = q
	}
	slices.SortStableFunc(out, func(a, b Difference) int { return cmp.Compare(math.Abs(b.A-b.B), math.Abs(a.A-a.B)) })
	return out, nil
}
