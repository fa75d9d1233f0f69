package image

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Type is the type of one stored sample.
type Type int

// The types that formats store voxels in. Integers of 64 bits past 2^53 become the nearest float64.
const (
	Int8 Type = iota + 1
	Uint8
	Int16
	Uint16
	Int32
	Uint32
	Int64
	Uint64
	Float32
	Float64
)

var types = [...]struct {
	name string
	size int
}{
	{"unknown", 0}, {"int8", 1}, {"uint8", 1}, {"int16", 2}, {"uint16", 2}, {"int32", 4}, {"uint32", 4},
	{"int64", 8}, {"uint64", 8}, {"float32", 4}, {"float64", 8},
}

// Size is the number of bytes of a sample.
func (t Type) Size() int { return types[t].size }

// Integer says whether samples are whole numbers.
func (t Type) Integer() bool { return Int8 <= t && t <= Uint64 }

func (t Type) String() string { return types[t].name }

// Samples says how voxels are stored. A voxel's value is stored·Slope + Intercept; a zero Slope is an error of the reader, which has to
// know what its format means by it.
type Samples struct {
	Type             Type
	BigEndian        bool
	Slope, Intercept float64
	// Bound is the most bytes of voxels that the file can hold, judged by its length and compression; 0 if nothing is known.
	Bound int64
}

// scaled says whether the value is not the stored number itself.
func (s Samples) scaled() bool { return s.Slope != 1 || s.Intercept != 0 }

// integer says whether every value is a whole number.
func (s Samples) integer() bool {
	return s.Type.Integer() && s.Slope == math.Trunc(s.Slope) && s.Intercept == math.Trunc(s.Intercept)
}

// limits are the ends of the range of the type, where values are what is stored.
func (s Samples) limits() [2]float64 {
	if s.scaled() || !s.Type.Integer() {
		return [2]float64{}
	}
	return ranges[s.Type]
}

// swap turns big-endian samples into little-endian ones, in place.
func swap(raw []byte, size int) {
	switch size {
	case 2:
		for ; len(raw) >= 2; raw = raw[2:] {
			raw[0], raw[1] = raw[1], raw[0]
		}
	case 4:
		for ; len(raw) >= 4; raw = raw[4:] {
			binary.LittleEndian.PutUint32(raw, binary.BigEndian.Uint32(raw))
		}
	case 8:
		for ; len(raw) >= 8; raw = raw[8:] {
			binary.LittleEndian.PutUint64(raw, binary.BigEndian.Uint64(raw))
		}
	}
}

// decode writes the values of little-endian samples to dst, one each.
func (s Samples) decode(dst []float64, raw []byte) {
	raw = raw[:len(dst)*s.Type.Size()]
	switch s.Type {
	case Int8:
		for i := range dst {
			dst[i] = float64(int8(raw[i]))
		}
	case Uint8:
		for i := range dst {
			dst[i] = float64(raw[i])
		}
	case Int16:
		for i := range dst {
			dst[i] = float64(int16(binary.LittleEndian.Uint16(raw[2*i:])))
		}
	case Uint16:
		for i := range dst {
			dst[i] = float64(binary.LittleEndian.Uint16(raw[2*i:]))
		}
	case Int32:
		for i := range dst {
			dst[i] = float64(int32(binary.LittleEndian.Uint32(raw[4*i:])))
		}
	case Uint32:
		for i := range dst {
			dst[i] = float64(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	case Int64:
		for i := range dst {
			dst[i] = float64(int64(binary.LittleEndian.Uint64(raw[8*i:])))
		}
	case Uint64:
		for i := range dst {
			dst[i] = float64(binary.LittleEndian.Uint64(raw[8*i:]))
		}
	case Float32:
		for i := range dst {
			dst[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])))
		}
	case Float64:
		for i := range dst {
			dst[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
		}
	}
	if s.scaled() {
		for i := range dst {
			dst[i] = dst[i]*s.Slope + s.Intercept
		}
	}
}

// ranges are the least and greatest value of the integer types, as float64.
var ranges = [...][2]float64{
	Int8: {math.MinInt8, math.MaxInt8}, Uint8: {0, math.MaxUint8}, Int16: {math.MinInt16, math.MaxInt16}, Uint16: {0, math.MaxUint16},
	Int32: {math.MinInt32, math.MaxInt32}, Uint32: {0, math.MaxUint32}, Int64: {-(1 << 53), 1 << 53}, Uint64: {0, 1 << 53},
}

// AppendSamples appends values as little-endian samples of a type, unscaled. A value that an integer type cannot hold exactly is an
// error with its place; nothing is rounded or cut off. A float32 keeps the nearest value it can.
func AppendSamples(dst []byte, values []float64, t Type) ([]byte, error) {
	for i, x := range values {
		if t.Integer() && !(x == math.Trunc(x) && ranges[t][0] <= x && x <= ranges[t][1]) {
			return nil, fmt.Errorf("value %g of voxel %d cannot be written as %s; write float32", x, i, t)
		}
		switch t {
		case Int8, Uint8:
			dst = append(dst, byte(int(x)))
		case Int16, Uint16:
			dst = binary.LittleEndian.AppendUint16(dst, uint16(int(x)))
		case Int32, Uint32:
			dst = binary.LittleEndian.AppendUint32(dst, uint32(int(x)))
		case Int64, Uint64:
			dst = binary.LittleEndian.AppendUint64(dst, uint64(int(x)))
		case Float32:
			dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(x)))
		case Float64:
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(x))
		default:
			return nil, fmt.Errorf("no such sample type: %d", int(t))
		}
	}
	return dst, nil
}

// DeflateRatio is how many bytes can come out of one byte of gzip or zlib data: what no honest or dishonest file exceeds.
const DeflateRatio = 1032

// Samples are the labels as values, and the smallest type that holds them all.
func (m *Mask) Samples() ([]float64, Type) {
	t := Uint8
	values := make([]float64, len(m.Labels))
	for i, l := range m.Labels {
		values[i] = float64(l)
		if l > math.MaxUint8 {
			t = Uint16
		}
	}
	return values, t
}

// Values are the values of samples in memory.
func (s Samples) Values(raw []byte) []float64 {
	if s.BigEndian {
		raw = append([]byte(nil), raw...)
		swap(raw, s.Type.Size())
	}
	values := make([]float64, len(raw)/s.Type.Size())
	s.decode(values, raw)
	return values
}
