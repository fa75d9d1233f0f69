package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every command of docs/genes.md works on the files that the page shows, and says what it left out.
func TestGenesGuide(t *testing.T) {
	page, err := os.ReadFile("../../docs/genes.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	var out, errs strings.Builder
	commands := 0
	for _, block := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```").FindAllStringSubmatch(string(page), -1) {
		name, rest, _ := strings.Cut(block[2], "\n")
		name, named := strings.CutPrefix(name, "# ")
		switch {
		case block[1] == "sh":
			for line := range strings.Lines(block[2]) {
				code, o, e := voxgene(strings.Fields(line)[1:]...)
				if code != 0 {
					t.Errorf("%s: exit %d: %s", strings.TrimSpace(line), code, e)
				}
				out.WriteString(o)
				errs.WriteString(e)
				commands++
			}
		case named: // the first line names the file
			if err := os.WriteFile(name, []byte(rest), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if commands != 2 {
		t.Errorf("%d commands", commands)
	}
	for _, want := range []string{"patient,rna.EGFR,rna.MARCH1,mut.idh", "TCGA-02-0001,2,0,mutant", "TCGA-02-0003,,,wild_type"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s\nlacks %s", out.String(), want)
		}
	}
	for _, want := range []string{"1 sample of normal tissue left out", "1-Mar → MARCH1"} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("%s\nlacks %s", errs.String(), want)
		}
	}
	written, err := os.ReadFile("table.csv")
	if err != nil || !strings.Contains(string(written), "TCGA-02-0002,4,1,wild_type") {
		t.Errorf("%s %v", written, err)
	}
	if code, _, e := voxgene("extract", "genes.yaml", "--sources", "rnaa"); code != 2 || !strings.Contains(e, `no source "rnaa"; there are rna, mut`) {
		t.Errorf("%d %s", code, e)
	}
}
