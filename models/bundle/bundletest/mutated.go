package bundletest

import (
	"bytes"
	"math/rand/v2"
)

// Mutated is a text or a body with one or two pieces of it cut out, doubled, cut off or replaced; never empty.
func Mutated(sound []byte, r *rand.Rand) []byte {
	b := bytes.Clone(sound)
	for range 1 + r.IntN(2) {
		at := r.IntN(len(b))
		switch end := min(len(b), at+1+r.IntN(19)); min(3, r.IntN(12)) {
		case 0:
			b = append(b[:at:at], b[end:]...)
		case 1:
			b = append(b[:end:end], b[at:]...)
		case 2:
			b = b[:at:at]
		case 3:
			b[at] = byte(r.IntN(256))
		}
		if len(b) == 0 {
			b = []byte{'-'}
		}
	}
	return b
}
