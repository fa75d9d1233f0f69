package cohort

import (
	"fmt"

	"github.com/voxgene/voxgene/features/extraction"
)

// Scan is the image and mask that a source of images reads of a patient. base is the folder of the configuration.
func (c Config) Scan(base, source, patient string) (extraction.Files, error) {
	for _, of := range c.Sources {
		s, ok := of.loader.(*imageSource)
		if !ok || s.Name != source {
			continue
		}
		if err := s.list(base); err != nil {
			return extraction.Files{}, err
		}
		pairs, why := s.pairs(base, patient)
		if why != "" {
			return extraction.Files{}, fmt.Errorf("source %s: patient %s: %s", source, patient, why)
		}
		return extraction.Files{Image: pairs[0].image, Mask: pairs[0].mask, Prepared: true}, nil
	}
	return extraction.Files{}, fmt.Errorf("no source of images is named %q", source)
}
