package linear_test

import (
	"context"
	"fmt"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/linear"
)

func ExampleFitPath() {
	p := linear.Problem{Family: linear.Binomial, Rows: 6, Columns: 2, Classes: 2,
		X:     []float64{1, 2, 3, 4, 5, 6, 0, 1, 0, 1, 0, 1},
		Class: []int{0, 0, 1, 0, 1, 1}}
	path, err := linear.FitPath(context.Background(), p, linear.Options{Alpha: 1, Lambda: []float64{0.2, 0.05}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range path.Fits {
		fmt.Printf("λ %.2f: columns %v explain %.0f %%\n", f.Lambda, f.Index, 100*f.DevRatio)
	}
	// Output:
	// λ 0.20: columns [0 1] explain 24 %
	// λ 0.05: columns [0 1] explain 76 %
}

func ExampleRegress() {
	p := linear.Problem{Family: linear.CoxModel, Rows: 5, Columns: 1, Names: []string{"age"},
		X: []float64{50, 70, 60, 80, 65}, Time: []float64{12, 4, 9, 5, 7}, Event: []bool{true, true, false, true, true}}
	r, err := linear.Regress(p)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("log hazard ratio %.3f ± %.3f\n", r.Coefficients[0][0], r.StdErrs[0][0])
	// Output: log hazard ratio 0.137 ± 0.095
}

func Example_kinds() {
	kind, _ := models.Lookup("logistic")
	options, _ := models.Check(kind.Params, map[string]any{"penalty": "ridge", "lambda": 0.1})
	learner, _ := kind.New(options)
	x := models.Matrix{Columns: []table.Column{{Name: "age"}}, Rows: 4, Values: []float64{40, 50, 60, 70}}
	m, err := learner.Fit(context.Background(), models.Training{X: x,
		Y: clinical.Outcome{Name: "idh", Kind: clinical.Class, Classes: []string{"mutant", "wildtype"}, Class: []int{0, 0, 1, 1}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, _ := m.Predict(x, nil)
	fmt.Printf("P(wildtype at 40) = %.2f, at 70 = %.2f\n", p.Probabilities[1], p.Probabilities[7])
	// Output: P(wildtype at 40) = 0.11, at 70 = 0.89
}
