package extraction

import (
	"fmt"
	"strings"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/radiomics"
)

// Map says where in its region a column of one patient comes from, as radiomics.Map does, with the region, the scale and the parameters
// of the plan. The column is named in full: source.feature, or source.region.feature. Columns of lesions and of changes between visits
// are made of several regions and have no map; nor has shape.
func (s *Source) Map(files Files, column string, o radiomics.MapOptions) (radiomics.FeatureMap, error) {
	return s.mapped(files, column, func(in image.Reading, m *image.Mask, label int, p radiomics.Params, feature string) (radiomics.FeatureMap, error) {
		return radiomics.Map(in, m, label, p, feature, o)
	})
}

// Voxelwise is the map of a column voxel by voxel, as radiomics.Voxelwise makes it: the feature of the cube around each voxel of the region, of
// the voxels in the region. It has a value for the columns that Map has one for.
func (s *Source) Voxelwise(files Files, column string) (radiomics.FeatureMap, error) {
	return s.mapped(files, column, func(in image.Reading, m *image.Mask, label int, p radiomics.Params, feature string) (radiomics.FeatureMap, error) {
		p.MaskedKernel, p.KernelRadius = true, max(p.KernelRadius, 1)
		return radiomics.Voxelwise(in, m, label, p, feature)
	})
}

// mapped prepares the region of a column and its image for a map.
func (s *Source) mapped(files Files, column string, do func(in image.Reading, m *image.Mask, label int, p radiomics.Params, feature string) (radiomics.FeatureMap, error)) (radiomics.FeatureMap, error) {
	feature, own := strings.CutPrefix(column, s.Name+".")
	switch {
	case !own:
		return radiomics.FeatureMap{}, fmt.Errorf("column %q is not of source %s", column, s.Name)
	case s.Change != nil || s.Lesions != nil:
		return radiomics.FeatureMap{}, fmt.Errorf("column %q is made of several regions; there is no map of it", column)
	}
	regions := s.regions()
	at := -1
	for i, r := range regions {
		if strings.HasPrefix(feature, r.prefix) && (at < 0 || len(r.prefix) > len(regions[at].prefix)) {
			at = i
		}
	}
	if at < 0 {
		return radiomics.FeatureMap{}, fmt.Errorf("column %q is of no region of source %s", column, s.Name)
	}
	from := &source{image: s.open(files.Image), path: files.Mask, move: s.Transform}
	parts, err := from.parts(regions) // all of them: a ring needs what it is around
	if err != nil {
		return radiomics.FeatureMap{}, err
	}
	parts = parts[at : at+1]
	parameters := s.Parameters
	parameters.AdditionalInfo = false
	parameters.CorrectMask = parameters.CorrectMask || s.Grid == "mask_to_image"
	parameters.SameGrid = true
	reading, _, err := s.read(from, parts, parameters)
	if err != nil {
		return radiomics.FeatureMap{}, err
	}
	p := parts[0]
	if p.label == 0 {
		p = part{mask: p.mask.Union(), label: 1}
	}
	return do(reading, p.mask, p.label, parameters, strings.TrimPrefix(feature, regions[at].prefix))
}
