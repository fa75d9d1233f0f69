package seal_test

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"github.com/voxgene/voxgene/serve/seal"
)

// What is written comes back, whatever its length and however it is cut into writes and reads; nothing of it stands in what is encrypted; and what was altered,
// cut off, joined or encrypted under another key is refused.
func TestStream(t *testing.T) {
	key := seal.Random(seal.KeySize)
	sealed := func(plain []byte, step int) []byte {
		var b bytes.Buffer
		w, err := seal.NewWriter(&b, key)
		if err != nil {
			t.Fatal(err)
		}
		for from := 0; from < len(plain); from += step {
			if _, err := w.Write(plain[from:min(len(plain), from+step)]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	open := func(b, key []byte) ([]byte, error) {
		r, err := seal.NewReader(iotest.HalfReader(bytes.NewReader(b)), key)
		if err != nil {
			t.Fatal(err)
		}
		return io.ReadAll(iotest.OneByteReader(r))
	}
	for _, n := range []int{0, 1, 100, 64<<10 - 1, 64 << 10, 64<<10 + 1, 3 * 64 << 10, 200_000} {
		plain := bytes.Repeat([]byte("CANARY^NAME"), n/11+1)[:n]
		b := sealed(plain, 7777)
		if got, err := open(b, key); err != nil || !bytes.Equal(got, plain) || seal.PlainSize(int64(len(b))) != int64(n) {
			t.Errorf("%d bytes: %d come back, of %d (%v)", n, len(got), seal.PlainSize(int64(len(b))), err)
		}
		if bytes.Contains(b, []byte("CANARY")) {
			t.Errorf("%d bytes: they stand in what is encrypted", n)
		}
		for name, damaged := range map[string][]byte{
			"another bit": append(append(bytes.Clone(b[:len(b)/2]), b[len(b)/2]^1), b[len(b)/2+1:]...), "a byte less": b[:len(b)-1], "a byte more": append(bytes.Clone(b), 0),
			"nothing": {}, "twice": append(bytes.Clone(b), b...), "the first piece": b[:min(len(b)-1, 64<<10+16)],
		} {
			if got, err := open(damaged, key); err == nil {
				t.Errorf("%d bytes, %s: %d come back", n, name, len(got))
			}
		}
		if _, err := open(b, seal.Random(seal.KeySize)); err == nil {
			t.Errorf("%d bytes are opened by another key", n)
		}
	}
}
