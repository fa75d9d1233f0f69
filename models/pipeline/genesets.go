package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

func init() {
	Register(Kind{
		Name: "score_sets",
		Doc:  "turn the genes of one source into scores of gene sets, each gene judged by its distribution among training rows",
		Params: []models.Param{
			{Name: "sets", Doc: "file of gene sets, GMT", Default: "", File: true},
			{Name: "method", Doc: "gsva (Hänzelmann and others 2013); zscore, the combined z-score (Lee and others 2008); plage (Tomfohr and others 2005); " +
				"ssgsea, divided by the range among training rows (Barbie and others 2009)", Default: "gsva", Choices: []string{"gsva", "zscore", "plage", "ssgsea"}},
			{Name: "score", Doc: "of gsva: how the running sum becomes a score", Default: string(genes.MaxDiff),
				Choices: []string{string(genes.MaxDiff), string(genes.KSMax), string(genes.AbsRank)}},
			{Name: "kernel", Doc: "of gsva: gaussian, or poisson for counts", Default: "gaussian", Choices: []string{"gaussian", "poisson"}},
			{Name: "grid", Doc: "of gsva: quantiles kept of each gene in place of the training rows", Default: 101, Min: 11, Max: 1001},
			{Name: "min_genes", Doc: "genes of a set that have to be in the data; smaller sets are left out", Default: 1, Min: 1, Max: 10000},
			{Name: "keep_genes", Doc: "leave the genes beside the scores", Default: false},
		},
		Touches: []table.Kind{table.Numeric},
		New:     newScoreSets,
		Decode:  decodeSetScores,
	})
}

// scoreSets scores the sets of a file from the genes of its scope.
type scoreSets struct {
	sets   []genes.Set
	method string
	gsva   genes.GSVAOptions
	least  int
	keep   bool
}

func newScoreSets(o models.Options) (Step, error) {
	path := o["sets"].(string)
	if path == "" {
		return nil, errors.New("say which gene sets are scored, with sets: FILE.gmt")
	}
	sets, err := genes.ReadGMT(path)
	if err != nil {
		return nil, err
	}
	return scoreSets{sets, o["method"].(string), genes.GSVAOptions{Score: genes.GSVAScore(o["score"].(string)), Poisson: o["kernel"].(string) == "poisson", Grid: o["grid"].(int)},
		o["min_genes"].(int), o["keep_genes"].(bool)}, nil
}

// setScores is a fitted scoreSets.
type setScores struct {
	given   []table.Column
	columns []table.Column
	notes   []string
	state   setScoresState
}

// setScoresState is what is stored: sets, and what one of the methods learnt. It holds no row: gsva keeps quantiles of each gene.
type setScoresState struct {
	Method   string          `json:"method"`
	Keep     bool            `json:"keep"`
	Sets     []genes.Set     `json:"sets"`
	GSVA     *genes.GSVA     `json:"gsva,omitempty"`
	Standard *genes.Standard `json:"standard,omitempty"`
	PLAGE    *genes.PLAGE    `json:"plage,omitempty"`
	Range    float64         `json:"range,omitempty"`
}

func (s scoreSets) Fit(_ context.Context, t models.Training) (Fitted, error) {
	f := &setScores{given: t.X.Columns, state: setScoresState{Method: s.method, Keep: s.keep}}
	m, err := f.matrix(t.X)
	if err != nil {
		return nil, err
	}
	index := m.Index()
	if err := s.learn(&f.state, m, index); err != nil {
		return nil, err
	}
	// Genes that do not vary were left out of what was learnt, so a set may have lost its last.
	if f.state.Sets, f.notes, err = genes.Usable(s.sets, f.known(index), s.least); err != nil {
		return nil, err
	}
	switch s.method {
	case "plage":
		if f.state.PLAGE, err = genes.FitPLAGE(m, f.state.Sets); err != nil {
			return nil, err
		}
		f.state.Standard = nil // it has its own
	case "ssgsea":
		scores, err := genes.SSGSEA(m, f.state.Sets)
		if err != nil {
			return nil, err
		}
		if f.state.Range = scores.Range(); !(f.state.Range > 0) {
			return nil, errors.New("the scores of the training rows are all the same")
		}
	}
	return f, f.describe()
}

