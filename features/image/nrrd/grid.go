package nrrd

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/image"
)

// check says which fields are missing or do not fit one another.
func (h *header) check() error {
	var all []error
	if h.samples.Type == 0 {
		all = append(all, errors.New("field type is missing"))
	}
	if h.encoding == "" {
		all = append(all, errors.New("field encoding is missing"))
	}
	if h.dimension == 0 {
		all = append(all, errors.New("field dimension is missing"))
	}
	if h.samples.Type.Size() > 1 && !h.endian && h.encoding != "text" && h.encoding != "" {
		all = append(all, fmt.Errorf("field endian is missing, and samples of type %s need it", h.samples.Type))
	}
	if len(h.sizes) != h.dimension {
		all = append(all, fmt.Errorf("sizes: %d for %d axes", len(h.sizes), h.dimension))
	}
	if h.spacings != nil && len(h.spacings) != h.dimension {
		all = append(all, fmt.Errorf("spacings: %d for %d axes", len(h.spacings), h.dimension))
	}
	if h.vectors != nil && len(h.vectors) != h.dimension {
		all = append(all, fmt.Errorf("space directions: %d for %d axes", len(h.vectors), h.dimension))
	}
	if h.kinds != nil && len(h.kinds) != h.dimension {
		all = append(all, fmt.Errorf("kinds: %d for %d axes", len(h.kinds), h.dimension))
	}
	if h.spacings == nil && h.vectors == nil {
		all = append(all, errors.New("neither space directions nor spacings: the size of a voxel is not known; if that is meant, add the line \"spacings: 1 1 1\""))
	}
	if h.byteSkip < 0 && h.encoding != "raw" {
		all = append(all, fmt.Errorf("byte skip of -1 is for raw data, not %s", h.encoding))
	}
	return errors.Join(all...)
}

// spatial are the kinds of axis along which voxels lie in the patient.
var spatial = []string{"domain", "space", "???", "none", ""}

// grid places the voxels. An axis that is not one of space is left out if it has one element, and refused otherwise.
func (h *header) grid() (image.Grid, error) {
	g, axis, err := h.layered()
	if err == nil && axis >= 0 {
		kind := ""
		if h.kinds != nil {
			kind = h.kinds[axis]
		}
		err = fmt.Errorf("axis %d (kind %q) holds %d values a voxel: images of one value a voxel are read; split it first (of a mask, label_channel chooses a layer)", axis+1, kind, h.sizes[axis])
	}
	return g, err
}

// layered places the voxels, and says which axis is that of several values a voxel; -1 for none.
func (h *header) layered() (image.Grid, int, error) {
	var space []int
	layers := -1
	for a, n := range h.sizes {
		kind := ""
		if h.kinds != nil {
			kind = h.kinds[a]
		}
		outside := !slices.Contains(spatial, kind) || h.vectors != nil && h.vectors[a] == nil ||
			h.vectors == nil && h.spacings != nil && math.IsNaN(h.spacings[a])
		switch {
		case !outside:
			space = append(space, a)
		case n > 1 && layers >= 0:
			return image.Grid{}, -1, fmt.Errorf("axes %d and %d both hold several values a voxel: one at most is read", layers+1, a+1)
		case n > 1:
			layers = a
		}
	}
	for len(space) > 3 && h.sizes[space[len(space)-1]] == 1 {
		space = space[:len(space)-1]
	}
	if len(space) != 3 {
		return image.Grid{}, -1, fmt.Errorf("%d axes of space, sizes %v: want 3", len(space), h.sizes)
	}
	var size [3]int
	var steps [3][3]float64
	for i, a := range space {
		size[i] = h.sizes[a]
		if h.vectors == nil {
			steps[i][i] = h.spacings[a]
			continue
		}
		for r := range 3 {
			steps[i][r] = h.vectors[a][r] * h.flip[r] * h.unit
		}
	}
	var origin [3]float64
	for r := range h.origin {
		origin[r] = h.origin[r] * h.flip[r] * h.unit
	}
	for i := range steps {
		if h.vectors == nil && !(steps[i][i] > 0) {
			return image.Grid{}, -1, fmt.Errorf("spacing along axis %d is %g: want a positive number of mm", space[i]+1, steps[i][i])
		}
	}
	g, err := image.NewGrid(size, steps, origin)
	return g, layers, err
}
