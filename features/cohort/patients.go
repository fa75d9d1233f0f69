package cohort

import (
	"fmt"
	"slices"

	"github.com/voxgene/voxgene/features/table"
)

// patientList is the patients table as read.
type patientList struct {
	texts *table.Texts
	id    string         // column of patients
	list  []string       // patients that are not excluded, sorted
	row   map[string]int // of every patient listed
	flow  Flow
}

// readPatients reads the patients table: identifiers, and the columns that sites, batches and outcomes need.
func readPatients(cfg Config, base string) (*patientList, error) {
	path := resolve(base, cfg.Cohort.File)
	var want []string
	need := func(column string) {
		if column != "" && !slices.Contains(want, column) {
			want = append(want, column)
		}
	}
	need(cfg.Cohort.Site)
	for _, c := range cfg.Cohort.Checks {
		need(c.Where.Column)
		need(c.Then.Column)
	}
	for _, s := range cfg.Sources {
		need(s.Batch)
	}
	for _, o := range cfg.Outcomes {
		if o.Path == "" {
			for _, column := range o.columns() {
				need(column)
			}
		}
	}
	o := table.Options{Key: cfg.Cohort.ID, KeyPattern: cfg.Cohort.IDPattern.Regexp, Columns: want, Missing: cfg.Cohort.Missing}
	if len(want) == 0 {
		o.Drop = []string{"*"}
	}
	texts, err := readTexts(path, o)
	if err != nil {
		return nil, fmt.Errorf("cohort: %w", err)
	}
	p := &patientList{texts: texts, id: cfg.Cohort.ID, row: map[string]int{}}
	for i, k := range texts.Keys {
		if before, ok := p.row[k.Patient]; ok {
			return nil, fmt.Errorf("cohort: %s: patient %s is on lines %d and %d; one row a patient is wanted", path, k.Patient, texts.Lines[before], texts.Lines[i])
		}
		p.row[k.Patient] = i
		p.list = append(p.list, k.Patient)
	}
	p.flow.Listed = len(p.list)
	slices.Sort(p.list) // so that the order of the file decides nothing
	if cfg.Cohort.Exclude == "" {
		return p, nil
	}
	return p, p.exclude(resolve(base, cfg.Cohort.Exclude), cfg.Cohort.ID)
}

// exclude leaves out the patients of a file with columns for the patient and the reason.
func (p *patientList) exclude(path, id string) error {
	names, err := table.Header(path)
	if err != nil {
		return fmt.Errorf("exclude: %w", err)
	}
	if !slices.Contains(names, id) {
		id = ""
	}
	t, err := readTexts(path, table.Options{Key: id, Columns: []string{"reason"}})
	if err != nil {
		return fmt.Errorf("exclude: %w", err)
	}
	reasons := map[string]string{}
	for i, k := range t.Keys {
		reason := t.Cells[0][i]
		if reason == "" {
			return fmt.Errorf("exclude: %s, line %d: say why the patient is left out", path, t.Lines[i])
		}
		if _, ok := p.row[k.Patient]; !ok {
			return fmt.Errorf("exclude: %s, line %d: %s is not in the patients table", path, t.Lines[i], k.Patient)
		}
		reasons[k.Patient] = reason
	}
	p.list = slices.DeleteFunc(p.list, func(id string) bool {
		reason, out := reasons[id]
		if out {
			p.flow.Excluded = append(p.flow.Excluded, Exclusion{id, reason})
		}
		return out
	})
	return nil
}

// contradictions lists the patients whose records disagree with themselves.
func (p *patientList) contradictions(checks []Check) []Exclusion {
	var out []Exclusion
	for _, c := range checks {
		where, then := p.texts.Column(c.Where.Column), p.texts.Column(c.Then.Column)
		for _, id := range p.list {
			i := p.row[id]
			if slices.Contains(c.Where.Is, where[i]) && then[i] != "" && !slices.Contains(c.Then.Is, then[i]) {
				out = append(out, Exclusion{id, fmt.Sprintf("%s is %q and %s is %q", c.Where.Column, where[i], c.Then.Column, then[i])})
			}
		}
	}
	return out
}

// rows returns the row in the patients table of each of these patients.
func (p *patientList) rows(patients []string) []int {
	at := make([]int, len(patients))
	for i, id := range patients {
		at[i] = p.row[id]
	}
	return at
}

// column returns the cells of a column for these rows, or nil when no column is named.
func (p *patientList) column(name string, at []int) []string {
	if name == "" {
		return nil
	}
	cells := p.texts.Column(name)
	out := make([]string, len(at))
	for i, r := range at {
		out[i] = cells[r]
	}
	return out
}

// rowsOf returns the row of each key in a table of texts, -1 where it has none.
func rowsOf(t *table.Texts, keys []table.Key) ([]int, error) {
	row := map[string]int{}
	for i, k := range t.Keys {
		if before, ok := row[k.Patient]; ok {
			return nil, fmt.Errorf("%s: patient %s is on lines %d and %d; one row a patient is wanted", t.File, k.Patient, t.Lines[before], t.Lines[i])
		}
		row[k.Patient] = i
	}
	at := make([]int, len(keys))
	for i, k := range keys {
		r, ok := row[k.Patient]
		if !ok {
			r = -1
		}
		at[i] = r
	}
	return at, nil
}
