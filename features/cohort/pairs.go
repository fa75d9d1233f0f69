package cohort

import (
	"slices"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/table"
)

// ImagePair is where the image and the mask of a patient lie, for a source of images.
type ImagePair struct {
	Source, Modality, Batch string // Batch is the patient's scanner or centre, "" where the source names no column
	Patient, Image, Mask    string
	Plan                    extraction.Plan // with its parameters
}

// ImagePairs lists the images of all sources of images, in the order of sources and patients, and which patients lack one. No image is
// read.
func (c Config) ImagePairs(base string) ([]ImagePair, []Exclusion, error) {
	patients, err := readPatients(c, base)
	if err != nil {
		return nil, nil, err
	}
	keys := make([]table.Key, len(patients.list))
	for i, id := range patients.list {
		keys[i].Patient = id
	}
	at := patients.rows(keys)
	var pairs []ImagePair
	var absent []Exclusion
	for _, source := range c.Sources {
		s, ok := source.loader.(*imageSource)
		if !ok {
			continue
		}
		plan := s.Plan
		if plan.Parameters, err = s.params(base); err != nil {
			return nil, nil, err
		}
		if err := s.list(base); err != nil {
			return nil, nil, err
		}
		batches := make([]string, len(patients.list))
		if s.Batch != "" {
			batches = patients.column(s.Batch, at)
		}
		for i, patient := range patients.list {
			found, why := s.scans(base, patient)
			if len(found) == 0 {
				absent = append(absent, Exclusion{patient, s.Name + ": " + why})
			}
			for _, one := range found {
				for _, p := range one.pairs {
					pairs = append(pairs, ImagePair{s.Name, s.Modality, batches[i], patient, p.image, p.mask, plan})
				}
			}
		}
	}
	return pairs, absent, nil
}

// Tables is the configuration without its sources of images, which take time to load.
func (c Config) Tables() Config {
	c.Sources = slices.DeleteFunc(slices.Clone(c.Sources), func(s Source) bool { return s.Kind == "images" })
	return c
}
