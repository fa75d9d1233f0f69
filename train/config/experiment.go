// Package config reads an experiment file: the cohort, its sources and outcomes, the pipeline, the models, how they are validated.
//
// A file is read once and strictly. Unknown and duplicate keys, options that a kind of model or step does not have, values out of
// bounds, models that no outcome can use: all of it comes in one answer, each with line and column. What this build cannot do is
// refused by name; nothing is read and then left unused.
package config

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/cohort"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/pipeline"
)

// Experiment is an experiment file, checked and complete: every option that the file leaves out has its default.
type Experiment struct {
	Name string `yaml:"name"`
	Seed uint64 `yaml:"seed"`

	cohort.Config

	Pipeline   []pipeline.Spec `yaml:"pipeline"` // impute, encode, scale where the file names none
	Models     []Model         `yaml:"models,required"`
	Validation Validation      `yaml:"validation"`
	Honest     Honest          `yaml:"honest"`
	Conformal  *Conformal      `yaml:"conformal"`
	Abstain    *bundle.Abstain `yaml:"abstain"` // when the bundle gives no prediction: missing, out_of_range, far

	// Association is what voxgene associate does with the same cohort; training leaves it alone and says so.
	Association *settings.Node `yaml:"association"`

	Output  string `yaml:"output"`
	Jobs    int    `yaml:"jobs"`
	Backend string `yaml:"backend"`

	Study map[string]string `yaml:"study"` // the authors' words, for the report

	// File is the path of the file, and Dir its folder, to which its inputs are relative.
	File string
	Dir  string

	tree *settings.Node
}

// ReadFile reads the experiment at path after applying assignments such as "models.0.trees=100".
func ReadFile(path string, assignments []string) (*Experiment, error) {
	n, err := settings.ReadFile(path)
	if err != nil {
		return nil, err
	}
	e, err := decode(n, assignments, filepath.Dir(path), strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)))
	if err != nil {
		return nil, err
	}
	e.File = path
	return e, nil
}

// Parse reads an experiment from bytes, for examples and tests. Its inputs are relative to dir.
func Parse(file string, b []byte, dir string, assignments []string) (*Experiment, error) {
	n, err := settings.Parse(file, b)
	if err != nil {
		return nil, err
	}
	e, err := decode(n, assignments, dir, strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)))
	if err != nil {
		return nil, err
	}
	e.File = filepath.Join(dir, filepath.Base(file))
	return e, nil
}

// file is the whole of an experiment file. The blocks that cohort reads are named here so that they are known.
type file struct {
	Cohort   *settings.Node `yaml:"cohort"`
	Sources  *settings.Node `yaml:"sources"`
	Outcomes *settings.Node `yaml:"outcomes,required"`
	Experiment
}

func decode(n *settings.Node, assignments []string, dir, name string) (*Experiment, error) {
	for _, a := range assignments {
		if err := n.Set(a); err != nil {
			return nil, err
		}
	}
	f := file{Experiment: Experiment{Name: name, Pipeline: pipeline.Default(), Validation: defaultValidation(), Honest: defaultHonest()}}
	var p settings.Problems
	settings.Decode(n, &f, &p)
	e := &f.Experiment
	e.Dir, e.tree = dir, n
	if n.IsMap() {
		e.Config = cohort.Decode(n, &p)
		e.check(&p)
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	if e.Output == "" {
		e.Output = filepath.Join("runs", e.Name)
	}
	return e, nil
}

// check finds what single values cannot show.
func (e *Experiment) check(p *settings.Problems) {
	if !plainName(e.Name) {
		p.Add(at(e.tree, "name"), "%q: want letters, digits, '-', '_' and '.', starting with a letter or digit", e.Name)
	}
	if _, err := pipeline.Variants(e.Pipeline); err != nil {
		p.Add(at(e.tree, "pipeline"), "%v", err)
	}
	e.checkModels(p)
	e.foreseeForms(p)
	e.checkValidation(p)
	e.checkHonest(p)
	if err := e.Abstain.Check(); err != nil {
		p.Add(at(e.tree, "abstain"), "%v", err)
	}
	if e.Conformal != nil && !(e.Conformal.Level > 0.5 && e.Conformal.Level < 1) {
		p.Add(at(e.tree, "conformal", "level"), "want more than 0.5 and less than 1, such as 0.9")
	}
	if e.Jobs < 0 {
		p.Add(at(e.tree, "jobs"), "want 0 (one a processor) or more")
	}
}

// plainName reports whether a name can stand in a URL and a file name.
func plainName(s string) bool {
	ok := func(r rune, first bool) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || !first && strings.ContainsRune("-_.", r)
	}
	for i, r := range s {
		if !ok(r, i == 0) {
			return false
		}
	}
	return s != "" && len(s) <= 100
}

// at returns the node below n that the keys and indices name, or the nearest one above it that is there.
func at(n *settings.Node, path ...string) *settings.Node {
	for _, k := range path {
		next := n.Get(k)
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

// element returns element i of the list under key, or the nearest node above.
func element(n *settings.Node, key string, i int) *settings.Node {
	list := n.Get(key)
	if list == nil {
		return n
	}
	if list.IsMap() {
		return list
	}
	if all := list.List(); i < len(all) {
		return all[i]
	}
	return list
}

// ModelsFor returns the models that compete for an outcome, in file order.
func (e *Experiment) ModelsFor(name string, kind clinical.OutcomeKind) []Model {
	var out []Model
	for _, m := range e.Models {
		k, ok := models.Lookup(m.Kind)
		if ok && slices.Contains(k.With(m.Options).Outcomes, kind) && (len(m.Outcomes) == 0 || slices.Contains(m.Outcomes, name)) {
			out = append(out, m)
		}
	}
	return out
}

// Path returns where an input of the file lies: relative to the folder of the file.
func (e *Experiment) Path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(e.Dir, filepath.FromSlash(name))
}
