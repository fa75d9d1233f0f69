package main

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
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
	for name, b := range map[string][]byte{"new.csv": rows, "train.csv": labelled(rows), "model.voxgene": model, "sets.gmt": []byte("S\tx\tGENE0001\tGENE0002\n")} {
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
	if commands != 17 {
		t.Errorf("%d commands on the page; this test knows 17", commands)
	}
	for _, name := range []string{"p2.csv", "pairs.csv", "figures/logistic-B-beeswarm.svg", "p1/cox-patient-001-P1-over-time.svg", "what-counts/logistic-permutation.svg", "what-counts/global.csv", "energy.nii.gz", "contrast.nii.gz"} {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
}

// labelled repeats a table's patients ten times under other names, each with a label and its follow-up.
func labelled(table []byte) []byte {
	lines := strings.Split(strings.TrimSpace(string(table)), "\n")
	out := lines[0] + ",label,days,died\n"
	for n := range 10 {
		for i, line := range lines[1:] {
			id, rest, _ := strings.Cut(line, ",")
			out += fmt.Sprintf("%s-%d,%s,%c,%d,%d\n", id, n, rest, "AB"[(i+n)%2], 10+7*n+i, (n+i)%3%2)
		}
	}
	return []byte(out)
}

// What counts over all patients: the same numbers as the contributions one by one, permutation importance of both kinds of outcome,
// and a cohort compared with itself, which differs in nothing.
func TestExplainGlobal(t *testing.T) {
	rows, err := os.ReadFile(patients(t))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "cohort.csv")
	if err := os.WriteFile(file, labelled(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(args ...string) []map[string]string {
		code, out, errs := voxgene(append([]string{"explain", trained, file}, args...)...)
		if code != 0 {
			t.Fatalf("%v: exit %d: %s", args, code, errs)
		}
		all, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		var list []map[string]string
		for _, r := range all[1:] {
			m := map[string]string{}
			for k, name := range all[0] {
				m[name] = r[k]
			}
			list = append(list, m)
		}
		return list
	}
	value := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	sums := map[string]float64{}
	for _, r := range read("--top", "100000") {
		sums[r["outcome"]+r["class"]+r["feature"]] += math.Abs(value(r["contribution"])) / 30
	}
	judged := map[string]int{}
	for _, r := range read("--global", "--outcome", "logistic=label", "--survival", "cox=days,died,d", "--repeats", "3") {
		if got, want := value(r["mean_absolute"]), sums[r["outcome"]+r["class"]+r["feature"]]; math.Abs(got-want) > 1e-12*(1+want) {
			t.Errorf("%s %s: mean absolute contribution %v, the contributions say %v", r["outcome"], r["feature"], got, want)
		}
		if r["permutation"] != "" {
			judged[r["outcome"]]++
		}
	}
	if judged["logistic"] == 0 || judged["cox"] == 0 || len(judged) != 2 {
		t.Errorf("inputs with permutation importance: %v", judged)
	}
	for _, r := range read("--compare", file) {
		if r["difference"] != "0" || r["q"] != "1" || r["patients_second"] != "30" {
			t.Errorf("a cohort differs from itself: %v", r)
		}
	}
	for want, args := range map[string][]string{
		"ask one at a time":    {"--global", "--compare", file},
		"leave out --patient":  {"--global", "--patient", "P1-0"},
		"are for --global":     {"--outcome", "logistic=label"},
		"want 1 to 10000":      {"--global", "--repeats", "0"},
		"does not predict":     {"--global", "--outcome", "other=label"},
		"as CSV, TSV or a fol": {"--global", "--json"},
	} {
		if code, _, errs := voxgene(append([]string{"explain", trained, file}, args...)...); code != 2 || !strings.Contains(errs, want) {
			t.Errorf("%v: exit %d, %s; want %q", args, code, errs, want)
		}
	}
}

// What pairs contribute together: each input's contribution is its own part and half of its pairs', whatever they are summed by, and models
// and forms that have no pairs say so.
func TestExplainInteractions(t *testing.T) {
	path := patients(t)
	sums := map[string]float64{}
	for _, group := range []string{"", "source"} {
		code, out, errs := voxgene("explain", trained, path, "--outcomes", "decision_tree", "--interactions", "--top", "100000", "--group-by", group)
		if code != 0 {
			t.Fatalf("exit %d: %s", code, errs)
		}
		rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil || len(rows) < 4 {
			t.Fatal(err, out)
		}
		for _, r := range rows[1:] {
			v, err := strconv.ParseFloat(r[8], 64)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(r[6], ".")
			second, _, _ := strings.Cut(r[7], ".")
			if first != second {
				sums[group+r[0]] += v
			}
		}
	}
	for key, v := range sums {
		if patient, ok := strings.CutPrefix(key, "source"); ok && math.Abs(v-sums[patient]) > 1e-12 {
			t.Errorf("%s: pairs of sources sum to %v, pairs of their inputs to %v", patient, v, sums[patient])
		}
	}
	for want, args := range map[string][]string{
		"not made of trees":     {"--outcomes", "logistic"},
		"leave out --json":      {"--outcomes", "decision_tree", "--json"},
		"leave out --global":    {"--outcomes", "decision_tree", "--global"},
		"is not one of [source": {"--outcomes", "decision_tree", "--group-by", "lobe"},
	} {
		if code, _, errs := voxgene(append([]string{"explain", trained, path, "--interactions"}, args...)...); code != 2 || !strings.Contains(errs, want) {
			t.Errorf("%v: exit %d, %s; want %q", args, code, errs, want)
		}
	}
}
