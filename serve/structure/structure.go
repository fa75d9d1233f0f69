// Package structure looks over a body in JSON before it is decoded into a type: encoding/json stops telling after the first value that does not fit,
// takes a property that is there twice or is written in other case for the property itself, and does not say in which element of a list it was.
package structure

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/voxgene/voxgene/serve/scan"
)

// Step leads from a value into it: by the name of a property, or where that is empty by an index.
type Step struct {
	Name  string
	Index int
}

// Place is where something stands in a body.
type Place []Step

// Pointer returns the place as a JSON pointer (RFC 6901), as a fragment.
func (p Place) Pointer() string {
	var b strings.Builder
	b.WriteByte('#')
	for _, s := range p {
		b.WriteByte('/')
		if s.Name == "" {
			b.WriteString(strconv.Itoa(s.Index))
		} else {
			b.WriteString(strings.ReplaceAll(strings.ReplaceAll(s.Name, "~", "~0"), "/", "~1"))
		}
	}
	return b.String()
}

// FHIRPath returns the place as a path from a type, as expressions of FHIR have it: Bundle.entry[0].resource.
func (p Place) FHIRPath(from string) string {
	var b strings.Builder
	b.WriteString(from)
	for _, s := range p {
		if s.Name == "" {
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		} else {
			b.WriteString("." + s.Name)
		}
	}
	return strings.TrimPrefix(b.String(), ".")
}

// Kind says of which kind a fault is.
type Kind int

// The kinds of faults.
const (
	Type    Kind = iota // a value that is not of the type that is wanted
	Twice               // a property that is there before
	Refused             // a property that Rules.Refused has
	Deep                // nested deeper than Rules.Depth
)

// Fault is something that is wrong in a body.
type Fault struct {
	Place Place
	Kind  Kind
	Text  string
}

// Rules say what is looked for beside the types.
type Rules struct {
	Depth   int               // of objects and lists in one another; 0 is 64
	Refused map[string]string // properties that may stand nowhere, with the reason
	// Resources are the values of resourceType that are read: the properties of an object with another one may be of any type.
	Resources []string
}

// kept bounds the faults that are returned.
const kept = 200

// walker looks over one body.
type walker struct {
	s      *scan.Scanner
	rules  Rules
	place  Place // of the value that is next
	faults []Fault
	more   int
	deep   bool // nested too deep: the rest is not looked at
}

// Check returns what is wrong in a body that is to be decoded into a type, as far as its structure tells, and how many faults there are beyond those returned.
// The resource is the resourceType of the body itself, if it has one. The error is of a body that is no JSON, or no object; nothing more is known of it then.
func Check(body []byte, want reflect.Type, rules Rules) (faults []Fault, more int, resource string, err error) {
	if rules.Depth == 0 {
		rules.Depth = 64
	}
	w := &walker{s: scan.New(body), rules: rules}
	if c := w.s.Peek(); c != '{' {
		return nil, 0, "", fmt.Errorf("want an object, found %s", scan.Name(c))
	}
	resource = w.object(plain(want), 1)
	if !w.deep && w.s.Err() == nil {
		w.s.End()
	}
	if err := w.s.Err(); err != nil {
		return nil, 0, "", err
	}
	return w.faults, w.more, resource, nil
}

func (w *walker) fault(kind Kind, format string, args ...any) {
	if len(w.faults) == kept {
		w.more++
		return
	}
	w.faults = append(w.faults, Fault{slices.Clone(w.place), kind, fmt.Sprintf(format, args...)})
}

// value looks at the next value, which is to be of a type; nil is any. It is the depth-th object or list in one another, if it is one.
func (w *walker) value(want reflect.Type, depth int) (text string) {
	s := w.s
	switch c := s.Peek(); {
	case (c == '{' || c == '[') && depth > w.rules.Depth:
		w.fault(Deep, "more than %d objects and lists in one another", w.rules.Depth)
		w.deep = true
	case c == '{':
		w.object(w.expect(want, reflect.Struct, "an object"), depth)
	case c == '[':
		w.list(w.expect(want, reflect.Slice, "a list"), depth)
	case c == '"':
		text = string(s.String())
		w.expect(want, reflect.String, "a text")
	case c == 't' || c == 'f':
		s.Bool()
		w.expect(want, reflect.Bool, "true or false")
	case c == 'n':
		s.Null() // which is taken for nothing
	default:
		s.Number()
		w.expect(want, reflect.Float64, "a number")
	}
	return text
}

