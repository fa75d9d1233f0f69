package cohort

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
)

// measurementSource is what structured reports of DICOM say of lesions (TID 1500): numbers, and evaluations in coded terms. A patient may
// have several reports and groups; what they call by one name has to agree, and a patient in whom it does not is listed.
type measurementSource struct {
	Common
	Path      string   `yaml:"path,required"` // a folder, searched with those below it, or one file
	IDPattern Pattern  `yaml:"id_pattern"`    // cuts the patient out of the report's PatientID
	Groups    groupsBy `yaml:"groups"`
	patients  map[string]*reported
	units     map[string]stated // of each measurement
}

// groupsBy says what stands before the names of a group's columns, so that several groups of a patient can be told apart.
type groupsBy string

// DecodeNode reads the word and checks it.
func (g *groupsBy) DecodeNode(n *settings.Node, p *settings.Problems) {
	var s string
	settings.Decode(n, &s, p)
	if *g = groupsBy(s); !slices.Contains([]string{"finding", "site", "tracking", "none"}, s) {
		p.Add(n, "groups are told apart by finding, site, tracking or none, not %q", s)
	}
}

// name puts what tells a group apart before a name; a group that does not say it has the bare name.
func (g groupsBy) name(of *clinical.MeasurementGroup, name string) string {
	before := of.Finding
	switch g {
	case "site":
		before = of.Site
	case "tracking":
		before = of.Tracking
	case "none":
		return name
	}
	if before == "" {
		return name
	}
	return before + ": " + name
}

// reported is what all reports of one patient say.
type reported struct {
	numbers map[string]float64
	answers map[string][]string
	from    map[string]string // of each name, where it was read first
	against map[string]string // of each name, how it contradicts itself
}

// stated is a unit and where it was read.
type stated struct{ unit, from string }

func (s *measurementSource) load(_ context.Context, in input) (loaded, error) {
	var l loaded
	s.patients, s.units = map[string]*reported{}, map[string]stated{}
	reports := 0
	root := resolve(in.base, s.Path)
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		r, err := clinical.ReadMeasurementReport(path)
		if errors.Is(err, dicom.ErrNotDICOM) || errors.Is(err, dicom.ErrNotReport) {
			return nil
		}
		reports++
		if err != nil {
			l.failures = append(l.failures, Exclusion{strings.TrimSuffix(filepath.Base(path), ".dcm"), err.Error()})
			return nil
		}
		if s.IDPattern.Regexp != nil {
			found := s.IDPattern.FindStringSubmatch(r.Patient)
			if found == nil {
				return fmt.Errorf("%s: patient %q has not the form %s", path, r.Patient, s.IDPattern)
			}
			r.Patient = found[min(1, len(found)-1)]
		}
		return s.add(path, &r)
	})
	if err != nil {
		return l, err
	}
	if reports == 0 {
		return l, fmt.Errorf("%s holds no structured report of DICOM", root)
	}
	names := slices.Sorted(maps.Keys(s.patients))
	if l.table, err = s.columns(names); err != nil {
		return l, err
	}
	if err := s.choose(l.table); err != nil {
		return l, err
	}
	var keep []int
	for i, p := range names {
		if why := s.contradictions(p, l.table); why != "" {
			l.failures = append(l.failures, Exclusion{p, why})
			continue
		}
		keep = append(keep, i)
	}
	l.table = l.table.Select(keep)
	return l, nil
}

// add keeps what a report says, and what contradicts what was read before.
func (s *measurementSource) add(path string, r *clinical.MeasurementReport) error {
	p := s.patients[r.Patient]
	if p == nil {
		p = &reported{map[string]float64{}, map[string][]string{}, map[string]string{}, map[string]string{}}
		s.patients[r.Patient] = p
	}
	for k := range r.Groups {
		g := &r.Groups[k]
		for _, m := range g.Measurements {
			name, at := s.Groups.name(g, m.Label), path+", content item "+m.At
			if math.IsNaN(m.Value) || !s.takes(name) { // what is dropped may be in any unit
				continue
			}
			if u, ok := s.units[name]; ok && u.unit != m.Unit {
				return fmt.Errorf("%s is in %q at %s and in %q at %s: drop it, or bring both to one unit", name, u.unit, u.from, m.Unit, at)
			} else if !ok {
				s.units[name] = stated{m.Unit, at}
			}
			if before, ok := p.numbers[name]; !ok {
				p.numbers[name], p.from[name] = m.Value, at
			} else if before != m.Value && p.against[name] == "" {
				p.against[name] = fmt.Sprintf("%s is %g at %s and %g at %s", name, before, p.from[name], m.Value, at)
			}
		}
		answers := map[string][]string{}
		for _, e := range g.Evaluations {
			if name := s.Groups.name(g, e.Label); !slices.Contains(answers[name], e.Meaning) {
				answers[name] = append(answers[name], e.Meaning)
			}
		}
		at := path + ", content item " + g.At
		for _, name := range slices.Sorted(maps.Keys(answers)) {
			now := slices.Sorted(slices.Values(answers[name]))
			if before, ok := p.answers[name]; !ok {
				p.answers[name], p.from[name] = now, at
			} else if !slices.Equal(before, now) && p.against[name] == "" {
				p.against[name] = fmt.Sprintf("%s is %q at %s and %q at %s", name, before, p.from[name], now, at)
			}
		}
	}
	return nil
}

// takes reports whether a measurement is among the columns that the source is asked for.
func (s *measurementSource) takes(name string) bool {
	return (len(s.Columns) == 0 || table.MatchAny(s.Columns, name)) && !table.MatchAny(s.Drop, name)
}

// columns makes the measurements, sorted, and the evaluations after them.
func (s *measurementSource) columns(patients []string) (*table.Table, error) {
	answers := map[string]map[string][]string{}
	for _, p := range patients {
		answers[p] = s.patients[p].answers
		for name := range answers[p] {
			if u, ok := s.units[name]; ok {
				return nil, fmt.Errorf("%s is a measurement at %s and words at %s", name, u.from, s.patients[p].from[name])
			}
		}
	}
	t := table.New(patientKeys(patients))
	for _, name := range slices.Sorted(maps.Keys(s.units)) {
		v := make([]float64, len(patients))
		for i, p := range patients {
			x, ok := s.patients[p].numbers[name]
			if v[i] = x; !ok {
				v[i] = math.NaN()
			}
		}
		column := table.Column{Name: s.Name + "." + name, Source: s.Name, Group: s.Group, Unit: s.units[name].unit, Kind: table.Numeric}
		if err := t.Add(column, v); err != nil {
			return nil, err
		}
	}
	return t, s.answers(t, answers)
}

// contradictions says which of the chosen columns a patient's reports disagree on.
func (s *measurementSource) contradictions(patient string, t *table.Table) string {
	against := s.patients[patient].against
	var all []string
	for _, name := range slices.Sorted(maps.Keys(against)) {
		for _, c := range t.Columns {
			bare := strings.TrimPrefix(c.Name, s.Name+".")
			if bare == name || c.Kind == table.Categorical && strings.HasPrefix(bare, name+": ") {
				all = append(all, against[name])
				break
			}
		}
	}
	if all == nil {
		return ""
	}
	return strings.Join(all, "; ") + ": tell the groups apart (groups: site or tracking), or leave one report out"
}
