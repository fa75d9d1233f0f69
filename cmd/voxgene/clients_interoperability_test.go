//go:build interoperability

package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/auth"
)

// Every program of docs/clients.md runs against a server and gets what the bundle predicts; one that is refused says why and where.
func TestInteroperabilityClients(t *testing.T) {
	page, err := os.ReadFile("../../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	b, x := bundletest.New(t)
	bundletest.Save(t, b, "model.voxgene")
	c, err := serve.ReadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	c.Models = []string{"model.voxgene"}
	c.Auth = auth.Config{Anonymous: "never", Keys: []auth.Key{{Name: "client", Hash: fmt.Sprintf("sha256:%x", sha256.Sum256([]byte("a secret")))}}}
	s, err := serve.New(c, slog.New(slog.DiscardHandler), "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	t.Setenv("VOXGENE_KEY", "a secret")

	missing := 0.0
	missing /= missing
	rows := x.Select([]int{0, 1})
	for j, column := range [][]float64{{61, 50}, {1, 0}, {900.5, 1000}, {0.5, -0.5}, {0.25, missing}} {
		copy(rows.Column(j), column)
	}
	answers, err := b.Predict(t.Context(), rows, bundle.Request{})
	if err != nil {
		t.Fatal(err)
	}
	lines, probabilities := "", []float64{}
	for i, a := range answers {
		o := a.Outcomes[0]
		for k, class := range o.Classes {
			if class == o.Label {
				lines += fmt.Sprintf("p%d %s %.6f\n", i+1, o.Label, o.Probabilities[k])
			}
		}
		probabilities = append(probabilities, o.Probabilities[1])
	}
	run := func(kind, program string) (string, error) {
		args := map[string][]string{"sh": {"bash", "-ec", program}, "python": {"python3", "-c", program}, "r": {"Rscript", "-e", program}}[kind]
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		return string(out), err
	}
	ran := map[string]int{}
	for _, block := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```").FindAllStringSubmatch(string(page), -1) {
		kind, program := block[1], strings.ReplaceAll(block[2], "http://127.0.0.1:8080", server.URL)
		switch {
		case kind == "csv":
			if err := os.WriteFile("patients.csv", []byte(program), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		case strings.HasPrefix(program, "export "):
			continue
		}
		out, err := run(kind, program)
		if err != nil {
			t.Fatalf("%v (this needs the packages curl, python3, r-base-core and r-cran-jsonlite)\n%s\n%s", err, program, out)
		}
		ran[kind]++
		if kind != "sh" {
			if out != lines {
				t.Errorf("%s prints\n%swant\n%s", kind, out, lines)
			}
			continue
		}
		var a struct {
			Predictions []struct {
				Outcomes map[string]struct{ Probabilities map[string]float64 }
			}
		}
		if err := json.Unmarshal([]byte(out), &a); err != nil || len(a.Predictions) == 0 {
			t.Fatalf("%v: %s", err, out)
		}
		for i, p := range a.Predictions {
			if p.Outcomes["idh"].Probabilities["1"] != probabilities[i] {
				t.Errorf("patient %d: %v, want %v", i, p.Outcomes["idh"], probabilities[i])
			}
		}
	}
	if ran["sh"] != 2 || ran["python"] != 1 || ran["r"] != 1 {
		t.Errorf("ran %v", ran)
	}
	// A fault of the request ends a program with its words.
	table, err := os.ReadFile("patients.csv")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("patients.csv", []byte(strings.Replace(string(table), "clinical.age", "clinical.aeg", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?ms)^```(python|r)\n(.*?)^```").FindAllStringSubmatch(string(page), -1) {
		out, err := run(block[1], strings.ReplaceAll(block[2], "http://127.0.0.1:8080", server.URL))
		if err == nil || block[1] == "python" && !strings.Contains(out, `#/patients/0/features/clinical.aeg: the model reads no such feature`) {
			t.Errorf("%s: %v %s", block[1], err, out)
		}
	}
}
