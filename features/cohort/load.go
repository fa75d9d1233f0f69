package cohort

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
)

// Cohort is what an experiment learns from.
type Cohort struct {
	Table    *table.Table       // one row a unit, sorted by patient; columns source.column in order of sources
	Unit     table.Unit         // what a row is: a patient, or a lesion or visit of one
	Outcomes []clinical.Outcome // rows as in Table
	// KnownFrom holds, for each outcome, the full names of the columns that may not predict it.
	KnownFrom [][]string
	Sites     []string            // site of each row, "" where not known; nil when the cohort has none
	Batches   map[string][]string // of sources with a batch: its name for each row, "" where not known
	Flow      Flow
	// Contradictions are patients whose records fail a check of the configuration. They stay in.
	Contradictions []Exclusion
	Failures       []Exclusion // patients with a file that could not be used; the others went on
	Notes          []string    // what the report should mention

	// Warnings are what makes estimates doubtful, for the audit.
	Warnings []string

	// Again are other measurements of the rows of Table, a table a reader of a source, with missing values where a reader did not
	// measure. Lower are lower limits of intraclass correlations that were measured elsewhere, by full name of the column.
	Again []*table.Table
	Lower map[string]float64

	relearners []relearner

	// Crops are those of the sources that make them, in order of sources.
	Crops []Crops

	// Acquired is how the images of each row were made, by source.
	Acquired map[string]map[table.Key]extraction.Acquired
}

// Load reads the patients, every source and every outcome. Paths are relative to the folder base. Extractions run on the pool.
// A patient that a source lacks has missing values there and is listed in Flow; so is one whose files could not be used.
func Load(ctx context.Context, cfg Config, base string, pool work.Pool) (*Cohort, error) {
	cfg.Cohort.Unit = cmp.Or(cfg.Cohort.Unit, table.PerPatient)
	patients, err := readPatients(cfg, base)
	if err != nil {
		return nil, err
	}
	c := &Cohort{Unit: cfg.Cohort.Unit, Flow: patients.flow, Batches: map[string][]string{}, Acquired: map[string]map[table.Key]extraction.Acquired{}, Contradictions: patients.contradictions(cfg.Cohort.Checks)}
	c.Notes = append(c.Notes, countReasons(c.Contradictions)...)
	in := input{base: base, id: patients.id, patients: patients.list, unit: cfg.Cohort.Unit, pool: pool, outcomes: cfg.outcomeColumns(base)}
	tables := make([]*table.Table, len(cfg.Sources))
	all := make([]loaded, len(cfg.Sources))
	var problems []error
	for i, s := range cfg.Sources {
		l, err := s.loader.load(ctx, in)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: source %s: %w", s.At.Position(), s.Name, err))
			continue
		}
		tables[i], all[i] = l.table, l
		for _, w := range l.warnings {
			c.Warnings = append(c.Warnings, "source "+s.Name+": "+w)
		}
		if l.relearn != nil {
			c.relearners = append(c.relearners, l.relearn)
		}
		if crops := s.crops(l); crops != nil {
			c.Crops = append(c.Crops, *crops)
		}
		if l.acquired != nil {
			c.Acquired[s.Name] = l.acquired
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	rows, err := c.cover(cfg, patients.list, all)
	if err != nil {
		return nil, err
	}
	c.Table, err = table.Join(rows, tables...)
	if err != nil {
		return nil, err
	}
	for i, s := range cfg.Sources {
		for _, again := range all[i].again {
			joined, err := table.Join(rows, again)
			if err != nil {
				return nil, fmt.Errorf("source %s: readers: %w", s.Name, err)
			}
			c.Again = append(c.Again, joined)
		}
		if err := c.readStability(s.Common, base); err != nil {
			return nil, fmt.Errorf("source %s: stability: %w", s.Name, err)
		}
	}
	at := patients.rows(rows)
	if c.Sites, err = patients.sites(cfg.Cohort.Site, at, rows); err != nil {
		return nil, err
	}
	for _, s := range cfg.Sources {
		if s.Batch != "" {
			c.Batches[s.Name] = patients.column(s.Batch, at)
			if cfg.BatchColumns {
				if err := c.addBatch(s.Name); err != nil {
					return nil, err
				}
			}
		}
	}
	return c, c.outcomes(cfg, base, patients, at)
}

// countReasons counts contradictions by what contradicts what, and names no patient.
func countReasons(list []Exclusion) []string {
	count := map[string]int{}
	var order []string
	for _, e := range list {
		if count[e.Reason]++; count[e.Reason] == 1 {
			order = append(order, e.Reason)
		}
	}
	for i, reason := range order {
		order[i] = fmt.Sprintf("contradiction: %s, of %d patients", reason, count[reason])
		if count[reason] == 1 {
			order[i] = "contradiction: " + reason + ", of 1 patient"
		}
	}
	return order
}

// addBatch adds the column source.batch.
func (c *Cohort) addBatch(source string) error {
	names := c.Batches[source]
	levels := slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(names))), func(s string) bool { return s == "" })
	values := make([]float64, len(names))
	for i, n := range names {
		values[i] = math.NaN()
		if n != "" {
			values[i] = float64(slices.Index(levels, n))
		}
	}
	return c.Table.Add(table.Column{Name: source + ".batch", Source: source, Group: "batch", Kind: table.Categorical, Levels: levels}, values)
}

