package nrrd

import (
	"bytes"
	"fmt"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/work"
)

// names of the types in the header.
var typeNames = map[image.Type]string{
	image.Int8: "int8", image.Uint8: "uint8", image.Int16: "int16", image.Uint16: "uint16", image.Int32: "int32", image.Uint32: "uint32",
	image.Int64: "int64", image.Uint64: "uint64", image.Float32: "float", image.Float64: "double",
}

// Write writes a volume as one file, gzip, in LPS. A value that an integer type cannot hold exactly is an error.
func Write(path string, v *image.Volume, t image.Type) error {
	b, err := encode(v.Grid, v.Values, t)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return work.WriteFile(path, b, 0o644)
}

// WriteMask writes a mask as one file, gzip, as uint8 where its labels allow and uint16 where not.
func WriteMask(path string, m *image.Mask) error {
	values, t := m.Samples()
	b, err := encode(m.Grid, values, t)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return work.WriteFile(path, b, 0o644)
}

func encode(g image.Grid, values []float64, t image.Type) ([]byte, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	if len(values) != g.Voxels() {
		return nil, fmt.Errorf("%d values for %d voxels", len(values), g.Voxels())
	}
	raw, err := image.AppendSamples(nil, values, t)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "NRRD0004\ntype: %s\ndimension: 3\nspace: left-posterior-superior\nsizes: %d %d %d\nspace directions:", typeNames[t], g.Size[0], g.Size[1], g.Size[2])
	for c := range 3 {
		s := g.Spacing[c]
		fmt.Fprintf(&b, " (%.17g,%.17g,%.17g)", g.Direction[c]*s, g.Direction[3+c]*s, g.Direction[6+c]*s)
	}
	fmt.Fprintf(&b, "\nkinds: domain domain domain\nendian: little\nencoding: gzip\nspace origin: (%.17g,%.17g,%.17g)\n\n", g.Origin[0], g.Origin[1], g.Origin[2])
	packed, err := image.Gzip(raw)
	b.Write(packed)
	return b.Bytes(), err
}
