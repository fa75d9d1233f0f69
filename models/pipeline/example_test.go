package pipeline_test

import (
	"context"
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/pipeline"
)

// Steps are fitted on training rows and applied to any.
func ExampleChain_Fit() {
	columns := []table.Column{
		{Name: "clinical.age", Source: "clinical"},
		{Name: "clinical.sex", Source: "clinical", Kind: table.Categorical, Levels: []string{"F", "M"}},
	}
	train := models.Matrix{Columns: columns, Rows: 4, Values: []float64{40, 60, math.NaN(), 50 /* sex */, 0, 1, 1, 0}}
	chain, _ := pipeline.New(pipeline.Default())
	fitted, _ := chain.Fit(context.Background(), models.Training{X: train})
	one, _ := fitted.Apply(models.Matrix{Columns: columns, Rows: 1, Values: []float64{math.NaN(), 1}})
	for j, c := range fitted.Columns() {
		fmt.Println(c.Name, c.From, one.Column(j))
	}
	// Output:
	// clinical.age [] [0]
	// clinical.sex=M [clinical.sex] [1]
}
