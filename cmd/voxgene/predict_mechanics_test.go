package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// trained is a bundle of a logistic, a Cox and a tree model.
const trained = "../../models/bundle/testdata/v1.voxgene"

// patients writes a table that the bundle reads, with bare names, a column more and a missing value.
func patients(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("patient,age,sex,grade,site")
	for g := range 12 {
		fmt.Fprintf(&b, ",GENE%04d", g+1)
	}
	for i := range 3 {
		fmt.Fprintf(&b, "\nP%d,%d,%s,III,X", i+1, 40+20*i, []string{"male", "female", "male"}[i])
		for g := range 12 {
			if i == 1 && g == 3 {
				b.WriteString(",")
				continue
			}
			fmt.Fprintf(&b, ",%g", 6+0.5*float64((i+g)%5))
		}
	}
	path := filepath.Join(t.TempDir(), "new.csv")
	if err := os.WriteFile(path, []byte(b.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPredictTable(t *testing.T) {
	path := patients(t)
	code, out, errs := voxgene("predict", trained, path, "--times", "12mo,2a,90a")
	if code != 0 {
		t.Fatal(code, errs)
	}
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	header := "patient logistic.label logistic.probability.A logistic.probability.B cox.risk cox.risk_group cox.median_d cox.survival_12mo cox.survival_2a cox.survival_90a decision_tree.label"
	if len(rows) != 4 || !strings.HasPrefix(strings.Join(rows[0], " "), header) {
		t.Fatalf("got %v", rows)
	}
	one, _ := strconv.ParseFloat(rows[1][7], 64)
	two, _ := strconv.ParseFloat(rows[1][8], 64)
	if rows[1][0] != "P1" || !(one > two && two > 0) || rows[1][9] != "" {
		t.Errorf("got %v", rows[1])
	}
	if warnings := rows[2][len(rows[2])-1]; !strings.Contains(warnings, "missing:rna.GENE0004") || !strings.Contains(warnings, "beyond_follow_up:cox") {
		t.Errorf("warnings %q", warnings)
	}
	file := filepath.Join(t.TempDir(), "p.json")
	if code, _, errs := voxgene("predict", trained, path, "--outcomes", "cox", "-o", file); code != 0 {
		t.Fatal(code, errs)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Model       string
		Predictions []struct {
			ID       string
			Outcomes map[string]struct{ Risk float64 }
		}
	}
	if err := json.Unmarshal(b, &answer); err != nil || answer.Model != "phantom" || len(answer.Predictions) != 3 || answer.Predictions[2].ID != "P3" || len(answer.Predictions[0].Outcomes) != 1 {
		t.Errorf("%v: %s", err, b)
	}
	if risk, _ := strconv.ParseFloat(rows[1][4], 64); risk != answer.Predictions[0].Outcomes["cox"].Risk {
		t.Errorf("the table says %v, the JSON %v", risk, answer.Predictions[0].Outcomes["cox"].Risk)
	}
}

// Contributions and base sum to the output that is printed beside them.
func TestExplainTable(t *testing.T) {
	path := patients(t)
	for _, more := range [][]string{nil, {"--group-by", "source"}, {"--top", "2"}, {"--at", "1a", "--outcomes", "cox", "--background", path, "--method", "permutation"}} {
		code, out, errs := voxgene(append([]string{"explain", trained, path, "--patient", "P2"}, more...)...)
		if code != 0 {
			t.Fatal(code, errs)
		}
		rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		sums, outputs := map[string]float64{}, map[string]float64{}
		for _, r := range rows[1:] {
			if r[0] != "P2" {
				t.Errorf("%v: %s is explained", more, r[0])
			}
			if _, ok := sums[r[1]]; !ok {
				sums[r[1]], _ = strconv.ParseFloat(r[6], 64)
				outputs[r[1]], _ = strconv.ParseFloat(r[7], 64)
			}
			v, err := strconv.ParseFloat(r[10], 64)
			if err != nil {
				t.Fatal(err)
			}
			sums[r[1]] += v
		}
		if len(sums) == 0 {
			t.Errorf("%v: nothing is explained: %s", more, out)
		}
		for name, sum := range sums {
			if math.Abs(sum-outputs[name]) > 1e-9 {
				t.Errorf("%v: %s: contributions sum to %v, the output is %v", more, name, sum, outputs[name])
			}
		}
	}
}

// A folder gets figures of all patients and of each, with contributions.csv beside them; what it is named for cannot leave it.
func TestExplainFigures(t *testing.T) {
	path := patients(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(text, []byte("\nP1,"), []byte("\n../P1,"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "figures")
	if code, out, errs := voxgene("explain", trained, path, "--at", "6mo,12mo,18mo", "--background", path, "-o", folder); code != 0 || out != "" {
		t.Fatal(code, out, errs)
	}
	for _, name := range []string{"contributions.csv", "logistic-B-bars.svg", "logistic-B-beeswarm.csv", "decision_tree-B-heatmap.svg", "logistic-B-dependence-1.svg", "logistic-B-effect-1.svg",
		"logistic-B-patient-001-___P1.svg", "cox-12mo-patient-003-P3.csv", "cox-patient-002-P2-over-time.svg"} {
		b, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil || strings.HasSuffix(name, ".svg") != bytes.HasPrefix(b, []byte("<svg")) {
			t.Errorf("%s: %v", name, err)
		}
		if bytes.Contains(b, []byte("cause")) || bytes.Contains(b, []byte("reason")) {
			t.Errorf("%s speaks of causes", name)
		}
	}
	sets := filepath.Join(t.TempDir(), "sets.gmt")
	if err := os.WriteFile(sets, []byte("EARLY\tx\tGENE0001\tGENE0002\nLATE\tx\tGENE0002\tGENE0009\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := voxgene("explain", trained, path, "--sets", sets, "--outcomes", "cox"); code != 0 || !strings.Contains(out, "EARLY") || !strings.Contains(out, "LATE") || !strings.Contains(out, "clinical") {
		t.Error(code, out, errs)
	}
}

func TestInspect(t *testing.T) {
	code, out, errs := voxgene("inspect", trained)
	for _, want := range []string{"intended use", "research", "risk groups", "low, medium, high", "rna.GENE0004", "sha256:"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("%d %s: no %q in\n%s", code, errs, want, out)
		}
	}
	code, out, errs = voxgene("inspect", trained, "--json")
	var m struct {
		Version  string
		Format   int
		Outcomes []struct{ Model string }
	}
	if err := json.Unmarshal([]byte(out), &m); err != nil || code != 0 || m.Format != 1 || len(m.Outcomes) != 3 || m.Outcomes[1].Model != "cox" {
		t.Errorf("%d %s %v: %s", code, errs, err, out)
	}
}

func TestBundleBadInput(t *testing.T) {
	path := patients(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	without := filepath.Join(t.TempDir(), "without.csv")
	if err := os.WriteFile(without, []byte(strings.Replace(string(text), ",GENE0004", ",GENE04", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"the table lacks 1 of the 15 columns that phantom reads: rna.GENE0004": {"predict", trained, without},
		`outcomes[0]: phantom does not predict "idh"`:                          {"predict", trained, path, "--outcomes", "idh"},
		`"12 months" is not a time with its unit`:                              {"predict", trained, path, "--times", "12 months"},
		"this is not a Voxgene bundle":                                         {"predict", path, path},
		"is written as .csv, .tsv or .json":                                    {"predict", trained, path, "-o", "p.xlsx"},
		`has no patient "P9"`:                                                  {"explain", trained, path, "--patient", "P9"},
		`there is no method "lime"`:                                            {"explain", trained, path, "--method", "lime"},
		"no such file":                                                         {"inspect", "none.voxgene"},
		"inspect wants a bundle":                                               {"inspect"},
		"models: name a bundle":                                                {"serve"},
		"none.voxgene":                                                         {"serve", "none.voxgene"},
	} {
		if code, _, errs := voxgene(args...); code != 2 || !strings.Contains(errs, want) {
			t.Errorf("%v: exit %d, %s, want %s", args, code, errs, want)
		}
	}
}

// pipe is standard output that a test reads while a command runs.
type pipe struct {
	sync.Mutex
	text strings.Builder
}

func (p *pipe) Write(b []byte) (int, error) {
	p.Lock()
	defer p.Unlock()
	return p.text.Write(b)
}

func (p *pipe) String() string {
	p.Lock()
	defer p.Unlock()
	return p.text.String()
}

// The server answers what predict answers, to the bit.
func TestServe(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	var out, errs pipe
	done := make(chan int)
	go func() { done <- run(ctx, []string{"serve", trained, "--addr", "127.0.0.1:0"}, &out, &errs) }()
	for range 200 {
		if strings.Contains(out.String(), "\n") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	_, address, ok := strings.Cut(strings.TrimSpace(out.String()), "listening on ")
	if !ok {
		t.Fatalf("%s %s", &out, &errs)
	}
	body := `{"patients":[{"id":"P1","features":{"age":40,"sex":"male","grade":"III"`
	for g := range 12 {
		body += fmt.Sprintf(`,"GENE%04d":%g`, g+1, 6+0.5*float64(g%5))
	}
	r, err := http.Post(address+"/v1/models/phantom/predict", "application/json", strings.NewReader(body+"}}]}"))
	if err != nil {
		t.Fatal(err)
	}
	var served, printed struct{ Predictions []map[string]any }
	if err := json.NewDecoder(r.Body).Decode(&served); err != nil || r.StatusCode != 200 {
		t.Fatal(r.Status, err)
	}
	r.Body.Close()
	code, text, stderr := voxgene("predict", trained, patients(t), "--json")
	if code != 0 {
		t.Fatal(stderr)
	}
	if err := json.Unmarshal([]byte(text), &printed); err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(served.Predictions[0])
	b, _ := json.Marshal(printed.Predictions[0])
	if string(a) != string(b) {
		t.Errorf("served  %s\nprinted %s", a, b)
	}
	stop()
	if code := <-done; code != 0 {
		t.Errorf("exit %d: %s", code, &errs)
	}
	if strings.Contains(errs.String(), `"P1"`) {
		t.Errorf("the log names the patient: %s", &errs)
	}
}
