package oip

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/api"
	"github.com/voxgene/voxgene/serve/registry"
	"github.com/voxgene/voxgene/serve/scan"
)

// request is a decoded body.
type request struct {
	id      *string
	decoded api.Decoded
	outputs []string // asked for; nil means all
}

// given is an input tensor as it came.
type given struct {
	name, datatype string
	shape          []int
	values         []float64 // NaN where an element is null or a text
	texts          []string  // nil where no element is a text
	binary         bool      // its data is said to follow the JSON
}

// decode reads an inference request for a bundle. Members that the protocol lets a client add (parameters of tensors) are skipped.
func decode(body []byte, e *registry.Entry, limits api.Limits) (request, error) {
	s := scan.New(body)
	var q request
	var tensors []given
	first := true
	for s.Begin('{'); s.More(&first, '}'); {
		switch key := string(s.Key()); key {
		case "id":
			id := string(s.String())
			q.id = &id
		case "parameters":
			if err := parameters(s, &q); err != nil {
				return q, err
			}
		case "inputs":
			inner := true
			for s.Begin('['); s.More(&inner, ']'); {
				tensors = append(tensors, input(s, (len(e.Bundle.Inputs)+1)*limits.Patients))
			}
		case "outputs":
			inner := true
			q.outputs = []string{}
			for s.Begin('['); s.More(&inner, ']'); {
				q.outputs = append(q.outputs, output(s))
			}
		default:
			return q, fmt.Errorf("unknown member %q; a request has id, parameters, inputs and outputs", key)
		}
	}
	if !s.End() {
		return q, fmt.Errorf("the body is not the JSON that is wanted: %w", s.Err())
	}
	return q, assemble(&q, tensors, e, limits)
}

// parameters reads the request's: times, a text such as "12mo,24mo".
func parameters(s *scan.Scanner, q *request) error {
	first := true
	for s.Begin('{'); s.More(&first, '}'); {
		if key := string(s.Key()); key != "times" {
			s.Skip()
			continue
		}
		for text := range strings.SplitSeq(string(s.String()), ",") {
			t, err := bundle.ParseTime(strings.TrimSpace(text))
			if err != nil {
				return fmt.Errorf("parameters.times: %w", err)
			}
			q.decoded.Request.Times = append(q.decoded.Request.Times, t)
		}
	}
	return nil
}

// output reads the name of an output that is asked for.
func output(s *scan.Scanner) string {
	name := ""
	first := true
	for s.Begin('{'); s.More(&first, '}'); {
		if string(s.Key()) == "name" {
			name = string(s.String())
		} else {
			s.Skip()
		}
	}
	return name
}

// input reads one tensor of at most a number of elements.
func input(s *scan.Scanner, most int) given {
	var g given
	first := true
	for s.Begin('{'); s.More(&first, '}'); {
		switch string(s.Key()) {
		case "name":
			g.name = string(s.String())
		case "datatype":
			g.datatype = string(s.String())
		case "shape":
			inner := true
			for s.Begin('['); s.More(&inner, ']'); {
				n := s.Number()
				if n < 0 || n != math.Trunc(n) || n > float64(most) || len(g.shape) > 2 {
					n = -1 // never equal to a count: assemble says what is wrong
				}
				g.shape = append(g.shape, int(n))
			}
		case "data":
			g.elements(s, 0)
		case "parameters":
			inner := true
			for s.Begin('{'); s.More(&inner, '}'); {
				g.binary = string(s.Key()) == "binary_data_size" || g.binary
				s.Skip()
			}
		default:
			s.Skip()
		}
	}
	return g
}

// elements reads data, which may be nested or flat.
func (g *given) elements(s *scan.Scanner, depth int) {
	switch c := s.Peek(); {
	case c == '[' && depth < 4:
		first := true
		for s.Begin('['); s.More(&first, ']'); {
			g.elements(s, depth+1)
		}
	case c == 'n':
		s.Null()
		g.add(math.NaN(), "", false)
	case c == '"':
		g.add(math.NaN(), string(s.String()), true)
	case c == 't' || c == 'f':
		text := strconv.FormatBool(s.Bool())
		g.add(math.NaN(), text, true)
	default:
		g.add(s.Number(), "", false)
	}
}

func (g *given) add(v float64, text string, isText bool) {
	g.values = append(g.values, v)
	if isText && g.texts == nil {
		g.texts = make([]string, len(g.values)-1)
	}
	if g.texts != nil {
		g.texts = append(g.texts, text)
	}
}

// check says what is wrong with a tensor by itself.
func (g *given) check() error {
	count := 1
	for _, n := range g.shape {
		if n < 0 {
			return fmt.Errorf("input %q: shape %v", g.name, g.shape)
		}
		count *= n
	}
	switch {
	case g.name == "":
		return fmt.Errorf("an input has no name")
	case g.binary:
		return fmt.Errorf("input %q: tensors in binary (binary_data_size) are an extension that this server does not have: send data as JSON", g.name)
	case len(g.shape) == 0 || len(g.shape) > 2:
		return fmt.Errorf("input %q: want a shape of one or two numbers", g.name)
	case count != len(g.values):
		return fmt.Errorf("input %q: %d elements of data for shape %v", g.name, len(g.values), g.shape)
	case !isNumber(g.datatype) && g.datatype != "BYTES" && g.datatype != "BOOL":
		return fmt.Errorf("input %q: %q is not a datatype", g.name, g.datatype)
	case isNumber(g.datatype) && g.texts != nil:
		return fmt.Errorf("input %q: a text in data of type %s", g.name, g.datatype)
	}
	if r, ok := ranges[g.datatype]; ok {
		for i, v := range g.values {
			if v < r.least || v > r.most || r.whole && v == v && v != math.Trunc(v) { // null is missing
				return fmt.Errorf("input %q: element %d is not of type %s", g.name, i, g.datatype)
			}
		}
	}
	return nil
}

