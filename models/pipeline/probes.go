package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

func init() {
	Register(Kind{
		Name: "choose_probes",
		Doc:  "keep one probe of each gene, the one that varies most (or is highest) among training rows, under the gene's name",
		Params: []models.Param{
			{Name: "annotation", Doc: "which gene each probe measures: a GPL table of GEO, or any with a header", Default: "", File: true},
			{Name: "gene_column", Doc: "its column of genes; empty finds it by its usual names", Default: ""},
			{Name: "rule", Doc: "what decides among the probes of a gene", Default: string(genes.HighestVariance),
				Choices: []string{string(genes.HighestVariance), string(genes.HighestMean)}},
		},
		Touches: []table.Kind{table.Numeric},
		New:     newChooseProbes,
		Decode:  decodeProbes,
	})
}

// chooseProbes fits genes.Probes on the columns of its scope, which are probes of one source.
type chooseProbes struct {
	gene map[string]string
	rule genes.ProbeRule
}

func newChooseProbes(o models.Options) (Step, error) {
	path := o["annotation"].(string)
	if path == "" {
		return nil, errors.New("say which gene each probe measures, with annotation: FILE")
	}
	gene, err := genes.ReadAnnotation(path, o["gene_column"].(string))
	return chooseProbes{gene, genes.ProbeRule(o["rule"].(string))}, err
}

// probes is a fitted chooseProbes.
type probes struct {
	given   []table.Column
	columns []table.Column
	state   probesState
	notes   []string
}

type probesState struct {
	Keep []int    `json:"keep"` // indices of the probes among the columns given
	Gene []string `json:"gene"` // of each
}

func (s chooseProbes) Fit(_ context.Context, t models.Training) (Fitted, error) {
	m := sharedMatrix(t.X)
	names := make([]string, len(t.X.Columns))
	index := make(map[string]int, len(names))
	without := 0
	for j, c := range t.X.Columns {
		if names[j] = s.gene[Bare(c)]; names[j] == "" {
			without++
		}
		index[c.Name] = j
	}
	p, err := genes.FitProbes(m, names, s.rule)
	if err != nil {
		return nil, fmt.Errorf("%w: is the annotation of another platform?", err)
	}
	f := &probes{given: t.X.Columns}
	for k, probe := range p.Probe {
		f.state.Keep = append(f.state.Keep, index[probe])
		f.state.Gene = append(f.state.Gene, p.Gene[k])
	}
	f.notes = []string{fmt.Sprintf("of %d probes, %d stand for a gene each, %d have no single gene, and the others measure a gene that a kept one does",
		len(names), len(p.Gene), without)}
	return f, f.describe()
}

func (f *probes) describe() error {
	if len(f.state.Keep) == 0 || len(f.state.Gene) != len(f.state.Keep) {
		return errors.New("the state has no probe, or not a gene for each")
	}
	for k, j := range f.state.Keep {
		if j < 0 || j >= len(f.given) || f.state.Gene[k] == "" {
			return fmt.Errorf("probe %d of %d columns is out of range or has no gene", j, len(f.given))
		}
		c := f.given[j]
		c.From = []string{c.Name}
		if c.Name = f.state.Gene[k]; c.Source != "" {
			c.Name = c.Source + "." + c.Name
		}
		f.columns = append(f.columns, c)
	}
	return nil
}

func (f *probes) Kind() string            { return "choose_probes" }
func (f *probes) Columns() []table.Column { return f.columns }
func (f *probes) Notes() []string         { return f.notes }
func (f *probes) Encode() ([]byte, error) { return json.Marshal(f.state) }

func (f *probes) Apply(x models.Matrix) (models.Matrix, error) {
	out := models.NewMatrix(f.columns, x.Rows)
	for k, j := range f.state.Keep {
		copy(out.Column(k), x.Column(j))
	}
	return out, nil
}

func decodeProbes(columns []table.Column, state []byte) (Fitted, error) {
	f := &probes{given: columns}
	if err := decodeStrict(state, &f.state); err != nil {
		return nil, err
	}
	return f, f.describe()
}

func (f *probes) formulas() []Formula {
	out := make([]Formula, len(f.columns))
	for k, j := range f.state.Keep {
		out[k] = Formula{Name: f.columns[k].Name, Op: opCopy, Column: j}
	}
	return out
}
