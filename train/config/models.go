package config

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/calibrate"
	"github.com/voxgene/voxgene/models/fusion"
)

// Model is one of the models that compete.
type Model struct {
	Name      string   `yaml:"name"` // the kind where the file names none
	Kind      string   `yaml:"kind,required"`
	Outcomes  []string `yaml:"outcomes"` // empty means all that the kind fits
	Search    *Search  `yaml:"search"`
	Calibrate string   `yaml:"calibrate"` // none, platt, isotonic or temperature
	// Joint makes one network of all the outcomes, whose losses have these weights, 1 where the file names none.
	Joint   bool               `yaml:"joint"`
	Weights map[string]float64 `yaml:"weights"`
	// MissingSource is what becomes of a patient who lacks a source: impute, by the pipeline, or another model (fusion.PatternsKind).
	MissingSource string                    `yaml:"missing_source"`
	Set           map[string]*settings.Node `yaml:",rest"` // hyper-parameters as the file gives them

	Options models.Options // all hyper-parameters; files are named by their paths from the working folder
	// Files are the hashes of the files that options name, by option: what a fit depends on is what a file holds.
	Files map[string]string
}

// Key is the canonical form of a candidate of the model: what a fit depends on beside its data.
func (m *Model) Key(o models.Options) ([]byte, error) {
	return json.Marshal(map[string]any{"kind": m.Kind, "options": m.canonical(o)})
}

// canonical are options without paths.
func (m *Model) canonical(o models.Options) models.Options {
	if len(m.Files) == 0 {
		return o
	}
	o = maps.Clone(o)
	for name, hash := range m.Files {
		o[name] = hash
	}
	return o
}

// findFiles brings options that name files to paths from the working folder, and hashes the files.
func (e *Experiment) findFiles(m *Model, k models.Kind) error {
	for _, q := range k.Params {
		name, _ := m.Options[q.Name].(string)
		if !q.File || name == "" {
			continue
		}
		m.Options[q.Name] = e.Path(name)
		sum, err := work.HashFile(e.Path(name))
		if err != nil {
			return &models.OptionError{Option: q.Name, Err: err}
		}
		if m.Files == nil {
			m.Files = map[string]string{}
		}
		m.Files[q.Name] = "sha256:" + hex.EncodeToString(sum)
	}
	return nil
}