// ranges are what the datatypes of numbers hold, but for FP64, which holds all.
var ranges = map[string]struct {
	least, most float64
	whole       bool
}{
	"FP32": {-math.MaxFloat32, math.MaxFloat32, false}, "FP16": {-65504, 65504, false},
	"UINT8": {0, math.MaxUint8, true}, "UINT16": {0, math.MaxUint16, true}, "UINT32": {0, math.MaxUint32, true}, "UINT64": {0, math.MaxUint64, true},
	"INT8": {math.MinInt8, math.MaxInt8, true}, "INT16": {math.MinInt16, math.MaxInt16, true}, "INT32": {math.MinInt32, math.MaxInt32, true}, "INT64": {math.MinInt64, math.MaxInt64, true},
}

// flags copies a tensor of BOOL into a column of numbers: whether a gene is mutated, as 1 and 0.
func (g *given) flags(to []float64) error {
	for i := range to {
		switch {
		case g.texts != nil && g.texts[i] == "true":
			to[i] = 1
		case g.texts != nil && g.texts[i] == "false":
			to[i] = 0
		case g.texts == nil || g.texts[i] == "":
			if to[i] = g.values[i]; to[i] == to[i] && to[i] != 0 && to[i] != 1 {
				return fmt.Errorf("input %q: element %d is not of type BOOL", g.name, i)
			}
		default:
			return fmt.Errorf("input %q: element %d is not of type BOOL", g.name, i)
		}
	}
	return nil
}

// assemble brings the tensors to the order of the bundle's inputs.
func assemble(q *request, tensors []given, e *registry.Entry, limits api.Limits) error {
	if len(tensors) == 0 {
		return fmt.Errorf("inputs is missing or empty")
	}
	inputs := e.Columns.Inputs
	rows := -1
	seen := make([]bool, len(inputs))
	for i := range tensors {
		g := &tensors[i]
		if err := g.check(); err != nil {
			return err
		}
		if rows < 0 {
			rows = g.shape[0]
			if rows < 1 || rows > limits.Patients {
				return fmt.Errorf("input %q: %d rows; a request has 1 to %d", g.name, rows, limits.Patients)
			}
			q.decoded.X = models.Matrix{Rows: rows, Values: make([]float64, rows*len(inputs))}
			for k := range q.decoded.X.Values {
				q.decoded.X.Values[k] = math.NaN()
			}
		}
		if g.shape[0] != rows {
			return fmt.Errorf("input %q has %d rows where %q has %d", g.name, g.shape[0], tensors[0].name, rows)
		}
		if err := place(q, g, e, seen); err != nil {
			return err
		}
	}
	q.decoded.IDs = make([]string, rows)
	return nil
}

// place copies a tensor into its column, or a matrix into all of them.
func place(q *request, g *given, e *registry.Entry, seen []bool) error {
	inputs, rows := e.Columns.Inputs, q.decoded.X.Rows
	j := e.Columns.Find([]byte(g.name), len(inputs))
	if j < 0 && g.name == "features" && len(g.shape) == 2 && g.shape[1] == len(inputs) && g.texts == nil {
		for k, in := range inputs {
			if in.Kind != table.Numeric {
				return fmt.Errorf("input features: %s is not a number; send a tensor an input", in.Name)
			}
			if seen[k] {
				return fmt.Errorf("input %q is there twice", in.Name)
			}
			seen[k] = true
			for i := range rows {
				q.decoded.X.Values[k*rows+i] = g.values[i*len(inputs)+k]
			}
		}
		return nil
	}
	switch {
	case j < 0:
		if near := e.Bundle.Nearest(g.name); near != "" && len(g.name) < 200 {
			return fmt.Errorf("the model has no input %q; did you mean %q?", g.name, near)
		}
		return fmt.Errorf("the model has no input %q", g.name)
	case seen[j]:
		return fmt.Errorf("input %q is there twice", g.name)
	case len(g.shape) == 2 && g.shape[1] != 1:
		return fmt.Errorf("input %q: shape %v; want [n] or [n, 1]", g.name, g.shape)
	}
	seen[j] = true
	to := q.decoded.X.Values[j*rows : (j+1)*rows]
	if inputs[j].Kind == table.Numeric {
		if g.datatype == "BOOL" {
			return g.flags(to)
		}
		if g.texts != nil || !isNumber(g.datatype) {
			return fmt.Errorf("input %q is of type %s; want FP64", g.name, g.datatype)
		}
		copy(to, g.values)
		return nil
	}
	for i, v := range g.values {
		switch {
		case g.texts != nil && g.texts[i] != "":
			to[i] = bundle.Level(inputs[j].Column, g.texts[i])
		case !math.IsNaN(v):
			to[i] = bundle.Level(inputs[j].Column, strconv.FormatFloat(v, 'f', -1, 64))
		}
	}
	return nil
}
