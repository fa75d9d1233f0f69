package radiomics_test

import (
	"fmt"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/radiomics"
)

func ExampleExtract() {
	g := image.Grid{Size: [3]int{3, 2, 2}, Spacing: [3]float64{1, 1, 1}, Direction: image.IdentityDirection}
	v := &image.Volume{Grid: g, Integer: true, Values: []float64{10, 40, 70, 20, 50, 80, 10, 40, 70, 20, 50, 80}}
	m := &image.Mask{Grid: g, Labels: []uint16{1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 0}}
	p, err := radiomics.ParseParams("example.yaml", []byte("featureClass: {firstorder: [Mean, Range], glcm: [Contrast]}"))
	if err != nil {
		fmt.Println(err)
		return
	}
	features, err := radiomics.Extract(v, m, 1, p)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range features {
		fmt.Printf("%s %.3g\n", f.Name, f.Value)
	}
	// Output:
	// original_firstorder_Mean 30
	// original_firstorder_Range 40
	// original_glcm_Contrast 1.85
}
