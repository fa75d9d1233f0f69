package cohort

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
)

// tableSource is a table of features made elsewhere: clinical data, a PyRadiomics result.
type tableSource struct {
	Common
	Path      string                 `yaml:"path,required"`
	ID        string                 `yaml:"id"`
	IDPattern Pattern                `yaml:"id_pattern"`
	Visit     string                 `yaml:"visit"`
	Lesion    string                 `yaml:"lesion"`
	Region    string                 `yaml:"region"`
	Reader    string                 `yaml:"reader"`
	Kinds     map[string]declaration `yaml:"kinds"`
	Units     map[string]string      `yaml:"units"`
	Missing   []string               `yaml:"missing"`
	Decimal   string                 `yaml:"decimal"`   // point, comma
	Separator string                 `yaml:"separator"` // tab, comma, semicolon, …
	Aggregate string                 `yaml:"aggregate"`
	// Prepared says what was done to the features or their images before; it travels in the bundle.
	Prepared *settings.Node `yaml:"prepared"`
}

// declaration is the kind of a column: numeric, categorical, {ordinal: [low, high]}, {categorical: [a, b]}, or tnm, an ordinal one in the
// order of the TNM classification.
type declaration struct {
	table.Declaration
	tnm bool
}

// DecodeNode reads any of the forms.
func (d *declaration) DecodeNode(n *settings.Node, p *settings.Problems) {
	name := ""
	switch {
	case n.IsScalar():
		settings.Decode(n, &name, p)
	case n.IsMap() && len(n.Keys()) == 1:
		name = n.Keys()[0]
		settings.Decode(n.Get(name), &d.Levels, p)
	}
	switch {
	case name == "numeric" && d.Levels == nil:
		d.Kind = table.Numeric
	case name == "tnm" && d.Levels == nil:
		d.Kind, d.tnm = table.Categorical, true
	case name == "categorical":
		d.Kind = table.Categorical
	case name == "ordinal" && len(d.Levels) > 1:
		d.Kind = table.Ordinal
	default:
		p.Add(n, "want numeric, categorical, tnm, or {ordinal: [lowest, …, highest]}")
	}
}

func (s *tableSource) options() (table.Options, error) {
	o := table.Options{Source: s.Name, Group: s.Group, Key: s.ID, KeyPattern: s.IDPattern.Regexp, Visit: s.Visit, Lesion: s.Lesion,
		Region: s.Region, Reader: s.Reader, Columns: s.Columns, Drop: s.Drop, Missing: s.Missing, Kinds: map[string]table.Declaration{}}
	for name, d := range s.Kinds {
		o.Kinds[name] = d.Declaration
	}
	var err error
	if o.Separator, err = separator(s.Separator); err != nil {
		return o, err
	}
	o.DecimalComma, err = decimalComma(s.Decimal)
	return o, err
}

func decimalComma(name string) (bool, error) {
	switch name {
	case "", "point", ".":
		return false, nil
	case "comma", ",":
		return true, nil
	}
	return false, fmt.Errorf("decimal: want point or comma, not %q", name)
}

func separator(name string) (byte, error) {
	switch name {
	case "":
		return 0, nil
	case "tab":
		return '\t', nil
	case "comma":
		return ',', nil
	case "semicolon":
		return ';', nil
	}
	if len(name) == 1 && name != `"` && name > " " {
		return name[0], nil
	}
	return 0, fmt.Errorf("separator: want tab, comma, semicolon or one character, not %q", name)
}

func (s *tableSource) load(_ context.Context, in input) (loaded, error) {
	o, err := s.options()
	if err != nil {
		return loaded{}, err
	}
	path := resolve(in.base, s.Path)
	if o.Key == "" && in.id != "" {
		if names, err := table.Header(path); err == nil && slices.Contains(names, in.id) {
			o.Key = in.id
		}
	}
	for _, column := range in.outcomes[path] {
		if !slices.Contains(s.Columns, column) {
			o.Drop = append(slices.Clip(o.Drop), column)
		}
	}
	t, err := readTable(path, o)
	if err != nil {
		return loaded{}, err
	}
	if err := s.order(t); err != nil {
		return loaded{}, fmt.Errorf("%s: %w", path, err)
	}
	for j := range t.Columns {
		bare := strings.TrimPrefix(t.Columns[j].Name, s.Name+".")
		if u, ok := s.Units[bare]; ok {
			t.Columns[j].Unit = u
		}
	}
	for name := range s.Units {
		if t.Find(s.Name+"."+name) < 0 {
			return loaded{}, fmt.Errorf("units: there is no column %q", name)
		}
	}
	if err := in.named(t, s.Lesion, s.Visit); err != nil {
		return loaded{}, fmt.Errorf("%s: %w", path, err)
	}
	t, err = t.Aggregate(s.Aggregate, in.unit)
	if err != nil {
		return loaded{}, fmt.Errorf("%s: %w", path, err)
	}
	return loaded{table: t}, nil
}

// order makes the columns that are declared tnm ordinal.
func (s *tableSource) order(t *table.Table) error {
	for name, d := range s.Kinds {
		if !d.tnm {
			continue
		}
		j := t.Find(s.Name + "." + name)
		if j < 0 {
			return fmt.Errorf("kinds: there is no column %q", name)
		}
		levels, err := clinical.OrderTNM(t.Columns[j].Levels)
		if err != nil {
			return fmt.Errorf("column %q: %w", name, err)
		}
		for i, v := range t.Values[j] {
			if !table.Missing(v) {
				t.Values[j][i] = float64(slices.Index(levels, t.Columns[j].Levels[int(v)]))
			}
		}
		t.Columns[j].Kind, t.Columns[j].Levels = table.Ordinal, levels
	}
	return nil
}
