package train_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/train"
	"github.com/voxgene/voxgene/train/config"
)

// A run's predictions, given back as those of a model made elsewhere, have its headline, and the page claims no pipeline, bundle or
// number of columns for it. A patient who is predicted in two folds of one repeat is told.
func TestPredictionsElsewhereInvariant(t *testing.T) {
	file := cohort(t, 90, "")
	dir := filepath.Dir(file)
	if err := trainFile(file, filepath.Join(dir, "run"), train.Options{}, "honest={permutations: 0, baselines: []}"); err != nil {
		t.Fatal(err)
	}
	judge := func(predictions, out string) map[string]train.Metrics {
		e, err := config.ReadFile(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		e.Output = filepath.Join(dir, out)
		if _, err := train.Predictions(context.Background(), e, predictions, train.Options{}); err != nil {
			t.Fatal(err)
		}
		var m map[string]train.Metrics
		if err := json.Unmarshal(read(t, e.Output, train.MetricsFile), &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	var want map[string]train.Metrics
	if err := json.Unmarshal(read(t, dir, "run", train.MetricsFile), &want); err != nil {
		t.Fatal(err)
	}
	predictions := filepath.Join(dir, "run", train.PredictionsFile)
	got := judge(predictions, "judged")
	for outcome, measure := range map[string]string{"subtype": "auc", "os": "c_index"} {
		if a, b := got[outcome].Headline[measure], want[outcome].Headline[measure]; *a.Value != *b.Value || *a.Low != *b.Low || *a.High != *b.High {
			t.Errorf("%s: %v to %v, the run has %v to %v", outcome, *a.Low, *a.High, *b.Low, *b.High)
		}
	}
	page := string(read(t, dir, "judged", train.ReportFile))
	for _, claim := range []string{"model.voxgene", "candidate columns", "The model that is kept", "fitted on the training rows"} {
		if strings.Contains(page, claim) {
			t.Errorf("the page says %q of a model made elsewhere", claim)
		}
	}
	for _, part := range []string{"Calibration, out of fold", "Decision curve, out of fold", "By subgroup", "Table one", "CLEAR", "RQS", "TRIPOD"} {
		if !strings.Contains(page, part) {
			t.Errorf("the page has no %q", part)
		}
	}
	lines := strings.Split(strings.TrimSpace(string(read(t, predictions))), "\n")
	cells := strings.Split(lines[1], ",")
	for fold := range 3 {
		if other := string(rune('1' + fold)); other != cells[3] {
			cells[3] = other
			break
		}
	}
	twice := write(t, dir, "twice.csv", strings.Join(append(lines, strings.Join(cells, ",")), "\n")+"\n")
	told := false
	for _, f := range judge(twice, "twice")[cells[0]].Audit {
		told = told || f.Check == "patient_in_two_folds"
	}
	if !told {
		t.Errorf("patient %s of folds 1 and 2 is not told", cells[1])
	}
}
