package pipeline

import (
	"context"
	"fmt"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

func init() {
	Register(Kind{
		Name:    "filter_expressed",
		Doc:     "drop genes whose counts are too low to learn from, by edgeR's rule; stands before normalise",
		Touches: []table.Kind{table.Numeric},
		New:     func(models.Options) (Step, error) { return expressed{}, nil },
		Decode:  decodeKept("filter_expressed"),
	})
}

// expressed keeps the genes that filterByExpr keeps among the training rows: ten counts in a library of median size, in most rows of
// the smallest class (of all rows, where the outcome is no class), and fifteen in all. Its scope is counts of one source.
type expressed struct{}

func (expressed) Fit(_ context.Context, t models.Training) (Fitted, error) {
	m, err := geneMatrix(t.X)
	if err != nil {
		return nil, err
	}
	var group []int
	if t.Y.Kind == clinical.Class {
		group = t.Y.Class
	}
	keep, err := genes.FilterByExpression(m, nil, group)
	if err != nil {
		return nil, err
	}
	f := &kept{kind: "filter_expressed", given: t.X.Columns, state: keptState{append([]int{}, genes.Kept(keep)...)}}
	if gone := len(keep) - len(f.state.Keep); gone > 0 {
		f.notes = append(f.notes, fmt.Sprintf("%d of %d genes are dropped: their counts are too low", gone, len(keep)))
	}
	return f, f.describe()
}
