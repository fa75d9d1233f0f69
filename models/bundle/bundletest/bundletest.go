// Package bundletest makes small bundles for the tests of what reads and serves them. Its models are sums with known weights, so
// that every answer can be worked out by hand. It also damages requests and files, for the tests of what must withstand them.
package bundletest

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/pipeline"
)

// weighted is a model whose answers can be worked out by hand: a sum of columns through the logistic function, or as the log-hazard
// of an exponential survival with mean 1000 in the outcome's unit.
type weighted struct {
	kind    string
	columns []table.Column
	Names   []string
	Weights []float64
}

func init() {
	for _, k := range []struct {
		name    string
		outcome clinical.OutcomeKind
	}{{"test_class", clinical.Class}, {"test_survival", clinical.Survival}} {
		models.Register(models.Kind{Name: k.name, Outcomes: []clinical.OutcomeKind{k.outcome}, Decode: func(parts map[string][]byte) (models.Model, error) {
			w := &weighted{kind: k.name}
			if err := json.Unmarshal(parts["weights.json"], w); err != nil {
				return nil, err
			}
			if len(w.Weights) != len(w.Names) {
				return nil, fmt.Errorf("%d weights for %d columns", len(w.Weights), len(w.Names))
			}
			for _, n := range w.Names {
				w.columns = append(w.columns, table.Column{Name: n})
			}
			return w, nil
		}})
	}
}

func (w *weighted) Kind() string            { return w.kind }
func (w *weighted) Columns() []table.Column { return w.columns }
func (w *weighted) Encode() (map[string][]byte, error) {
	b, err := json.Marshal(w)
	return map[string][]byte{"weights.json": b}, err
}

func (w *weighted) Predict(x models.Matrix, times []float64) (models.Prediction, error) {
	p := models.Prediction{Kind: clinical.Class, Rows: x.Rows, Classes: []string{"0", "1"}, Times: times}
	if w.kind == "test_survival" {
		p.Kind = clinical.Survival
	}
	for i := range x.Rows {
		sum := 0.0
		for j, v := range w.Weights {
			sum += v * x.Column(j)[i]
		}
		if p.Kind == clinical.Class {
			q := 1 / (1 + math.Exp(-sum))
			p.Margin = append(p.Margin, sum)
			p.Probabilities = append(p.Probabilities, 1-q, q)
			continue
		}
		p.Risk = append(p.Risk, sum)
		mean := 1000 / math.Exp(sum)
		p.Median = append(p.Median, mean*math.Ln2)
		for _, t := range times {
			p.Survival = append(p.Survival, math.Exp(-t/mean))
		}
	}
	return p, nil
}

// Linear returns the model's form as a sum, for its explanation; the means are zero, those of scaled columns.
func (w *weighted) Linear() (intercepts []float64, coefficients [][]float64, means []float64) {
	return []float64{0}, [][]float64{w.Weights}, make([]float64, len(w.Weights))
}

// New returns a bundle named glioma over an age, a sex, a volume and two genes, with the class outcome idh and the survival outcome
// os (days, followed for 3100), and its 40 training rows.
func New(t testing.TB) (*bundle.Bundle, models.Matrix) {
	t.Helper()
	columns := []table.Column{
		{Name: "clinical.age", Source: "clinical", Group: "clinical", Unit: "a"},
		{Name: "clinical.sex", Source: "clinical", Group: "clinical", Kind: table.Categorical, Levels: []string{"F", "M"}},
		{Name: "t1.volume", Source: "t1", Group: "imaging", Unit: "mm3"},
		{Name: "rna.EGFR", Source: "rna", Group: "gene"},
		{Name: "rna.TP53", Source: "rna", Group: "gene"},
	}
	const rows = 40
	x := models.NewMatrix(columns, rows)
	r := work.Seed(1).Rand()
	for i := range rows {
		x.Column(0)[i] = float64(20 + 2*i%61)
		x.Column(1)[i] = float64(i % 2)
		x.Column(2)[i] = 1000 + 500*r.NormFloat64()
		x.Column(3)[i], x.Column(4)[i] = r.NormFloat64(), r.NormFloat64()
	}
	chain := fit(t, x)
	y := clinical.Outcome{Name: "os", Kind: clinical.Survival, Unit: "d", Time: make([]float64, rows), Event: make([]int, rows)}
	for i := range rows {
		y.Time[i], y.Event[i] = float64(100*(i+1)), i%3
	}
	groups, err := bundle.NewRiskGroups([]float64{-2, -1, 0, 1, 2}, 2)
	if err != nil {
		t.Fatal(err)
	}
	return &bundle.Bundle{
		Name: "glioma", CreatedBy: "voxgene test", Patients: rows, Config: []byte("name: glioma\n"), Inputs: bundle.NewInputs(x),
		Outcomes: []bundle.Outcome{
			{Name: "idh", Kind: clinical.Class, Classes: []string{"0", "1"}, Chain: chain, Model: sum(chain, "test_class", -1, 0.5, 0.2, 0.3, -0.1),
				Conformal: &bundle.Conformal{Level: 0.9, Limits: []float64{0.7, 0.6}}},
			{Name: "os", Kind: clinical.Survival, Unit: "d", Origin: "imaging", FollowUp: bundle.NewFollowUp(y), Groups: groups,
				Chain: chain, Model: sum(chain, "test_survival", 0.4, 0, 0.1, 0, 0.2)},
		},
	}, x
}

