// Package cohort reads the cohort, sources and outcomes of an experiment file and loads them: which patients, which files, one row
// a patient with columns source.column, the outcomes, and an account of who was left out and why.
package cohort

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
)

// Config is the part of an experiment file that says who the patients are, what is known of them and what is to be predicted.
type Config struct {
	Cohort   Patients
	Sources  []Source
	Outcomes []Outcome
	// BatchColumns asks for the column source.batch of every source with a batch, in the group batch. Decode sets it where the
	// pipeline has a step harmonise, which takes that column; nobody else may learn from it.
	BatchColumns bool

	hidden []Outcome // outcomes that are not read, and whose columns stay out of the features all the same
}

// Features is the configuration of the feature table alone, from the sources that keep takes: no outcome is read, and none becomes
// a feature.
func (c Config) Features(keep func(Source) bool) Config {
	c.hidden, c.Outcomes = slices.Concat(c.hidden, c.Outcomes), nil
	c.Sources = slices.DeleteFunc(slices.Clone(c.Sources), func(s Source) bool { return !keep(s) })
	return c
}

// Patients is the cohort block: the table that lists patients and how it is read.
type Patients struct {
	File      string  `yaml:"patients,required"` // CSV or TSV, a row a patient
	ID        string  `yaml:"id"`                // its column of patients; empty finds it by looking
	IDPattern Pattern `yaml:"id_pattern"`
	Site      string  `yaml:"site"` // column of centres, for leave-one-site-out
	// Unit is what a row that a model reads is: a patient, or each lesion or visit of one.
	Unit table.Unit `yaml:"unit"`
	// Lesion and Visit are columns of the patients table, where it has a row a lesion or visit in place of one a patient.
	Lesion  string   `yaml:"lesion"`
	Visit   string   `yaml:"visit"`
	Exclude string   `yaml:"exclude"`
	Missing []string `yaml:"missing"` // texts that mean missing, beside the usual ones
	// Timeline names the points of a patient's way in their order, such as imaging, biopsy, surgery: what a source's available and an
	// outcome's decision refer to.
	Timeline []string `yaml:"timeline"`
	// Checks are pairs of columns that have to agree. Patients in whom they do not are listed, not repaired.
	Checks []Check `yaml:"checks"`
}

// Check says that where one column has a text, another has one of these.
type Check struct {
	Where Cell `yaml:"where,required"`
	Then  Cell `yaml:"then,required"`
}

// Cell is a column and the texts that are meant.
type Cell struct {
	Column string   `yaml:"column,required"`
	Is     []string `yaml:"is,required"`
}

// Outcome is an element of the outcomes block. Its columns are those of the patients table, or of the file at Path.
type Outcome struct {
	At   *settings.Node
	Name string
	Kind clinical.OutcomeKind
	Path string // another table than the patients'
	ID   string // its column of patients
	// Lesion and Visit are its columns of lesions and visits, where each has an outcome of its own.
	Lesion, Visit string

	Column   string // class
	Map      map[string]string
	Classes  []string
	Positive string

	Time, Event, Entry string // survival
	// From and To say the time by dates instead: from a date to the first there is of others, in the form Dates.
	From         string
	To           []string
	Dates        string
	Codes        map[string]int
	Unit, Origin string

	// Decision is the point of the cohort's timeline at which the outcome is predicted; empty where it is not said.
	Decision string

	// KnownFrom are columns (source.column, or patterns) from which the outcome can be told; they never predict it.
	KnownFrom []string
}

// outcomeFields are the keys of an outcome of either kind.
type outcomeFields struct {
	Name      string   `yaml:"name,required"`
	Kind      string   `yaml:"kind,required"`
	Path      string   `yaml:"path"`
	ID        string   `yaml:"id"`
	Lesion    string   `yaml:"lesion"`
	Visit     string   `yaml:"visit"`
	KnownFrom []string `yaml:"known_from"`
	Decision  string   `yaml:"decision"`
}

