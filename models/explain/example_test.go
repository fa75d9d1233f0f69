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
	answers, err := explain.Explain(context.Background(), m, x.Select([]int{4}), explain.Request{})
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

// What a model makes of a column over all rows, without a figure.
func ExamplePartialDependence() {
	x := models.NewMatrix([]table.Column{{Name: "clinical.age"}}, 6)
	copy(x.Values, []float64{61, 70, 58, 35, 33, 29})
	y := clinical.Outcome{Name: "idh", Kind: clinical.Class, Classes: []string{"0", "1"}, Class: []int{0, 0, 0, 1, 1, 1}}
	m, err := tree.DecisionTree{Criterion: "gini", MinSplit: 2, MinLeaf: 1}.Fit(context.Background(), models.Training{X: x, Y: y})
	if err != nil {
		fmt.Println(err)
		return
	}
	effects, err := explain.PartialDependence(m, x, 0, []float64{30, 60}, explain.Request{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(effects[0].Scale, effects[0].Value)
	// Output: probability [1 0]
}

// Contributions of columns, summed by source.
func ExampleGroups() {
	columns := []table.Column{{Name: "clinical.age", Source: "clinical"}, {Name: "t1.volume", Source: "t1"}, {Name: "t1.original_glcm_Contrast", Source: "t1"}}
	groups := explain.By(columns, explain.Source)
	sums, err := groups.Sum(models.Attribution{Values: []float64{-0.25, 0.5, 0.125}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(groups.Names, sums.Values)
	// Output: [clinical t1] [-0.25 0.625]
}

// How alike the importances of three folds are.
func ExampleMeasureStability() {
	s, err := explain.MeasureStability([][]float64{{0.9, 0.5, 0.1, 0}, {0.8, 0.6, 0.2, 0}, {0.9, 0.1, 0.4, 0}}, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("ranks %.2f, choice %.2f, column 2 chosen in %.2f of the folds\n", s.Rank, s.Chosen, s.Frequency[1])
	// Output: ranks 0.87, choice 0.33, column 2 chosen in 0.67 of the folds
}
