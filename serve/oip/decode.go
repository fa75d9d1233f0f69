package oip

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/api"
	"github.com/voxgene/voxgene/serve/problem"
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
	broken         bool      // a part of it is of the wrong type of JSON: what else seems wrong may follow from that
}

// place is where something stands in a body: the JSON pointer is written only where there is a fault.
type place struct {
	list   string
	index  int // -1 where the list itself is meant
	member string
}

// String returns the place as a JSON pointer (RFC 6901), as a fragment.
func (p place) String() string {
	text := "#/" + p.list
	if p.index >= 0 {
		text += "/" + strconv.Itoa(p.index)
	}
	if p.member != "" {
		text += "/" + p.member
	}
	return text
}

// decoder reads one body and goes on behind what is wrong in it, so that all faults are told at once.
type decoder struct {
	s      *scan.Scanner
	entry  *registry.Entry
	limits api.Limits
	faults problem.Faults
	q      request
}

// decode reads an inference request for a bundle: the error is of JSON that cannot be read, the faults of what it says. Members that the protocol
// lets a client add (parameters of tensors) are skipped. outputs are the names of those that there are; nil where that is not known before.
func decode(body []byte, e *registry.Entry, limits api.Limits, outputs []string) (request, problem.Faults, error) {
	d := &decoder{s: scan.New(body), entry: e, limits: limits}
	s := d.s
	var tensors []given
	first := true
	for s.Begin('{'); s.More(&first, '}'); {
		switch key := string(s.Key()); key {
		case "id":
			id := d.text(place{"id", -1, ""})
			d.q.id = &id
		case "parameters":
			d.parameters()
		case "inputs":
			inner := true
			if !d.begin('[', place{"inputs", -1, ""}) {
				tensors = append(tensors, given{broken: true})
				continue
			}
			for s.More(&inner, ']') {
				tensors = append(tensors, d.input(len(tensors)))
			}
		case "outputs":
			inner := true
			d.q.outputs = []string{}
			if d.begin('[', place{"outputs", -1, ""}) {
				for s.More(&inner, ']') {
					d.q.outputs = append(d.q.outputs, d.output(len(d.q.outputs)))
				}
			}
		default:
			near := ""
			if len(key) < 100 && !d.faults.Full() && settings.Nearest(key, []string{"id", "parameters", "inputs", "outputs"}) != "" {
				near = fmt.Sprintf(" %q", key) // what is like none may be anything
			}
			d.faults.Add("#", "unknown member%s; a request has id, parameters, inputs and outputs", near)
			s.Skip()
		}
	}
	if !s.End() {
		return d.q, problem.Faults{}, s.Err()
	}
	d.assemble(tensors)
	d.faults.Append(unknownOutputs(d.q.outputs, outputs))
	for _, wrong := range e.Bundle.Check(d.q.decoded.Request) { // times: the rest is not of this protocol
		d.faults.Add("#/parameters/times", "%s", wrong.Text)
	}
	return d.q, d.faults, nil
}

func (d *decoder) fault(at place, format string, args ...any) {
	d.faults.Add(at.String(), format, args...)
}

// begin starts a list or an object, or notes what is there instead.
func (d *decoder) begin(bracket byte, at place) bool {
	if c := d.s.Peek(); c != bracket && c != 0 {
		d.fault(at, "want %s, found %s", scan.Name(bracket), scan.Name(c))
		d.s.Skip()
		return false
	}
	return d.s.Begin(bracket)
}

// text reads a string, or notes what is there instead.
func (d *decoder) text(at place) string {
	if c := d.s.Peek(); c != '"' && c != 0 {
		d.fault(at, "want a text, found %s", scan.Name(c))
		d.s.Skip()
		return ""
	}
	return string(d.s.String())
}

// parameters reads the request's: times, a text such as "12mo,24mo".
func (d *decoder) parameters() {
	if !d.begin('{', place{"parameters", -1, ""}) {
		return
	}
	first := true
	for d.s.More(&first, '}') {
		if key := string(d.s.Key()); key != "times" {
			d.s.Skip()
			continue
		}
		at := place{"parameters", -1, "times"}
		if c := d.s.Peek(); c != '"' {
			d.text(at) // which says what is there
			continue
		}
		for i, text := range strings.Split(d.text(at), ",") {
			t, err := bundle.ParseTime(strings.TrimSpace(text))
			if err != nil {
				d.fault(at, "time %d is not a number with its unit (d, wk, mo or a), such as 12mo", i+1)
				continue
			}
			d.q.decoded.Request.Times = append(d.q.decoded.Request.Times, t)
		}
	}
}

// output reads the name of the i-th output that is asked for.
func (d *decoder) output(i int) string {
	name, at := "", place{"outputs", i, "name"}
	first := true
	if !d.begin('{', place{"outputs", i, ""}) {
		return ""
	}
	for d.s.More(&first, '}') {
		if string(d.s.Key()) == "name" {
			name = d.text(at)
		} else {
			d.s.Skip()
		}
	}
	return name
}

// input reads the i-th tensor.
func (d *decoder) input(i int) given {
	var g given
	s, before := d.s, len(d.faults.List)+d.faults.More
	first := true
	if !d.begin('{', place{"inputs", i, ""}) {
		return given{broken: true}
	}
	for s.More(&first, '}') {
		switch string(s.Key()) {
		case "name":
			g.name = d.text(place{"inputs", i, "name"})
		case "datatype":
			g.datatype = d.text(place{"inputs", i, "datatype"})
		case "shape":
			d.shape(&g, place{"inputs", i, "shape"})
		case "data":
			d.elements(&g, 0, place{"inputs", i, "data"})
		case "parameters":
			inner := true
			if d.begin('{', place{"inputs", i, "parameters"}) {
				for s.More(&inner, '}') {
					g.binary = string(s.Key()) == "binary_data_size" || g.binary
					s.Skip()
				}
			}
		default:
			s.Skip()
		}
	}
	g.broken = len(d.faults.List)+d.faults.More > before
	return g
}

// shape reads the shape of a tensor.
func (d *decoder) shape(g *given, at place) {
	if !d.begin('[', at) {
		return
	}
	most := float64((len(d.entry.Bundle.Inputs) + 1) * d.limits.Patients)
	inner := true
	for d.s.More(&inner, ']') {
		n := -1.0 // never equal to a count: check says what is wrong
		if c := d.s.Peek(); c == '-' || c >= '0' && c <= '9' || c == 0 {
			n = d.s.Number()
		} else {
			d.s.Skip()
		}
		if n < 0 || n != math.Trunc(n) || n > most || len(g.shape) > 2 {
			n = -1
		}
		g.shape = append(g.shape, int(n))
	}
}

// elements reads data, which may be nested or flat.
func (d *decoder) elements(g *given, depth int, at place) {
	s := d.s
	switch c := s.Peek(); {
	case c == '-' || c >= '0' && c <= '9' || c == 0:
		g.add(s.Number(), "", false)
	case c == '[' && depth < 4:
		first := true
		for s.Begin('['); s.More(&first, ']'); {
			d.elements(g, depth+1, at)
		}
	case c == 'n':
		s.Null()
		g.add(math.NaN(), "", false)
	case c == '"':
		g.add(math.NaN(), string(s.String()), true)
	case c == 't' || c == 'f':
		g.add(math.NaN(), strconv.FormatBool(s.Bool()), true)
	default:
		d.fault(at, "element %d is %s; want numbers, texts, true, false or null, in lists at most four deep", len(g.values), scan.Name(c))
		s.Skip()
		g.add(math.NaN(), "", false)
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
