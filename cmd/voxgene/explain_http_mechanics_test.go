package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/explain"
	"github.com/voxgene/voxgene/serve"
)

// What explain answers over HTTP is what voxgene explain writes, for each method and scale that the models allow, and both refuse the same.
func TestExplainOverHTTP(t *testing.T) {
	path := patients(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	list := []any{}
	for _, r := range rows[1:] {
		features := map[string]any{}
		for j, name := range rows[0][1:] {
			switch v := r[j+1]; {
			case name == "site": // the model does not read it
			case v == "":
				features[name] = nil
			case name == "sex" || name == "grade":
				features[name] = v
			default:
				features[name] = json.Number(v)
			}
		}
		list = append(list, map[string]any{"id": r[0], "features": features})
	}
	trained := withBackground(t)
	c, err := serve.ReadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	c.Models = []string{trained}
	s, err := serve.New(c, slog.New(slog.DiscardHandler), "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	name := strings.Fields(s.Models()[0])[0]
	taken := 0
	for _, a := range []struct {
		outcome, explain string
		args             []string
	}{
		{"logistic", `{"top": 4}`, []string{"--top", "4"}},
		{"logistic", `{"method": "linear", "scale": "log-odds"}`, []string{"--method", "linear", "--scale", "log-odds"}},
		{"logistic", `{"method": "permutation", "scale": "probability"}`, []string{"--method", "permutation", "--scale", "probability"}},
		{"cox", `{"at": [{"value": 30, "unit": "d"}], "scale": "cumulative hazard"}`, []string{"--at", "30d", "--scale", "cumulative hazard"}},
		{"cox", `{"at": [{"value": 30, "unit": "d"}, {"value": 2, "unit": "mo"}], "group_by": "source"}`, []string{"--at", "30d,2mo", "--group-by", "source"}},
		{"decision_tree", `{"method": "tree_path_dependent"}`, []string{"--method", "tree_path_dependent"}},
		{"decision_tree", `{"method": "permutation"}`, []string{"--method", "permutation"}},
		// Refused by both, for the same reason.
		{"logistic", `{"method": "tree_path_dependent"}`, []string{"--method", "tree_path_dependent"}},
		{"logistic", `{"method": "lime"}`, []string{"--method", "lime"}},
		{"logistic", `{"scale": "survival"}`, []string{"--scale", "survival"}},
		{"cox", `{"scale": "log-odds"}`, []string{"--scale", "log-odds"}},
		{"cox", `{"at": [{"value": 100, "unit": "a"}]}`, []string{"--at", "100a"}},
	} {
		code, out, errs := voxgene(append([]string{"explain", trained, path, "--json", "--outcomes", a.outcome}, a.args...)...)
		w := asked(t, s, name, list, a.outcome, a.explain)
		if code != 0 {
			var p struct {
				Errors []struct{ Pointer, Detail string }
			}
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 422 || len(p.Errors) != 1 || !strings.HasPrefix(p.Errors[0].Pointer, "#/explain") || !strings.Contains(errs, p.Errors[0].Detail) {
				t.Errorf("%s %s: %d %s\nthe command line says %s", a.outcome, a.explain, w.Code, w.Body, errs)
			}
			continue
		}
		taken++
		var cli, http struct{ Predictions []json.RawMessage }
		if err := json.Unmarshal([]byte(out), &cli); err != nil {
			t.Fatal(err, out)
		}
		if err := json.Unmarshal(w.Body.Bytes(), &http); err != nil || w.Code != 200 || len(cli.Predictions) != 3 || len(http.Predictions) != 3 {
			t.Fatalf("%s %s: %d %s", a.outcome, a.explain, w.Code, w.Body)
		}
		for i := range cli.Predictions {
			if got, want := canonical(t, http.Predictions[i]), canonical(t, cli.Predictions[i]); got != want {
				t.Errorf("%s %s, patient %d\nHTTP         %s\ncommand line %s", a.outcome, a.explain, i, got, want)
			}
		}
	}

	if taken != 7 {
		t.Errorf("%d explanations were given, of 7", taken)
	}

	// Interactions, which the command line writes as a table.
	_, out, _ := voxgene("explain", trained, path, "--outcomes", "decision_tree", "--interactions", "--top", "5")
	var got strings.Builder
	got.WriteString("patient,outcome,class,time,scale,method,feature,other,interaction\n")
	var answer struct {
		Predictions []struct {
			ID       string
			Outcomes map[string]struct {
				Interactions []struct {
					Method, Class, Scale string
					Values               []struct {
						Feature, Other string
						Interaction    json.Number
					}
				}
			}
		}
	}
	w := asked(t, s, name, list, "decision_tree", `{"top": 5, "interactions": true}`)
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
	for _, p := range answer.Predictions {
		for _, n := range p.Outcomes["decision_tree"].Interactions {
			for _, v := range n.Values {
				fmt.Fprintf(&got, "%s,decision_tree,%s,,%s,%s,%s,%s,%s\n", p.ID, n.Class, n.Scale, n.Method, v.Feature, v.Other, v.Interaction)
			}
		}
	}
	if got.String() != out || strings.Count(out, "\n") < 4 {
		t.Errorf("HTTP\n%s\ncommand line\n%s", &got, out)
	}
	if w := asked(t, s, name, list, "logistic", `{"interactions": true}`); w.Code != 422 || !strings.Contains(w.Body.String(), `"pointer":"#/explain/interactions"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// withBackground is the trained bundle, which is of a time when bundles had no background, with one of forty drawn rows.
func withBackground(t *testing.T) string {
	t.Helper()
	b, err := bundle.Open(trained)
	if err != nil {
		t.Fatal(err)
	}
	r := work.Seed(3).Rand()
	for k := range b.Outcomes {
		o := &b.Outcomes[k]
		x := models.NewMatrix(o.Model.Columns(), 40)
		for i := range x.Values {
			x.Values[i] = r.NormFloat64()
		}
		background := explain.FromMatrix(x)
		o.Background = &background
	}
	path := filepath.Join(t.TempDir(), "model.voxgene")
	if err := b.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// asked asks for an explanation of one outcome.
func asked(t *testing.T, s *serve.Server, model string, patients []any, outcome, explain string) *httptest.ResponseRecorder {
	t.Helper()
	body, err := json.Marshal(map[string]any{"patients": patients, "outcomes": []string{outcome}, "explain": json.RawMessage(explain)})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/v1/models/"+model+"/explain", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// canonical writes JSON anew, so that spaces and order do not count.
func canonical(t *testing.T, text json.RawMessage) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
