package image_test

import (
	"fmt"

	"github.com/voxgene/voxgene/features/image"
)

func ExampleSameGrid() {
	scan := image.Grid{Size: [3]int{512, 512, 200}, Spacing: [3]float64{1, 1, 2.5}, Direction: image.IdentityDirection}
	mask := scan
	mask.Origin[2] = 2.5
	fmt.Println(image.SameGrid(scan, mask, image.GridTolerance))
	// Output: not on one grid: origin is (0, 0, 0) and (0, 0, 2.5), 2.5 mm apart. The mask was moved against the image. Use the scan that it was drawn on, or export it again from there
}

func ExampleGrid_World() {
	g := image.Grid{Size: [3]int{2, 2, 2}, Spacing: [3]float64{1, 1, 2.5}, Origin: [3]float64{10, 20, 30}, Direction: image.IdentityDirection}
	fmt.Println(g.World(1, 0, 1))
	// Output: [11 20 32.5]
}
