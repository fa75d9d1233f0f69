package raster_test

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/image/tiff"

	"github.com/voxgene/voxgene/features/image/raster"
)

// No file makes the reader panic.
func FuzzRead(f *testing.F) {
	var a, b, c bytes.Buffer
	if err := png.Encode(&a, grey(1)); err != nil {
		f.Fatal(err)
	}
	if err := tiff.Encode(&b, grey(1), nil); err != nil {
		f.Fatal(err)
	}
	if err := tiff.Encode(&c, grey(1), &tiff.Options{Compression: tiff.Deflate, Predictor: true}); err != nil {
		f.Fatal(err)
	}
	f.Add(a.Bytes())
	f.Add(b.Bytes())
	f.Add(c.Bytes())
	path := filepath.Join(f.TempDir(), "fuzz.tif")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if v, err := raster.Read(path, one); err == nil && len(v.Values) != v.Voxels() {
			t.Fatalf("%d values for %d voxels", len(v.Values), v.Voxels())
		}
		_, _ = raster.ReadMask(path, one)
	})
}
