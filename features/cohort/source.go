package cohort

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
)

// Source is an element of the sources block: where a part of the feature table comes from.
type Source struct {
	At *settings.Node
	Common
	loader loader
}

// Common are the keys that every kind of source has.
type Common struct {
	Name    string   `yaml:"name,required"`
	Kind    string   `yaml:"kind,required"`
	Group   string   `yaml:"group"`   // clinical, imaging, gene, or the user's own; the kind decides where it is not said
	Columns []string `yaml:"columns"` // names or patterns of the columns to take; nil takes all
	Drop    []string `yaml:"drop"`    // names or patterns to leave out
	// Available is the point of the cohort's timeline from which on the source is there; empty where it is not said.
	Available string `yaml:"available"`
	Batch     string `yaml:"batch"` // column of the patients table that names the batch: scanner, plate
	// Stability is a table of extract --perturb (feature, low): how well each column lasts, measured on patients of its own.
	Stability string `yaml:"stability"`
}

// loader is one kind of source with its options. Its table has rows of patients (several only if it aggregates) and columns
// named source.column.
type loader interface {
	common() *Common
	load(ctx context.Context, in input) (loaded, error)
}

// input is what a source may look at.
type input struct {
	base     string   // folder of the configuration
	id       string   // the cohort's column of patients, tried where a source names none
	patients []string // sorted
	unit     table.Unit
	pool     work.Pool
	// outcomes are the columns, by file, that outcomes are made of: never features unless a source names them.
	outcomes map[string][]string
}

// loaded is what became of a source.
type loaded struct {
	table    *table.Table
	failures []Exclusion                       // patients whose files are there and could not be used
	absent   []Exclusion                       // patients the source has nothing of, where it can say more than that
	notes    []string                          // what the report should mention
	warnings []string                          // what makes estimates doubtful
	again    []*table.Table                    // other measurements of the same patients: by each of several readers
	crops    map[table.Key][]float32           // of rows, where the source makes them for networks
	relearn  relearner                         // makes the table anew from what some patients teach; nil where nothing is learned
	acquired map[table.Key]extraction.Acquired // how the images of each row were made
}

func (c *Common) common() *Common { return c }

// named returns an error where a table that tells lesions or visits apart, by one of these columns, leaves some without a name.
func (in input) named(t *table.Table, lesion, visit string) error {
	if in.unit == table.PerLesion && lesion == "" || in.unit == table.PerVisit && visit == "" || in.unit == table.PerPatient {
		return nil
	}
	n, first := 0, ""
	for _, k := range t.Keys {
		if in.unit.Within(k) == "" {
			if n++; n == 1 {
				first = k.Patient
			}
		}
	}
	if n > 0 {
		return fmt.Errorf("%d rows have no %s, the first of patient %s; each row is one where cohort.unit is %[2]s", n, in.unit, first)
	}
	return nil
}

// kinds are the kinds of source and their groups.
var kinds = map[string]struct {
	group string
	new   func() loader
}{
	"images":             {"imaging", func() loader { return &imageSource{} }},
	"deep":               {"imaging", func() loader { return &imageSource{} }},
	"table":              {"", func() loader { return &tableSource{} }},
	"aim":                {"semantic", func() loader { return &aimSource{} }},
	"measurement_report": {"semantic", func() loader { return &measurementSource{} }},
	"copy_number":        {"gene", func() loader { return &copyNumberSource{} }},
	"expression":         {"gene", func() loader { return &expressionSource{} }},
	"mutations":          {"gene", func() loader { return &mutationSource{} }},
}

// Kinds returns the names of the kinds of source, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }

// DecodeNode reads a source; which keys it may have depends on its kind.
func (s *Source) DecodeNode(n *settings.Node, p *settings.Problems) {
	s.At = n
	if !n.IsMap() {
		p.Add(n, "want a mapping: {name: clinical, kind: table, path: …}")
		return
	}
	at, name := n, ""
	if k := n.Get("kind"); k != nil {
		at = k
		settings.Decode(k, &name, p)
	}
	kind, ok := kinds[name]
	if !ok {
		if near := settings.Nearest(name, Kinds()); near != "" && name != "" {
			p.Add(at, "no kind of source is named %q; did you mean %q?", name, near)
		} else {
			p.Add(at, "a source has a kind: %s", strings.Join(Kinds(), ", "))
		}
		return
	}
	s.loader = kind.new()
	settings.Decode(n, s.loader, p)
	s.Common = *s.loader.common()
	if s.Group == "" {
		s.Group = kind.group
		if s.Group == "" {
			s.Group = s.Name
		}
		s.loader.common().Group = s.Group
	}
	if strings.ContainsAny(s.Name, ".*?[] ,") {
		p.Add(n.Get("name"), "a name of a source has no dot, blank or wildcard, because columns are named source.column")
	}
}

// choose applies columns and drop to a table whose columns are named source.column. The table kind does this while it reads.
func (c *Common) choose(t *table.Table) error {
	out := table.New(t.Keys)
	used := make([]bool, len(c.Columns))
	for j, col := range t.Columns {
		bare := strings.TrimPrefix(col.Name, c.Name+".")
		take := len(c.Columns) == 0
		for k, pattern := range c.Columns {
			if table.Match(pattern, bare) {
				take, used[k] = true, true
			}
		}
		if !take || table.MatchAny(c.Drop, bare) {
			continue
		}
		if err := out.Add(col, t.Values[j]); err != nil {
			return err
		}
	}
	for k, ok := range used {
		if !ok {
			return &noColumn{c.Name, c.Columns[k]}
		}
	}
	*t = *out
	return nil
}

type noColumn struct{ source, column string }

func (e *noColumn) Error() string { return "no column has the form " + e.source + "." + e.column }
