package pipeline

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path/filepath"

	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
)

// Spec is one step as a configuration writes it: {step: scale, on: imaging, method: robust}.
type Spec struct {
	Step    string
	On      []string
	Options models.Options // complete, see models.Check; files are named as the configuration does
	// Files are the hashes of the files that options name, by option: what a fit depends on beside its data.
	Files map[string]string `json:",omitempty"`
	// Search are values of options among which inner folds choose; see Variants.
	Search map[string][]any `json:",omitempty"`

	folder string // of the configuration, to which files are relative
}

// build makes the step, with its files where they lie.
func (s Spec) build(k Kind) (Step, error) {
	o := s.Options
	for _, q := range k.Params {
		if path, _ := o[q.Name].(string); q.File && path != "" && !filepath.IsAbs(path) {
			o = maps.Clone(o)
			o[q.Name] = filepath.Join(s.folder, filepath.FromSlash(path))
		}
	}
	return k.New(o)
}

// hashes hashes the files that options name.
func (s *Spec) hashes(k Kind) error {
	for _, q := range k.Params {
		path, _ := s.Options[q.Name].(string)
		if !q.File || path == "" {
			continue
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(s.folder, filepath.FromSlash(path))
		}
		sum, err := work.HashFile(path)
		if err != nil {
			return &models.OptionError{Option: q.Name, Err: err}
		}
		if s.Files == nil {
			s.Files = map[string]string{}
		}
		s.Files[q.Name] = "sha256:" + hex.EncodeToString(sum)
	}
	return nil
}

// Canonical are the options without paths: a file is what it holds.
func (s Spec) Canonical() models.Options {
	if len(s.Files) == 0 {
		return s.Options
	}
	o := maps.Clone(s.Options)
	for name, hash := range s.Files {
		o[name] = hash
	}
	return o
}

// Default is the pipeline of an experiment that names none: impute, encode, scale, each with its defaults.
func Default() []Spec {
	specs := make([]Spec, 0, 3)
	for _, name := range []string{"impute", "encode", "scale"} {
		specs = append(specs, Spec{Step: name, Options: models.Defaults(kinds[name].Params)})
	}
	return specs
}

// DecodeNode reads a step from an experiment file and reports what is wrong with its place: unknown steps and options (with the
// nearest known name), values of the wrong type or out of bounds.
func (s *Spec) DecodeNode(n *settings.Node, p *settings.Problems) {
	var raw struct {
		Step string   `yaml:"step,required"`
		On   []string `yaml:"on"`
		// Search are lists of values by option.
		Search map[string]*settings.Node `yaml:"search"`
		Rest   map[string]*settings.Node `yaml:",rest"`
	}
	before := p.Len()
	settings.Decode(n, &raw, p)
	if p.Len() > before {
		return
	}
	k, ok := Lookup(raw.Step)
	if !ok {
		if near := settings.Nearest(raw.Step, names()); near != "" {
			p.Add(n.Get("step"), "there is no step %q; did you mean %q?", raw.Step, near)
		} else {
			p.Add(n.Get("step"), "there is no step %q; known: %v", raw.Step, names())
		}
		return
	}
	known := []string{"step", "on", "search"}
	for _, q := range k.Params {
		known = append(known, q.Name)
	}
	set := make(map[string]any, len(raw.Rest))
	for name, v := range raw.Rest {
		// An option whose value is another option and its value, as in unseen: {estimate_from: FILE}, is that other one.
		if v.IsMap() && len(v.Keys()) == 1 && contains(k.Params, name) && contains(k.Params, v.Keys()[0]) {
			name, v = v.Keys()[0], v.Get(v.Keys()[0])
		}
		set[name] = v.Any()
	}
	options, problems := models.Check(k.Params, set)
	for _, name := range n.Keys() {
		err, wrong := problems[name]
		switch {
		case !wrong:
		case raw.Rest[name] != nil && !contains(k.Params, name):
			n.Unknown(name, known, p)
		default:
			p.Add(raw.Rest[name], "%v", err)
		}
	}
	*s = Spec{Step: raw.Step, On: raw.On, Options: options, folder: filepath.Dir(n.File)}
	if len(problems) > 0 {
		return
	}
	err := s.hashes(k)
	if err == nil {
		_, err = s.build(k)
	}
	if err != nil {
		for _, one := range models.Faults(err) {
			s.place(n, one, p)
		}
		return
	}
	s.readSearch(k, raw.Search, n, p)
}

// place adds a fault at the option that it is of.
func (s *Spec) place(n *settings.Node, err error, p *settings.Problems) {
	var f *models.OptionError
	if errors.As(err, &f) && n.Get(f.Option) != nil {
		p.Add(n.Get(f.Option), "%v", f.Err)
		return
	}
	p.Add(n, "%v", err)
}

func contains(params []models.Param, name string) bool {
	for _, q := range params {
		if q.Name == name {
			return true
		}
	}
	return false
}

// New builds the chain that the specs describe.
func New(specs []Spec) (Chain, error) {
	c := make(Chain, 0, len(specs))
	for i, s := range specs {
		k, ok := Lookup(s.Step)
		if !ok {
			return nil, fmt.Errorf("pipeline step %d: there is no step %q; known: %v", i+1, s.Step, names())
		}
		step, err := s.build(k)
		if err != nil {
			return nil, fmt.Errorf("pipeline step %d, %s: %w", i+1, s.Step, err)
		}
		c = append(c, Scoped{Kind: s.Step, On: s.On, Step: step})
	}
	return c, nil
}
