package cohort

import (
	"fmt"
	"maps"
	"slices"

	"github.com/voxgene/voxgene/features/table"
)

// patientList is the patients table as read.
type patientList struct {
	texts *table.Texts
	id    string            // column of patients
	list  []string          // patients that are not excluded, sorted
	row   map[table.Key]int // of every patient listed, or of every lesion or visit where the table has a row for each
	unit  table.Unit        // of its rows
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
	o := table.Options{Key: cfg.Cohort.ID, KeyPattern: cfg.Cohort.IDPattern.Regexp, Lesion: cfg.Cohort.Lesion, Visit: cfg.Cohort.Visit, Columns: want, Missing: cfg.Cohort.Missing}
	if len(want) == 0 {
		o.Drop = []string{"*"}
	}
	texts, err := readTexts(path, o)
	if err != nil {
		return nil, fmt.Errorf("cohort: %w", err)
	}
	p := &patientList{texts: texts, id: cfg.Cohort.ID, row: map[table.Key]int{}, unit: table.PerPatient}
	if cfg.Cohort.Lesion != "" || cfg.Cohort.Visit != "" {
		p.unit = cfg.Cohort.Unit
	}
	for i, k := range texts.Keys {
		k = p.unit.Of(k)
		if before, ok := p.row[k]; ok {
			return nil, fmt.Errorf("cohort: %s: patient %s is on lines %d and %d; one row a %s is wanted%s", path, p.unit.Describe(k), texts.Lines[before], texts.Lines[i], p.unit, apart(cfg.Cohort.Unit, k))
		}
		p.row[k] = i
		p.list = append(p.list, k.Patient)
	}
	slices.Sort(p.list) // so that the order of the file decides nothing
	p.list = slices.Compact(p.list)
	p.flow.Listed = len(p.list)
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
	listed := slices.Clone(p.list)
	for i, k := range t.Keys {
		reason := t.Cells[0][i]
		if reason == "" {
			return fmt.Errorf("exclude: %s, line %d: say why the patient is left out", path, t.Lines[i])
		}
		if _, ok := slices.BinarySearch(listed, k.Patient); !ok {
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
	rows := slices.SortedFunc(maps.Keys(p.row), table.CompareKeys)
	for _, c := range checks {
		where, then := p.texts.Column(c.Where.Column), p.texts.Column(c.Then.Column)
		for _, k := range rows {
			id, i := k.Patient, p.row[k]
			if _, in := slices.BinarySearch(p.list, id); !in {
				continue
			}
			if slices.Contains(c.Where.Is, where[i]) && then[i] != "" && !slices.Contains(c.Then.Is, then[i]) {
				out = append(out, Exclusion{id, fmt.Sprintf("%s is %q and %s is %q", c.Where.Column, where[i], c.Then.Column, then[i])})
			}
		}
	}
	return out
}

// rows returns the row in the patients table of each of these keys, or of its patient; -1 for a lesion or visit that it does not list.
func (p *patientList) rows(keys []table.Key) []int {
	at := make([]int, len(keys))
	for i, k := range keys {
		row, ok := p.row[p.unit.Of(k)]
		if !ok {
			row = -1
		}
		at[i] = row
	}
	return at
}

// sites are those of these rows, nil where the cohort names none. A patient has one, because a fold that leaves a site out leaves out
// whole patients.
func (p *patientList) sites(name string, at []int, keys []table.Key) ([]string, error) {
	sites := p.column(name, at)
	of := map[string]string{}
	for i, s := range sites {
		if at[i] < 0 {
			continue // a lesion or visit that the table does not list
		}
		if before, ok := of[keys[i].Patient]; ok && before != s {
			return nil, fmt.Errorf("cohort: patient %s is of the sites %q and %q; a patient has one", keys[i].Patient, before, s)
		}
		of[keys[i].Patient] = s
	}
	for i := range sites {
		sites[i] = of[keys[i].Patient]
	}
	return sites, nil
}

// column returns the cells of a column for these rows, or nil when no column is named.
func (p *patientList) column(name string, at []int) []string {
	if name == "" {
		return nil
	}
	cells := p.texts.Column(name)
	out := make([]string, len(at))
	for i, r := range at {
		if r >= 0 {
			out[i] = cells[r]
		}
	}
	return out
}

// rowsOf returns the row of each key in a table of texts, -1 where it has none. A table that does not tell lesions or visits apart has one
// row a patient, which is that of all of them.
func rowsOf(t *table.Texts, keys []table.Key, unit table.Unit) ([]int, error) {
	row := map[table.Key]int{}
	for i, k := range t.Keys {
		k = unit.Of(k)
		if before, ok := row[k]; ok {
			return nil, fmt.Errorf("%s: %s is on lines %d and %d; one row is wanted%s", t.File, unit.Describe(k), t.Lines[before], t.Lines[i], apart(unit, k))
		}
		row[k] = i
	}
	at := make([]int, len(keys))
	for i, k := range keys {
		r, ok := table.Lookup(row, k)
		if !ok {
			r = -1
		}
		at[i] = r
	}
	return at, nil
}

// apart says how a table is told to have a row a lesion or visit, where a row of it names none.
func apart(unit table.Unit, k table.Key) string {
	if unit == table.PerPatient || unit.Within(k) != "" {
		return ""
	}
	return fmt.Sprintf("; where it has a row a %s, name its column with %[1]s: COLUMN", unit)
}