// DecodeNode reads an outcome; which keys it may have depends on its kind.
func (o *Outcome) DecodeNode(n *settings.Node, p *settings.Problems) {
	o.At = n
	if !n.IsMap() {
		p.Add(n, "want a mapping: {name: idh, kind: class, column: …} or {name: os, kind: survival, time: …, event: …, origin: …, unit: d}")
		return
	}
	kind := ""
	if k := n.Get("kind"); k != nil {
		settings.Decode(k, &kind, p)
	}
	var f outcomeFields
	switch clinical.OutcomeKind(kind) {
	case clinical.Class:
		c := struct {
			outcomeFields
			Column   string            `yaml:"column,required"`
			Map      map[string]string `yaml:"map"`
			Classes  []string          `yaml:"classes"`
			Positive string            `yaml:"positive"`
		}{}
		settings.Decode(n, &c, p)
		f = c.outcomeFields
		o.Column, o.Map, o.Classes, o.Positive = c.Column, c.Map, c.Classes, c.Positive
	case clinical.Survival:
		c := struct {
			outcomeFields
			Time   string         `yaml:"time"`
			From   string         `yaml:"from"`
			To     []string       `yaml:"to"`
			Dates  string         `yaml:"dates"`
			Event  string         `yaml:"event,required"`
			Entry  string         `yaml:"entry"`
			Codes  map[string]int `yaml:"codes"`
			Unit   string         `yaml:"unit,required"`
			Origin string         `yaml:"origin,required"`
		}{}
		settings.Decode(n, &c, p)
		f = c.outcomeFields
		o.Time, o.Event, o.Entry, o.Codes, o.Unit, o.Origin = c.Time, c.Event, c.Entry, c.Codes, c.Unit, c.Origin
		o.From, o.To, o.Dates = c.From, c.To, c.Dates
		if byDates := c.From != "" && len(c.To) > 0; byDates == (c.Time != "") {
			p.Add(n, "say the time with time: COLUMN, or with the dates from: COLUMN and to: [COLUMN, …]")
		}
		if _, err := clinical.DateLayout(c.Dates); err != nil {
			p.Add(n.Get("dates"), "%v", err)
		}
		if _, ok := clinical.Units[c.Unit]; !ok && c.Unit != "" {
			p.Add(n.Get("unit"), "%q is not a unit of time in UCUM: d, wk, mo or a", c.Unit)
		}
	default:
		at := n
		if n.Get("kind") != nil {
			at = n.Get("kind")
		}
		p.Add(at, "an outcome has kind class or survival")
		return
	}
	o.Name, o.Kind, o.Path, o.ID, o.KnownFrom, o.Decision = f.Name, clinical.OutcomeKind(f.Kind), f.Path, f.ID, f.KnownFrom, f.Decision
	o.Lesion, o.Visit = f.Lesion, f.Visit
}

