package extraction_test

import (
	"fmt"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/settings"
)

func ExamplePlan() {
	n, err := settings.Parse("study.yaml", []byte(`{regions: {core: [1, 4], ring: {of: core, dilate_mm: 5}}, lesions: {min_mm3: 100, aggregate: largest}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	var plan extraction.Plan
	var p settings.Problems
	settings.Decode(n, &plan, &p)
	plan.Check(n, &p)
	fmt.Println(plan.Regions["core"].Labels, plan.Regions["ring"].Dilate, plan.Lesions.Min, p.Err())
	// Output: [1 4] 5 100 <nil>
}