// cover fills the account of sources and returns the rows: patients that at least one source has, or the lesions or visits of them that
// at least one source tells apart.
func (c *Cohort) cover(cfg Config, listed []string, all []loaded) ([]table.Key, error) {
	c.Flow.Unlisted = map[string]int{}
	covered := map[string]bool{}
	rows := map[table.Key]bool{}
	apart := false // whether a source tells lesions or visits apart
	for i, s := range cfg.Sources {
		l := all[i]
		have := map[string]bool{}
		for _, k := range l.table.Keys {
			have[k.Patient] = true
			apart = apart || c.Unit.Within(k) != ""
			if _, ok := slices.BinarySearch(listed, k.Patient); ok && c.Unit.Within(k) != "" {
				rows[k] = true
			}
			if _, ok := slices.BinarySearch(listed, k.Patient); !ok {
				c.Flow.Unlisted[s.Name]++
			}
		}
		reason := map[string]string{}
		for _, e := range slices.Concat(l.absent, l.failures) {
			reason[e.Patient] = e.Reason
		}
		p := Presence{Name: s.Name}
		for _, id := range listed {
			switch {
			case have[id]:
				p.Have++
				covered[id] = true
			case reason[id] != "":
				p.Missing = append(p.Missing, Exclusion{id, reason[id]})
			default:
				p.Missing = append(p.Missing, Exclusion{id, "not in the file"})
			}
		}
		c.Flow.Sources = append(c.Flow.Sources, p)
		for _, f := range l.failures {
			c.Failures = append(c.Failures, Exclusion{f.Patient, "source " + s.Name + ": " + f.Reason})
		}
		for _, n := range l.notes {
			c.Notes = append(c.Notes, "source "+s.Name+": "+n)
		}
		if p.Have == 0 {
			c.Notes = append(c.Notes, fmt.Sprintf("source %s has none of the %d patients listed%s", s.Name, len(listed), otherNames(l.table)))
		}
	}
	if c.Unit != table.PerPatient && !apart {
		return nil, fmt.Errorf("cohort.unit is %s, and no source tells %s apart: a table does with %[1]s: COLUMN, %[3]s", c.Unit, c.Unit.Plural(),
			map[table.Unit]string{table.PerLesion: "images with lesions: {from: components} or labels, without an aggregate", table.PerVisit: "images with visits: {each: [baseline, …]}"}[c.Unit])
	}
	whole := map[string]bool{} // patients of whom a lesion or visit is there
	for k := range rows {
		whole[k.Patient] = true
	}
	var out []table.Key
	for _, id := range listed {
		switch {
		case !covered[id]:
			c.Flow.Excluded = append(c.Flow.Excluded, Exclusion{id, "no source has the patient"})
		case c.Unit == table.PerPatient:
			out = append(out, table.Key{Patient: id})
			c.Flow.Patients++
		case !whole[id]:
			c.Flow.Excluded = append(c.Flow.Excluded, Exclusion{id, "no source has a " + string(c.Unit) + " of the patient"})
		default:
			c.Flow.Patients++
		}
	}
	if c.Unit != table.PerPatient {
		out = slices.SortedFunc(maps.Keys(rows), table.CompareKeys)
	}
	c.Flow.Unit, c.Flow.Rows = c.Unit, len(out)
	return out, nil
}

func otherNames(t *table.Table) string {
	if len(t.Keys) == 0 {
		return ""
	}
	return fmt.Sprintf("; its first is named %q: an id_pattern can cut the patient out", t.Keys[0].Patient)
}

