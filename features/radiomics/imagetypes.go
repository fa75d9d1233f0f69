package radiomics

import "fmt"

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
