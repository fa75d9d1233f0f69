package tree

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// The binary form of an ensemble: magic, a flags byte, the scale, the lengths, and then the arrays, little-endian and in the order of
// the struct's fields. Lengths are checked against the bytes that are left before anything is allocated.
const magic = "VXTREE01"

const (
	flagStrict = 1 << iota
	flagFloat32
	flagTargets
	flagSets
	flagsKnown = 1<<iota - 1
)

// Encode returns the ensemble's binary form, the same bytes for the same ensemble.
func (e *Ensemble) Encode() []byte {
	b := []byte(magic)
	var flags byte
	for _, f := range []struct {
		set bool
		bit byte
	}{{e.Strict, flagStrict}, {e.Float32, flagFloat32}, {e.Targets != nil, flagTargets}, {e.Sets != nil, flagSets}} {
		if f.set {
			flags |= f.bit
		}
	}
	b = append(b, flags, byte(len(e.Scale)))
	b = append(b, e.Scale...)
	for _, n := range []int{e.Features, len(e.Base), e.Trees(), e.Nodes()} {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	if e.Sets != nil {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(e.SetStart)-1))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(e.SetBits)))
	}
	b = appendFloats(b, e.Base)
	b = appendInts(b, e.Roots)
	b = appendInts(b, e.Targets)
	b = appendInts(b, e.Feature)
	b = appendFloats(b, e.Threshold)
	b = appendInts(b, e.Left)
	b = appendInts(b, e.Right)
	for _, left := range e.MissingLeft {
		if left {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	b = appendFloats(b, e.Cover)
	b = appendFloats(b, e.Gain)
	b = appendFloats(b, e.Values)
	if e.Sets != nil {
		b = appendInts(b, e.Sets)
		b = appendInts(b, e.SetStart)
		for _, w := range e.SetBits {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
	}
	return b
}

func appendInts(b []byte, list []int32) []byte {
	for _, v := range list {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return b
}

func appendFloats(b []byte, list []float64) []byte {
	for _, v := range list {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// DecodeEnsemble is the inverse of Encode. Whatever it accepts is valid (Validate).
func DecodeEnsemble(b []byte) (*Ensemble, error) {
	if len(b) < len(magic) || string(b[:len(magic)]) != magic {
		return nil, errors.New("tree: not an ensemble of this version")
	}
	d := decoder{rest: b[len(magic):]}
	flags := d.byte()
	if flags&^byte(flagsKnown) != 0 {
		return nil, fmt.Errorf("tree: an ensemble with unknown flags %#x", flags)
	}
	e := &Ensemble{Strict: flags&flagStrict != 0, Float32: flags&flagFloat32 != 0}
	e.Scale = Scale(d.take(int(d.byte()), 1))
	e.Features = d.count()
	outputs, trees, nodes := d.count(), d.count(), d.count()
	var sets, words int
	if flags&flagSets != 0 {
		sets, words = d.count(), d.count()
	}
	e.Base = d.floats(outputs)
	e.Roots = d.ints(trees + 1)
	width := outputs
	if flags&flagTargets != 0 {
		e.Targets, width = d.ints(trees), 1
	}
	e.Feature, e.Threshold = d.ints(nodes), d.floats(nodes)
	e.Left, e.Right = d.ints(nodes), d.ints(nodes)
	e.MissingLeft = d.bools(nodes)
	e.Cover, e.Gain = d.floats(nodes), d.floats(nodes)
	e.Values = d.floats(nodes * width)
	if flags&flagSets != 0 {
		e.Sets, e.SetStart = d.ints(nodes), d.ints(sets+1)
		e.SetBits = d.words(words)
	}
	switch {
	case d.err != nil:
		return nil, d.err
	case len(d.rest) > 0:
		return nil, fmt.Errorf("tree: %d bytes after the end of the ensemble", len(d.rest))
	}
	if err := e.Validate(); err != nil {
		return nil, err
	}
	return e, nil
}

// decoder reads the binary form; after its first error it returns nothing more.
type decoder struct {
	rest []byte
	err  error
}

// take returns the next n elements of that size as bytes, or nil where they are not there. Counts were read from 32 bits, so that
// products of two of them do not overflow.
func (d *decoder) take(n, size int) []byte {
	if d.err != nil || n < 0 || n > len(d.rest)/size {
		if d.err == nil {
			d.err = errors.New("tree: the ensemble is cut short")
		}
		return nil
	}
	b := d.rest[:n*size]
	d.rest = d.rest[n*size:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.take(1, 1); b != nil {
		return b[0]
	}
	return 0
}

// count reads a length. Lengths past what Validate accepts are errors already here.
func (d *decoder) count() int {
	b := d.take(4, 1)
	if b == nil {
		return 0
	}
	n := binary.LittleEndian.Uint32(b)
	if n > maxNodes {
		d.err = fmt.Errorf("tree: a length of %d", n)
		return 0
	}
	return int(n)
}

func (d *decoder) ints(n int) []int32 {
	b := d.take(n, 4)
	if b == nil {
		return nil
	}
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return out
}

func (d *decoder) words(n int) []uint64 {
	b := d.take(n, 8)
	if b == nil {
		return nil
	}
	out := make([]uint64, n)
	for i := range out {
		out[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return out
}

func (d *decoder) floats(n int) []float64 {
	b := d.take(n, 8)
	if b == nil {
		return nil
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return out
}

func (d *decoder) bools(n int) []bool {
	b := d.take(n, 1)
	if b == nil {
		return nil
	}
	out := make([]bool, n)
	for i := range out {
		if b[i] > 1 {
			d.err = fmt.Errorf("tree: a flag of %d", b[i])
			return nil
		}
		out[i] = b[i] == 1
	}
	return out
}