// columns are the columns of its table that the outcome is made of.
func (o Outcome) columns() []string {
	all := append([]string{o.Column, o.Time, o.Event, o.Entry, o.From}, o.To...)
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// Pattern is a regular expression (RE2) in a configuration.
type Pattern struct{ *regexp.Regexp }

// DecodeNode compiles the expression.
func (r *Pattern) DecodeNode(n *settings.Node, p *settings.Problems) {
	var s string
	settings.Decode(n, &s, p)
	re, err := regexp.Compile(s)
	if err != nil {
		p.Add(n, "%v", err)
		return
	}
	r.Regexp = re
}

// Decode reads the keys cohort, sources and outcomes of an experiment file. Other keys of the root are for others to read.
func Decode(root *settings.Node, p *settings.Problems) Config {
	c := Config{Cohort: Patients{Unit: table.PerPatient}}
	for _, block := range []struct {
		key  string
		into any
		want string
	}{
		{"cohort", &c.Cohort, "say who the patients are: cohort: {patients: patients.csv, id: patient}"},
		{"sources", &c.Sources, "say what is known of the patients: sources: [{name: clinical, kind: table, path: patients.csv}]"},
		{"outcomes", &c.Outcomes, ""},
	} {
		n := root.Get(block.key)
		if n == nil {
			if block.want != "" {
				p.Add(root, "%q is missing: %s", block.key, block.want)
			}
			continue
		}
		settings.Decode(n, block.into, p)
	}
	c.units(root, p)
	if steps := root.Get("pipeline"); steps != nil {
		for _, step := range steps.List() {
			if kind := step.Get("step"); kind != nil && kind.Any() == "harmonise" {
				c.BatchColumns = true
			}
		}
	}
	c.unique(p)
	c.inTime(p)
	return c
}

// units checks what is said of lesions and visits against what a row is.
func (c Config) units(root *settings.Node, p *settings.Problems) {
	unit := c.Cohort.Unit
	if !slices.Contains(table.Units, unit) {
		p.Add(root.Get("cohort").Get("unit"), "a row is a patient, a lesion or a visit, and not %q; several rows a patient are brought to one with aggregate", unit)
		return
	}
	for _, of := range []struct {
		unit   table.Unit
		column string
	}{{table.PerLesion, c.Cohort.Lesion}, {table.PerVisit, c.Cohort.Visit}} {
		if of.column != "" && unit != of.unit {
			p.Add(root.Get("cohort").Get(string(of.unit)), "a patients table with a row a %s wants unit: %[1]s", of.unit)
		}
	}
	for _, s := range c.Sources {
		images, ok := s.loader.(*imageSource)
		switch {
		case !ok:
		case images.EachLesion() && unit != table.PerLesion:
			p.Add(s.At.Get("lesions"), "cohort.unit is %s: several lesions become one row by aggregate: %s; or each is a row with cohort: {unit: lesion}", unit, strings.Join(extraction.Aggregates, ", "))
		case images.Visits != nil && images.Visits.Each != nil && unit != table.PerVisit:
			p.Add(s.At.Get("visits").Get("each"), "cohort.unit is %s, and each visit is a row only with cohort: {unit: visit}; say use: one visit", unit)
		}
	}
	for _, o := range c.Outcomes {
		for _, of := range []struct {
			unit   table.Unit
			column string
		}{{table.PerLesion, o.Lesion}, {table.PerVisit, o.Visit}} {
			switch at := o.At.Get(string(of.unit)); {
			case of.column == "":
			case unit != of.unit:
				p.Add(at, "an outcome of each %s wants cohort: {unit: %[1]s}", of.unit)
			case o.Path == "":
				p.Add(at, "the patients table has a row a patient, and an outcome of each %s a table of its own, with path; where the patients table has a row a %[1]s, name the column under cohort", of.unit)
			}
		}
	}
}

// inTime refuses sources that are there only after the point at which an outcome is to be predicted.
func (c Config) inTime(p *settings.Problems) {
	line := c.Cohort.Timeline
	point := func(n *settings.Node, key, name string) int {
		i := slices.Index(line, name)
		if name != "" && i < 0 {
			at := n.Get(key)
			switch near := settings.Nearest(name, line); {
			case len(line) == 0:
				p.Add(at, "say the order of such points with cohort: {timeline: [imaging, surgery, …]}")
			case near != "":
				p.Add(at, "cohort.timeline has no point %q; did you mean %q?", name, near)
			default:
				p.Add(at, "cohort.timeline has no point %q; it has %v", name, line)
			}
		}
		return i
	}
	decisions := make([]int, len(c.Outcomes))
	for k, o := range c.Outcomes {
		decisions[k] = point(o.At, "decision", o.Decision)
	}
	for _, s := range c.Sources {
		available := point(s.At, "available", s.Available)
		for k, o := range c.Outcomes {
			if decisions[k] >= 0 && available > decisions[k] {
				p.Add(s.At.Get("available"), "source %s is there from %s on, after the decision on outcome %s at %s: it cannot predict it. Leave the source out, or judge that outcome in an experiment of its own",
					s.Name, s.Available, o.Name, o.Decision)
			}
		}
	}
}

// unique reports names that are taken twice.
func (c Config) unique(p *settings.Problems) {
	seen := map[string]bool{}
	for _, s := range c.Sources {
		if s.Name != "" && seen[s.Name] {
			p.Add(s.At, "two sources are named %q", s.Name)
		}
		seen[s.Name] = true
	}
	clear(seen)
	for _, o := range c.Outcomes {
		if o.Name != "" && seen[o.Name] {
			p.Add(o.At, "two outcomes are named %q", o.Name)
		}
		seen[o.Name] = true
	}
}

// outcomeColumns returns the columns that outcomes are made of, by the path of their table.
func (c Config) outcomeColumns(base string) map[string][]string {
	columns := map[string][]string{}
	for _, o := range slices.Concat(c.Outcomes, c.hidden) {
		columns[o.file(c, base)] = append(columns[o.file(c, base)], o.columns()...)
	}
	return columns
}

// file is the path of the table that holds the outcome.
func (o Outcome) file(c Config, base string) string {
	if o.Path != "" {
		return resolve(base, o.Path)
	}
	return resolve(base, c.Cohort.File)
}

// resolve makes a path of the configuration relative to the folder of its file.
func resolve(base, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, filepath.FromSlash(path))
}
