package train_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/train"
	"github.com/voxgene/voxgene/train/config"
)

// The files that hold no time.
var same = []string{train.BundleFile, train.MetricsFile, train.PredictionsFile, train.FeaturesFile}

func compare(t *testing.T, what, got, want string) {
	t.Helper()
	for _, name := range same {
		if !bytes.Equal(read(t, got, name), read(t, want, name)) {
			t.Errorf("%s: %s has other bytes", what, name)
		}
	}
}

// The same input and seed give the same bytes on one processor and on two, whatever --jobs and output, for a run that was stopped
// and resumed, and for one that was killed.
func TestSameBytes(t *testing.T) {
	file := cohort(t, 90, "conformal: {level: 0.8}\n")
	dir := filepath.Dir(file)
	want := filepath.Join(dir, "one")
	before := runtime.GOMAXPROCS(1)
	err := trainFile(file, want, train.Options{})
	runtime.GOMAXPROCS(before)
	if err != nil {
		t.Fatal(err)
	}
	several := filepath.Join(dir, "elsewhere", "several")
	before = runtime.GOMAXPROCS(4)
	err = trainFile(file, several, train.Options{}, "jobs=3")
	runtime.GOMAXPROCS(before)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "four processors and three jobs", several, want)

	stopped := filepath.Join(dir, "stopped")
	ctx, stop := context.WithCancel(context.Background())
	e, err := config.ReadFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	e.Output = stopped
	if _, err := train.Run(ctx, e, train.Options{Progress: func(stage string, done, _ int) {
		if strings.HasPrefix(stage, "os") && done == 3 {
			stop()
		}
	}}); err == nil {
		t.Fatal("the run was not stopped")
	}
	if err := trainFile(file, stopped, train.Options{Resume: true}); err != nil {
		t.Fatal(err)
	}
	compare(t, "stopped and resumed", stopped, want)

	killed := filepath.Join(dir, "killed")
	kill(t, file, filepath.Join(killed, ".work"))
	if _, err := os.Stat(filepath.Join(killed, train.BundleFile)); err == nil {
		t.Log("the run was done before it was killed")
	}
	if err := trainFile(file, killed, train.Options{Resume: true}); err != nil {
		t.Fatal(err)
	}
	compare(t, "killed and resumed", killed, want)
}

