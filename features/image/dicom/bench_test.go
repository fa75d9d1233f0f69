package dicom_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/dicom"
)

// series writes a CT series of 512×512 slices.
func series(b *testing.B, slices int) string {
	b.Helper()
	dir := b.TempDir()
	pixels := make([]byte, 0, 2*512*512)
	for i := range 512 * 512 {
		pixels = binary.LittleEndian.AppendUint16(pixels, uint16(int16(i*2654435761>>7%2000-1000)))
	}
	for k := range slices {
		s := slice(float64(k)).with(set{0x00280010: 512, 0x00280011: 512, 0x7FE00010: pixels})
		write(b, dir, fmt.Sprintf("%03d.dcm", slices-k), s.file())
	}
	return dir
}

// BenchmarkRead200Slices reads 200 slices of 512×512 int16: the whole volume, and a region of 60×60×40 with the statistics of the whole.
func BenchmarkRead200Slices(b *testing.B) {
	dir := series(b, 200)
	region := func(image.Grid) (image.Box, error) {
		return image.Box{Min: [3]int{200, 240, 80}, Max: [3]int{260, 300, 120}}, nil
	}
	for name, keep := range map[string]image.Selection{"whole": {}, "region": {Region: region}, "region and statistics": {Region: region, Statistics: true}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := dicom.ReadRegion(dir, keep); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
