package studies

import (
	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/image"
)

// reading is one source as it was read.
type reading struct {
	source *extraction.Source
	files  extraction.Files
	crop   []float32 // for networks
	grid   image.Grid
}
