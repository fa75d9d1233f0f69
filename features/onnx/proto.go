package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// graph is what a file holds of a network.
type graph struct {
	nodes           []node
	initializers    map[string]*tensor
	inputs, outputs []Value
	opset           int
}

// attribute is a constant of a node.
type attribute struct {
	float   float32
	integer int64
	text    string
	tensor  *tensor
	floats  []float32
	ints    []int64
}

var errCut = errors.New("the file ends within a field")

// field is one field of a message in protobuf's wire format: a number, or bytes.
type field struct {
	number int
	wire   int
	value  uint64
	bytes  []byte
}

// each hands over the fields of a message.
func each(b []byte, do func(f field) error) error {
	for len(b) > 0 {
		key, n := binary.Uvarint(b)
		if n <= 0 || key>>3 == 0 || key>>3 > 1<<29 {
			return errCut
		}
		b = b[n:]
		f := field{number: int(key >> 3), wire: int(key & 7)}
		switch f.wire {
		case 0:
			if f.value, n = binary.Uvarint(b); n <= 0 {
				return errCut
			}
			b = b[n:]
		case 1:
			if len(b) < 8 {
				return errCut
			}
			f.value, b = binary.LittleEndian.Uint64(b), b[8:]
		case 2:
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				return errCut
			}
			f.bytes, b = b[n:n+int(size)], b[n+int(size):]
		case 5:
			if len(b) < 4 {
				return errCut
			}
			f.value, b = uint64(binary.LittleEndian.Uint32(b)), b[4:]
		default:
			return fmt.Errorf("field %d has the wire type %d", f.number, f.wire)
		}
		if err := do(f); err != nil {
			return err
		}
	}
	return nil
}

// varints adds the numbers of a field that is repeated, packed or not.
func (f field) varints(to []int64) ([]int64, error) {
	if f.wire != 2 {
		return append(to, int64(f.value)), nil
	}
	for b := f.bytes; len(b) > 0; {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return to, errCut
		}
		to, b = append(to, int64(v)), b[n:]
	}
	return to, nil
}

