package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// Where the subtype is texture in lesions of equal histogram, first-order features are no better than chance and texture features see it:
// a logistic model on the former stays below an AUC of .60, and on the latter is far above.
func TestPhantomTextureInvariant(t *testing.T) {
	if testing.Short() {
		t.Skip("trains twice")
	}
	dir := t.TempDir()
	if code, _, stderr := voxgene("phantom", dir, "--patients", "200", "--plant", "texture"); code != 0 {
		t.Fatal(stderr)
	}
	auc := func(columns string) float64 {
		out := filepath.Join(dir, columns)
		code, _, stderr := voxgene("train", filepath.Join(dir, "experiment.yaml"), "--out", out, "--set", "sources.1.columns=[\"original_"+columns+"_*\"]",
			"--set", "sources.0.columns=[age]", "--set", "outcomes=[{name: subtype, kind: class, column: subtype}]", "--set", "models=[{kind: logistic, penalty: elastic_net, alpha: 0.5}]",
			"--set", "honest={permutations: 0, baselines: []}")
		if code != 0 {
			t.Fatal(stderr)
		}
		b, err := os.ReadFile(filepath.Join(out, "metrics.json"))
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]struct {
			Headline map[string]struct{ Value float64 }
		}
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		return m["subtype"].Headline["auc"].Value
	}
	first, texture := auc("firstorder"), auc("glcm")
	t.Logf("AUC of first-order features %.3f, of GLCM features %.3f", first, texture)
	if first >= 0.6 || texture <= 0.9 {
		t.Errorf("AUC of first-order features %.3f, want below .60; of GLCM features %.3f, want above .90", first, texture)
	}
}
