//go:build evidence

// What docs/networks.md says was shown, made again: it takes minutes, so it has a tag of its own.

package main

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/cohort"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/metrics"
	"github.com/voxgene/voxgene/train"
	"github.com/voxgene/voxgene/train/config"
	"github.com/voxgene/voxgene/train/validate"
)

// study is a cohort of one class outcome, with folds.
type study struct {
	x     models.Matrix
	y     clinical.Outcome
	folds []validate.Fold
}

// phantomStudy makes a phantom of 200 patients from seed 7, reads it as the sources say, and divides it into five folds.
func phantomStudy(t *testing.T, plant, sources string) study {
	t.Helper()
	dir := t.TempDir()
	if code, _, stderr := voxgene("phantom", filepath.Join(dir, "c"), "--patients", "200", "--plant", plant, "--seed", "7"); code != 0 {
		t.Fatal(stderr)
	}
	text := "name: evidence\nseed: 7\ncohort: {patients: c/patients.csv, id: patient}\noutcomes: [{name: subtype, kind: class, column: subtype}]\nmodels: [{kind: cnn}]\nsources:\n" + sources
	e, err := config.Parse("evidence.yaml", []byte(text), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cohort.Load(context.Background(), e.Config, dir, work.Pool{})
	if err != nil {
		t.Fatal(err)
	}
	s := study{x: models.FromTable(c.Table), y: c.Outcomes[0]}
	s.x.Volumes = train.Volumes(c)
	rows := validate.Rows{Outcome: s.y}
	if s.folds, err = validate.Plan(validate.Design{Scheme: validate.CV, Folds: 5, Repeats: 1}, rows, 7); err != nil {
		t.Fatal(err)
	}
	return s
}

// only returns the study with the columns of one source; its images stay.
func (s study) only(source string) study {
	var keep []table.Column
	for _, c := range s.x.Columns {
		if c.Source == source {
			keep = append(keep, c)
		}
	}
	x := models.NewMatrix(keep, s.x.Rows)
	at := 0
	for j, c := range s.x.Columns {
		if c.Source == source {
			copy(x.Column(at), s.x.Column(j))
			at++
		}
	}
	x.Volumes = s.x.Volumes
	s.x = x
	return s
}

// outOfFold trains a network on each fold and returns the log-odds of the rows that it did not see, and the network of each fold.
func (s study) outOfFold(t *testing.T, kind string, set map[string]any) ([]float64, []models.Model) {
	t.Helper()
	k, _ := models.Lookup(kind)
	o, problems := models.Check(k.Params, set)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	l, err := k.New(o)
	if err != nil {
		t.Fatal(err)
	}
	margin := make([]float64, s.x.Rows)
	var fitted []models.Model
	start := time.Now()
	for i, f := range s.folds {
		m, err := l.Fit(context.Background(), models.Training{X: s.x.Select(f.Train), Y: s.y.Select(f.Train), Seed: work.Seed(7).SplitInt("fold", i)})
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.Predict(s.x.Select(f.Test), nil)
		if err != nil {
			t.Fatal(err)
		}
		for n, row := range f.Test {
			margin[row] = p.Margin[n]
		}
		fitted = append(fitted, m)
	}
	t.Logf("%s %v: five fits in %.0f s", kind, set, time.Since(start).Seconds())
	return margin, fitted
}

// auc is the area under the curve of log-odds, with DeLong's interval.
func (s study) auc(t *testing.T, what string, margin []float64) *metrics.Binary {
	t.Helper()
	positive := make([]bool, len(margin))
	for i, c := range s.y.Class {
		positive[i] = c == 1
	}
	b, err := metrics.NewBinary(positive, margin)
	if err != nil {
		t.Fatal(err)
	}
	low, high := b.AUCInterval(0.95)
	t.Logf("%s: AUC %.3f (%.3f to %.3f, DeLong), out of fold, %d patients", what, b.AUC(), low, high, s.x.Rows)
	return b
}

// A planted product of brightness and a gene: fusion beats either modality alone, by DeLong's paired test on out-of-fold log-odds.
func TestEvidenceInteraction(t *testing.T) {
	s := phantomStudy(t, "interaction", `
  - name: t1
    kind: images
    image: "c/images/{patient}/t1.nii.gz"
    mask: "c/images/{patient}/mask.nii.gz"
    parameters: {imageType: {Original: {}}, featureClass: {shape: [Elongation]}}
    volume: {spacing: [3, 3, 3], size: [8, 8, 8], mask: crop, normalise: none}
  - {name: rna, kind: expression, path: c/expression.csv, columns: [GENE0122, GENE0168, GENE0001, GENE0002]}
`).only("rna")
	set := map[string]any{"hidden": []any{16}, "epochs": 40, "batch": 32, "learning_rate": 0.01, "holdout": 0}
	with := func(more map[string]any) map[string]any {
		out := map[string]any{"widths": []any{4, 8}, "norm": "none"}
		for _, m := range []map[string]any{set, more} {
			for k, v := range m {
				out[k] = v
			}
		}
		return out
	}
	genes, _ := s.outOfFold(t, "mlp", set)
	image := with(nil)
	delete(image, "hidden")
	pictures, _ := s.outOfFold(t, "cnn", image)
	for _, how := range []string{"concat", "bilinear"} {
		both, _ := s.outOfFold(t, "fusion", with(map[string]any{"fusion": how, "embedding": 16}))
		fused := s.auc(t, "fusion, "+how, both)
		for what, alone := range map[string][]float64{"mlp": genes, "cnn": pictures} {
			c, err := metrics.CompareAUC(fused, s.auc(t, what, alone))
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("fusion, %s against %s: difference %.3f, p = %.2g", how, what, c.Difference, c.P)
			if c.Difference <= 0 || c.P >= 0.05 {
				t.Errorf("fusion, %s, does not beat %s", how, what)
			}
		}
	}
}

// Where a texture of matched histogram tells the subtype, a network sees it in patients that it was not trained on, and the peak of its Grad-CAM map for
// the class that it predicts lies inside the region in 90 % of them. How much of a crop the region fills is what a peak at random would give.
func TestEvidenceGradCAM(t *testing.T) {
	s := phantomStudy(t, "texture", `
  - name: t1
    kind: images
    image: "c/images/{patient}/t1.nii.gz"
    mask: "c/images/{patient}/mask.nii.gz"
    parameters: {imageType: {Original: {}}, featureClass: {shape: [Elongation]}}
    volume: {spacing: [1, 1, 1.5], size: [20, 20, 12], mask: crop}
`)
	margin, fitted := s.outOfFold(t, "cnn", map[string]any{"widths": []any{8, 16}, "epochs": 15, "batch": 16, "learning_rate": 0.005, "holdout": 0})
	auc := s.auc(t, "cnn", margin)
	v := s.x.Volumes[0]
	voxels := v.Size[0] * v.Size[1] * v.Size[2]
	inside, right, share := 0, 0, 0.0
	for i, f := range s.folds {
		var maps [2][][]float32
		for class := range maps {
			var err error
			if maps[class], err = fitted[i].(models.Located).GradCAM(s.x.Select(f.Test), class); err != nil {
				t.Fatal(err)
			}
		}
		for n, row := range f.Test {
			predicted := 0
			if margin[row] > 0 {
				predicted = 1
			}
			if predicted == s.y.Class[row] {
				right++
			}
			at, crop := maps[predicted][n], v.Of(row)
			peak := 0
			for k := range at {
				if at[k] > at[peak] {
					peak = k
				}
				if crop[k] != 0 { // what lies outside the region is 0
					share += 1 / float64(voxels*s.x.Rows)
				}
			}
			if at[peak] > 0 && crop[peak] != 0 {
				inside++
			}
		}
	}
	t.Logf("Grad-CAM: the peak is inside the region in %d of %d patients out of fold; %d are predicted right; the region is %.0f %% of the crop", inside, s.x.Rows, right, 100*share)
	if auc.AUC() < 0.9 || inside*10 < s.x.Rows*9 {
		t.Errorf("AUC %.3f, want .90; %d peaks inside, want %d", auc.AUC(), inside, s.x.Rows*9/10)
	}
}