// floats adds the numbers of a repeated field in single precision.
func (f field) floats(to []float32) ([]float32, error) {
	if f.wire != 2 {
		return append(to, math.Float32frombits(uint32(f.value))), nil
	}
	if len(f.bytes)%4 != 0 {
		return to, errCut
	}
	for b := f.bytes; len(b) > 0; b = b[4:] {
		to = append(to, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return to, nil
}

// parse reads a ModelProto.
func parse(data []byte) (*graph, error) {
	var g *graph
	opset := 0
	err := each(data, func(f field) (err error) {
		switch f.number {
		case 7:
			if g != nil {
				return errors.New("two graphs")
			}
			g, err = parseGraph(f.bytes)
		case 8:
			domain, version := "", 0
			err = each(f.bytes, func(f field) error {
				switch f.number {
				case 1:
					domain = string(f.bytes)
				case 2:
					version = int(min(f.value, 1<<20))
				}
				return nil
			})
			if domain == "" || domain == "ai.onnx" {
				opset = version
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if g == nil {
		return nil, errors.New("it holds no graph")
	}
	if opset == 0 {
		return nil, errors.New("it names no version of the operators (opset)")
	}
	g.opset = opset
	return g, nil
}

func parseGraph(b []byte) (*graph, error) {
	g := &graph{initializers: map[string]*tensor{}}
	total := 0
	err := each(b, func(f field) error {
		switch f.number {
		case 1:
			n, err := parseNode(f.bytes)
			if err != nil {
				return err
			}
			if g.nodes = append(g.nodes, n); len(g.nodes) > maxNodes {
				return fmt.Errorf("more than %d nodes", maxNodes)
			}
		case 5:
			name, t, err := parseTensor(f.bytes)
			if err != nil {
				return err
			}
			if total += t.size(); total > maxHeld {
				return fmt.Errorf("more than %d weights", maxHeld)
			}
			g.initializers[name] = t
		case 11, 12:
			v, err := parseValue(f.bytes)
			if err != nil {
				return err
			}
			if f.number == 11 {
				g.inputs = append(g.inputs, v)
			} else {
				g.outputs = append(g.outputs, v)
			}
		case 15:
			return errors.New("sparse weights are not read")
		}
		return nil
	})
	return g, err
}

func parseNode(b []byte) (node, error) {
	n := node{attributes: map[string]attribute{}}
	domain := ""
	err := each(b, func(f field) error {
		switch f.number {
		case 1:
			n.inputs = append(n.inputs, string(f.bytes))
		case 2:
			n.outputs = append(n.outputs, string(f.bytes))
		case 3:
			n.name = string(f.bytes)
		case 4:
			n.op = string(f.bytes)
		case 5:
			name, a, err := parseAttribute(f.bytes)
			if err != nil {
				return err
			}
			n.attributes[name] = a
		case 7:
			domain = string(f.bytes)
		}
		return nil
	})
	if domain != "" && domain != "ai.onnx" {
		n.op = domain + "." + n.op
	}
	return n, err
}

func parseAttribute(b []byte) (string, attribute, error) {
	var a attribute
	name := ""
	err := each(b, func(f field) (err error) {
		switch f.number {
		case 1:
			name = string(f.bytes)
		case 2:
			a.float = math.Float32frombits(uint32(f.value))
		case 3:
			a.integer = int64(f.value)
		case 4:
			a.text = string(f.bytes)
		case 5:
			_, a.tensor, err = parseTensor(f.bytes)
		case 7:
			a.floats, err = f.floats(a.floats)
		case 8:
			a.ints, err = f.varints(a.ints)
		}
		return err
	})
	return name, a, err
}

func parseValue(b []byte) (Value, error) {
	var v Value
	inner := func(b []byte, number int, do func(b []byte) error) error {
		return each(b, func(f field) error {
			if f.number == number && f.wire == 2 {
				return do(f.bytes)
			}
			return nil
		})
	}
	err := each(b, func(f field) error {
		if f.number == 1 {
			v.Name = string(f.bytes)
		}
		if f.number != 2 {
			return nil
		}
		return inner(f.bytes, 1, func(b []byte) error { // tensor_type
			return inner(b, 2, func(b []byte) error { // shape
				v.Shape = []int{}
				return inner(b, 1, func(b []byte) error { // dim
					d := -1
					err := each(b, func(f field) error {
						if f.number == 1 && f.wire == 0 {
							d = int(min(f.value, maxTensor+1))
						}
						return nil
					})
					if v.Shape = append(v.Shape, d); len(v.Shape) > maxRank {
						return fmt.Errorf("%q has more than %d axes", v.Name, maxRank)
					}
					return err
				})
			})
		})
	})
	for a, d := range v.Shape {
		if d == 0 {
			v.Shape[a] = -1 // some writers say so of what is free
		}
	}
	return v, err
}

// Types of numbers in a TensorProto.
const (
	typeFloat, typeUint8, typeInt8, typeInt32, typeInt64, typeBool, typeFloat16, typeDouble, typeBfloat16 = 1, 2, 3, 6, 7, 9, 10, 11, 16
)

func parseTensor(b []byte) (string, *tensor, error) {
	var dims, ints []int64
	var floats []float32
	var doubles []float64
	var raw []byte
	name, kind, hasRaw := "", 0, false
	err := each(b, func(f field) (err error) {
		switch f.number {
		case 1:
			dims, err = f.varints(dims)
		case 2:
			kind = int(min(f.value, 1000))
		case 4:
			floats, err = f.floats(floats)
		case 5, 7:
			ints, err = f.varints(ints)
		case 8:
			name = string(f.bytes)
		case 9:
			raw, hasRaw = f.bytes, true
		case 10:
			if f.wire != 2 || len(f.bytes)%8 != 0 {
				return errCut
			}
			for b := f.bytes; len(b) > 0; b = b[8:] {
				doubles = append(doubles, math.Float64frombits(binary.LittleEndian.Uint64(b)))
			}
		case 13:
			return fmt.Errorf("weights %q lie in another file; store them in one", name)
		case 14:
			if f.value != 0 {
				return fmt.Errorf("weights %q lie in another file; store them in one", name)
			}
		}
		return err
	})
	if err != nil {
		return name, nil, err
	}
	t := &tensor{shape: make([]int, len(dims))}
	for a, d := range dims {
		if d < 0 || d > maxTensor {
			return name, nil, fmt.Errorf("tensor %q has the shape %v", name, dims)
		}
		t.shape[a] = int(d)
	}
	n, err := sizeOf(t.shape)
	if err != nil {
		return name, nil, fmt.Errorf("tensor %q: %w", name, err)
	}
	wide := map[int]int{typeFloat: 4, typeUint8: 1, typeInt8: 1, typeInt32: 4, typeInt64: 8, typeBool: 1, typeFloat16: 2, typeDouble: 8, typeBfloat16: 2}[kind]
	if wide == 0 {
		return name, nil, fmt.Errorf("tensor %q has numbers of the type %d, which is not read", name, kind)
	}
	if hasRaw && len(raw) != n*wide {
		return name, nil, fmt.Errorf("tensor %q has %d bytes for %d numbers of %d", name, len(raw), n, wide)
	}
	switch kind {
	case typeFloat, typeDouble, typeFloat16, typeBfloat16:
		t.floats = floats
		if hasRaw {
			t.floats = rawFloats(raw, kind)
		} else if kind == typeDouble {
			t.floats = make([]float32, len(doubles))
			for i, v := range doubles {
				t.floats[i] = float32(v)
			}
		} else if kind != typeFloat {
			t.floats = make([]float32, len(ints))
			for i, v := range ints {
				t.floats[i] = half(uint16(v), kind)
			}
		}
		if len(t.floats) != n {
			return name, nil, fmt.Errorf("tensor %q has %d numbers for the shape %v", name, len(t.floats), t.shape)
		}
		if t.floats == nil {
			t.floats = []float32{}
		}
	default:
		t.ints = ints
		if hasRaw {
			t.ints = rawInts(raw, kind)
		}
		if len(t.ints) != n {
			return name, nil, fmt.Errorf("tensor %q has %d numbers for the shape %v", name, len(t.ints), t.shape)
		}
		if t.ints = slices.Clone(t.ints); t.ints == nil {
			t.ints = []int64{}
		}
	}
	return name, t, nil
}

func rawFloats(raw []byte, kind int) []float32 {
	var out []float32
	switch kind {
	case typeFloat:
		out = make([]float32, len(raw)/4)
		for i := range out {
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	case typeDouble:
		out = make([]float32, len(raw)/8)
		for i := range out {
			out[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:])))
		}
	default:
		out = make([]float32, len(raw)/2)
		for i := range out {
			out[i] = half(binary.LittleEndian.Uint16(raw[2*i:]), kind)
		}
	}
	return out
}

func rawInts(raw []byte, kind int) []int64 {
	var out []int64
	switch kind {
	case typeInt64:
		for ; len(raw) > 0; raw = raw[8:] {
			out = append(out, int64(binary.LittleEndian.Uint64(raw)))
		}
	case typeInt32:
		for ; len(raw) > 0; raw = raw[4:] {
			out = append(out, int64(int32(binary.LittleEndian.Uint32(raw))))
		}
	case typeInt8:
		for _, b := range raw {
			out = append(out, int64(int8(b)))
		}
	default:
		for _, b := range raw {
			out = append(out, int64(b))
		}
	}
	return out
}

// half is a number of 16 bits: IEEE half precision, or the upper half of single precision.
func half(bits uint16, kind int) float32 {
	if kind == typeBfloat16 {
		return math.Float32frombits(uint32(bits) << 16)
	}
	sign, exponent, fraction := uint32(bits>>15)<<31, int(bits>>10&31), uint32(bits&1023)
	switch exponent {
	case 0:
		v := float32(fraction) / (1 << 24)
		if sign != 0 {
			v = -v
		}
		return v
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | uint32(exponent+112)<<23 | fraction<<13)
}
