package phantom_test

import (
	"fmt"

	"github.com/voxgene/voxgene/features/phantom"
)

func ExampleNew() {
	o := phantom.Defaults()
	o.Patients = 3
	c, _ := phantom.New(o)
	for _, p := range c.Patients {
		fmt.Println(p.ID, p.Subtype)
	}
	fmt.Println(c.Truth.Links[0].Latent, c.Truth.Links[0].Correlation)
	// Output:
	// P0001 A
	// P0002 A
	// P0003 B
	// size 0.7
}
