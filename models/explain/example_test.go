package explain_test

import (
	"context"
	"fmt"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/explain"
	"github.com/voxgene/voxgene/models/tree"
)

// A tree that learned IDH status from age and sphericity, asked about one patient.
func ExampleExplain() {
	x := models.NewMatrix([]table.Column{{Name: "clinical.age"}, {Name: "t1.original_shape_Sphericity"}}, 8)
	copy(x.Column(0), []float64{61, 70, 58, 66, 35, 33, 29, 38})
	copy(x.Column(1), []float64{0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.6, 0.8})
	y := clinical.Outcome{Name: "idh", Kind: clinical.Class, Classes: []string{"0", "1"}, Class: []int{0, 0, 0, 0, 1, 0, 1, 1}}
	m, err := tree.DecisionTree{Criterion: "gini", MinSplit: 2, MinLeaf: 1}.Fit(context.Background(), models.Training{X: x, Y: y})
	if err != nil {
		fmt.Println(err)
		return
	}
	answers, err := explain.Explain(m, x.Select([]int{4}), explain.Request{})
	if err != nil {
		fmt.Println(err)
		return
	}
	a := answers[0][0]
	fmt.Printf("class %s, %s, %s: %.3f", a.Class, a.Method, a.Scale, a.Base)
	for j, v := range a.Values {
		fmt.Printf(" %+.4f (%s)", v, x.Columns[j].Name)
	}
	fmt.Printf(" = %.3f\n", a.Output)
	// Output: class 1, tree_path_dependent, probability: 0.375 +0.4375 (clinical.age) +0.1875 (t1.original_shape_Sphericity) = 1.000
}

func ExampleNewBackground() {
	x := models.NewMatrix([]table.Column{{Name: "clinical.age"}}, 10)
	copy(x.Values, []float64{61, 70, 58, 66, 35, 41, 29, 38, 44, 73})
	b, err := explain.NewBackground(x, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	low, high := min(b.Rows[0][0], b.Rows[1][0]), max(b.Rows[0][0], b.Rows[1][0])
	fmt.Printf("%.1f and %.1f, of %v patients each\n", low, high, b.Weights[0])
	// Output: 37.4 and 65.6, of 5 patients each
}
