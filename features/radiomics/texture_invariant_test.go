package radiomics

import (
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/image"
)

// Counting pairs one by one, as for very many grey levels, gives what a full matrix gives.
func TestListedPairs(t *testing.T) {
	r := &roi{Box: image.Box{Max: [3]int{9, 8, 7}}, inside: make([]bool, 9*8*7)}
	box := make([]float64, len(r.inside))
	for o := range box {
		r.inside[o] = o%5 != 0
		box[o] = float64(o * o % 97)
		if r.inside[o] {
			r.count++
		}
	}
	for _, symmetric := range []bool{true, false} {
		set := DefaultSettings()
		set.BinWidth, set.SymmetricalGLCM = 5, symmetric
		x, err := newTexture(r, box, [3]float64{1, 1, 2}, set)
		if err != nil {
			t.Fatal(err)
		}
		dense, listed := newCooccurrence(x), cooccurrence{t: x}
		for _, a := range x.angles {
			dense.count(a, 0.5)
			listed.count(a, 0.5)
			p, q := dense.probabilities(), listed.probabilities()
			if !slices.Equal(p, q) {
				t.Fatalf("%v: %v and %v", a.zyx, p, q)
			}
		}
	}
}
