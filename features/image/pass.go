package image

import (
	"errors"
	"fmt"
	"io"
	"math"
)

// Selection chooses what a reader keeps of an image. The zero Selection keeps every voxel.
type Selection struct {
	// Region gives the box to keep once the file's grid is known; nil keeps all. Memory grows with the box and not with the file.
	Region func(whole Grid) (Box, error)
	// Statistics asks for the statistics of the whole image. They cost one look at every voxel.
	Statistics bool
	// Hash asks for the SHA-1 of all voxels, as SimpleITK's Hash has it.
	Hash bool
}

// Reading is what one pass over a file gives.
type Reading struct {
	Volume     *Volume    // the voxels of Region
	Whole      Grid       // the grid of the file
	Region     Box        // where in the file Volume lies
	Statistics Statistics // of every voxel of the file, if asked for
	Hash       string     // SHA-1 of every voxel, in hexadecimal, if asked for
	Made       Acquisition
}

// Acquisition is how an image was made, as far as its file says.
type Acquisition struct {
	Spacing              [3]float64 // of the file's grid, mm
	Manufacturer, Kernel string     // of DICOM
}

// region is the box that a selection keeps of a grid.
func (s Selection) region(whole Grid) (Box, error) {
	if s.Region == nil {
		return whole.Box(), nil
	}
	b, err := s.Region(whole)
	if err != nil {
		return Box{}, err
	}
	return b, b.within(whole.Size)
}

// DecodeVolume reads the voxels of a grid, i fastest, from r in one pass. It reads no byte more than they need. An end of r before the
// last voxel is an error that says where it came.
func DecodeVolume(r io.Reader, whole Grid, s Samples, keep Selection) (Reading, error) {
	if err := whole.Validate(); err != nil {
		return Reading{}, err
	}
	box, err := keep.region(whole)
	if err != nil {
		return Reading{}, err
	}
	p := pass{samples: s, whole: whole, box: box}
	if keep.Statistics {
		p.gather()
	}
	if keep.Hash {
		p.hash = newVoxelHash(s)
	}
	if err := blocks(r, whole, s, p.block); err != nil {
		return Reading{}, err
	}
	reading := Reading{
		Volume: &Volume{Grid: whole.Crop(box), Integer: s.integer(), Limits: s.limits(), Values: p.values},
		Whole:  whole, Region: box, Made: Acquisition{Spacing: whole.Spacing},
	}
	if p.hash != nil {
		reading.Hash = p.hash.text()
	}
	switch {
	case p.levels != nil:
		reading.Statistics = p.levels.statistics(s.Slope, s.Intercept)
	case p.moments != nil:
		reading.Statistics = p.moments.statistics()
	}
	return reading, nil
}

// zeroTeller is a reader that knows runs of zeros without looking at them: Zeros takes bytes that are zero off what Read would give, at most
// n, and says how many.
type zeroTeller interface{ Zeros(n int) int }

// blocks calls do with blocks of little-endian samples, in order, and the number of the first of each. Those that zeros says of are known to
// be zero; others may be.
func blocks(r io.Reader, g Grid, s Samples, do func(first int, raw []byte, zeros bool) error) error {
	size := s.Type.Size()
	if size == 0 {
		return fmt.Errorf("no such sample type: %d", int(s.Type))
	}
	if need := int64(g.Voxels()) * int64(size); s.Bound > 0 && need > s.Bound {
		return fmt.Errorf("%d×%d×%d voxels of type %s are %d bytes, and the file can hold %d at most: it is cut off, or its header is of another image",
			g.Size[0], g.Size[1], g.Size[2], s.Type, need, s.Bound)
	}
	buffer := make([]byte, min(blockSamples, g.Voxels())*size)
	teller, _ := r.(zeroTeller)
	dirty := 0 // bytes of buffer that may not be zero
	for first := 0; first < g.Voxels(); {
		raw := buffer[:min(blockSamples, g.Voxels()-first)*size]
		told := 0
		for more := 1; teller != nil && more > 0 && told < len(raw); told += more {
			more = teller.Zeros(len(raw) - told)
		}
		clear(raw[:min(told, dirty)])
		if told < len(raw) {
			dirty = len(raw)
			if n, err := io.ReadFull(r, raw[told:]); err != nil {
				if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
					return fmt.Errorf("voxels end after %d of %d bytes: the file is cut off, or its header is of another image", first*size+told+n, g.Voxels()*size)
				}
				return fmt.Errorf("after %d of %d bytes of voxels: %w", first*size+told+n, g.Voxels()*size, err)
			}
		} else {
			dirty = 0
		}
		if s.BigEndian && told < len(raw) {
			swap(raw, size)
		}
		if err := do(first, raw, told == len(raw)); err != nil {
			return err
		}
		first += len(raw) / size
	}
	return nil
}

// pass keeps a box of voxels, and gathers statistics and the hash of all.
type pass struct {
	samples Samples
	whole   Grid
	box     Box
	values  []float64
	levels  *histogram // for samples of 8 and 16 bits
	flip    uint16     // turns a stored number into its place in levels
	moments *moments   // for the others
	scratch []float64
	hash    *voxelHash // nil if not asked for
}

