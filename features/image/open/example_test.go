package open_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
	"github.com/voxgene/voxgene/features/image/open"
)

func ExampleRegion() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "scan.nii.gz")
	g := image.Grid{Size: [3]int{100, 80, 40}, Spacing: [3]float64{1, 1, 3}, Direction: image.IdentityDirection}
	if err := nifti.Write(path, &image.Volume{Grid: g, Values: make([]float64, g.Voxels())}, image.Int16); err != nil {
		fmt.Println(err)
		return
	}
	lesion := func(image.Grid) (image.Box, error) {
		return image.Box{Min: [3]int{20, 20, 10}, Max: [3]int{30, 30, 15}}, nil
	}
	r, err := open.Region(path, image.Selection{Region: lesion, Statistics: true})
	fmt.Println(len(r.Volume.Values), "voxels kept,", r.Statistics.Count, "seen;", r.Volume.Origin, err)
	// Output: 500 voxels kept, 320000 seen; [20 20 30] <nil>
}
