package inflate_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"testing"

	"github.com/voxgene/voxgene/features/image/inflate"
	"github.com/voxgene/voxgene/features/oracle"
)

// A made-up scan, and the image of brain1, whose matches are short and many.
func BenchmarkGzip(b *testing.B) {
	var scan bytes.Buffer
	w := gzip.NewWriter(&scan)
	w.Write(inputs()["scan"])
	w.Close()
	for _, in := range []struct {
		name   string
		packed func(b *testing.B) []byte
		size   int64
	}{
		{"scan", func(*testing.B) []byte { return scan.Bytes() }, 700_000},
		{"brain1", func(b *testing.B) []byte { return voxels(b, "brain1_image.nrrd") }, 256 * 256 * 25 * 2},
		{"mask", func(b *testing.B) []byte { return voxels(b, "brain1_label.nrrd") }, 256 * 256 * 25 * 4},
	} {
		for _, reader := range []struct {
			name string
			open func(io.Reader) (io.Reader, error)
		}{
			{"inflate", func(r io.Reader) (io.Reader, error) { return inflate.NewGzip(r) }},
			{"go", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
		} {
			b.Run(in.name+"/"+reader.name, func(b *testing.B) {
				packed, block := in.packed(b), make([]byte, 32<<10)
				b.SetBytes(in.size)
				for b.Loop() {
					z, err := reader.open(bytes.NewReader(packed))
					if err != nil {
						b.Fatal(err)
					}
					n := int64(0)
					for err == nil {
						var more int
						more, err = z.Read(block)
						n += int64(more)
					}
					if err != io.EOF || n != in.size {
						b.Fatal(n, err)
					}
				}
			})
		}
	}
}

// voxels are the compressed voxels of a file of PyRadiomics' test cases.
func voxels(b *testing.B, name string) []byte {
	data, err := os.ReadFile(oracle.Data(b, "pyradiomics", name))
	if err != nil {
		b.Fatal(err)
	}
	_, packed, _ := bytes.Cut(data, []byte("\n\n"))
	return packed
}