// kill starts a run and sends SIGKILL once a part of its work is in the store.
func kill(t *testing.T, file, store string) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childVariable+"="+file)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for range 2000 {
		finished, err := filepath.Glob(filepath.Join(store, "??", "*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(finished) >= 12 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	_ = c.Process.Kill() // it may have ended
	_ = c.Wait()
}

// Columns from which an outcome is known never predict it; the bundle neither reads them nor holds a patient.
func TestKnownFromIsNotAPredictor(t *testing.T) {
	file := cohort(t, 60, "")
	out := filepath.Join(filepath.Dir(file), "out")
	if err := trainFile(file, out, train.Options{}, "honest.permutations=0"); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Open(filepath.Join(out, train.BundleFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.Columns() {
		if strings.Contains(c.Name, "subtype") {
			t.Errorf("the bundle reads %s", c.Name)
		}
	}
	if bytes.Contains(read(t, out, train.BundleFile), []byte("p001")) || bytes.Contains(read(t, out, train.ReportFile), []byte("p001")) {
		t.Error("the bundle or the report names a patient")
	}
	var m map[string]train.Metrics
	if err := json.Unmarshal(read(t, out, train.MetricsFile), &m); err != nil {
		t.Fatal(err)
	}
	if m["subtype"].Headline["auc"].Value == nil || *m["subtype"].Headline["auc"].Value > 0.97 || len(m["subtype"].Models) != 2 || m["os"].Headline["c_index"].Value == nil {
		t.Errorf("metrics %+v", m)
	}
	if len(m["subtype"].Ablation) != 2 || len(m["subtype"].Baselines) != 3 || len(m["subtype"].Subgroups) != 5 {
		t.Errorf("ablation %v, baselines %v, subgroups %v", m["subtype"].Ablation, m["subtype"].Baselines, m["subtype"].Subgroups)
	}
}

// Without known_from the copy of the outcome predicts it, and the audit says so.
func TestAuditSeesACopyOfTheOutcome(t *testing.T) {
	file := cohort(t, 60, "")
	out := filepath.Join(filepath.Dir(file), "out")
	if err := trainFile(file, out, train.Options{}, "honest.permutations=0", "outcomes.0.known_from=[]", "outcomes.1.known_from=[]"); err != nil {
		t.Fatal(err)
	}
	if page := string(read(t, out, train.ReportFile)); !strings.Contains(page, "clinical.subtype_copy = mutant are of class mutant") || !strings.Contains(page, `class="warning"`) {
		t.Error("the report does not warn of the column that is the outcome")
	}
}

// A calibrated model is trained, judged, kept and read again; what it explains is said in the report.
func TestCalibratedModel(t *testing.T) {
	file := cohort(t, 90, "")
	out := filepath.Join(filepath.Dir(file), "out")
	if err := trainFile(file, out, train.Options{}, "honest={permutations: 0, baselines: []}", "models.0.calibrate=platt"); err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Open(filepath.Join(out, train.BundleFile)); err != nil {
		t.Fatal(err)
	}
	var m map[string]train.Metrics
	if err := json.Unmarshal(read(t, out, train.MetricsFile), &m); err != nil {
		t.Fatal(err)
	}
	if c := m["subtype"].Calibration; c == nil || *c.Slope < 0.3 || *c.Slope > 3 {
		t.Errorf("calibration %+v", c)
	}
}

// Every scheme ends in a report, and one that a cohort cannot carry is refused before the first fit.
func TestSchemes(t *testing.T) {
	file := cohort(t, 60, "")
	var folds strings.Builder
	folds.WriteString("patient,fold\n")
	for i := range 60 {
		folds.WriteString("p0" + string(rune('0'+i/10)) + string(rune('0'+i%10)) + "," + string(rune('a'+i%4)) + "\n")
	}
	write(t, filepath.Dir(file), "folds.csv", folds.String())
	for scheme, set := range map[string][]string{
		"leave_one_site_out": {"validation={scheme: leave_one_site_out, inner_folds: 2}"},
		"bootstrap":          {"validation={scheme: bootstrap, repeats: 20, inner_folds: 2}"},
		"holdout":            {"validation={scheme: holdout, test_fraction: 0.3, inner_folds: 2}"},
		"folds_file":         {"validation={folds_file: folds.csv, inner_folds: 2}"},
		"time_split":         {"validation={scheme: time_split, time: age, inner_folds: 2}"},
		"leave_one_out":      {"validation={scheme: leave_one_out, inner_folds: 2}", "models=[{kind: logistic, lambda: 0.1}, {kind: cox, lambda: 0.1}]"},
	} {
		out := filepath.Join(filepath.Dir(file), scheme)
		if err := trainFile(file, out, train.Options{}, append(set, "honest={permutations: 0, baselines: []}")...); err != nil {
			t.Errorf("%s: %v", scheme, err)
			continue
		}
		if page := string(read(t, out, train.ReportFile)); !strings.Contains(page, "subtype") {
			t.Errorf("%s: the report has no outcome", scheme)
		}
		var m map[string]train.Metrics
		if err := json.Unmarshal(read(t, out, train.MetricsFile), &m); err != nil {
			t.Fatal(err)
		}
		if h := m["subtype"].Headline; scheme == "leave_one_out" && (h["brier"].Value == nil || len(h) != 2) || scheme != "leave_one_out" && h["auc"].Value == nil {
			t.Errorf("%s: headline %+v", scheme, h)
		}
	}
	err := trainFile(file, filepath.Join(filepath.Dir(file), "no"), train.Options{}, "validation={folds: 40}")
	if err == nil || !strings.Contains(err.Error(), "is feasible") || !strings.Contains(err.Error(), "outcome os") || !strings.Contains(err.Error(), "outcome subtype") {
		t.Errorf("40 folds of 60 patients: %v", err)
	}
}

// A budget cuts permutations, and the report says so; nothing else changes.
func TestBudgetCutsPermutations(t *testing.T) {
	file := cohort(t, 60, "")
	out := filepath.Join(filepath.Dir(file), "out")
	if err := trainFile(file, out, train.Options{}, "honest={permutations: 100000, budget: 200ms, baselines: []}"); err != nil {
		t.Fatal(err)
	}
	var m map[string]train.Metrics
	if err := json.Unmarshal(read(t, out, train.MetricsFile), &m); err != nil {
		t.Fatal(err)
	}
	if n := m["subtype"]; n.Permutation != nil && n.Permutation.Number > 50_000 || !strings.Contains(n.Cut, "of 100000 permutations") {
		t.Errorf("permutations %+v, cut %q", n.Permutation, n.Cut)
	}
}
