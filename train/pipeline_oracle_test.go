package train_test

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/pipeline"
	"github.com/voxgene/voxgene/models/survival"
	"github.com/voxgene/voxgene/train"
	"github.com/voxgene/voxgene/train/validate"
)

// records reads a CSV, compressed or not.
func records(t *testing.T, elements ...string) [][]string {
	t.Helper()
	f, err := os.Open(oracle.Data(t, elements...))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(f.Name(), ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	r := csv.NewReader(in)
	all, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// matrix reads samples × features without an id column.
func matrix(t *testing.T, all [][]string, columns []string) models.Matrix {
	t.Helper()
	c := make([]table.Column, len(columns))
	for j, name := range columns {
		c[j] = table.Column{Name: "x." + name, Source: "x"}
	}
	x := models.NewMatrix(c, len(all)-1)
	for j, name := range columns {
		at := slices.Index(all[0], name)
		for i, r := range all[1:] {
			v, err := strconv.ParseFloat(r[at], 64)
			if err != nil {
				t.Fatal(err)
			}
			x.Column(j)[i] = v
		}
	}
	return x
}

// storedFolds reads the reference's folds: row, class, and the test fold of each repeat.
func storedFolds(t *testing.T, name string) (clinical.Outcome, []validate.Fold) {
	t.Helper()
	all := records(t, "pipeline", "inputs", name+"_folds.csv")
	texts := make([]string, len(all)-1)
	for i, r := range all[1:] {
		texts[i] = r[1]
	}
	y, err := clinical.NewClass("y", texts, clinical.Classes{})
	if err != nil {
		t.Fatal(err)
	}
	var out []validate.Fold
	for rep := 2; rep < len(all[0]); rep++ {
		most := 0
		for _, r := range all[1:] {
			k, err := strconv.Atoi(r[rep])
			if err != nil {
				t.Fatal(err)
			}
			most = max(most, k)
		}
		for k := 1; k <= most; k++ {
			f := validate.Fold{Repeat: rep - 2, Number: k - 1}
			for i, r := range all[1:] {
				if r[rep] == strconv.Itoa(k) {
					f.Test = append(f.Test, i)
				} else {
					f.Train = append(f.Train, i)
				}
			}
			out = append(out, f)
		}
	}
	return y, out
}

// spec is a step with options.
func spec(t testing.TB, step string, set map[string]any) pipeline.Spec {
	t.Helper()
	k, _ := pipeline.Lookup(step)
	o, problems := models.Check(k.Params, set)
	for _, err := range problems {
		t.Fatal(err)
	}
	return pipeline.Spec{Step: step, Options: o}
}

func learner(t testing.TB, kind string, set map[string]any) models.Learner {
	t.Helper()
	k, _ := models.Lookup(kind)
	o, problems := models.Check(k.Params, set)
	for _, err := range problems {
		t.Fatal(err)
	}
	l, err := k.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// judge runs one fold with everything fitted inside it.
func judge(t *testing.T, x models.Matrix, y clinical.Outcome, f validate.Fold, times []float64, l models.Learner, steps ...pipeline.Spec) validate.Prediction {
	t.Helper()
	chain, err := pipeline.New(steps)
	if err != nil {
		t.Fatal(err)
	}
	s := validate.Study{Rows: validate.Rows{Outcome: y}, X: x, Times: times, Procedure: validate.Procedure{
		Prepare: func(ctx context.Context, t models.Training) (validate.Apply, error) {
			f, err := chain.Fit(ctx, t)
			if err != nil {
				return nil, err
			}
			return f.Apply, nil
		},
		Models: []validate.Entry{{Name: "m", Candidates: []validate.Candidate{{Learner: l}}}},
	}}
	r, err := s.Judge(context.Background(), []validate.Fold{f}, 0, work.Pool{})
	if err != nil {
		t.Fatal(err)
	}
	return r.Folds[0].Models[0]
}

func auc(t *testing.T, y clinical.Outcome, f validate.Fold, p validate.Prediction) float64 {
	t.Helper()
	return validate.Score(y).Of(y.Select(f.Test), p)
}

// The same folds and the same fixed settings give the AUC of every fold that scikit-learn 1.2.1 gives: scaling, selection by F and
// ridge logistic regression, all fitted on the training part. scikit-learn's C is 1/(n·lambda).
func TestScikitLearnFoldsOracle(t *testing.T) {
	var want map[string]map[string]struct {
		PerFold [][]float64 `json:"per_rep_per_fold"`
	}
	b, err := os.ReadFile(oracle.Data(t, "pipeline", "expected", "python_targets.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		data, file, model string
		c                 float64
		anova             int
	}{
		{"breast_cancer", "breast_cancer_X.csv", "logreg_l2_C1_std", 1, 0},
		{"breast_cancer", "breast_cancer_X.csv", "logreg_l2_C0.01_std", 0.01, 0},
		{"ALL_bcrabl", "ALL_bcrabl_X.csv.gz", "anova100_logreg_l2_C0.1", 0.1, 100},
	} {
		all := records(t, "pipeline", "inputs", c.file)
		x := matrix(t, all, all[0])
		y, folds := storedFolds(t, c.data)
		check := oracle.Absolute(t, "AUC of each fold", c.data+", "+c.model, "scikit-learn 1.2.1 on the same folds", 1e-3)
		at := 0
		for _, rep := range want[c.data][c.model].PerFold {
			for _, value := range rep {
				f := folds[at]
				at++
				l := learner(t, "logistic", map[string]any{"penalty": "ridge", "lambda": 1 / (c.c * float64(len(f.Train)))})
				steps := []pipeline.Spec{spec(t, "scale", nil)}
				if c.anova > 0 {
					steps = append(steps, spec(t, "select", map[string]any{"method": "anova", "most": c.anova}))
				}
				check.Near(f.Label(), auc(t, y, f, judge(t, x, y, f, nil, l, steps...)), value)
			}
		}
	}
}

// An unpenalised Cox model on the reference's folds of gbsg: C, Uno's C and the integrated Brier score of R's survival and pec.
func TestCoxFoldsOracle(t *testing.T) {
	var want struct {
		Tau    float64 `json:"tau_ibs"`
		ByFold map[string]struct {
			C, IBS, UnoC []float64
		} `json:"by_fold"`
	}
	b, err := os.ReadFile(oracle.Data(t, "pipeline", "expected", "gbsg_survival_targets.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	all := records(t, "pipeline", "inputs", "gbsg_data_folds.csv")
	x := matrix(t, all, []string{"age", "meno", "size", "grade", "nodes", "pgr", "er", "hormon"})
	rest := matrix(t, all, []string{"time", "status", "fold"})
	y := clinical.Outcome{Name: "rfs", Kind: clinical.Survival, Unit: "d", Time: rest.Column(0)}
	for _, e := range rest.Column(1) {
		y.Event = append(y.Event, int(e))
	}
	target := want.ByFold["cox"]
	harrell := oracle.Relative(t, "C of each fold", "gbsg, Cox", "R survival 3.5-3", 1e-6)
	uno := oracle.Relative(t, "Uno's C of each fold", "gbsg, Cox", "R survival 3.5-3", 1e-6)
	brier := oracle.Relative(t, "integrated Brier score of each fold", "gbsg, Cox", "R pec", 1e-6)
	for k := range target.C {
		var f validate.Fold
		for i, v := range rest.Column(2) {
			if int(v) == k+1 {
				f.Test = append(f.Test, i)
			} else {
				f.Train = append(f.Train, i)
			}
		}
		test := y.Select(f.Test)
		var times []float64
		for _, v := range test.Time {
			if v < want.Tau {
				times = append(times, v)
			}
		}
		slices.Sort(times)
		times = slices.Compact(times)
		p := judge(t, x, y, f, times, learner(t, "cox", map[string]any{"penalty": "none"}))
		obs, err := survival.Observations(test)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("fold %d", k+1)
		for _, m := range validate.Measures(y, validate.CV)[:2] {
			if m.Name == "c_index" {
				harrell.Near(name, m.Of(test, p), target.C[k])
			}
		}
		c, err := survival.Rank(obs, p.Risk, survival.ConcordanceOptions{Weight: survival.Uno, Until: want.Tau})
		if err != nil {
			t.Fatal(err)
		}
		uno.Near(name, c.C, target.UnoC[k])
		w, err := survival.NewIPCW(obs)
		if err != nil {
			t.Fatal(err)
		}
		ibs, err := w.IntegratedBrier(want.Tau, func(i int, at float64) float64 {
			j, _ := slices.BinarySearch(times, at)
			if j == len(times) || times[j] != at {
				return 1
			}
			return p.Survival[i*len(times)+j]
		})
		if err != nil {
			t.Fatal(err)
		}
		brier.Near(name, ibs, target.IBS[k])
	}
}

// On the lung cancers of the radiogenomics cohort, expression tells adenocarcinoma from squamous cell carcinoma, radiomics hardly
// does, and the audit says that the expression was standardised before it came here and that its gaps go with the histology.
func TestLungHistologyOracle(t *testing.T) {
	dir := oracle.Cohort(t, "nsclc-radiogenomics")
	file := write(t, t.TempDir(), "nsclc.yaml", `name: nsclc
cohort: {patients: `+filepath.Join(dir, "cohort211.csv")+`}
sources:
  - {name: rna, kind: table, path: `+filepath.Join(dir, "expression1000_zscore.csv")+`, group: gene}
  - {name: ct, kind: table, path: `+filepath.Join(dir, "imagene_pyradiomics1522_n116.csv")+`, group: imaging}
outcomes:
  - {name: histology, kind: class, column: histology, classes: [Adenocarcinoma, "Squamous cell carcinoma"]}
models:
  - {kind: logistic, alpha: 0.5}
validation: {scheme: cv, repeats: 1}
honest: {permutations: 0, baselines: []}
`)
	out := t.TempDir()
	if err := trainFile(file, out, train.Options{}); err != nil {
		t.Fatal(err)
	}
	var m map[string]train.Metrics
	if err := json.Unmarshal(read(t, out, train.MetricsFile), &m); err != nil {
		t.Fatal(err)
	}
	alone := map[string]float64{}
	for _, v := range m["histology"].Ablation {
		alone[v.Name] = *v.Value
	}
	gene, imaging := alone["group gene alone"], alone["group imaging alone"]
	if math.IsNaN(gene) || gene < 0.93 {
		t.Errorf("expression alone: AUC %.3f, want at least 0.93", gene)
	}
	if imaging > 0.70 {
		t.Errorf("radiomics alone: AUC %.3f, where 0.59 is usual", imaging)
	}
	checks := map[string]bool{}
	for _, f := range m["histology"].Audit {
		checks[f.Check] = true
	}
	if !checks["normalised"] || !checks["missing_by_outcome"] {
		t.Errorf("the audit found %v", checks)
	}
	t.Logf("expression %.3f, radiomics %.3f", gene, imaging)
}
