package radiomics

import (
	"fmt"

	"github.com/voxgene/voxgene/features/image"
)

// images makes the images of a type and calls do with each one's name, its values in the box of the region, and its settings.
func (e *extraction) images(i ImageType, do func(name string, box []float64, set Settings) error) error {
	set := i.Settings
	switch i.Name {
	case "Original":
		return do("original", e.scan.take(e.region.Box), set)
	}
	return fmt.Errorf("imageType %s is not supported yet", i.Name)
}

// unknownWavelet says what is wrong with the name of a wavelet.
func unknownWavelet(name string) string { return "" }

// imageReach is the part of the whole image that an image type needs for a region with these bounds.
func imageReach(i ImageType, g image.Grid, b image.Box) image.Box { return b }
