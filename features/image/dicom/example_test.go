package dicom_test

import (
	"fmt"
	"path/filepath"

	"github.com/voxgene/voxgene/features/image/dicom"
)

func ExampleRead() {
	v, err := dicom.Read(filepath.Join("testdata", "plain.dcm"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(v.Size, v.Spacing, v.Values[:3])
	// Output: [24 16 1] [0.75 0.5 2] [-900 -863 -826]
}
