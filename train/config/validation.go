package config

import (
	"slices"
	"time"

	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/models/pipeline"
	"github.com/voxgene/voxgene/train/validate"
)

// Validation says how the procedure is judged.
type Validation struct {
	Scheme       string  `yaml:"scheme"`
	Folds        int     `yaml:"folds"`
	Repeats      int     `yaml:"repeats"`     // draws of a bootstrap
	InnerFolds   int     `yaml:"inner_folds"` // used where there is something to choose
	TestFraction float64 `yaml:"test_fraction"`
	FoldsFile    string  `yaml:"folds_file"` // CSV: patient, repeat, fold
	Time         string  `yaml:"time"`       // column by which time_split divides
	Level        float64 `yaml:"level"`      // of intervals
	Interval     string  `yaml:"interval"`   // corrected_t, or bootstrap over patients
	// Locked sets patients apart before anything is looked at; nil sets none apart.
	Locked *Locked `yaml:"locked"`
}

// Locked says which patients are set apart until voxgene evaluate --open-locked looks at them, once: a fraction, those of a file, or
// those of sites.
type Locked struct {
	Fraction float64  `yaml:"fraction"`
	Patients string   `yaml:"patients"` // CSV with a column of patients
	Sites    []string `yaml:"sites"`
}

func (l *Locked) check(site string, n *settings.Node, p *settings.Problems) {
	ways := 0
	for _, given := range []bool{l.Fraction != 0, l.Patients != "", len(l.Sites) > 0} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		p.Add(n, "want one of fraction, patients (a CSV) and sites")
	case l.Fraction < 0 || l.Fraction >= 1:
		p.Add(at(n, "fraction"), "want a fraction between 0 and 1, not %v", l.Fraction)
	case len(l.Sites) > 0 && site == "":
		p.Add(at(n, "sites"), "want cohort.site: the column that names each patient's site")
	}
}

func defaultValidation() Validation {
	return Validation{Folds: 5, Repeats: 5, InnerFolds: 5, TestFraction: 0.25, Level: 0.95}
}

var schemes = []string{string(validate.NestedCV), string(validate.CV), string(validate.LeaveOneSiteOut), string(validate.LeaveOneOut),
	string(validate.Bootstrap), string(validate.Holdout), string(validate.TimeSplit), string(validate.FoldsFile)}

// overPatients asks for intervals by samples of patients.
const overPatients = "bootstrap"

var intervals = []string{"corrected_t", overPatients}

// limits on how much work a file may ask for by one number.
const (
	maxFolds   = 100
	maxRepeats = 1000
)

func (e *Experiment) checkValidation(p *settings.Problems) {
	v := &e.Validation
	n := at(e.tree, "validation")
	if v.Scheme == "" {
		v.Scheme = string(validate.NestedCV)
		if v.FoldsFile != "" {
			v.Scheme = string(validate.FoldsFile)
		}
	}
	if !slices.Contains(schemes, v.Scheme) {
		if near := settings.Nearest(v.Scheme, schemes); near != "" {
			p.Add(at(n, "scheme"), "no validation scheme %q; did you mean %q?", v.Scheme, near)
		} else {
			p.Add(at(n, "scheme"), "no validation scheme %q; there are %v", v.Scheme, schemes)
		}
		return
	}
	scheme := validate.Scheme(v.Scheme)
	bounded := func(key string, value, low, high int) {
		if value < low || value > high {
			p.Add(at(n, key), "%d is not between %d and %d", value, low, high)
		}
	}
	bounded("folds", v.Folds, 2, maxFolds)
	bounded("repeats", v.Repeats, 1, maxRepeats)
	bounded("inner_folds", v.InnerFolds, 2, maxFolds)
	if !(v.TestFraction > 0 && v.TestFraction < 1) {
		p.Add(at(n, "test_fraction"), "want a fraction between 0 and 1, not %v", v.TestFraction)
	}
	if !(v.Level > 0.5 && v.Level < 1) {
		p.Add(at(n, "level"), "want a level between 0.5 and 1, such as 0.95, not %v", v.Level)
	}
	if v.Locked != nil {
		v.Locked.check(e.Config.Cohort.Site, at(n, "locked"), p)
	}
	if v.Interval != "" && !slices.Contains(intervals, v.Interval) {
		p.Add(at(n, "interval"), "no interval %q; there are %v", v.Interval, intervals)
	}
	if v.Interval == overPatients && scheme == validate.Bootstrap {
		p.Add(at(n, "interval"), "scheme bootstrap draws patients already, and its interval is of those draws")
	}
	// An option that the scheme does not use would be read and forgotten.
	used := map[string][]validate.Scheme{
		"folds":         {validate.NestedCV, validate.CV},
		"repeats":       {validate.NestedCV, validate.CV, validate.Bootstrap},
		"test_fraction": {validate.Holdout, validate.TimeSplit},
		"folds_file":    {validate.FoldsFile},
		"time":          {validate.TimeSplit},
	}
	for _, key := range []string{"folds", "repeats", "test_fraction", "folds_file", "time"} {
		if given := n.Get(key); given != nil && n.Path == "validation" && !slices.Contains(used[key], scheme) {
			p.Add(given, "scheme %s does not use it", scheme)
		}
	}
	if scheme == validate.FoldsFile && v.FoldsFile == "" {
		p.Add(n, "scheme folds_file wants folds_file: a CSV of patient, repeat, fold")
	}
	if scheme == validate.TimeSplit && v.Time == "" {
		p.Add(n, "scheme time_split wants time: the column by which patients are ordered")
	}
	if scheme == validate.LeaveOneSiteOut && e.Config.Cohort.Site == "" {
		p.Add(at(n, "scheme"), "leave_one_site_out wants cohort.site: the column that names each patient's site")
	}
	if scheme == validate.CV {
		for _, o := range e.Outcomes {
			choices := 0
			if slices.ContainsFunc(e.Pipeline, func(s pipeline.Spec) bool { return len(s.Search) > 0 }) {
				choices++
			}
			for _, m := range e.ModelsFor(o.Name, o.Kind) {
				choices++
				if m.Search != nil {
					choices++
				}
			}
			if choices > 1 {
				p.Add(at(n, "scheme"), "outcome %s has a choice to make between models, hyper-parameters or steps' options, and cv has no inner folds to make it in; use nested_cv", o.Name)
			}
		}
	}
}

