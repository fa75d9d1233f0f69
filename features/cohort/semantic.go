package cohort

import (
	"context"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
)

// aimSource is what radiologists said of lesions, one AIM annotation a patient. A question with one answer a patient is a categorical
// column; one with several answers becomes a column for each answer, "question: answer", with the levels no and yes.
type aimSource struct {
	Common
	Path      string  `yaml:"path,required"` // a folder of .xml, or a pattern of paths
	IDPattern Pattern `yaml:"id_pattern"`    // cuts the patient out of the annotation's
}

func (s *aimSource) load(_ context.Context, in input) (loaded, error) {
	path := resolve(in.base, s.Path)
	if filepath.Ext(path) != ".xml" {
		path = filepath.Join(path, "*.xml")
	}
	files, err := filepath.Glob(path)
	if err != nil || len(files) == 0 {
		return loaded{}, fmt.Errorf("there is no file of the form %s", path)
	}
	slices.Sort(files)
	var l loaded
	answers := map[string]map[string][]string{} // of each patient, by question
	from := map[string]string{}
	for _, f := range files {
		r, err := clinical.ReadAIM(f)
		if err != nil {
			l.failures = append(l.failures, Exclusion{strings.TrimSuffix(filepath.Base(f), ".xml"), err.Error()})
			continue
		}
		patient := r.Patient
		if s.IDPattern.Regexp != nil {
			found := s.IDPattern.FindStringSubmatch(patient)
			if found == nil {
				return l, fmt.Errorf("%s: patient %q has not the form %s", f, patient, s.IDPattern)
			}
			patient = found[min(1, len(found)-1)]
		}
		if before, ok := from[patient]; ok {
			return l, fmt.Errorf("%s and %s are both of patient %s; keep one", before, f, patient)
		}
		from[patient] = f
		answers[patient] = map[string][]string{}
		for _, x := range r.Findings {
			if !slices.Contains(answers[patient][x.Label], x.Meaning) {
				answers[patient][x.Label] = append(answers[patient][x.Label], x.Meaning)
			}
		}
	}
	l.table = table.New(patientKeys(slices.Sorted(maps.Keys(answers))))
	if err := s.answers(l.table, answers); err != nil {
		return l, err
	}
	return l, s.choose(l.table)
}

// answers adds the columns of all questions, sorted. answers are those of each patient by question; the table's rows are of patients.
func (s *Common) answers(t *table.Table, answers map[string]map[string][]string) error {
	levels := map[string][]string{}
	several := map[string]bool{}
	for _, of := range answers {
		for label, list := range of {
			levels[label] = append(levels[label], list...)
			several[label] = several[label] || len(list) > 1
		}
	}
	add := func(name string, levels []string, value func(answers []string) float64, label string) error {
		v := make([]float64, len(t.Keys))
		for i, k := range t.Keys {
			v[i] = math.NaN()
			if list := answers[k.Patient][label]; list != nil {
				v[i] = value(list)
			}
		}
		return t.Add(table.Column{Name: s.Name + "." + name, Source: s.Name, Group: s.Group, Kind: table.Categorical, Levels: levels}, v)
	}
	for _, label := range slices.Sorted(maps.Keys(levels)) {
		all := slices.Compact(slices.Sorted(slices.Values(levels[label])))
		if !several[label] {
			if err := add(label, all, func(list []string) float64 { return float64(slices.Index(all, list[0])) }, label); err != nil {
				return err
			}
			continue
		}
		for _, answer := range all {
			has := func(list []string) float64 {
				if slices.Contains(list, answer) {
					return 1
				}
				return 0
			}
			if err := add(label+": "+answer, []string{"no", "yes"}, has, label); err != nil {
				return err
			}
		}
	}
	return nil
}
