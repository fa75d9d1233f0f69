package tree

import (
	"bytes"
	"math"
	"testing"
)

// stump is a valid ensemble with everything in it: two trees with targets, a categorical split, a missing direction.
func stump() *Ensemble {
	return &Ensemble{
		Features: 2, Strict: true, Float32: true, Scale: LogOdds, Base: []float64{0.5, -0.5},
		Roots: []int32{0, 3, 6}, Targets: []int32{0, 1},
		Feature:   []int32{0, -1, -1, 1, -1, -1},
		Threshold: []float64{1.5, 0, 0, 0, 0, 0},
		Left:      []int32{1, -1, -1, 4, -1, -1}, Right: []int32{2, -1, -1, 5, -1, -1},
		MissingLeft: []bool{true, false, false, false, false, false},
		Cover:       []float64{4, 1, 3, 4, 2, 2}, Gain: []float64{1, 0, 0, 2, 0, 0},
		Values: []float64{0, 1, 2, 0, 3, 4},
		Sets:   []int32{-1, -1, -1, 0, -1, -1}, SetStart: []int32{0, 2}, SetBits: []uint64{1 << 3, 1 << 1},
	}
}

// Whatever bytes are decoded, there is no panic; what is accepted encodes to the same bytes and can be walked.
func FuzzDecodeEnsemble(f *testing.F) {
	b := stump().Encode()
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Add(append(b[:len(b):len(b)], 0))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := DecodeEnsemble(b)
		if err != nil {
			return
		}
		if again := e.Encode(); !bytes.Equal(again, b) {
			t.Error("encoding what was decoded gives other bytes")
		}
		row, out := make([]float64, e.Features), make([]float64, e.Outputs())
		for _, v := range []float64{0, -1, math.NaN(), math.Inf(1), 1e300} {
			for j := range row {
				row[j] = v
			}
			e.Output(row, out)
		}
	})
}