// outcomes reads the outcomes of the rows of the table. at holds, for each row, its row in the patients table.
func (c *Cohort) outcomes(cfg Config, base string, patients *patientList, at []int) error {
	var problems []error
	for _, o := range cfg.Outcomes {
		texts, rows := patients.texts, at
		if o.Path != "" {
			var err error
			texts, err = readTexts(resolve(base, o.Path), table.Options{Key: o.ID, Visit: o.Visit, Lesion: o.Lesion, Columns: o.columns(), Missing: cfg.Cohort.Missing})
			if err != nil {
				problems = append(problems, fmt.Errorf("outcome %s: %w", o.Name, err))
				continue
			}
			if rows, err = rowsOf(texts, c.Table.Keys, c.Unit); err != nil {
				problems = append(problems, fmt.Errorf("outcome %s: %w", o.Name, err))
				continue
			}
		}
		made, p, err := o.make(texts, rows, c.Table.Keys)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		known, err := c.knownFrom(cfg, base, o)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		c.Outcomes = append(c.Outcomes, made)
		c.KnownFrom = append(c.KnownFrom, known)
		c.Flow.Outcomes = append(c.Flow.Outcomes, p)
	}
	return errors.Join(problems...)
}

// make makes the outcome of rows of a table of texts; a row of -1 is not there.
func (o Outcome) make(texts *table.Texts, rows []int, keys []table.Key) (clinical.Outcome, Presence, error) {
	pick := func(name string) []string {
		if name == "" {
			return nil
		}
		column := texts.Column(name)
		out := make([]string, len(rows))
		for i, r := range rows {
			if r >= 0 {
				out[i] = column[r]
			}
		}
		return out
	}
	p := Presence{Name: o.Name}
	var made clinical.Outcome
	var notes []clinical.RowNote
	var err error
	if o.Kind == clinical.Class {
		made, err = clinical.NewClass(o.Name, pick(o.Column), clinical.Classes{Map: o.Map, Only: o.Classes, Positive: o.Positive})
		for i, k := range made.Class {
			if k < 0 {
				notes = append(notes, clinical.RowNote{Row: i, Text: "no class"})
			}
		}
	} else {
		time := pick(o.Time)
		if o.From != "" {
			ends := make([][]string, len(o.To))
			for i, column := range o.To {
				ends[i] = pick(column)
			}
			if time, err = clinical.TimesBetween(pick(o.From), ends, o.Dates, o.Unit); err != nil {
				return made, p, fmt.Errorf("%s: outcome %s: %w", texts.File, o.Name, err)
			}
		}
		made, notes, err = clinical.NewSurvival(o.Name, clinical.FollowUp{Time: time, Event: pick(o.Event), Entry: pick(o.Entry),
			Codes: o.Codes, Unit: o.Unit, Origin: o.Origin})
	}
	if err != nil {
		return made, p, fmt.Errorf("%s: %w", texts.File, err)
	}
	p.Have = len(keys) - len(notes)
	for _, n := range notes {
		p.Missing = append(p.Missing, Exclusion{keys[n.Row].Patient, n.Text})
	}
	return made, p, nil
}

// knownFrom returns the columns that may not predict an outcome: those named, and those read from the very cells that it is made
// of. A name that fits no column is an error, because a misspelt one would let the outcome predict itself.
func (c *Cohort) knownFrom(cfg Config, base string, o Outcome) ([]string, error) {
	file := o.file(cfg, base)
	own := map[string]bool{}
	for _, s := range cfg.Sources {
		if t, ok := s.loader.(*tableSource); ok && resolve(base, t.Path) == file {
			for _, column := range o.columns() {
				own[s.Name+"."+column] = true
			}
		}
	}
	used := make([]bool, len(o.KnownFrom))
	var known []string
	for _, col := range c.Table.Columns {
		is := own[col.Name]
		_, bare, _ := strings.Cut(col.Name, ".")
		for k, pattern := range o.KnownFrom {
			if table.Match(pattern, col.Name) || table.Match(pattern, bare) {
				is, used[k] = true, true
			}
		}
		if is {
			known = append(known, col.Name)
		}
	}
	for k, ok := range used {
		if !ok {
			return nil, fmt.Errorf("%s: outcome %s: known_from: no column has the form %q", o.At.Position(), o.Name, o.KnownFrom[k])
		}
	}
	return known, nil
}
