package settings

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
)

// Decoder is a type that reads itself from a node, for values with more than one form.
type Decoder interface {
	DecodeNode(n *Node, p *Problems)
}

// Decode fills the struct that into points to from a mapping and adds what is wrong to p. Fields are matched by their yaml tag,
// `yaml:"name"`; `yaml:"name,required"` must be there; a field of type map[string]*Node tagged `yaml:",rest"` takes the keys that
// no other field has, and without one such keys are problems. Fields may be bool, int, float64, string, slices, maps of those,
// structs, pointers to them, *Node (kept as it is) or a Decoder; the fields of an embedded struct count as the struct's own. A field whose key is absent keeps its value, which is how
// defaults are given. A slice also takes a single value.
func Decode(n *Node, into any, p *Problems) {
	decode(n, reflect.ValueOf(into).Elem(), p)
}

var nodeType = reflect.TypeFor[*Node]()

func decode(n *Node, v reflect.Value, p *Problems) {
	if v.Type() == nodeType {
		v.Set(reflect.ValueOf(n))
		return
	}
	if v.CanAddr() {
		if d, ok := v.Addr().Interface().(Decoder); ok {
			d.DecodeNode(n, p)
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		decode(n, v.Elem(), p)
	case reflect.Struct:
		decodeStruct(n, v, p)
	case reflect.Slice:
		elements := []*Node{n}
		if n.IsList() {
			elements = n.List()
		} else if n.IsMap() && v.Type().Elem().Kind() != reflect.Struct {
			p.Add(n, "want a list")
			return
		}
		s := reflect.MakeSlice(v.Type(), len(elements), len(elements))
		for i, e := range elements {
			decode(e, s.Index(i), p)
		}
		v.Set(s)
	case reflect.Map:
		if !n.IsMap() {
			p.Add(n, "want a mapping (name: value)")
			return
		}
		m := reflect.MakeMap(v.Type())
		for _, k := range n.Keys() {
			e := reflect.New(v.Type().Elem()).Elem()
			decode(n.Get(k), e, p)
			m.SetMapIndex(reflect.ValueOf(k), e)
		}
		v.Set(m)
	default:
		decodeScalar(n, v, p)
	}
}

func decodeScalar(n *Node, v reflect.Value, p *Problems) {
	if !n.IsScalar() {
		p.Add(n, "want a single value")
		return
	}
	a := n.Any()
	switch v.Kind() {
	case reflect.Interface:
		v.Set(reflect.ValueOf(a))
		return
	case reflect.Bool:
		if b, ok := a.(bool); ok {
			v.SetBool(b)
			return
		}
		p.Add(n, "want true or false, not %v", a)
	case reflect.Int, reflect.Int64:
		if i, ok := a.(int); ok {
			v.SetInt(int64(i))
			return
		}
		p.Add(n, "want a whole number, not %v", a)
	case reflect.Uint64:
		if i, ok := a.(int); ok && i >= 0 {
			v.SetUint(uint64(i))
			return
		}
		p.Add(n, "want a whole number of 0 or more, not %v", a)
	case reflect.Float64:
		switch f := a.(type) {
		case int:
			v.SetFloat(float64(f))
			return
		case float64:
			if !math.IsNaN(f) && !math.IsInf(f, 0) {
				v.SetFloat(f)
				return
			}
		}
		p.Add(n, "want a number, not %v", a)
	case reflect.String:
		if a == nil {
			p.Add(n, "want a text; it is empty")
			return
		}
		v.SetString(n.yaml.Value) // as written: 1e3 as a class name stays 1e3
	default:
		panic(fmt.Sprintf("settings: no rule to decode into %s", v.Type()))
	}
}

func decodeStruct(n *Node, v reflect.Value, p *Problems) {
	if !n.IsMap() {
		p.Add(n, "want a mapping (name: value)")
		return
	}
	fields := map[string]reflect.Value{}
	var known, required []string
	var rest reflect.Value
	var collect func(v reflect.Value)
	collect = func(v reflect.Value) {
		for i := range v.NumField() {
			f := v.Type().Field(i)
			tag, ok := f.Tag.Lookup("yaml")
			if !ok {
				if f.Anonymous && f.Type.Kind() == reflect.Struct {
					collect(v.Field(i))
				}
				continue
			}
			name, option, _ := strings.Cut(tag, ",")
			if option == "rest" {
				rest = v.Field(i)
				continue
			}
			fields[name] = v.Field(i)
			known = append(known, name)
			if option == "required" {
				required = append(required, name)
			}
		}
	}
	collect(v)
	others := map[string]*Node{}
	for _, k := range n.Keys() {
		f, ok := fields[k]
		if !ok {
			others[k] = n.Get(k)
			if !rest.IsValid() {
				n.Unknown(k, known, p)
			}
			continue
		}
		decode(n.Get(k), f, p)
	}
	for _, name := range required {
		if !slices.Contains(n.Keys(), name) {
			p.Add(n, "%q is missing", name)
		}
	}
	if rest.IsValid() {
		rest.Set(reflect.ValueOf(others))
	}
}

// Unknown reports the key of a mapping as unknown, with the nearest known one.
func (n *Node) Unknown(key string, known []string, p *Problems) {
	if near := Nearest(key, known); near != "" {
		p.Add(n.key(key), "unknown key; did you mean %q?", near)
		return
	}
	p.Add(n.key(key), "unknown key; known here: %s", strings.Join(slices.Sorted(slices.Values(known)), ", "))
}
