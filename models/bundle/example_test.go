package bundle_test

import (
	"context"
	"fmt"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models/bundle"
)

// A bundle predicts the rows of a table; what it had to fill in is in the warnings.
func ExampleOpen() {
	b, err := bundle.Open("testdata/v1.voxgene")
	if err != nil {
		fmt.Println(err)
		return
	}
	t := table.New([]table.Key{{Patient: "P1"}})
	for j, in := range b.Inputs[:3] { // age, sex and grade; nothing of the genes
		if err := t.Add(in.Column, []float64{[]float64{61, 1, 0}[j]}); err != nil {
			fmt.Println(err)
			return
		}
	}
	x, err := b.Align(t)
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := b.Predict(context.Background(), x, bundle.Request{Outcomes: []string{"cox"}, Times: []bundle.Time{{Value: 1, Unit: "a"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	o := p[0].Outcomes[0]
	fmt.Printf("survival at %g %s: %.2f, %s risk\n", o.Times[0], o.Unit, o.Survival[0], o.RiskGroup)
	fmt.Println(p[0].Warnings[0].Message)
	// Output:
	// survival at 365.25 d: 0.76, low risk
	// nothing of the source rna was given; what is usual in training stands in for it (impute)
}

func ExampleConvert() {
	days, _ := bundle.Convert(12, "mo", "d")
	fmt.Println(days)
	// Output: 365.25
}