// learn fits what a method learns of each gene.
func (s scoreSets) learn(state *setScoresState, m *genes.Matrix, index map[string]int) (err error) {
	if len(index) < len(m.Genes) {
		return errors.New("two columns of the step's scope have the same gene; name one source with on")
	}
	switch s.method {
	case "gsva":
		state.GSVA, err = genes.FitGSVA(m, s.gsva)
	case "zscore", "plage":
		var std genes.Standard
		std, err = genes.FitStandard(m)
		state.Standard = &std
	}
	return err
}

// known is the index of the genes that can be scored from.
func (f *setScores) known(index map[string]int) map[string]int {
	var list []string
	switch {
	case f.state.GSVA != nil:
		list = f.state.GSVA.Genes
	case f.state.Standard != nil:
		list = f.state.Standard.Genes
	default:
		return index
	}
	known := make(map[string]int, len(list))
	for k, g := range list {
		known[g] = k
	}
	return known
}

// matrix sees the columns as genes under their own names, without the source's.
func (f *setScores) matrix(x models.Matrix) (*genes.Matrix, error) {
	m, err := geneMatrix(x)
	if err != nil {
		return nil, err
	}
	for j, c := range f.given {
		if c.Source != f.given[0].Source {
			return nil, fmt.Errorf("the step's scope has columns of the sources %s and %s; name one with on", f.given[0].Source, c.Source)
		}
		m.Genes[j] = Bare(c)
	}
	return m, nil
}

// describe works out the columns: one a set, made from the genes it has.
func (f *setScores) describe() error {
	if len(f.given) == 0 || len(f.state.Sets) == 0 {
		return errors.New("there is no gene or no set")
	}
	index := make(map[string]int, len(f.given))
	for j, c := range f.given {
		index[Bare(c)] = j
	}
	if f.state.Keep {
		for _, c := range f.given {
			c.From = nil
			f.columns = append(f.columns, c)
		}
	}
	source, group := f.given[0].Source, f.given[0].Group
	known := f.known(index)
	for _, set := range f.state.Sets {
		c := table.Column{Name: set.Name, Source: source, Group: group}
		if source != "" {
			c.Name = source + "." + set.Name
		}
		for _, g := range set.Genes {
			j, here := index[g]
			if _, ok := known[g]; ok && here {
				c.From = append(c.From, f.given[j].Name)
			}
		}
		if c.From == nil {
			return fmt.Errorf("gene set %s has none of the genes", set.Name)
		}
		slices.Sort(c.From)
		f.columns = append(f.columns, c)
	}
	return nil
}

func (f *setScores) Kind() string            { return "score_sets" }
func (f *setScores) Columns() []table.Column { return f.columns }
func (f *setScores) Notes() []string         { return f.notes }
func (f *setScores) Encode() ([]byte, error) { return json.Marshal(f.state) }

func (f *setScores) Apply(x models.Matrix) (models.Matrix, error) {
	m, err := f.matrix(x)
	if err != nil {
		return models.Matrix{}, err
	}
	var scores genes.Scores
	switch s := f.state; s.Method {
	case "gsva":
		scores, err = s.GSVA.Apply(m, s.Sets)
	case "zscore":
		scores, err = s.Standard.Combine(m, s.Sets)
	case "plage":
		scores, err = s.PLAGE.Apply(m)
	default:
		if scores, err = genes.SSGSEA(m, s.Sets); err == nil {
			scores.DivideByRange(s.Range)
		}
	}
	if err != nil {
		return models.Matrix{}, err
	}
	out := models.NewMatrix(f.columns, x.Rows)
	at := 0
	if f.state.Keep {
		at = copy(out.Values, x.Values) / max(x.Rows, 1)
	}
	for k, v := range scores.Values {
		copy(out.Column(at+k), v)
	}
	return out, nil
}

func decodeSetScores(columns []table.Column, state []byte) (Fitted, error) {
	f := &setScores{given: columns}
	if err := decodeStrict(state, &f.state); err != nil {
		return nil, err
	}
	s := f.state
	sound := false
	switch s.Method {
	case "gsva":
		sound = s.GSVA != nil && s.GSVA.Validate() == nil
	case "zscore":
		sound = s.Standard != nil && s.Standard.Validate() == nil
	case "plage":
		sound = s.PLAGE != nil && s.PLAGE.Validate() == nil && len(s.PLAGE.Sets) == len(s.Sets)
	case "ssgsea":
		sound = s.Range > 0
	}
	if !sound {
		return nil, errors.New("the state is of no scores of gene sets")
	}
	return f, f.describe()
}
