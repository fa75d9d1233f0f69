// Package filter holds the image filters that radiomics features are computed on: Laplacian of Gaussian, wavelets, local binary
// patterns, gradient magnitude.
//
// A filter gets a block of voxels, i fastest, with the neighbours that its result depends on, and the package says how many those are,
// so that no filter runs over a whole scan for the sake of a region. Each follows the implementation that PyRadiomics calls: ITK 5,
// PyWavelets, scikit-image, SciPy.
package filter

// Block is a box of voxels with its values, i fastest.
type Block struct {
	Size   [3]int
	Values []float64
}

// NewBlock is a block of zeros.
func NewBlock(size [3]int) Block {
	return Block{size, make([]float64, size[0]*size[1]*size[2])}
}

// Crop is the part of the block that starts at min and has the given size.
func (b Block) Crop(min, size [3]int) Block {
	if size == b.Size {
		return b
	}
	out := Block{size, make([]float64, 0, size[0]*size[1]*size[2])}
	for k := min[2]; k < min[2]+size[2]; k++ {
		for j := min[1]; j < min[1]+size[1]; j++ {
			row := (k*b.Size[1]+j)*b.Size[0] + min[0]
			out.Values = append(out.Values, b.Values[row:row+size[0]]...)
		}
	}
	return out
}
