package image

import (
	"bytes"

	"github.com/klauspost/compress/gzip"
)

// Gzip packs b without a name or a time, so that the same content gives the same file.
func Gzip(b []byte) ([]byte, error) {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		return nil, err
	}
	err := z.Close()
	return out.Bytes(), err
}
