package cohort

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/table"
)

// mutationLevels are the values of a mutation column; a gene that was not profiled is missing.
var mutationLevels = []string{"wild_type", "mutant"}

// mutationSource is the status of genes: mutant, wild type, or missing where a gene was not profiled in a patient.
type mutationSource struct {
	Common
	Path      string   `yaml:"path,required"`
	Format    string   `yaml:"format"` // maf, fusions (structural variants), table; empty is maf where the header has Hugo_Symbol
	ID        string   `yaml:"id"`
	IDPattern Pattern  `yaml:"id_pattern"`
	Genes     []string `yaml:"genes"` // of a MAF: nil takes every gene with a mutation; of a table of statuses: its columns
	// Mutant and WildType are the words of a table of statuses, in any case; other words are errors.
	Mutant   []string `yaml:"mutant"`
	WildType []string `yaml:"wild_type"`
	Missing  []string `yaml:"missing"`

	// Of a MAF.
	Profiled   string             `yaml:"profiled"`    // file that says who was profiled, or all for every patient of the cohort
	Panels     []string           `yaml:"panels"`      // files of the gene panels that profiled names
	Classes    []string           `yaml:"classes"`     // variant classes that count; nil is cBioPortal's default
	Germline   bool               `yaml:"germline"`    // count germline mutations too
	Carry      []string           `yaml:"carry"`       // columns that go along with a mutation as written: Tier, Mutation_Status
	Build      string             `yaml:"build"`       // GRCh37, GRCh38: refuse rows of another
	SampleType string             `yaml:"sample_type"` // of TCGA barcodes: primary, recurrent, metastatic
	Megabases  map[string]float64 `yaml:"megabases"`   // size looked at, by panel, exome for every gene: adds the column burden
}

func (s *mutationSource) load(_ context.Context, in input) (loaded, error) {
	switch s.Format {
	case "table":
		return s.loadTable(in)
	case "maf", "fusions":
		return s.loadMAF(in)
	case "":
		if s.isMAF(resolve(in.base, s.Path)) {
			return s.loadMAF(in)
		}
		return s.loadTable(in)
	}
	return loaded{}, fmt.Errorf("format: %q is not maf, fusions or table", s.Format)
}

// isMAF tells by the header of a file.
func (s *mutationSource) isMAF(path string) bool {
	names, err := table.Header(path)
	return err == nil && slices.Contains(names, "Hugo_Symbol")
}

// Words that mean mutant or wild type where a source does not say its own.
var (
	mutantWords   = []string{"mutant", "mutated", "mut", "1", "1.0", "true", "yes", "positive"}
	wildTypeWords = []string{"wt", "wildtype", "wild type", "wild-type", "0", "0.0", "false", "no", "negative", "not mutated"}
)

// loadTable reads a table with a column a gene and a status a cell.
func (s *mutationSource) loadTable(in input) (loaded, error) {
	path := resolve(in.base, s.Path)
	if len(s.Genes) == 0 {
		return loaded{}, fmt.Errorf("%s: say which columns are genes, with genes: [TP53, …]", path)
	}
	id := s.ID
	if id == "" && in.id != "" {
		if names, err := table.Header(path); err == nil && slices.Contains(names, in.id) {
			id = in.id
		}
	}
	texts, err := table.ReadTexts(path, table.Options{Key: id, KeyPattern: s.IDPattern.Regexp, Columns: s.Genes, Drop: s.Drop, Missing: s.Missing})
	if err != nil {
		return loaded{}, err
	}
	mutant, wildType := s.Mutant, s.WildType
	if mutant == nil {
		mutant = mutantWords
	}
	if wildType == nil {
		wildType = wildTypeWords
	}
	is := func(words []string, cell string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, cell) })
	}
	t := table.New(texts.Keys)
	var problems table.Problems
	for j, name := range texts.Names {
		values := make([]float64, len(texts.Keys))
		for i, cell := range texts.Cells[j] {
			switch {
			case cell == "":
				values[i] = math.NaN()
			case is(mutant, cell):
				values[i] = 1
			case is(wildType, cell):
				values[i] = 0
			default:
				problems.Add(path, texts.Lines[i], name, "%q means neither mutant nor wild type; list it under mutant, wild_type or missing", cell)
			}
		}
		col := table.Column{Name: s.Name + "." + name, Source: s.Name, Group: s.Group, Kind: table.Categorical, Levels: mutationLevels}
		if err := t.Add(col, values); err != nil {
			return loaded{}, err
		}
	}
	if err := problems.Err(); err != nil {
		return loaded{}, err
	}
	if t, err = t.Aggregate("", table.PerPatient); err != nil {
		return loaded{}, fmt.Errorf("%s: %w", path, err)
	}
	return loaded{table: t}, nil
}
