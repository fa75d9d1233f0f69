package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Two extractions with different bins differ in texture and not in shape; a table compared with itself does not differ.
func TestCompareTables(t *testing.T) {
	dir := t.TempDir()
	scan, mask := writePair(t, dir)
	params := filepath.Join(dir, "p.yaml")
	if err := os.WriteFile(params, []byte("setting: {binWidth: 10}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, b := filepath.Join(dir, "a.csv"), filepath.Join(dir, "b.csv")
	if code, _, errs := voxgene("extract", scan, mask, "--label", "all", "-o", a); code != 0 {
		t.Fatal(errs)
	}
	if code, _, errs := voxgene("extract", scan, mask, "--label", "all", "--params", params, "-o", b); code != 0 {
		t.Fatal(errs)
	}
	if code, out, errs := voxgene("compare", a, a); code != 0 || !strings.Contains(errs, "2 rows and 107 columns in both; 0 columns differ") || strings.Contains(out, "true") {
		t.Errorf("%d, %s", code, errs)
	}
	parquet := filepath.Join(dir, "a.parquet")
	if code, _, errs := voxgene("extract", scan, mask, "--label", "all", "-o", parquet); code != 0 {
		t.Fatal(errs)
	}
	if code, _, errs := voxgene("compare", a, parquet); code != 0 || !strings.Contains(errs, "2 rows and 107 columns in both; 0 columns differ") {
		t.Errorf("CSV and Parquet: %d, %s", code, errs)
	}
	code, out, errs := voxgene("compare", a, b)
	if code != 1 || !strings.Contains(errs, "differ by more than 1e-06") {
		t.Errorf("%d, %s", code, errs)
	}
	for line := range strings.Lines(out) {
		if differs := strings.HasSuffix(strings.TrimSpace(line), "true"); differs && strings.HasPrefix(line, "original_shape") {
			t.Errorf("shape differs: %s", line)
		} else if !differs && strings.HasPrefix(line, "original_glcm_Contrast") {
			t.Errorf("texture does not: %s", line)
		}
	}
	if code, _, errs := voxgene("compare", a, filepath.Join(dir, "none.csv")); code != 2 {
		t.Errorf("%d, %s", code, errs)
	}
}