// checkModels resolves the kind and options of each model.
func (e *Experiment) checkModels(p *settings.Problems) {
	var known []string
	for _, k := range models.Kinds() {
		if k.Name != calibrate.Kind && k.Name != fusion.PatternsKind { // asked for by a key of another
			known = append(known, k.Name)
		}
	}
	names := map[string]bool{}
	for i := range e.Models {
		m := &e.Models[i]
		n := element(e.tree, "models", i)
		if m.Name == "" {
			m.Name = m.Kind
		}
		if !plainName(m.Name) && m.Kind != "" {
			p.Add(at(n, "name"), "%q: want letters, digits, '-', '_' and '.'", m.Name)
		}
		if names[m.Name] && m.Name != "" {
			p.Add(at(n, "name"), "two models are called %q; give each a name of its own", m.Name)
		}
		names[m.Name] = true
		if m.Calibrate == "none" {
			m.Calibrate = ""
		}
		if m.Calibrate != "" && !slices.Contains(calibrate.Methods, m.Calibrate) {
			p.Add(at(n, "calibrate"), "there is no calibration %q; there are none and %v", m.Calibrate, calibrate.Methods)
		}
		switch m.MissingSource {
		case "", fusion.PatternsKind:
		case "impute":
			m.MissingSource = ""
		default:
			p.Add(at(n, "missing_source"), "there is no way %q with a missing source; there are impute and %s", m.MissingSource, fusion.PatternsKind)
		}
		if m.Kind == "" {
			continue
		}
		k, ok := models.Lookup(m.Kind)
		if !ok {
			if near := settings.Nearest(m.Kind, known); near != "" {
				p.Add(at(n, "kind"), "no kind of model %q; did you mean %q?", m.Kind, near)
			} else {
				p.Add(at(n, "kind"), "no kind of model %q; this build has %v", m.Kind, known)
			}
			continue
		}
		if m.Calibrate != "" && !slices.Contains(k.Outcomes, clinical.Class) {
			p.Add(at(n, "calibrate"), "probabilities of classes are calibrated; a model of kind %s fits outcomes of kind %v", m.Kind, k.Outcomes)
		}
		if m.MissingSource != "" && (k.Volumes || k.Name == fusion.LateKind) {
			p.Add(at(n, "missing_source"), "a model of kind %s has its own way with a missing source", m.Kind)
		}
		m.Options = options(k.Params, m.Set, n, p)
		k = k.With(m.Options)
		e.checkOutcomes(m, k, n, p)
		e.checkJoint(m, k, n, p)
		if m.Options == nil {
			continue
		}
		if err := e.findFiles(m, k); err != nil {
			addFaults(n, err, nil, p)
			m.Options = nil
			continue
		}
		if _, err := k.New(m.Options); err != nil {
			addFaults(n, err, nil, p)
			continue
		}
		if m.Search != nil && k.Slow {
			p.Add(at(n, "search"), "a model of kind %s takes too long to be searched inside every fold; list a few settings as models of their own, which one inner hold-out chooses between", m.Kind)
		} else if m.Search != nil {
			m.Search.check(k, m.Options, n.Get("search"), p)
		}
	}
	if e.tree.Get("models") != nil && len(e.Models) == 0 {
		p.Add(e.tree.Get("models"), "want at least one model")
	}
	for i, o := range e.Outcomes {
		if len(e.ModelsFor(o.Name, o.Kind)) == 0 && len(e.Models) > 0 && p.Len() == 0 {
			p.Add(element(e.tree, "outcomes", i), "no model of this file fits outcome %s, which is of kind %s; add one: %v", o.Name, o.Kind, kindsFor(o.Kind))
		}
	}
}

// checkOutcomes refuses models that are told to fit an outcome which is not there or which their kind cannot fit.
func (e *Experiment) checkOutcomes(m *Model, k models.Kind, n *settings.Node, p *settings.Problems) {
	var known []string
	for _, o := range e.Outcomes {
		known = append(known, o.Name)
	}
	for _, name := range m.Outcomes {
		i := slices.Index(known, name)
		if i < 0 {
			if near := settings.Nearest(name, known); near != "" {
				p.Add(at(n, "outcomes"), "no outcome %q; did you mean %q?", name, near)
			} else {
				p.Add(at(n, "outcomes"), "no outcome %q; there are %v", name, known)
			}
		} else if !slices.Contains(k.Outcomes, e.Outcomes[i].Kind) {
			p.Add(at(n, "outcomes"), "a model of kind %s fits outcomes of kind %v, and %s is of kind %s", m.Kind, k.Outcomes, name, e.Outcomes[i].Kind)
		}
	}
	if len(m.Outcomes) == 0 && len(e.Outcomes) > 0 && !slices.ContainsFunc(known, func(name string) bool {
		return slices.Contains(k.Outcomes, e.Outcomes[slices.Index(known, name)].Kind)
	}) {
		p.Add(at(n, "kind"), "a model of kind %s fits outcomes of kind %v, and there is none", m.Kind, k.Outcomes)
	}
}

// options converts what a file sets to complete options, or returns nil after adding problems.
func options(params []models.Param, set map[string]*settings.Node, n *settings.Node, p *settings.Problems) models.Options {
	var known []string
	for _, param := range params {
		known = append(known, param.Name)
	}
	values := map[string]any{}
	before := p.Len()
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if !slices.Contains(known, name) {
			n.Unknown(name, known, p)
			continue
		}
		values[name] = set[name].Any()
	}
	o, problems := models.Check(params, values)
	for _, name := range slices.Sorted(maps.Keys(problems)) {
		p.Add(set[name], "%v", problems[name])
	}
	if p.Len() > before {
		return nil
	}
	return o
}
