package genes_test

import (
	"fmt"

	"github.com/voxgene/voxgene/features/genes"
)

// A sample is scored by itself: nobody else has to be there.
func ExampleSSGSEA() {
	m := &genes.Matrix{Genes: []string{"A", "B", "C", "D", "E"}, Samples: []string{"patient"}, Values: []float64{9, 8, 3, 2, 1}}
	s, err := genes.SSGSEA(m, []genes.Set{{Name: "up", Genes: []string{"A", "B"}}, {Name: "down", Genes: []string{"D", "E"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for k, name := range s.Sets {
		fmt.Printf("%s %.2f\n", name, s.Values[k][0])
	}
	// Output:
	// up 2.51
	// down -2.46
}

// ComBat is fitted on training samples and adjusts a new one of a known scanner.
func ExampleFitComBat() {
	train := &genes.Matrix{Genes: []string{"volume", "entropy"}, Samples: []string{"a1", "a2", "a3", "a4", "a5", "b1", "b2", "b3", "b4", "b5"},
		Values: []float64{1, 2, 3, 2, 1, 11, 12, 13, 12, 11, 5, 5.5, 5, 4.5, 6, 7, 7.5, 7, 6.5, 8}}
	scanner := []string{"A", "A", "A", "A", "A", "B", "B", "B", "B", "B"}
	c, err := genes.FitComBat(train, scanner, nil, genes.ComBatOptions{Reference: "A"})
	if err != nil {
		fmt.Println(err)
		return
	}
	patient := &genes.Matrix{Genes: train.Genes, Samples: []string{"new"}, Values: []float64{12, 7}}
	adjusted, err := c.Apply(patient, []string{"B"}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.1f %.1f\n", adjusted.Values[0], adjusted.Values[1])
	_, err = c.Apply(patient, []string{"C"}, nil)
	fmt.Println(err)
	// Output:
	// 2.0 5.0
	// batch "C" was not there when the correction was fitted; it knows A, B
}

func ExampleParseBarcode() {
	b, ok := genes.ParseBarcode("TCGA-02-0001-11A-01R-1849-01")
	fmt.Println(ok, b.Patient, b.Normal())
	// Output: true TCGA-02-0001 true
}
