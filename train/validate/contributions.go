package validate

import (
	"context"

	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/explain"
)

// mostExplained bounds the test rows of a fold that are explained.
const mostExplained = 500

// contributions returns the mean absolute SHAP value of each column over test rows, for models that are explained exactly without a
// background: linear ones, whose training means stand in, and trees, by how training rows were divided. Nil for others.
func contributions(ctx context.Context, m models.Model, test models.Matrix) []float64 {
	if test.Rows > mostExplained {
		rows := make([]int, mostExplained)
		for i := range rows {
			rows[i] = i * test.Rows / mostExplained
		}
		test = test.Select(rows)
	}
	all, err := explain.Summarise(ctx, m, test, explain.Request{})
	if err != nil || test.Rows == 0 {
		return nil
	}
	out := make([]float64, len(test.Columns))
	for _, i := range all {
		for j, v := range i.MeanAbsolute {
			out[j] += v / float64(len(all))
		}
	}
	return out
}
