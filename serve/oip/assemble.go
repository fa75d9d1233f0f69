package oip

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/problem"
)

// called is how messages about a tensor begin: with its name where it is that of an input, since any other may be anything.
func (d *decoder) called(g *given) string {
	if g.name == "features" || d.entry.Columns.Find([]byte(g.name), len(d.entry.Columns.Inputs)) >= 0 {
		return fmt.Sprintf("input %q: ", g.name)
	}
	return ""
}

// check says what is wrong with the i-th tensor by itself, and reports whether it can be laid out as rows.
func (d *decoder) check(g *given, i int) bool {
	sound := true
	fault := func(member, format string, args ...any) {
		sound = false
		d.fault(place{"inputs", i, member}, "%s"+format, append([]any{d.called(g)}, args...)...)
	}
	count := 1
	for _, n := range g.shape {
		count *= max(n, 0)
	}
	if g.name == "" {
		fault("name", "an input has no name")
	}
	switch {
	case g.binary:
		fault("parameters", "tensors in binary (binary_data_size) are an extension that this server does not have: send data as JSON")
	case slices.Contains(g.shape, -1):
		fault("shape", "shape %v; want whole numbers, the first one the rows", g.shape)
	case len(g.shape) == 0 || len(g.shape) > 2:
		fault("shape", "want a shape of one or two numbers")
	case count != len(g.values):
		fault("data", "%d elements of data for shape %v", len(g.values), g.shape)
	}
	switch {
	case !isNumber(g.datatype) && g.datatype != "BYTES" && g.datatype != "BOOL":
		shown := "that"
		if kind := strings.TrimRight(g.datatype, "0123456789"); len(g.datatype) < 8 && slices.Contains([]string{"FP", "BF", "INT", "UINT", "FLOAT", "STRING", "STR"}, kind) {
			shown = strconv.Quote(g.datatype)
		}
		fault("datatype", "%s is not a datatype; want FP64, FP32, FP16, INT8 to INT64, UINT8 to UINT64, BOOL or BYTES", shown)
	case isNumber(g.datatype) && g.texts != nil:
		fault("data", "a text in data of type %s", g.datatype)
	}
	if r, ok := ranges[g.datatype]; ok {
		for k, v := range g.values {
			if v < r.least || v > r.most || r.whole && v == v && v != math.Trunc(v) { // null is missing
				fault("data", "element %d is not of type %s", k, g.datatype)
			}
		}
	}
	return sound
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
func (d *decoder) flags(g *given, i int, to []float64) {
	for k := range to {
		switch {
		case g.texts != nil && g.texts[k] == "true":
			to[k] = 1
		case g.texts != nil && g.texts[k] == "false":
			to[k] = 0
		case g.texts == nil || g.texts[k] == "":
			if to[k] = g.values[k]; to[k] == to[k] && to[k] != 0 && to[k] != 1 {
				d.fault(place{"inputs", i, "data"}, "%selement %d is not of type BOOL", d.called(g), k)
			}
		default:
			d.fault(place{"inputs", i, "data"}, "%selement %d is not of type BOOL", d.called(g), k)
		}
	}
}

// assemble brings the tensors to the order of the bundle's inputs. The rows of the first tensor that is sound by itself are those of the request.
func (d *decoder) assemble(tensors []given) {
	if len(tensors) == 0 {
		d.faults.Add("#/inputs", "inputs is missing or empty; send a tensor an input")
		return
	}
	inputs := d.entry.Columns.Inputs
	rows, of := -1, 0
	seen := make([]bool, len(inputs))
	for i := range tensors {
		g := &tensors[i]
		if g.broken || !d.check(g, i) {
			d.known(g, i, seen)
			continue
		}
		if rows < 0 {
			if n := g.shape[0]; n < 1 || n > d.limits.Patients {
				d.fault(place{"inputs", i, "shape"}, "%s%d rows; a request has 1 to %d", d.called(g), n, d.limits.Patients)
				d.known(g, i, seen)
				continue
			}
			rows, of = g.shape[0], i
			d.q.decoded.X = models.Matrix{Rows: rows, Values: make([]float64, rows*len(inputs))}
			for k := range d.q.decoded.X.Values {
				d.q.decoded.X.Values[k] = math.NaN()
			}
		}
		if g.shape[0] != rows {
			d.fault(place{"inputs", i, "shape"}, "%s%d rows, where inputs/%d has %d", d.called(g), g.shape[0], of, rows)
			d.known(g, i, seen)
			continue
		}
		d.place(g, i, seen)
	}
	d.q.decoded.IDs = make([]string, max(rows, 0))
}

// known finds the input that the i-th tensor is of, or notes that there is none, or that it is there already. It is -1 then.
func (d *decoder) known(g *given, i int, seen []bool) int {
	j := d.entry.Columns.Find([]byte(g.name), len(seen))
	switch {
	case g.name == "" || j < 0 && g.name == "features":
		return -1 // which is told elsewhere
	case j < 0 && d.faults.Full():
		d.faults.More++
		return -1
	case j < 0:
		if near := d.entry.Columns.Nearest(g.name); near != "" {
			d.fault(place{"inputs", i, "name"}, "the model has no input %q; did you mean %q?", g.name, near)
		} else {
			d.fault(place{"inputs", i, "name"}, "the model has no input of this name; its metadata (GET /v2/models/%s) lists them", d.entry.Bundle.Name)
		}
		return -1
	case seen[j]:
		d.fault(place{"inputs", i, "name"}, "input %q is there twice", g.name)
		return -1
	}
	seen[j] = true
	return j
}

// place copies the i-th tensor into its column, or a matrix into all of them.
func (d *decoder) place(g *given, i int, seen []bool) {
	inputs, x := d.entry.Columns.Inputs, &d.q.decoded.X
	if g.name == "features" && d.entry.Columns.Find([]byte(g.name), len(inputs)) < 0 {
		d.matrix(g, i, seen)
		return
	}
	j := d.known(g, i, seen)
	if j < 0 {
		return
	}
	if len(g.shape) == 2 && g.shape[1] != 1 {
		d.fault(place{"inputs", i, "shape"}, "%sshape %v; want [n] or [n, 1]", d.called(g), g.shape)
		return
	}
	to := x.Values[j*x.Rows : (j+1)*x.Rows]
	if inputs[j].Kind == table.Numeric {
		switch {
		case g.datatype == "BOOL":
			d.flags(g, i, to)
		case g.texts != nil || !isNumber(g.datatype):
			d.fault(place{"inputs", i, "datatype"}, "input %q is of type %s; want FP64", g.name, g.datatype)
		default:
			copy(to, g.values)
		}
		return
	}
	for k, v := range g.values {
		switch {
		case g.texts != nil && g.texts[k] != "":
			to[k] = bundle.Level(inputs[j].Column, g.texts[k])
		case !math.IsNaN(v):
			to[k] = bundle.Level(inputs[j].Column, strconv.FormatFloat(v, 'f', -1, 64))
		}
	}
}

// matrix copies one tensor of all features into their columns.
func (d *decoder) matrix(g *given, i int, seen []bool) {
	inputs, x := d.entry.Columns.Inputs, &d.q.decoded.X
	if len(g.shape) != 2 || g.shape[1] != len(inputs) || g.texts != nil {
		d.fault(place{"inputs", i, ""}, "input features: want numbers of shape [n, %d], in the order of the model's inputs", len(inputs))
		return
	}
	for k, in := range inputs {
		if in.Kind != table.Numeric {
			d.fault(place{"inputs", i, ""}, "input features: %s is not a number; send a tensor an input", in.Name)
			continue
		}
		if seen[k] {
			d.fault(place{"inputs", i, ""}, "input %q is there twice", in.Name)
			continue
		}
		seen[k] = true
		for row := range x.Rows {
			x.Values[k*x.Rows+row] = g.values[row*len(inputs)+k]
		}
	}
}

// unknownOutputs are those asked for that are none of the names; nil names are not known.
func unknownOutputs(asked, names []string) (out problem.Faults) {
	for k, name := range asked {
		if names != nil && !slices.Contains(names, name) {
			out.Add(place{"outputs", k, "name"}.String(), "there is no such output; there are %s", strings.Join(names, ", "))
		}
	}
	return out
}
