package inflate_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/voxgene/voxgene/features/image/inflate"
)

// inputs are data of several kinds: noise, text that repeats, a slowly varying scan, zeros, and lengths around the sizes of buffers.
func inputs() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	noise, scan := make([]byte, 300_000), make([]byte, 700_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	for i := 0; i < len(scan); i += 2 {
		v := 1000 + i/2000 + r.IntN(60)
		scan[i], scan[i+1] = byte(v), byte(v>>8)
	}
	all := map[string][]byte{"nothing": nil, "one": {7}, "noise": noise, "scan": scan, "zeros": make([]byte, 1<<20),
		"text": bytes.Repeat([]byte("the quick brown fox jumps over the lazy dog; "), 20_000)}
	for period := 1; period < 12; period++ {
		all["period "+string(rune('a'+period))] = bytes.Repeat(noise[:period], 5000)
	}
	mixed := append(append(append([]byte{}, noise[:70_000]...), make([]byte, 90_000)...), scan[:100_000]...)
	all["mixed"] = append(mixed, mixed...)
	return all
}

// Reference: compress/flate and compress/gzip of Go, which compress; what comes out is what went in, at every level and for every way of
// reading.
func TestInflate(t *testing.T) {
	t.Run("as it is", testInflate)
	defer func(was bool) { *inflate.Assembled = was }(*inflate.Assembled)
	*inflate.Assembled = false
	t.Run("without assembly", testInflate)
}

func testInflate(t *testing.T) {
	for name, data := range inputs() {
		for _, level := range []int{flate.HuffmanOnly, 0, 1, 6, 9} {
			var b bytes.Buffer
			w, err := flate.NewWriter(&b, level)
			if err != nil {
				t.Fatal(err)
			}
			w.Write(data)
			w.Close()
			packed := b.Bytes()
			for way, src := range map[string]io.Reader{"whole": bytes.NewReader(packed), "halves": iotest.HalfReader(bytes.NewReader(packed)), "with the end": iotest.DataErrReader(bytes.NewReader(packed))} {
				got, err := io.ReadAll(inflate.NewReader(src))
				if err != nil || !bytes.Equal(got, data) {
					t.Fatalf("%s, level %d, read %s: %d bytes of %d (%v)", name, level, way, len(got), len(data), err)
				}
			}
			if got, err := io.ReadAll(&teller{inflate.NewReader(bytes.NewReader(packed))}); err != nil || !bytes.Equal(got, data) {
				t.Fatalf("%s, level %d, with zeros asked for: %d bytes of %d (%v)", name, level, len(got), len(data), err)
			}
			for _, cut := range []int{0, 1, len(packed) / 2, len(packed) - 1} {
				got, err := io.ReadAll(inflate.NewReader(bytes.NewReader(packed[:cut])))
				if !errors.Is(err, io.ErrUnexpectedEOF) || !bytes.HasPrefix(data, got) {
					t.Fatalf("%s, level %d, cut at %d of %d: %d bytes, %v", name, level, cut, len(packed), len(got), err)
				}
			}
		}
	}
}

// teller asks for zeros before it reads, and puts them where they belong.
type teller struct {
	from interface {
		io.Reader
		Zeros(n int) int
	}
}

func (r *teller) Read(p []byte) (int, error) {
	told := r.from.Zeros(len(p))
	clear(p[:told])
	if told == len(p) || told > 0 && told%2 == 0 {
		return told, nil
	}
	n, err := r.from.Read(p[told:])
	return told + n, err
}

// A mask is mostly background that was compressed as runs, and nearly all of it is told as zeros.
func TestZeros(t *testing.T) {
	mask := make([]byte, 3<<20)
	for i := 1 << 20; i < 1<<20+5000; i += 7 {
		mask[i] = 1
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(mask)
	w.Close()
	z, err := inflate.NewGzip(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	told, block := 0, make([]byte, 1<<14)
	for n := 0; n < len(mask); {
		k := z.Zeros(len(block))
		if told += k; k == 0 {
			if k, err = z.Read(block); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(block[:k], mask[n:n+k]) {
				t.Fatalf("other bytes from %d on", n)
			}
		}
		n += k
	}
	if told < 2<<20 {
		t.Errorf("%d of %d bytes are told as zeros", told, len(mask))
	}
	if n, err := z.Read(block); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d bytes, %v", n, err)
	}
	if n := z.Zeros(5); n != 0 {
		t.Errorf("after the end: %d zeros", n)
	}
}

func TestGzip(t *testing.T) {
	var b bytes.Buffer
	var want []byte
	for name, data := range inputs() {
		w := gzip.NewWriter(&b)
		w.Name, w.Comment, w.Extra = name, "a comment", []byte{1, 2, 3}
		w.Write(data)
		w.Close()
		want = append(want, data...)
	}
	g, err := inflate.NewGzip(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(g); err != nil || !bytes.Equal(got, want) {
		t.Errorf("several members: %d bytes of %d (%v)", len(got), len(want), err)
	}
	bad := bytes.Clone(b.Bytes())
	bad[len(bad)-6] ^= 1 // of the checksum
	if g, err = inflate.NewGzip(bytes.NewReader(bad)); err == nil {
		_, err = io.ReadAll(g)
	}
	if !errors.Is(err, inflate.ErrCorrupt) {
		t.Errorf("a wrong checksum: %v", err)
	}
	for _, text := range []string{"", "x", "\x1f\x8b\x08\x00\x00"} {
		if _, err := inflate.NewGzip(bytes.NewReader([]byte(text))); err == nil {
			t.Errorf("%q is taken as gzip", text)
		}
	}
}
