package cohort

import (
	"fmt"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/table"
)

// Scan is the image and mask that a source of images reads of a patient, or of a visit of one where each is a row. base is the folder of the configuration.
func (c Config) Scan(base, source string, of table.Key) (extraction.Files, error) {
	for _, one := range c.Sources {
		s, ok := one.loader.(*imageSource)
		if !ok || s.Name != source {
			continue
		}
		if err := s.list(base); err != nil {
			return extraction.Files{}, err
		}
		found, why := s.scans(base, of.Patient)
		for _, scan := range found {
			if scan.visit == "" || scan.visit == of.Visit {
				return extraction.Files{Image: scan.pairs[0].image, Mask: scan.pairs[0].mask, Prepared: true}, nil
			}
		}
		return extraction.Files{}, fmt.Errorf("source %s: patient %s: %s", source, table.PerVisit.Describe(of), why)
	}
	return extraction.Files{}, fmt.Errorf("no source of images is named %q", source)
}
