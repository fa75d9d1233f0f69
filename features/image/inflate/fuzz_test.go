package inflate_test

import (
	"bytes"
	"compress/flate"
	"io"
	"testing"

	"github.com/voxgene/voxgene/features/image/inflate"
)

// Whatever the stream, the answer is Go's: the same bytes and an error where it has one.
func FuzzInflate(f *testing.F) {
	for _, data := range inputs() {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, 6)
		w.Write(data[:min(len(data), 3000)])
		w.Close()
		f.Add(b.Bytes())
	}
	f.Add([]byte("\x03\x00"))
	f.Add([]byte("\x05\xc0\x81\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		const most = 1 << 22
		want, errWant := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b)), most))
		got, errGot := io.ReadAll(io.LimitReader(inflate.NewReader(bytes.NewReader(b)), most))
		if (errWant == nil) != (errGot == nil) {
			t.Fatalf("%v, and %v of Go", errGot, errWant)
		}
		if errWant == nil && !bytes.Equal(want, got) {
			t.Fatalf("%d bytes, and %d of Go", len(got), len(want))
		}
		defer func(was bool) { *inflate.Assembled = was }(*inflate.Assembled)
		*inflate.Assembled = false
		told, errTold := io.ReadAll(io.LimitReader(&teller{inflate.NewReader(bytes.NewReader(b))}, most))
		if (errGot == nil) != (errTold == nil) || !bytes.Equal(told, got) {
			t.Fatalf("%d bytes (%v), and %d (%v) where zeros are asked for, without assembly", len(got), errGot, len(told), errTold)
		}
	})
}
