package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

func init() {
	Register(Kind{
		Name: "normalise",
		Doc:  "bring expression of one source to one scale, by what is learnt from training rows",
		Params: []models.Param{
			{Name: "method", Doc: "quantile: the mean distribution; tmm_logcpm: log2 counts per million of composition-corrected libraries; " +
				"rle_logcpm: the same by the relative log expression; size_factors: log2 of counts over DESeq2's size factors, plus one; vst: DESeq2's variance-stabilising transformation",
				Default: "quantile", Choices: []string{"quantile", "tmm_logcpm", "rle_logcpm", "size_factors", "vst"}},
		},
		Touches: []table.Kind{table.Numeric},
		New:     func(o models.Options) (Step, error) { return normalise{o["method"].(string)}, nil },
		Decode:  decodeNormalised,
	})
}

// normalise fits one of the normalisations of package genes on the columns of its scope, which are genes of one source.
type normalise struct{ method string }

// normaliser is what the fitted normalisations share.
type normaliser interface {
	Apply(*genes.Matrix) (*genes.Matrix, error)
}

// normalised is a fitted normalise.
type normalised struct {
	columns []table.Column
	method  string
	fitted  normaliser
}

type normalisedState struct {
	Method      string             `json:"method"`
	Quantiles   *genes.Quantiles   `json:"quantiles,omitempty"`
	TMM         *genes.TMM         `json:"tmm,omitempty"`
	RLE         *genes.RLE         `json:"rle,omitempty"`
	SizeFactors *genes.SizeFactors `json:"size_factors,omitempty"`
	VST         *genes.VST         `json:"vst,omitempty"`
}

// sizeFactors takes log₂ of counts over size factors, plus one.
type sizeFactors struct{ genes.SizeFactors }

func (s sizeFactors) Apply(m *genes.Matrix) (*genes.Matrix, error) {
	factors, err := s.Factors(m)
	if err != nil {
		return nil, err
	}
	out := genes.NewMatrix(m.Genes, m.Samples)
	for g := range m.Genes {
		from, to := m.Gene(g), out.Gene(g)
		for i, v := range from {
			to[i] = math.Log2(v/factors[i] + 1)
		}
	}
	return out, nil
}

func (s normalise) Fit(_ context.Context, t models.Training) (Fitted, error) {
	m, err := geneMatrix(t.X)
	if err != nil {
		return nil, err
	}
	f := &normalised{columns: t.X.Columns, method: s.method}
	switch s.method {
	case "quantile":
		var q genes.Quantiles
		if q, err = genes.FitQuantiles(m, true); err == nil {
			f.fitted = q
		}
	case "tmm_logcpm":
		var n genes.TMM
		if n, err = genes.FitTMM(m); err == nil {
			f.fitted = n
		}
	case "rle_logcpm":
		var n genes.RLE
		if n, err = genes.FitRLE(m); err == nil {
			f.fitted = n
		}
	case "size_factors":
		var n genes.SizeFactors
		if n, err = genes.FitSizeFactors(m, false); err == nil {
			f.fitted = sizeFactors{n}
		}
	case "vst":
		var n *genes.VST
		if n, err = genes.FitVST(m); err == nil {
			f.fitted = n
		}
	}
	return f, err
}

// geneMatrix sees a matrix of columns as genes × samples and refuses missing values.
func geneMatrix(x models.Matrix) (*genes.Matrix, error) {
	for j, c := range x.Columns {
		for i, v := range x.Column(j) {
			if v != v {
				return nil, fmt.Errorf("column %s, row %d: the value is missing; impute before", c.Name, i+1)
			}
		}
	}
	return sharedMatrix(x), nil
}

// sharedMatrix sees a matrix of columns as genes × samples; the values are shared. Samples are named by row, because a model has no
// names of patients.
func sharedMatrix(x models.Matrix) *genes.Matrix {
	m := &genes.Matrix{Values: x.Values, Samples: make([]string, x.Rows), Genes: make([]string, len(x.Columns))}
	for i := range m.Samples {
		m.Samples[i] = "row " + strconv.Itoa(i+1)
	}
	for j, c := range x.Columns {
		m.Genes[j] = c.Name
	}
	return m
}

func (f *normalised) Kind() string { return "normalise" }

func (f *normalised) Columns() []table.Column {
	out := make([]table.Column, len(f.columns))
	for j, c := range f.columns {
		c.From = nil
		out[j] = c
	}
	return out
}

func (f *normalised) Apply(x models.Matrix) (models.Matrix, error) {
	m, err := geneMatrix(x)
	if err != nil {
		return models.Matrix{}, err
	}
	n, err := f.fitted.Apply(m)
	if err != nil {
		return models.Matrix{}, err
	}
	return models.Matrix{Columns: f.Columns(), Rows: x.Rows, Values: n.Values}, nil
}

func (f *normalised) Encode() ([]byte, error) {
	s := normalisedState{Method: f.method}
	switch n := f.fitted.(type) {
	case genes.Quantiles:
		s.Quantiles = &n
	case genes.TMM:
		s.TMM = &n
	case genes.RLE:
		s.RLE = &n
	case sizeFactors:
		s.SizeFactors = &n.SizeFactors
	case *genes.VST:
		s.VST = n
	}
	return json.Marshal(s)
}

func decodeNormalised(columns []table.Column, state []byte) (Fitted, error) {
	var s normalisedState
	if err := decodeStrict(state, &s); err != nil {
		return nil, err
	}
	f := &normalised{columns: columns, method: s.Method}
	n := len(columns)
	sound := false
	switch {
	case s.Quantiles != nil:
		f.fitted, sound = *s.Quantiles, len(s.Quantiles.Genes) == n && len(s.Quantiles.Target) == n && n > 1
	case s.TMM != nil:
		f.fitted, sound = *s.TMM, len(s.TMM.Genes) == n && len(s.TMM.Reference) == n
	case s.RLE != nil:
		f.fitted, sound = *s.RLE, len(s.RLE.SizeFactors.Genes) == n && len(s.RLE.SizeFactors.LogMeans) == n
	case s.SizeFactors != nil:
		f.fitted, sound = sizeFactors{*s.SizeFactors}, len(s.SizeFactors.Genes) == n && len(s.SizeFactors.LogMeans) == n
	case s.VST != nil:
		f.fitted, sound = s.VST, len(s.VST.SizeFactors.Genes) == n
	}
	if !sound {
		return nil, errors.New("the state is of no normalisation of these columns")
	}
	return f, nil
}
