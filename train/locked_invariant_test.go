package train_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/train"
	"github.com/voxgene/voxgene/train/config"
)

// Locked patients change nothing that training leaves, are opened once, and a second look or a log that was touched is refused.
func TestLockedHoldout(t *testing.T) {
	file := cohort(t, 120, "")
	dir := filepath.Dir(file)
	set := []string{"honest={permutations: 0, baselines: []}", "validation={folds: 3, repeats: 1, inner_folds: 2, locked: {patients: locked.csv}}"}
	write(t, dir, "locked.csv", "patient\n"+strings.Join(strings.Fields("p000 p003 p004 p007 p010 p011 p012 p020 p021 p023 p030 p031 p040 p041 p050 p051 p055 p060 p070 p071 p080 p090 p100 p110"), "\n")+"\n")
	out := filepath.Join(dir, "out")
	if err := trainFile(file, out, train.Options{}, set...); err != nil {
		t.Fatal(err)
	}
	radiomics := string(read(t, dir, "radiomics.csv"))
	var changed []string
	for _, line := range strings.Split(radiomics, "\n") {
		if strings.HasPrefix(line, "p000,") || strings.HasPrefix(line, "p110,") {
			line = line[:5] + "9,9,9,9"
		}
		changed = append(changed, line)
	}
	write(t, dir, "radiomics.csv", strings.Join(changed, "\n"))
	again := filepath.Join(dir, "again")
	if err := trainFile(file, again, train.Options{}, set...); err != nil {
		t.Fatal(err)
	}
	compare(t, "other values of locked patients", again, out)
	write(t, dir, "radiomics.csv", radiomics)

	b, err := bundle.Open(filepath.Join(out, train.BundleFile))
	if err != nil {
		t.Fatal(err)
	}
	e, err := config.ReadFile(file, set)
	if err != nil {
		t.Fatal(err)
	}
	open := func(into, reason string) error {
		_, err := train.External(context.Background(), b, e.Config, e.Dir, train.ExternalOptions{Output: filepath.Join(dir, into), Experiment: e, OpenLocked: true, Again: reason})
		return err
	}
	if err := open("first", ""); err != nil {
		t.Fatal(err)
	}
	var m map[string]train.ExternalMetrics
	if err := json.Unmarshal(read(t, dir, "first", train.MetricsFile), &m); err != nil {
		t.Fatal(err)
	}
	if m["subtype"].Patients != 24 || m["subtype"].Headline["auc"].Low == nil {
		t.Errorf("%+v", m["subtype"])
	}
	if err := open("second", ""); err == nil || !strings.Contains(err.Error(), "--again") {
		t.Errorf("a second look: %v", err)
	}
	if err := open("second", "a reviewer asked"); err != nil {
		t.Error(err)
	}
	if page := read(t, dir, "second", train.ReportFile); !bytes.Contains(page, []byte("opening number 2")) {
		t.Error("the report is silent about the second look")
	}
	log := train.LockedLog(e)
	lines := strings.SplitAfter(string(read(t, log)), "\n")
	if err := os.WriteFile(log, []byte(lines[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open("third", "again"); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a log without its first line: %v", err)
	}
}

// One test set has the interval of one fixed model on one set of patients, and an interval over patients can be asked for.
func TestIntervalsOfPatients(t *testing.T) {
	file := cohort(t, 90, "")
	for name, scheme := range map[string]string{"holdout": "scheme: holdout, test_fraction: 0.3", "bootstrap": "folds: 3, repeats: 2, interval: bootstrap"} {
		out := filepath.Join(filepath.Dir(file), name)
		if err := trainFile(file, out, train.Options{}, "honest={permutations: 0, baselines: []}", "validation={"+scheme+", inner_folds: 2}"); err != nil {
			t.Fatal(err)
		}
		var m map[string]train.Metrics
		if err := json.Unmarshal(read(t, out, train.MetricsFile), &m); err != nil {
			t.Fatal(err)
		}
		for outcome, measure := range map[string]string{"subtype": "auc", "os": "c_index"} {
			h := m[outcome].Headline[measure]
			if h.Low == nil || !(*h.Low < *h.Value && *h.Value < *h.High) || !strings.Contains(m[outcome].Interval, "of patients") {
				t.Errorf("%s, %s: %+v, %s", name, outcome, h, m[outcome].Interval)
			}
		}
		if tests := m["subtype"].Comparisons; name == "holdout" && (len(tests) != 1 || tests[0].Test != "DeLong's paired test" || tests[0].P == nil) {
			t.Errorf("comparisons %+v", tests)
		}
	}
}