// expect returns the type of a value that was found to be of a kind, or notes that another is wanted and returns nil.
func (w *walker) expect(want reflect.Type, kind reflect.Kind, found string) reflect.Type {
	if want == nil || want.Kind() == kind {
		return want
	}
	if w.s.Err() == nil {
		w.fault(Type, "want %s, found %s", map[reflect.Kind]string{reflect.Struct: "an object", reflect.Slice: "a list", reflect.String: "a text", reflect.Float64: "a number", reflect.Bool: "true or false"}[want.Kind()], found)
	}
	return nil
}

// list looks at the elements of a list.
func (w *walker) list(want reflect.Type, depth int) {
	if want != nil {
		want = plain(want.Elem())
	}
	first, at := true, len(w.place)
	w.place = append(w.place, Step{})
	for w.s.Begin('['); !w.deep && w.s.More(&first, ']'); w.place[at].Index++ {
		w.value(want, depth+1)
	}
	w.place = w.place[:at]
}

// object looks at the properties of an object and returns its resourceType. What does not fit in a resource that is not read is no fault.
func (w *walker) object(want reflect.Type, depth int) (resource string) {
	var known map[string]reflect.Type
	if want != nil {
		known = fields(want)
	}
	from, more, at := len(w.faults), w.more, len(w.place)
	seen := make(map[string]bool, 8)
	first := true
	w.place = append(w.place, Step{})
	for w.s.Begin('{'); !w.deep && w.s.More(&first, '}'); {
		name := string(w.s.Key())
		if w.s.Err() != nil {
			break
		}
		w.place[at].Name = name
		w.property(name, known, seen)
		if text := w.value(known[name], depth+1); name == "resourceType" {
			resource = text
		}
	}
	w.place = w.place[:at]
	if known["resourceType"] != nil && !slices.Contains(w.rules.Resources, resource) {
		rest := slices.DeleteFunc(w.faults[from:], func(f Fault) bool { return f.Kind == Type })
		w.faults, w.more = w.faults[:from+len(rest)], more
	}
	return resource
}

// property looks at the name of a property.
func (w *walker) property(name string, known map[string]reflect.Type, seen map[string]bool) {
	_, listed := known[name]
	switch {
	case seen[name]:
		shown := "" // of a name that is not known, which may be anything
		if listed {
			shown = " " + name
		}
		w.fault(Twice, "the property%s is there twice", shown)
	case w.rules.Refused[name] != "":
		w.fault(Refused, "%s", w.rules.Refused[name])
	case known != nil && !listed:
		for one := range known {
			if strings.EqualFold(one, name) {
				w.fault(Type, "the property is written %s", one)
			}
		}
	}
	seen[name] = true
}

var raw = reflect.TypeFor[json.RawMessage]()

// plain is a type behind its pointers; nil where anything fits it.
func plain(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == raw || t.Kind() == reflect.Interface || t.Kind() == reflect.Map {
		return nil
	}
	return t
}

// fields are the types of a struct's properties by their names in JSON, of those that have one in a tag. A property that may be anything has the type
// nil.
func fields(t reflect.Type) map[string]reflect.Type {
	if t.Kind() != reflect.Struct {
		return nil
	}
	if known, ok := described.Load(t); ok {
		return known.(map[string]reflect.Type)
	}
	out := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			maps.Copy(out, fields(plain(f.Type)))
		case name != "" && name != "-":
			out[name] = plain(f.Type)
		}
	}
	described.Store(t, out)
	return out
}

// described are the fields of types that were looked at: there are as many as types of requests.
var described sync.Map
