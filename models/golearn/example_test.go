package golearn_test

import (
	"context"
	"fmt"
	"os"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/golearn"
	"github.com/voxgene/voxgene/models/tree"
)

func ExampleCART() {
	x := models.NewMatrix([]table.Column{{Name: "clinical.age"}, {Name: "t1.original_shape_Sphericity"}}, 6)
	copy(x.Column(0), []float64{31, 38, 45, 58, 64, 71})
	copy(x.Column(1), []float64{0.7, 0.5, 0.6, 0.6, 0.5, 0.7})
	data := models.Training{X: x, Y: clinical.Outcome{Name: "idh", Kind: clinical.Class, Classes: []string{"wild type", "mutant"}, Class: []int{1, 1, 1, 0, 0, 0}}}
	m, err := golearn.CART{Criterion: "gini"}.Fit(context.Background(), data)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := m.(*tree.Classifier).WriteText(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// clinical.age < 51.5?  [missing: no; wild type 0.5, mutant 0.5; n 6]
	// ├─ yes: wild type 0, mutant 1; n 3
	// └─ no: wild type 1, mutant 0; n 3
}
