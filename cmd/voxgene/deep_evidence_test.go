//go:build evidence

// What docs/tcga-lgg.md says of deep features was measured here.

package main

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/voxgene/voxgene/features/cohort"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/metrics"
	"github.com/voxgene/voxgene/models/pipeline"
	"github.com/voxgene/voxgene/train"
	"github.com/voxgene/voxgene/train/config"
	"github.com/voxgene/voxgene/train/validate"
)

// Radiomics, age and sex against the same with what a network trained inside the fold sees, of 109 gliomas: the same folds, the same learners, an elastic
// net and a forest, by DeLong's interval and paired test on predictions out of fold, for three seeds of folds and networks. The step, the learners and
// the test were written down before any of it was run; there is no threshold to pass.
func TestEvidenceDeepFeatures(t *testing.T) {
	oracle.Cohort(t, "tcga-lgg")
	e, err := config.ReadFile("../../configs/tcga-lgg-deep.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cohort.Load(context.Background(), e.Config, e.Dir, work.Pool{})
	if err != nil {
		t.Fatal(err)
	}
	var known []int
	for i := range c.Outcomes[0].Rows() {
		if c.Outcomes[0].Known(i) {
			known = append(known, i)
		}
	}
	x := models.FromTable(c.Table)
	x.Volumes = train.Volumes(c)
	x, y := x.Select(known), c.Outcomes[0].Select(known)
	positive := make([]bool, x.Rows)
	for i, class := range y.Class {
		positive[i] = class == 1
	}
	plain := slices.DeleteFunc(slices.Clone(e.Pipeline), func(s pipeline.Spec) bool { return s.Step == "deep" })
	learners := map[string]models.Learner{}
	for name, m := range map[string]struct {
		kind string
		set  map[string]any
	}{
		"elastic net": {"logistic", map[string]any{"penalty": "elastic_net", "alpha": 0.5}},
		"forest":      {"random_forest", map[string]any{"trees": 500}},
	} {
		k, _ := models.Lookup(m.kind)
		o, problems := models.Check(k.Params, m.set)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if learners[name], err = k.New(o); err != nil {
			t.Fatal(err)
		}
	}
	for seed := work.Seed(1); seed <= 3; seed++ {
		folds, err := validate.Plan(validate.Design{Scheme: validate.CV, Folds: 5, Repeats: 1}, validate.Rows{Outcome: y}, seed)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		said := map[string][]float64{} // probability out of fold, by learner and columns
		for i, f := range folds {
			for what, steps := range map[string][]pipeline.Spec{"radiomics": plain, "radiomics and deep": e.Pipeline} {
				chain, err := pipeline.New(steps)
				if err != nil {
					t.Fatal(err)
				}
				part := models.Training{X: x.Select(f.Train), Y: y.Select(f.Train), Seed: seed.SplitInt("fold", i)}
				fitted, err := chain.Fit(context.Background(), part)
				if err != nil {
					t.Fatal(err)
				}
				if part.X, err = fitted.Apply(part.X); err != nil {
					t.Fatal(err)
				}
				test, err := fitted.Apply(x.Select(f.Test))
				if err != nil {
					t.Fatal(err)
				}
				for name, l := range learners {
					m, err := l.Fit(context.Background(), part)
					if err != nil {
						t.Fatal(err)
					}
					p, err := m.Predict(test, nil)
					if err != nil {
						t.Fatal(err)
					}
					key := name + ", " + what
					if said[key] == nil {
						said[key] = make([]float64, x.Rows)
					}
					for n, row := range f.Test {
						said[key][row] = p.Probabilities[2*n+1]
					}
				}
			}
		}
		t.Logf("seed %d: five folds in %.0f s", seed, time.Since(start).Seconds())
		for _, name := range []string{"elastic net", "forest"} {
			var both [2]*metrics.Binary
			for k, what := range []string{"radiomics", "radiomics and deep"} {
				if both[k], err = metrics.NewBinary(positive, said[name+", "+what]); err != nil {
					t.Fatal(err)
				}
				low, high := both[k].AUCInterval(0.95)
				t.Logf("seed %d, %s, %s: AUC %.3f (%.3f to %.3f)", seed, name, what, both[k].AUC(), low, high)
			}
			d, err := metrics.CompareAUC(both[1], both[0])
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("seed %d, %s: deep features add %+.3f, p = %.2g, %d patients", seed, name, d.Difference, d.P, x.Rows)
		}
	}
}
