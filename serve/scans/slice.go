package scans

import "encoding/binary"

// Plane is one of the three in which a scan is shown, as radiologists look at it: from the feet (axial), from the front (coronal), from
// the patient's left (sagittal).
type Plane int

// The planes.
const (
	Axial    Plane = iota // columns to the patient's left, rows to the back
	Coronal               // columns to the patient's left, rows to the feet
	Sagittal              // columns to the back, rows to the feet
)

// planes by the name that a path has.
var planes = map[string]Plane{"axial": Axial, "coronal": Coronal, "sagittal": Sagittal}

// across is the axis that a plane's slices are numbered along.
func (p Plane) across() int { return [3]int{2, 1, 0}[p] }

// shape is the number of columns and rows of a plane's slices.
func (p Plane) shape(size [3]int) (columns, rows int) {
	switch p {
	case Axial:
		return size[0], size[1]
	case Coronal:
		return size[0], size[2]
	}
	return size[1], size[2]
}

// voxel is the place of a pixel of a slice.
func (p Plane) voxel(size [3]int, slice, column, row int) (x, y, z int) {
	switch p {
	case Axial:
		return column, row, slice
	case Coronal:
		return column, slice, size[2] - 1 - row
	}
	return slice, column, size[2] - 1 - row
}

// grey returns a slice of the image, 16 bits a pixel, the low byte first.
func (im *Image) grey(p Plane, slice int) []byte {
	columns, rows := p.shape(im.Size)
	out := make([]byte, 0, 2*columns*rows)
	for row := range rows {
		for column := range columns {
			x, y, z := p.voxel(im.Size, slice, column, row)
			out = binary.LittleEndian.AppendUint16(out, im.voxels[im.grid.Index(x, y, z)])
		}
	}
	return out
}

// over returns a slice of a layer, a signed byte a pixel.
func (im *Image) over(l *Layer, p Plane, slice int) []byte {
	columns, rows := p.shape(im.Size)
	out := make([]byte, columns*rows)
	size := l.box.Size()
	for row := range rows {
		for column := range columns {
			x, y, z := p.voxel(im.Size, slice, column, row)
			x, y, z = x-l.box.Min[0], y-l.box.Min[1], z-l.box.Min[2]
			if x >= 0 && y >= 0 && z >= 0 && x < size[0] && y < size[1] && z < size[2] {
				out[row*columns+column] = byte(l.values[(z*size[1]+y)*size[0]+x])
			}
		}
	}
	return out
}
