package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
)

// The map of a real cohort, by configuration alone: 1,522 radiomics of which 90 are constant, 1,000 genes, 116 patients with both.
func TestAssociateNSCLC(t *testing.T) {
	oracle.Cohort(t, "nsclc-radiogenomics")
	out := t.TempDir()
	code, stdout, stderr := voxgene("associate", "../../configs/nsclc-map.yaml", "--out", out)
	if code != 0 || !strings.Contains(stdout, "1432 × 1000 columns, 116 patients") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	if !strings.Contains(stderr, "source rna was normalised over the whole cohort") {
		t.Errorf("stderr: %s", stderr)
	}
	for _, name := range []string{"association.parquet", "found.csv", "association.json", "map.html"} {
		if _, err := os.Stat(filepath.Join(out, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestAssociateBadInput(t *testing.T) {
	config := filepath.Join(t.TempDir(), "a.yaml")
	text := "name: a\ncohort: {patients: p.csv}\nsources: [{name: t, kind: table, path: p.csv}]\nassociation: {method: spearmen, levl: 2}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := voxgene("associate", config)
	for _, want := range []string{`:4:23: association.method: "spearmen" is not one of [pearson spearman kendall]`, `association.levl: unknown key; did you mean "level"?`} {
		if code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("exit %d: want %s in\n%s", code, want, stderr)
		}
	}
}