// Design returns what the validation package needs; the folds of a file are added by the caller, who knows the patients.
func (v Validation) Design() validate.Design {
	return validate.Design{Scheme: validate.Scheme(v.Scheme), Folds: v.Folds, Repeats: v.Repeats, TestFraction: v.TestFraction, InnerFolds: v.InnerFolds,
		OverPatients: v.Interval == overPatients}
}

// Honest is what a run does to show that its headline could be nothing.
type Honest struct {
	Permutations Permutations `yaml:"permutations"`
	Baselines    []string     `yaml:"baselines"`
	Subgroups    []string     `yaml:"subgroups"` // columns by which the headline is broken down; auto is sex, age and site
	Budget       Duration     `yaml:"budget"`    // permutations are cut first
}

// Permutations is a number of permutations, or auto: 99 where all models are linear, 19 otherwise.
type Permutations struct {
	Auto   bool
	Number int
}

// DecodeNode reads auto or a number.
func (q *Permutations) DecodeNode(n *settings.Node, p *settings.Problems) {
	switch v := n.Any().(type) {
	case string:
		if v == "auto" {
			*q = Permutations{Auto: true}
			return
		}
	case int:
		if v >= 0 && v <= 100_000 {
			*q = Permutations{Number: v}
			return
		}
	}
	p.Add(n, "want auto, or a number from 0 (none) to 100000")
}

// Duration is a time written as 90s, 30m or 2h.
type Duration time.Duration

// DecodeNode reads a duration.
func (d *Duration) DecodeNode(n *settings.Node, p *settings.Problems) {
	s, ok := n.Any().(string)
	v, err := time.ParseDuration(s)
	if !ok || err != nil || v <= 0 {
		p.Add(n, "want a time such as 90s, 30m or 2h")
		return
	}
	*d = Duration(v)
}

func defaultHonest() Honest {
	return Honest{Permutations: Permutations{Auto: true}, Baselines: slices.Clone(baselines), Subgroups: []string{AutoSubgroups}}
}

// AutoSubgroups, in place of a column, stands for sex, age and site, as far as the cohort has them.
const AutoSubgroups = "auto"

// baselines that a model should beat: tumour volume alone, clinical columns alone, random numbers in place of the columns.
var baselines = []string{"volume", "clinical", "random"}

func (e *Experiment) checkHonest(p *settings.Problems) {
	n := at(e.tree, "honest")
	for _, b := range e.Honest.Baselines {
		if !slices.Contains(baselines, b) {
			p.Add(at(n, "baselines"), "no baseline %q; there are %v", b, baselines)
		}
	}
}

// Conformal asks for prediction sets: the classes that cannot be ruled out at a level.
type Conformal struct {
	Level float64 `yaml:"level,required"`
}
