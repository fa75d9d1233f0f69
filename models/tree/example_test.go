package tree_test

import (
	"context"
	"fmt"
	"os"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/tree"
)

// glioma is eight made-up patients.
func glioma() models.Training {
	x := models.NewMatrix([]table.Column{
		{Name: "clinical.age", Unit: "a"},
		{Name: "mut.TP53", Kind: table.Categorical, Levels: []string{"wild type", "mutant"}},
	}, 8)
	copy(x.Column(0), []float64{28, 35, 41, 44, 47, 63, 66, 71})
	copy(x.Column(1), []float64{1, 1, 0, 1, 0, 0, 1, 0})
	return models.Training{X: x, Y: clinical.Outcome{Name: "idh", Kind: clinical.Class, Classes: []string{"wild type", "mutant"}, Class: []int{1, 1, 1, 1, 0, 0, 0, 0}}, Seed: 1}
}

func ExampleDecisionTree() {
	m, err := tree.DecisionTree{Criterion: "gini"}.Fit(context.Background(), glioma())
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := m.(*tree.Classifier).WriteText(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// clinical.age ≤ 45.5?  [missing: no; wild type 0.5, mutant 0.5; n 8]
	// ├─ yes: wild type 0, mutant 1; n 4
	// └─ no: wild type 1, mutant 0; n 4
}
