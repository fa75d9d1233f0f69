package calibrate_test

import (
	"context"
	"fmt"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/calibrate"
)

func ExampleNew() {
	data := models.Training{X: models.Matrix{Columns: []table.Column{{Name: "score"}}, Rows: 14, Values: scores},
		Y: clinical.Outcome{Kind: clinical.Class, Classes: []string{"no", "yes"}, Class: happens}}
	learner, _ := calibrate.New(through{}, calibrate.Platt, 5)
	m, err := learner.Fit(context.Background(), data)
	if err != nil {
		fmt.Println(err)
		return
	}
	p, _ := m.Predict(models.Matrix{Columns: m.Columns(), Rows: 1, Values: []float64{2.5}}, nil)
	fmt.Printf("P(yes) = %.2f, where the model said %.2f\n", p.Probabilities[1], 0.92)
	// Output: P(yes) = 0.82, where the model said 0.92
}
