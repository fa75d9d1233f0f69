package pipeline

import (
	"fmt"

	"github.com/voxgene/voxgene/features/table"
)

// Formula says how one column that leaves a fitted step is worked out from the columns that reach it, row by row: enough to apply
// the step in another language. A missing value stays missing in every operation but fill.
type Formula struct {
	Name   string    `json:"name"`              // of the column made
	Op     string    `json:"op"`                // one of the operations below
	Column int       `json:"column"`            // index of the column read, from 0; -1 for sum
	Fill   *float64  `json:"fill,omitempty"`    // of fill: what stands for a missing value
	Level  *int      `json:"level,omitempty"`   // of level: the code asked for
	Centre *float64  `json:"centre,omitempty"`  // of scale
	Spread *float64  `json:"spread,omitempty"`  // of scale
	Power  *float64  `json:"power,omitempty"`   // of yeo_johnson
	Grid   []float64 `json:"grid,omitempty"`    // of rank: ascending quantiles of the training values
	Of     []int     `json:"columns,omitempty"` // of sum: indices of the columns read
	Less   []float64 `json:"centres,omitempty"` // of sum: what is taken off each
	Times  []float64 `json:"weights,omitempty"` // of sum: what each is then multiplied by
	// Ordinal marks a column of codes in which one below 0, an unseen level, counts as missing.
	Ordinal bool `json:"ordinal,omitempty"`
}

// The operations of a Formula.
const (
	opCopy       = "copy"        // x
	opFill       = "fill"        // the fill where x is missing, else x
	opLevel      = "level"       // 1 where x is the level's code, else 0
	opScale      = "scale"       // (x − centre) / spread
	opLog        = "log"         // sign(x)·log(1 + |x|)
	opYeoJohnson = "yeo_johnson" // the power transform of Yeo and Johnson
	opRank       = "rank"        // the normal quantile of x's place in the grid, 0 where there is none
	opSum        = "sum"         // Σ weight × (x − centre)
)

// StepFormulas is one fitted step of a chain: a formula for every column that leaves it, also for those that pass it by.
type StepFormulas struct {
	Step    string    `json:"step"`
	Columns []Formula `json:"columns"`
}

// formulated is a Fitted whose work can be written as formulas, one a column that it makes, over the columns that it is given.
type formulated interface{ formulas() []Formula }

// Formulas returns the steps of the chain as formulas. Steps that look at a row as a whole (normalise, harmonise, score_sets) have none, and are
// an error that names them.
func (f *FittedChain) Formulas() ([]StepFormulas, error) {
	out := make([]StepFormulas, 0, len(f.steps))
	for i := range f.steps {
		s := &f.steps[i]
		g, ok := s.fitted.(formulated)
		if !ok {
			return nil, fmt.Errorf("step %s works on a row as a whole and cannot be written column by column", s.fitted.Kind())
		}
		made := g.formulas()
		for k := range made {
			made[k].onto(s.on)
		}
		if s.places != nil {
			merged := make([]Formula, len(s.places))
			for j, p := range s.places {
				if p.made {
					merged[j] = made[p.index]
				} else {
					merged[j] = Formula{Name: s.columns[j].Name, Op: opCopy, Column: p.index}
				}
			}
			made = merged
		}
		out = append(out, StepFormulas{s.fitted.Kind(), made})
	}
	return out, nil
}

// onto turns indices of a step's own columns into those of all that reach it.
func (f *Formula) onto(on []int) {
	if f.Op != opSum {
		f.Column = on[f.Column]
		return
	}
	f.Column = -1
	of := make([]int, len(f.Of))
	for i, j := range f.Of {
		of[i] = on[j]
	}
	f.Of = of
}

func (f *kept) formulas() []Formula {
	out := make([]Formula, len(f.state.Keep))
	for i, j := range f.state.Keep {
		out[i] = Formula{Name: f.columns[i].Name, Op: opCopy, Column: j}
	}
	return out
}

func (f *imputed) formulas() []Formula {
	out := make([]Formula, len(f.state.Keep))
	for i, j := range f.state.Keep {
		out[i] = Formula{Name: f.columns[i].Name, Op: opFill, Column: j, Fill: &f.state.Fill[i], Ordinal: f.columns[i].Kind == table.Ordinal}
	}
	return out
}

func (f *encoded) formulas() []Formula {
	out := make([]Formula, len(f.columns))
	for i, j := range f.from {
		if f.level[i] < 0 {
			out[i] = Formula{Name: f.columns[i].Name, Op: opCopy, Column: j, Ordinal: true}
		} else {
			out[i] = Formula{Name: f.columns[i].Name, Op: opLevel, Column: j, Level: &f.level[i]}
		}
	}
	return out
}

func (f *scaled) formulas() []Formula {
	out := make([]Formula, len(f.columns))
	for j := range out {
		out[j] = Formula{Name: f.columns[j].Name, Op: opScale, Column: j, Centre: &f.state.Centre[j], Spread: &f.state.Spread[j]}
	}
	return out
}

func (f *transformed) formulas() []Formula {
	out := make([]Formula, len(f.columns))
	for j := range out {
		out[j] = Formula{Name: f.columns[j].Name, Op: f.state.Method, Column: j}
		switch f.state.Method {
		case opRank:
			out[j].Grid = f.state.Grids[j]
		case opYeoJohnson:
			out[j].Power = &f.state.Powers[j]
		}
	}
	return out
}

func (f *reduced) formulas() []Formula {
	all := make([]int, len(f.state.Means))
	for j := range all {
		all[j] = j
	}
	out := make([]Formula, len(f.columns))
	for k := range out {
		out[k] = Formula{Name: f.columns[k].Name, Op: opSum, Of: all, Less: f.state.Means, Times: f.state.Loadings[k]}
	}
	return out
}
