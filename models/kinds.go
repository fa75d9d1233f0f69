package models

import (
	"fmt"
	"maps"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
)

// Param is a hyper-parameter of a kind of learner or pipeline step: what a configuration may set.
type Param struct {
	Name string
	Doc  string // one line
	// Default is a bool, int, float64, string, []float64 or []string, and fixes the type. An int is taken where a float64 is wanted.
	Default any
	// Choices are the values a string may have; nil means any.
	Choices []string
	// Min and Max bound a number, both included, where Max > Min.
	Min, Max float64
	// File says that a text names a file, relative to the configuration. What it holds counts, not where it lies.
	File bool
	// Block reads a value of any form, and returns what Options hold: complete, and the same as JSON for the same meaning. Nil for others.
	Block func(v any) (any, error)
}

// Options are hyper-parameters by name, checked against a kind's Params and complete: each name is there, with its default
// where the configuration did not set it, and values have exactly the type of Default.
type Options map[string]any

// Kind says how one kind of model is built from a configuration and decoded from a bundle.
type Kind struct {
	Name     string // as configurations write it: logistic, cox, random_forest, …
	Outcomes []clinical.OutcomeKind
	Params   []Param
	// New returns a learner. An error names the option that is wrong in combination; single values were checked against Params.
	New func(Options) (Learner, error)
	// Fits narrows Outcomes to what a learner with these options fits; nil where all of them.
	Fits func(Options) []clinical.OutcomeKind
	// Volumes says that the models may read crops of images, and then need no column.
	Volumes bool
	// NoColumns says that the models read crops of images alone, whatever columns there are.
	NoColumns bool
	// Slow says that a fit takes so long that choices are made on one inner hold-out and hyper-parameters are not searched.
	Slow bool
	// Joint says that a model may learn several outcomes at once (Training.Joint).
	Joint bool
	// Decode is the inverse of Model.Encode. It never panics, whatever the parts hold.
	Decode func(parts map[string][]byte) (Model, error)
}

// With returns the kind as it is with these options: Outcomes are what they leave.
func (k Kind) With(o Options) Kind {
	if k.Fits != nil && o != nil {
		k.Outcomes = k.Fits(o)
	}
	return k
}

var kinds = map[string]Kind{}

// Register adds a kind to the table; packages of models do so when they are initialised. A name taken twice is a fault of the program.
func Register(k Kind) {
	if _, ok := kinds[k.Name]; ok {
		panic("models: kind " + k.Name + " is registered twice")
	}
	kinds[k.Name] = k
}

// Lookup returns the kind of that name.
func Lookup(name string) (Kind, bool) {
	k, ok := kinds[name]
	return k, ok
}

// Kinds returns all kinds, sorted by name.
func Kinds() []Kind {
	out := make([]Kind, 0, len(kinds))
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		out = append(out, kinds[name])
	}
	return out
}

// Decode returns the model of a kind from its parts.
func Decode(kind string, parts map[string][]byte) (Model, error) {
	k, ok := kinds[kind]
	if !ok {
		return nil, fmt.Errorf("this build has no model of kind %q; it has %v", kind, slices.Sorted(maps.Keys(kinds)))
	}
	return k.Decode(parts)
}

// Defaults returns the options of a list of parameters when nothing is set.
func Defaults(params []Param) Options {
	o := make(Options, len(params))
	for _, p := range params {
		o[p.Name] = p.Default
	}
	return o
}

// Check returns options made complete from values that a configuration set, and every problem: unknown names, wrong types, values
// out of bounds. Each problem is reported with the name of its option, so that the caller can add the place in the file.
func Check(params []Param, set map[string]any) (Options, map[string]error) {
	o := Defaults(params)
	problems := map[string]error{}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		i := slices.IndexFunc(params, func(p Param) bool { return p.Name == name })
		if i < 0 {
			known := make([]string, len(params))
			for k, p := range params {
				known[k] = p.Name
			}
			problems[name] = fmt.Errorf("unknown option %q; known: %v", name, known)
			continue
		}
		v, err := params[i].convert(set[name])
		if err != nil {
			problems[name] = fmt.Errorf("%s: %w", name, err)
			continue
		}
		o[name] = v
	}
	return o, problems
}

// convert brings a value to the type of the default and checks its bounds.
func (p Param) convert(v any) (any, error) {
	if p.Block != nil {
		return p.Block(v)
	}
	switch p.Default.(type) {
	case bool:
		if b, ok := v.(bool); ok {
			return b, nil
		}
		return nil, fmt.Errorf("%v is not true or false", v)
	case int:
		n, ok := v.(int)
		if !ok {
			return nil, fmt.Errorf("%v is not a whole number", v)
		}
		return n, p.bounds(float64(n))
	case float64:
		f, ok := number(v)
		if !ok {
			return nil, fmt.Errorf("%v is not a number", v)
		}
		return f, p.bounds(f)
	case string:
		s, ok := v.(string)
		if _, plain := number(v); plain && p.Choices != nil {
			s, ok = fmt.Sprint(v), true // a choice that reads like a number needs no quotes
		}
		if !ok {
			return nil, fmt.Errorf("%v is not a text", v)
		}
		if p.Choices != nil && !slices.Contains(p.Choices, s) {
			return nil, fmt.Errorf("%q is not one of %v", s, p.Choices)
		}
		return s, nil
	case []float64:
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		out := make([]float64, len(list))
		for i, e := range list {
			f, ok := number(e)
			if !ok {
				return nil, fmt.Errorf("%v is not a number", e)
			}
			if err := p.bounds(f); err != nil {
				return nil, err
			}
			out[i] = f
		}
		return out, nil
	case []string:
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		out := make([]string, len(list))
		for i, e := range list {
			s, ok := e.(string)
			if !ok {
				return nil, fmt.Errorf("%v is not a text", e)
			}
			out[i] = s
		}
		return out, nil
	}
	return nil, fmt.Errorf("parameter %s has a default of unknown type %T", p.Name, p.Default)
}

func (p Param) bounds(v float64) error {
	if p.Max > p.Min && !(v >= p.Min && v <= p.Max) {
		return fmt.Errorf("%v is not between %v and %v", v, p.Min, p.Max)
	}
	return nil
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}
