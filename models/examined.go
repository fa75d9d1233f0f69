package models

import (
	"context"

	"github.com/voxgene/voxgene/features/work"
)

// Examined is a Model whose maps of images can be put to the test: whether they depend on what was learnt, and whether what they mark matters.
type Examined interface {
	// Examine makes the map of each row that has an image, by grad_cam or a method of its own, and examines it. It is deterministic by seed, and
	// ends soon after ctx is done, with its error.
	Examine(ctx context.Context, x Matrix, r ExamineRequest) (Examination, error)
}

// ExamineRequest says which maps are examined.
type ExamineRequest struct {
	Method     string // grad_cam, or one of AttributionMethods
	Class      int    // that maps speak for; 0 for survival
	Background Matrix // of the model's columns, for methods that integrate gradients
	Shares     []float64
	Seed       work.Seed
}

// Examination is what two tests say of a model's maps.
type Examination struct {
	Rows int // with a map that is not the same everywhere
	// Layers are randomised from the last to the first, each with those before it: Adebayo and others, arXiv:1810.03292. A map that shows what
	// was learnt changes: its rank correlation with the first map falls to about 0.
	Layers []RandomisedLayer
	// Removed is ROAD: Rong and others, arXiv:2202.00449. Voxels are removed by their place in the map and replaced by what their neighbours
	// say, with a little noise, so that the gap tells nothing. The number explained falls faster where the most important go first.
	Removed []Removal
}

// RandomisedLayer is one step of randomising.
type RandomisedLayer struct {
	Name        string  // of the layer randomised last
	Correlation float64 // Spearman, mean over rows; a map that is the same everywhere counts as 0
}

// Removal is by how much the number explained changes when a share of the voxels is removed, the mean over rows.
type Removal struct {
	Share               float64
	Most, Least, Random float64 // the most important first, the least important first, in any order
}
