package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What inspect writes beside its text: the export of what is a sum of columns, a drawing of what can be drawn, and why not.
func TestInspectFiles(t *testing.T) {
	dir := t.TempDir()
	export, svg := filepath.Join(dir, "model.json"), filepath.Join(dir, "model.svg")
	code, out, errs := voxgene("inspect", trained, "--export", export, "--outcomes", "logistic,cox")
	if code != 0 || !strings.Contains(out, "odds ratio") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	b, err := os.ReadFile(export)
	if err != nil {
		t.Fatal(err)
	}
	var e struct {
		Export   int `json:"voxgene_export"`
		Outcomes []struct {
			Steps []struct{ Step string }
			Model struct {
				Kind    string
				Columns []string
			}
		}
	}
	if err := json.Unmarshal(b, &e); err != nil || e.Export != 1 || len(e.Outcomes) != 2 || e.Outcomes[1].Model.Kind != "cox" || len(e.Outcomes[0].Steps) == 0 {
		t.Errorf("%v: %s", err, b)
	}
	if code, _, errs := voxgene("inspect", trained, "--svg", svg); code != 0 { // the linear models of this old file have no ranges, its tree can be drawn
		t.Error(code, errs)
	}
	if b, err := os.ReadFile(svg); err != nil || !strings.HasPrefix(string(b), "<svg") || !strings.Contains(string(b), "clinical.age") {
		t.Errorf("%v: %.200s", err, b)
	}
	for _, wrong := range []struct {
		args []string
		want string
	}{
		{[]string{"--export", export}, "outcome decision_tree: a model of kind decision_tree is not a sum of columns"},
		{[]string{"--export", export, "--outcomes", "coxx"}, `does not predict "coxx"`},
		{[]string{"--svg", svg, "--outcomes", "coxx"}, "no outcome coxx"},
		{[]string{"--svg", svg, "--outcomes", "cox"}, "outcome cox: the model was saved without the ranges"},
	} {
		if code, _, errs := voxgene(append([]string{"inspect", trained}, wrong.args...)...); code != 2 || !strings.Contains(errs, wrong.want) {
			t.Errorf("%v: exit %d: %s", wrong.args, code, errs)
		}
	}
}
