// Package structure looks over a body in JSON before it is decoded into a type: encoding/json stops telling after the first value that does not fit,
// takes a property that is there twice or is written in other case for the property itself, and does not say in which element of a list it was.
package structure

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
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

// level is an object or a list that was begun.
type level struct {
	list  bool
	named bool   // a property's name was read and its value was not
	name  string // of that property
	index int
	seen  map[string]bool
	want  reflect.Type // nil where anything may be

	resource   string // its resourceType
	from, more int    // how many faults there were when it began
}

// walker looks over one body.
type walker struct {
	rules  Rules
	stack  []level
	faults []Fault
	more   int
}

// Check returns what is wrong in a body that is to be decoded into a type, as far as its structure tells, and how many faults there are beyond those returned.
// The resource is the resourceType of the body itself, if it has one. The error is of a body that is no JSON, or no object; nothing more is known of it then.
func Check(body []byte, want reflect.Type, rules Rules) (faults []Fault, more int, resource string, err error) {
	if rules.Depth == 0 {
		rules.Depth = 64
	}
	w := &walker{rules: rules}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	for {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return nil, 0, "", errors.New("it ends too early")
		case err != nil:
			return nil, 0, "", err
		}
		delimiter, _ := token.(json.Delim)
		if len(w.stack) == 0 && delimiter != '{' {
			return nil, 0, "", errors.New("it is no object")
		}
		switch delimiter {
		case '{', '[':
			if len(w.stack) == rules.Depth {
				w.fault(Deep, "more than %d objects and lists in one another", rules.Depth)
				return w.faults, w.more, w.stack[0].resource, nil
			}
			w.begin(delimiter == '[', want)
		case '}', ']':
			top := w.stack[len(w.stack)-1]
			w.end(top)
			if len(w.stack) == 0 {
				if _, err := d.Token(); !errors.Is(err, io.EOF) {
					return nil, 0, "", errors.New("something follows the object")
				}
				return w.faults, w.more, top.resource, nil
			}
		default:
			top := &w.stack[len(w.stack)-1]
			if top.list || top.named {
				w.scalar(top, token)
			} else {
				w.property(top, token.(string))
			}
		}
	}
}

func (w *walker) fault(kind Kind, format string, args ...any) {
	if len(w.faults) == kept {
		w.more++
		return
	}
	var place Place
	for _, l := range w.stack {
		if l.list {
			place = append(place, Step{Index: l.index})
		} else if l.named {
			place = append(place, Step{Name: l.name})
		}
	}
	w.faults = append(w.faults, Fault{place, kind, fmt.Sprintf(format, args...)})
}

// wanted is the type of the value that is next.
func (w *walker) wanted() reflect.Type {
	top := &w.stack[len(w.stack)-1]
	switch {
	case top.want == nil:
		return nil
	case top.list:
		return plain(top.want.Elem())
	}
	return fields(top.want)[top.name]
}

// begin enters an object or a list. outermost is the type of the body.
func (w *walker) begin(list bool, outermost reflect.Type) {
	want := plain(outermost)
	if len(w.stack) > 0 {
		want = w.wanted()
	}
	if kind := reflect.Struct; want != nil {
		if list {
			kind = reflect.Slice
		}
		if want.Kind() != kind {
			w.mismatch(want, map[bool]string{false: "an object", true: "a list"}[list])
			want = nil
		}
	}
	w.stack = append(w.stack, level{list: list, want: want, from: len(w.faults), more: w.more, seen: map[string]bool{}})
}

// end leaves an object or a list. What does not fit in a resource that is not read is no fault.
func (w *walker) end(top level) {
	if top.want != nil && top.want.Kind() == reflect.Struct && fields(top.want)["resourceType"] != nil && !slices.Contains(w.rules.Resources, top.resource) {
		rest := slices.DeleteFunc(w.faults[top.from:], func(f Fault) bool { return f.Kind == Type })
		w.faults, w.more = w.faults[:top.from+len(rest)], top.more
	}
	w.stack = w.stack[:len(w.stack)-1]
	w.passed()
}

// passed notes that a value was read.
func (w *walker) passed() {
	if n := len(w.stack); n > 0 && w.stack[n-1].list {
		w.stack[n-1].index++
	} else if n > 0 {
		w.stack[n-1].named = false
	}
}

// scalar looks at a text, a number, a truth value or null. Null is taken for nothing.
func (w *walker) scalar(top *level, token any) {
	if want := w.wanted(); want != nil {
		switch v := token.(type) {
		case string:
			if want.Kind() != reflect.String {
				w.mismatch(want, "a text")
			}
		case bool:
			if want.Kind() != reflect.Bool {
				w.mismatch(want, "true or false")
			}
		case json.Number:
			if want.Kind() != reflect.Float64 {
				w.mismatch(want, "a number")
			} else if _, err := v.Float64(); err != nil {
				w.fault(Type, "a number beyond the range of 64-bit floating point")
			}
		}
	}
	if text, ok := token.(string); ok && !top.list && top.name == "resourceType" {
		top.resource = text
	}
	w.passed()
}

// property looks at the name of a property.
func (w *walker) property(top *level, name string) {
	top.name, top.named = name, true
	switch {
	case top.seen[name]:
		w.fault(Twice, "the property%s is there twice", map[bool]string{true: " " + name}[top.want != nil && fields(top.want)[name] != nil]) // any other name may be anything
	case w.rules.Refused[name] != "":
		w.fault(Refused, "%s", w.rules.Refused[name])
	case top.want != nil && fields(top.want)[name] == nil:
		for known := range fields(top.want) {
			if known != name && strings.EqualFold(known, name) {
				w.fault(Type, "the property is written %s", known)
			}
		}
	}
	top.seen[name] = true
}

func (w *walker) mismatch(want reflect.Type, found string) {
	w.fault(Type, "want %s, found %s", map[reflect.Kind]string{reflect.Struct: "an object", reflect.Slice: "a list", reflect.String: "a text", reflect.Float64: "a number", reflect.Bool: "true or false"}[want.Kind()], found)
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
