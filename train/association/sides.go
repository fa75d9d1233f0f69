package association

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
)

// scale is what kind of comparison a variable allows.
type scale int

const (
	numeric scale = iota
	grouped
	survival
)

// variable is one column of a side: a column of the table, or an outcome.
type variable struct {
	table.Column
	scale  scale
	values []float64         // numbers, or level indices; nil for survival
	time   *clinical.Outcome // of survival
}

// outcomeGroup is the group under which outcomes stand beside sources.
const outcomeGroup = "outcome"

// variables lists the columns of a table and the outcomes, which are named outcome.NAME.
func variables(t *table.Table, outcomes []clinical.Outcome) []variable {
	var out []variable
	for j, c := range t.Columns {
		v := variable{Column: c, values: t.Values[j]}
		if c.Kind == table.Categorical {
			v.scale = grouped
		}
		out = append(out, v)
	}
	for _, o := range outcomes {
		v := variable{Column: table.Column{Name: outcomeGroup + "." + o.Name, Source: outcomeGroup, Group: outcomeGroup, Unit: o.Unit}}
		if o.Kind == clinical.Survival {
			v.scale, v.time = survival, &o
		} else {
			v.scale, v.Kind, v.Levels = grouped, table.Categorical, o.Classes
			v.values = make([]float64, len(o.Class))
			for i, class := range o.Class {
				v.values[i] = float64(class)
				if class < 0 {
					v.values[i] = math.NaN()
				}
			}
		}
		out = append(out, v)
	}
	return out
}

// sides resolves the two sides and the covariates. A column on both sides counts as y; a covariate is on neither.
func sides(all []variable, c Config) (x, y, given []variable, err error) {
	chosen := func(what string, patterns []string) []bool {
		out := make([]bool, len(all))
		for _, pattern := range patterns {
			found := false
			for j, v := range all {
				if v.Group == pattern || v.Source == pattern || table.Match(pattern, v.Name) {
					found, out[j] = true, true
				}
			}
			if !found {
				err = errors.Join(err, fmt.Errorf("association.%s: %q is no group, source, outcome or column of this cohort", what, pattern))
			}
		}
		return out
	}
	inX, inY, inGiven := chosen("x", c.X), chosen("y", c.Y), chosen("given", c.Given)
	for j, v := range all {
		switch {
		case inGiven[j]:
			given = append(given, v)
			if v.scale == survival {
				err = errors.Join(err, fmt.Errorf("association.given: %s is a survival outcome, which cannot be removed", v.Name))
			}
		case inY[j]:
			y = append(y, v)
		case inX[j]:
			x = append(x, v)
			if v.scale == survival {
				err = errors.Join(err, fmt.Errorf("association.x: %s is a survival outcome; put it on the y side", v.Name))
			}
		}
	}
	return x, y, given, err
}

// usable drops the variables of one value and notes how many there were.
func (m *Map) usable(side []variable) []variable {
	kept := slices.DeleteFunc(slices.Clone(side), func(v variable) bool { return v.scale != survival && countDistinct(v.values) < 2 })
	if n := len(side) - len(kept); n > 0 {
		i := slices.IndexFunc(side, func(v variable) bool { return v.scale != survival && countDistinct(v.values) < 2 })
		m.Notes = append(m.Notes, fmt.Sprintf("%d columns of one value were left out, such as %s", n, side[i].Name))
	}
	return kept
}

// countDistinct counts distinct values up to three.
func countDistinct(v []float64) int {
	var seen []float64
	for _, a := range v {
		if !math.IsNaN(a) && !slices.Contains(seen, a) {
			if seen = append(seen, a); len(seen) == 3 {
				break
			}
		}
	}
	return len(seen)
}

func columnsOf(side []variable) []table.Column {
	out := make([]table.Column, len(side))
	for i, v := range side {
		out[i] = v.Column
	}
	return out
}
