package main

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
)

// Models that XGBoost 1.7.4 saved are put into bundles, predict what XGBoost predicted, and are explained and read like ours.
func TestImport(t *testing.T) {
	for name, answer := range map[string]string{"binary_bc": "y.probability.1", "multi_iris": "y.probability.2", "cox_gbsg": "y.risk"} {
		model := oracle.Data(t, "trees", "expected", "xgb_"+name+"_model.json")
		dir := t.TempDir()
		into, table, out := filepath.Join(dir, "m.voxgene"), filepath.Join(dir, "x.csv"), filepath.Join(dir, "p.csv")
		columns := withPatients(t, oracle.Data(t, "trees", "inputs", "xgb_"+name+"_X.csv"), table)
		for _, args := range [][]string{
			{"import", model, "--columns", columns, "--outcome", "y", "-o", into},
			{"predict", into, table, "-o", out},
			{"import", model, "--table", table, "--outcome", "y", "-o", into},
			{"explain", into, table, "--patient", "p9"},
			{"inspect", into},
		} {
			if code, _, errs := voxgene(args...); code != 0 {
				t.Fatalf("%s: %v: exit %d: %s", name, args, code, errs)
			}
		}
		b, err := os.ReadFile(oracle.Data(t, "trees", "expected", "xgb_"+name+"_expected.json"))
		if err != nil {
			t.Fatal(err)
		}
		var want struct{ Prediction []any }
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		b, err = os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		at := -1
		for j, n := range rows[0] {
			if n == answer {
				at = j
			}
		}
		if at < 0 || len(want.Prediction) == 0 {
			t.Fatalf("%s: no %s in %v, or nothing to compare with", name, answer, rows[0])
		}
		for k, v := range want.Prediction { // of every ninth row
			p, err := strconv.ParseFloat(rows[1+9*k][at], 64)
			if err != nil {
				t.Fatal(err)
			}
			var w float64
			switch v := v.(type) {
			case float64:
				w = v
			case []any:
				w, _ = v[2].(float64)
			}
			if name == "cox_gbsg" {
				p = math.Exp(p) // XGBoost predicts the hazard ratio
			}
			if math.Abs(p-w) > 1e-5*w {
				t.Errorf("%s, row %d: %v, want %v", name, 9*k, p, w)
			}
		}
	}
}

func TestImportBadInput(t *testing.T) {
	dir := t.TempDir()
	into, junk := filepath.Join(dir, "m.voxgene"), filepath.Join(dir, "junk.json")
	if err := os.WriteFile(junk, []byte(`{"learner": {}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other.json")
	if err := os.WriteFile(other, []byte(`{"learner": 3}`), 0o600); err != nil {
		t.Fatal(err)
	}
	model := oracle.Data(t, "trees", "expected", "xgb_multi_iris_model.json")
	regression := oracle.Data(t, "trees", "expected", "xgb_reg_diabetes_model.json")
	for want, args := range map[string][]string{
		"needs -o BUNDLE":               {model},
		"--columns, in its order":       {model, "-o", into},
		"reads 4 columns, 2 are given":  {model, "-o", into, "--columns", "a,b"},
		"3 classes apart, 2 are given":  {model, "-o", into, "--columns", "a,b,c,d", "--classes", "x,y"},
		"learner holds a number":        {other, "-o", into, "--columns", "a"},
		"junk.json":                     {junk, "-o", into, "--columns", "a"},
		"predicts neither classes":      {regression, "-o", into, "--columns", "a,b,c,d,e,f,g,h,i,j"},
		"import wants an XGBoost model": {},
	} {
		if code, _, errs := voxgene(append([]string{"import"}, args...)...); code != 2 || !strings.Contains(errs, want) {
			t.Errorf("%v: exit %d: %s; want %q", args, code, errs, want)
		}
	}
	if _, err := os.Stat(into); err == nil {
		t.Error("a bundle was written")
	}
}

// withPatients copies a table without its outcome and with a column of patients before the others, which it lists.
func withPatients(t *testing.T, from, to string) (columns string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for i, r := range rows {
		key := "p" + strconv.Itoa(i-1)
		if i == 0 {
			key = "patient"
		}
		if n := len(r); rows[0][n-1] == "y" {
			r = r[:n-1]
		}
		line := strings.Join(r, ",")
		if i == 0 {
			columns = line
		}
		out.WriteString(key + "," + line + "\n")
	}
	if err := os.WriteFile(to, []byte(out.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return columns
}
