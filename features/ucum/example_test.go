package ucum_test

import (
	"fmt"

	"github.com/voxgene/voxgene/features/ucum"
)

func ExampleConvert() {
	fmt.Println(ucum.Convert(13.2, "g/dL", "g/L"))
	fmt.Println(ucum.Convert(98.6, "[degF]", "Cel"))
	_, err := ucum.Convert(99, "mg/dL", "mmol/L")
	fmt.Println(err)
	// Output:
	// 132 <nil>
	// 37 <nil>
	// the units are not commensurable: from mass to amount of substance takes a molar mass
}