// Wide returns a bundle named wide of one class outcome over n numeric features, f.feature0 and on, and its 40 training rows.
func Wide(t testing.TB, n int) (*bundle.Bundle, models.Matrix) {
	t.Helper()
	columns, weights := make([]table.Column, n), make([]float64, n)
	for j := range columns {
		columns[j] = table.Column{Name: fmt.Sprintf("f.feature%d", j), Source: "f", Group: "imaging"}
	}
	x := models.NewMatrix(columns, 40)
	r := work.Seed(2).Rand()
	for i := range x.Values {
		x.Values[i] = r.NormFloat64()
	}
	for j := range weights {
		weights[j] = r.NormFloat64() / float64(n)
	}
	chain := fit(t, x)
	z, err := chain.Apply(x)
	if err != nil {
		t.Fatal(err)
	}
	space, err := bundle.NewSpace(z)
	if err != nil {
		t.Fatal(err)
	}
	return &bundle.Bundle{Name: "wide", CreatedBy: "voxgene test", Patients: 40, Config: []byte("name: wide\n"), Inputs: bundle.NewInputs(x),
		Outcomes: []bundle.Outcome{{Name: "y", Kind: clinical.Class, Classes: []string{"0", "1"}, Chain: chain, Model: sum(chain, "test_class", weights...), Space: space}},
	}, x
}

// Hostile returns a bundle of one class outcome in which every name is a text of the caller's: of the bundle, its use, sources, columns, units, levels,
// classes and the outcome. It must not hold a dot.
func Hostile(t testing.TB, text string) *bundle.Bundle {
	t.Helper()
	columns := []table.Column{
		{Name: text + ".a" + text, Source: text, Group: text, Unit: text},
		{Name: text + ".b" + text, Source: text, Group: text, Kind: table.Categorical, Levels: []string{text, "other " + text}},
	}
	x := models.NewMatrix(columns, 40)
	for i := range x.Rows {
		x.Column(0)[i], x.Column(1)[i] = float64(i), float64(i%2)
	}
	chain := fit(t, x)
	return &bundle.Bundle{Name: text, CreatedBy: text, IntendedUse: text, Patients: x.Rows, Config: []byte("name: hostile\n"), Inputs: bundle.NewInputs(x),
		Outcomes: []bundle.Outcome{{Name: text, Kind: clinical.Class, Classes: []string{text, "not " + text}, Chain: chain, Model: sum(chain, "test_class", 1, -1),
			Conformal: &bundle.Conformal{Level: 0.9, Limits: []float64{0.9, 0.9}}}}}
}

// Images returns a bundle named prostate of one class outcome over the age and two features that are extracted from the segment Lesion of
// an ADC series, so that it answers raw files.
func Images(t testing.TB) *bundle.Bundle { return imaged(t, "") }

// Lesions is Images of which each lesion is a row: the labels 1 and 2 of the mask, as the region lesion.
func Lesions(t testing.TB) *bundle.Bundle {
	b := imaged(t, "lesion.")
	b.Unit = table.PerLesion
	one := &b.Sources[0]
	one.Label, one.Regions = nil, map[string]extraction.Region{"lesion": {Labels: []extraction.Label{{Number: 1}, {Number: 2}}}}
	one.Lesions = &extraction.Lesions{From: "labels"}
	return b
}

// imaged is the bundle of a region of that prefix.
func imaged(t testing.TB, prefix string) *bundle.Bundle {
	t.Helper()
	columns := []table.Column{
		{Name: "clinical.age", Source: "clinical", Group: "clinical", Unit: "a"},
		{Name: "adc." + prefix + "original_shape_VoxelVolume", Source: "adc", Group: "imaging", Unit: "mm3"},
		{Name: "adc." + prefix + "original_firstorder_Mean", Source: "adc", Group: "imaging"},
	}
	x := models.NewMatrix(columns, 40)
	r := work.Seed(3).Rand()
	for i := range x.Rows {
		x.Column(0)[i], x.Column(1)[i], x.Column(2)[i] = float64(50+i), 1000+300*r.NormFloat64(), 1000+200*r.NormFloat64()
	}
	chain := fit(t, x)
	return &bundle.Bundle{Name: "prostate", CreatedBy: "voxgene test", Patients: x.Rows, Config: []byte("name: prostate\n"), Inputs: bundle.NewInputs(x),
		Sources: []extraction.Source{{Name: "adc", Modality: "MR", Plan: extraction.Plan{
			Series: &dicom.Rules{Modality: "MR"}, Label: &extraction.Label{Name: "Lesion"}, Parameters: radiomics.DefaultParams()}}},
		Outcomes: []bundle.Outcome{{Name: "grade", Kind: clinical.Class, Classes: []string{"low", "high"}, Chain: chain, Model: sum(chain, "test_class", 0.2, 0.7, -0.9)}},
	}
}

// fit fits the pipeline that an experiment has by default.
func fit(t testing.TB, x models.Matrix) *pipeline.FittedChain {
	t.Helper()
	chain, err := pipeline.New(pipeline.Default())
	if err != nil {
		t.Fatal(err)
	}
	f, err := chain.Fit(context.Background(), models.Training{X: x})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// sum is a model with one weight a column.
func sum(chain *pipeline.FittedChain, kind string, weights ...float64) models.Model {
	w := &weighted{kind: kind, columns: chain.Columns(), Weights: weights}
	for _, c := range w.columns {
		w.Names = append(w.Names, c.Name)
	}
	return w
}

// Save writes a bundle to a file.
func Save(t testing.TB, b *bundle.Bundle, path string) {
	t.Helper()
	if err := b.Save(path); err != nil {
		t.Fatal(err)
	}
}
