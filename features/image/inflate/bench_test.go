package inflate_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"

	"github.com/voxgene/voxgene/features/image/inflate"
)

func BenchmarkGzip(b *testing.B) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write(inputs()["scan"])
	w.Close()
	for name, open := range map[string]func(io.Reader) (io.Reader, error){
		"inflate": func(r io.Reader) (io.Reader, error) { return inflate.NewGzip(r) },
		"go":      func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(700_000)
			for b.Loop() {
				z, err := open(bytes.NewReader(packed.Bytes()))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, z); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