func (p *pass) gather() {
	if t := p.samples.Type; t.Size() <= 2 && t.Integer() {
		p.levels = newHistogram(t)
		p.flip = map[Type]uint16{Int8: 0x80, Int16: 0x8000}[t]
		return
	}
	p.moments = new(moments)
	p.moments.init()
	p.scratch = make([]float64, blockSamples)
}

func (p *pass) block(first int, raw []byte, _ bool) error {
	size := p.samples.Type.Size()
	n := len(raw) / size
	if p.hash != nil {
		p.hash.add(raw)
	}
	switch {
	case p.levels != nil && size == 1:
		p.levels.add8(raw, byte(p.flip))
	case p.levels != nil:
		p.levels.add16(raw, p.flip)
	case p.moments != nil:
		p.samples.decode(p.scratch[:n], raw)
		p.moments.add(p.scratch[:n])
	}
	rows(p.whole, p.box, first, n, func(from, to int) {
		old := len(p.values)
		p.values = extend(p.values, to-from, p.box.voxels(), p.samples.Bound > 0)
		p.samples.decode(p.values[old:], raw[(from-first)*size:])
	})
	return nil
}

// extend lengthens a slice that will hold all elements by n zeros. Where the file's length does not vouch for all of them, room is made
// as they arrive, so that a header cannot claim memory that its file does not fill.
func extend[E any](s []E, n, all int, vouched bool) []E {
	length := len(s) + n
	if length <= cap(s) {
		return s[:length]
	}
	if !vouched {
		all = min(all, max(4*len(s), length, 1<<20))
	}
	longer := make([]E, length, all)
	copy(longer, s)
	return longer
}

// rows calls do with the runs [from, to) of voxels first … first+n−1 that lie inside the box, in order.
func rows(g Grid, b Box, first, n int, do func(from, to int)) {
	nx, ny := g.Size[0], g.Size[1]
	if b == g.Box() {
		do(first, first+n)
		return
	}
	for row := first / nx; row*nx < first+n; row++ {
		j, k := row%ny, row/ny
		if j < b.Min[1] || j >= b.Max[1] || k < b.Min[2] || k >= b.Max[2] {
			continue
		}
		from, to := max(row*nx+b.Min[0], first), min(row*nx+b.Max[0], first+n)
		if from < to {
			do(from, to)
		}
	}
}

// DecodeMask reads the labels of a grid, i fastest, from r. A label that is not a whole number from 0 to 65,535 is an error with its
// voxel. Memory is touched only where there are labels.
func DecodeMask(r io.Reader, g Grid, s Samples) (*Mask, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	m := &Mask{Grid: g, Extent: Box{Min: g.Size}}
	scratch := make([]float64, blockSamples)
	err := blocks(r, g, s, func(first int, raw []byte, zeros bool) error {
		m.Labels = extend(m.Labels, len(raw)/s.Type.Size(), g.Voxels(), s.Bound > 0)
		if s.Intercept == 0 && (zeros || zero(raw)) {
			return nil
		}
		values := scratch[:len(raw)/s.Type.Size()]
		s.decode(values, raw)
		if err := m.set(first, values); err != nil {
			return err
		}
		m.extend(first, len(values))
		return nil
	})
	if err != nil {
		return nil, err
	}
	if m.Extent.Empty() { // no label: nothing is known of where they are
		m.Extent = Box{}
	}
	return m, nil
}

// extend makes the extent hold the labels of n voxels from voxel first on, to the whole row.
func (m *Mask) extend(first, n int) {
	row, rows := m.Size[0], m.Size[1]
	for from := first; from < first+n; {
		to := min((from/row+1)*row, first+n)
		if !blank(m.Labels[from:to]) {
			m.Extent.include(0, row-1, from/row%rows, from/row/rows)
		}
		from = to
	}
}

// set stores values as the labels from voxel first on.
func (m *Mask) set(first int, values []float64) error {
	labels := m.Labels[first:][:len(values)]
	for i, x := range values {
		if x == 0 {
			continue
		}
		if !(x >= 0 && x <= math.MaxUint16) || x != math.Trunc(x) {
			at := first + i
			plane := m.Size[0] * m.Size[1]
			return fmt.Errorf("voxel (%d, %d, %d) has the label %g: want a whole number from 0 to 65535; is this the image, or a mask that was interpolated?",
				at%m.Size[0], at%plane/m.Size[0], at/plane, x)
		}
		labels[i] = uint16(x)
	}
	return nil
}

// noBytes is what zero compares with, as noLabels.
var noBytes [512]byte

// zero says whether every byte is 0.
func zero(raw []byte) bool {
	for ; len(raw) >= len(noBytes); raw = raw[len(noBytes):] {
		if *(*[len(noBytes)]byte)(raw) != noBytes {
			return false
		}
	}
	for _, b := range raw {
		if b != 0 {
			return false
		}
	}
	return true
}
