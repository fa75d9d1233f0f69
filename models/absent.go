package models

import (
	"math"
	"slices"
)

// Absence says of which rows nothing of a source was given. A pipeline that fills in missing values says it, so that a model which has
// another way without the source can take that instead of the values that stand in.
type Absence struct {
	Source string
	Rows   []bool
}

// FindAbsent returns, source by source in order of the columns, the rows of which every column is missing; nil where there are none.
// Columns of the group batch, which name how the others were made, do not count.
func FindAbsent(x Matrix) []Absence {
	if !slices.ContainsFunc(x.Values, math.IsNaN) {
		return nil // most served patients, of whom no column's description need be looked at
	}
	var all []Absence
	var left []int // rows of each source that may be absent still
	number := map[string]int{}
	last := -1 // columns of one source mostly stand together
	for j := range x.Columns {
		c := &x.Columns[j]
		if c.Group == "batch" || c.Source == "" {
			continue
		}
		if last < 0 || all[last].Source != c.Source {
			k, ok := number[c.Source]
			if !ok {
				k = len(all)
				number[c.Source] = k
				all, left = append(all, Absence{c.Source, slices.Repeat([]bool{true}, x.Rows)}), append(left, x.Rows)
			}
			last = k
		}
		if left[last] == 0 {
			continue
		}
		for i, v := range x.Column(j) {
			if rows := all[last].Rows; v == v && rows[i] {
				rows[i] = false
				left[last]--
			}
		}
	}
	var out []Absence
	for k, a := range all {
		if left[k] > 0 {
			out = append(out, a)
		}
	}
	return out
}

func selectAbsent(all []Absence, rows []int) []Absence {
	if all == nil {
		return nil
	}
	out := make([]Absence, len(all))
	for i, a := range all {
		out[i] = Absence{a.Source, pick(a.Rows, rows)}
	}
	return out
}

// Routed is a Model that takes another way for rows of which whole sources are absent.
type Routed interface {
	// Way says for a reader which way a row takes without these sources, such as "clinical and rna are combined without it".
	Way(absent []string) string
}
