package train

import (
	"fmt"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/stat"
)

// PerVariable is how many events, or patients of the smallest class, there are for each column.
type PerVariable struct {
	Events       int      `json:"events"` // or patients of the smallest class
	PerCandidate float64  `json:"per_candidate_column"`
	PerUsed      *float64 `json:"per_used_column"` // of those that reached the models, median over folds

	what string
}

// usual is the number of events for each column that is often asked for (Peduzzi and others 1996).
const usual = 10

func (one *outcomeRun) perVariable() PerVariable {
	p := PerVariable{what: "events"}
	if _, p.Events = one.scarce(); one.y.Kind == clinical.Class {
		p.what = "patients of the smallest class"
	}
	p.PerCandidate = float64(p.Events) / float64(max(1, len(one.x.Columns)))
	var used []float64
	for _, f := range one.result.Folds {
		if len(f.Columns) > 0 {
			used = append(used, float64(len(f.Columns)))
		}
	}
	if len(used) > 0 {
		p.PerUsed = finite(float64(p.Events) / stat.Median(used))
	}
	return p
}

// text is the sentence of the report.
func (p PerVariable) text() string {
	s := fmt.Sprintf("%d %s: %.2g for each candidate column", p.Events, p.what, p.PerCandidate)
	if p.PerUsed != nil {
		s += fmt.Sprintf(", %.2g for each that reached the models (median over folds)", *p.PerUsed)
	}
	return s + "."
}
