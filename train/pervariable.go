package train

import (
	"fmt"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/train/config"
)

// PerVariable is how many events, or patients of the smallest class, there are for each column.
type PerVariable struct {
	Events       int      `json:"events"`               // or patients of the smallest class
	PerCandidate *float64 `json:"per_candidate_column"` // null where the models read images and no column
	PerUsed      *float64 `json:"per_used_column"`      // of those that reached the models, median over folds

	what string
}

// usual is the number of events for each column that is often asked for (Peduzzi and others 1996).
const usual = 10

func (one *outcomeRun) perVariable() PerVariable {
	p := PerVariable{what: "events"}
	if _, p.Events = one.scarce(); one.y.Kind == clinical.Class {
		p.what = "patients of the smallest class"
	}
	if one.readsNoColumn() {
		return p
	}
	p.PerCandidate = finite(float64(p.Events) / float64(max(1, len(one.x.Columns))))
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

// readsNoColumn reports whether all models are networks over images alone.
func (one *outcomeRun) readsNoColumn() bool {
	return len(one.models) > 0 && !slices.ContainsFunc(one.models, func(m config.Model) bool {
		k, ok := models.Lookup(m.Kind)
		return !ok || !k.NoColumns
	})
}

// text is the sentence of the report.
func (p PerVariable) text() string {
	if p.PerCandidate == nil {
		return fmt.Sprintf("%d %s.", p.Events, p.what)
	}
	s := fmt.Sprintf("%d %s: %.2g for each candidate column", p.Events, p.what, *p.PerCandidate)
	if p.PerUsed != nil {
		s += fmt.Sprintf(", %.2g for each that reached the models (median over folds)", *p.PerUsed)
	}
	return s + "."
}
