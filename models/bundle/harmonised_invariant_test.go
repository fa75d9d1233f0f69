package bundle_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/linear"
	"github.com/voxgene/voxgene/models/pipeline"
)

// Patients of a scanner that shifts and stretches every value lie outside the raw range of training. Once the scanner is learnt, only a
// patient who is unusual on it is warned of, and says how; patients of training are within.
func TestHarmonisedRangeInvariant(t *testing.T) {
	columns := []table.Column{{Name: "clinical.age", Source: "clinical", Group: "clinical"}, {Name: "t1.volume", Source: "t1", Group: "imaging"},
		{Name: "t1.contrast", Source: "t1", Group: "imaging"}, {Name: "t1.batch", Source: "t1", Group: "batch", Kind: table.Categorical, Levels: []string{"A", "B"}}}
	r := work.Seed(3).Rand()
	x := models.NewMatrix(columns, 60)
	y := clinical.Outcome{Name: "idh", Kind: clinical.Class, Classes: []string{"0", "1"}}
	for i := range x.Rows {
		x.Column(0)[i], x.Column(3)[i] = 40+10*r.Float64(), float64(i%2)
		for j := 1; j <= 2; j++ {
			x.Column(j)[i] = r.NormFloat64() + 0.5*x.Column(3)[i]
		}
		y.Class = append(y.Class, (i/2)%2)
	}
	chain, err := pipeline.New([]pipeline.Spec{{Step: "impute", Options: models.Defaults(kindOf(t, "impute").Params)},
		{Step: "harmonise", On: []string{"t1"}, Options: models.Defaults(kindOf(t, "harmonise").Params)}, {Step: "scale", Options: models.Defaults(kindOf(t, "scale").Params)}})
	if err != nil {
		t.Fatal(err)
	}
	train := models.Training{X: x, Y: y, Seed: 1}
	fitted, err := chain.Fit(context.Background(), train)
	if err != nil {
		t.Fatal(err)
	}
	z, corrected, err := fitted.ApplyHarmonised(x)
	if err != nil {
		t.Fatal(err)
	}
	kind, _ := models.Lookup("logistic")
	options, _ := models.Check(kind.Params, map[string]any{"lambda": 1.0})
	learner, err := kind.New(options)
	if err != nil {
		t.Fatal(err)
	}
	train.X = z
	m, err := learner.Fit(context.Background(), train)
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle.Bundle{Name: "two", CreatedBy: "voxgene test", Patients: 60, Config: []byte("{}"), Inputs: bundle.NewInputs(x), Outcomes: []bundle.Outcome{{Name: "idh",
		Kind: clinical.Class, Classes: y.Classes, Chain: fitted, Model: m.(*linear.Logistic), Ranges: bundle.NewRanges(corrected), Strongest: []string{"t1.volume"}}}}
	file, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if b, err = bundle.Read(file); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(b.Outcomes[0].Strongest, []string{"t1.volume"}) {
		t.Errorf("the inputs whose drift is watched are lost: %v", b.Outcomes[0].Strongest)
	}
	outside := func(x models.Matrix) (features []string, messages string) {
		t.Helper()
		answers, err := b.Predict(context.Background(), x, bundle.Request{})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range answers {
			for _, w := range a.Warnings {
				if w.Code == bundle.OutOfRange {
					features, messages = append(features, w.Feature), messages+w.Message+"\n"
				}
			}
		}
		return features, messages
	}
	if f, _ := outside(x); len(f) > 0 {
		t.Errorf("patients of training are out of range: %v", f)
	}
	text := "patient,clinical.age,t1.volume,t1.contrast,t1.batch\n"
	for i := range 40 {
		text += fmt.Sprintf("p%d,45,%v,%v,C\n", i, 100+20*r.NormFloat64(), -50+4*r.NormFloat64())
	}
	path := filepath.Join(t.TempDir(), "local.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	local, err := table.Read(path, table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Learn(local); err != nil {
		t.Fatal(err)
	}
	of := func(age, volume, contrast float64) models.Matrix {
		one := models.NewMatrix(b.Columns(), 1)
		copy(one.Values, []float64{age, volume, contrast, float64(slices.Index(b.Inputs[3].Levels, "C"))})
		return one
	}
	if f, text := outside(of(45, 100, -50)); len(f) > 0 {
		t.Errorf("a usual patient of the scanner is out of range: %s", text)
	}
	if f, text := outside(of(45, 300, -50)); !slices.Equal(f, []string{"t1.volume"}) || !strings.Contains(text, "t1.volume is 300, and ") {
		t.Errorf("ten deviations away: %v %s", f, text)
	}
	if f, _ := outside(of(95, 100, -50)); !slices.Equal(f, []string{"clinical.age"}) {
		t.Errorf("what is not harmonised is judged as it was given: %v", f)
	}
}

func kindOf(t *testing.T, step string) pipeline.Kind {
	t.Helper()
	k, ok := pipeline.Lookup(step)
	if !ok {
		t.Fatal(step)
	}
	return k
}
