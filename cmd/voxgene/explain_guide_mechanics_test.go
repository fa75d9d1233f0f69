package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every command of docs/explain.md works, on a small bundle, three patients and a scan.
func TestExplainGuide(t *testing.T) {
	page, err := os.ReadFile("../../docs/explain.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rows, err := os.ReadFile(patients(t))
	if err != nil {
		t.Fatal(err)
	}
	model, err := os.ReadFile(trained)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"new.csv": rows, "train.csv": rows, "model.voxgene": model, "sets.gmt": []byte("S\tx\tGENE0001\tGENE0002\n")} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writePair(t, dir)
	t.Chdir(dir)
	commands := 0
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllStringSubmatch(string(page), -1) {
		for line := range strings.Lines(block[1]) {
			args := strings.Fields(line)
			if code, _, errs := voxgene(args[1:]...); code != 0 {
				t.Errorf("%s: exit %d: %s", strings.TrimSpace(line), code, errs)
			}
			commands++
		}
	}
	if commands != 13 {
		t.Errorf("%d commands on the page; this test knows 13", commands)
	}
	for _, name := range []string{"p2.csv", "figures/logistic-B-beeswarm.svg", "p1/cox-patient-001-P1-over-time.svg", "energy.nii.gz", "contrast.nii.gz"} {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
}
