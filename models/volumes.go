package models

import (
	"errors"
	"fmt"
	"math"
)

// Volumes are the crops that one source of images has of the rows of a matrix: for each row a region of the patient on a small grid
// whose size and spacing are the same for all. Steps pass them by; models that read no images ignore them. Values are shared between matrices and are never
// written to.
type Volumes struct {
	Source   string
	Channels []string   // what a voxel holds: the image, its mask
	Size     [3]int     // voxels along x, y and z
	Spacing  [3]float64 // mm
	// Values holds the crops one after the other, each channel by channel, x fastest.
	Values []float32
	Crop   []int // of each row: which of the crops is its own; -1 where the source has none of the patient
}

// Voxels is the number of values of one crop, all channels together.
func (v *Volumes) Voxels() int { return len(v.Channels) * v.Size[0] * v.Size[1] * v.Size[2] }

// Of returns the crop of row i, nil where there is none.
func (v *Volumes) Of(i int) []float32 {
	if v.Crop[i] < 0 {
		return nil
	}
	n := v.Voxels()
	return v.Values[v.Crop[i]*n : (v.Crop[i]+1)*n]
}

// Check says what is wrong with crops for a number of rows.
func (v *Volumes) Check(rows int) error {
	n := v.Voxels()
	switch {
	case len(v.Crop) != rows:
		return fmt.Errorf("source %s has crops of %d rows, want %d", v.Source, len(v.Crop), rows)
	case n <= 0 || len(v.Values)%n != 0:
		return fmt.Errorf("source %s: %d values are no crops of %d channels of %v voxels", v.Source, len(v.Values), len(v.Channels), v.Size)
	}
	for i, c := range v.Crop {
		if c < -1 || (c+1)*n > len(v.Values) {
			return fmt.Errorf("source %s: row %d has crop %d of %d", v.Source, i+1, c+1, len(v.Values)/n)
		}
	}
	for i, x := range v.Values {
		if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("source %s: value %d of crop %d is not finite", v.Source, i%n, i/n+1)
		}
	}
	return nil
}

// selectVolumes returns the volumes of the rows with these indices; crops are shared.
func selectVolumes(all []Volumes, rows []int) []Volumes {
	if all == nil {
		return nil
	}
	out := make([]Volumes, len(all))
	for i, v := range all {
		out[i] = v
		out[i].Crop = pick(v.Crop, rows)
	}
	return out
}

// FindVolumes returns the volumes of a source, nil where the matrix has none.
func (m Matrix) FindVolumes(source string) *Volumes {
	for i := range m.Volumes {
		if m.Volumes[i].Source == source {
			return &m.Volumes[i]
		}
	}
	return nil
}

// Crops describes the volumes that a model reads of one source.
type Crops struct {
	Source   string     `json:"source"`
	Channels []string   `json:"channels"`
	Size     [3]int     `json:"size"`
	Spacing  [3]float64 `json:"spacing"`
}

// Located is a Model that says where in the crop of each row it found what speaks for a class of its outcome, or for risk: a value a voxel, 0 and up. A
// row without an image has none.
type Located interface {
	GradCAM(x Matrix, class int) ([][]float32, error)
}

// Blank is a row of zeros as a model reads it, with crops of zeros where it reads volumes.
func Blank(m Model) Matrix {
	x := NewMatrix(m.Columns(), 1)
	if reads, ok := m.(Imaged); ok {
		for _, c := range reads.Crops() {
			v := Volumes{Source: c.Source, Channels: c.Channels, Size: c.Size, Spacing: c.Spacing, Crop: []int{0}}
			v.Values = make([]float32, v.Voxels())
			x.Volumes = append(x.Volumes, v)
		}
	}
	return x
}

// ErrNothingRead says that a row has nothing of what a model reads: no image, and no value of a table that it reads beside.
var ErrNothingRead = errors.New("nothing that the network reads")

// Imaged is a Model that reads volumes.
type Imaged interface {
	// Crops are the volumes that Predict looks for in its matrix. Of a source that is not there, every row counts as absent.
	Crops() []Crops
}
