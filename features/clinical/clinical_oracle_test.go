package clinical

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
)

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "features/clinical", 5356)) }

// The 190 annotations of NSCLC Radiogenomics (Bakr and others 2018) and a table of their codes that was derived from the XML by others.
func TestAIMOracle(t *testing.T) {
	f, err := os.Open(oracle.Cohort(t, "nsclc-radiogenomics", "aim_semantic_features.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(oracle.Cohort(t, "nsclc-radiogenomics", "aim_xml") + "/*.xml")
	if err != nil || len(files) != 190 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	codes, words := map[string]map[string]string{}, map[string]map[string]string{}
	for _, path := range files {
		r, err := ReadAIM(path)
		if err != nil {
			t.Fatal(err)
		}
		code, word := map[string]string{}, map[string]string{}
		for _, x := range r.Findings {
			if _, ok := code[x.Label]; ok {
				code[x.Label] += "|"
				word[x.Label] += "|"
			}
			code[x.Label] += x.Code
			word[x.Label] += x.Meaning
		}
		codes[r.Patient], words[r.Patient] = code, word
	}
	c := oracle.Absolute(t, "answers of radiologists", "AIM 4, 190 patients, 28 questions", "table beside the cohort", 0)
	for _, row := range rows[1:] {
		for j, label := range rows[0][1:] { // the table has codes for some patients and words for others
			same := 0.0
			if codes[row[0]][label] == row[j+1] || words[row[0]][label] == row[j+1] {
				same = 1
			} else {
				t.Logf("%s %s: got %q or %q, want %q", row[0], label, codes[row[0]][label], words[row[0]][label], row[j+1])
			}
			c.Near(row[0]+" "+label, same, 1)
		}
	}
}
