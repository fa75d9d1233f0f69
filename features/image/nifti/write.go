package nifti

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/work"
)

// codes are the datatypes by sample type.
var codes = func() map[image.Type]int {
	m := map[image.Type]int{}
	for code, t := range datatypes {
		m[t] = code
	}
	return m
}()

// Write writes a volume as a NIfTI-1 file, gzip where the name ends in .gz, with sform and qform. A value that an integer type cannot
// hold exactly is an error. The header's numbers are of 32 bits, so that the grid comes back to about 1e-7 of its size.
func Write(path string, v *image.Volume, t image.Type) error { return write(path, v.Grid, v.Values, t) }

// WriteMask writes a mask, as uint8 where its labels allow and uint16 where not.
func WriteMask(path string, m *image.Mask) error {
	values, t := m.Samples()
	return write(path, m.Grid, values, t)
}

func write(path string, g image.Grid, values []float64, t image.Type) error {
	b, err := Encode(g, values, t)
	if err == nil && strings.HasSuffix(strings.ToLower(path), ".gz") {
		b, err = image.Gzip(b)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return work.WriteFile(path, b, 0o644)
}

// Encode is a volume as the bytes of a NIfTI-1 file.
func Encode(g image.Grid, values []float64, t image.Type) ([]byte, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	if len(values) != g.Voxels() {
		return nil, fmt.Errorf("%d values for %d voxels", len(values), g.Voxels())
	}
	h := make([]byte, length1+4, length1+4+len(values)*t.Size())
	put16 := func(at, x int) { binary.LittleEndian.PutUint16(h[at:], uint16(x)) }
	put32 := func(at int, x float64) { binary.LittleEndian.PutUint32(h[at:], math.Float32bits(float32(x))) }
	binary.LittleEndian.PutUint32(h, length1)
	h[38] = 'r'
	put16(40, 3)
	for a := range 7 {
		n := 1
		if a < 3 {
			n = g.Size[a]
		}
		if n > math.MaxInt16 {
			return nil, fmt.Errorf("%d voxels along one axis: NIfTI-1 holds %d", n, math.MaxInt16)
		}
		put16(42+2*a, n)
	}
	put16(70, codes[t])
	put16(72, 8*t.Size())
	var ras [3][3]float64
	for r, sign := range [3]float64{-1, -1, 1} {
		for c := range 3 {
			ras[r][c] = sign * g.Direction[3*r+c]
			put32(280+16*r+4*c, ras[r][c]*g.Spacing[c])
			put32(80+4*c, g.Spacing[c])
		}
		put32(292+16*r, sign*g.Origin[r])
		put32(268+4*r, sign*g.Origin[r])
	}
	put16(254, 1)
	if q, qfac, err := quaternion(ras); err == nil {
		put16(252, 1)
		put32(76, qfac)
		for i := range 3 {
			put32(256+4*i, q[i])
		}
	}
	put32(108, length1+4)
	put32(112, 1)
	h[123] = 2 // mm
	copy(h[344:], "n+1\x00")
	return image.AppendSamples(h, values, t)
}
