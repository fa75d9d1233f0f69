package serve_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/dicomweb/client"
	"github.com/voxgene/voxgene/serve/fhir"
)

// monitored is a server with another system and some hundred patients, and its metrics.
func monitored(t *testing.T) (ask func(method, path, body string) (int, string), metrics func() string) {
	t.Helper()
	s, _, _, _ := opened(t, func(c *serve.Config) {
		c.FHIR.Systems = []fhir.SystemConfig{{Name: "ehr", Config: client.Config{URL: "https://ehr.example/r4"}, Issuers: []fhir.Issuer{{System: "urn:oid:1", Issuer: "HOSPITAL"}}}}
	})
	ask = func(method, path, body string) (int, string) {
		r := httptest.NewRequest(method, "/", strings.NewReader(body))
		r.URL.Path = path
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	for i := range 300 {
		if code, text := ask("POST", "/v1/models/glioma/predict", fmt.Sprintf(`{"patients": [{"features": {"age": %d, "sex": "M", "volume": 900, "EGFR": 1, "TP53": 0}}]}`, 20+i%70)); code != 200 {
			t.Fatal(code, text)
		}
	}
	return ask, func() string {
		_, text := ask("GET", "/metrics", "")
		return text
	}
}

// Metrics are named as https://prometheus.io/docs/practices/naming/ has it: counters end in _total and nothing else does, times are in seconds, and each has words.
// What a client sends makes no new series.
func TestMetricNames(t *testing.T) {
	ask, metrics := monitored(t)
	one := func(id string, i int) { // of every kind of request that there is below
		ask("GET", "/v1/models/"+id, "")
		ask(id, "/nothing", "")
		ask("GET", "/"+id, "")
		ask("POST", "/v1/models/glioma/predict", fmt.Sprintf(`{"patients": [{"id": %q, "features": {"age": %d}}]}`, id, i))
	}
	one("X", 0)
	one("X", 50)
	ask("GET", "/metrics", "")
	before := metrics()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(before))
	if err != nil {
		t.Fatal(err)
	}
	own := 0
	for name, f := range families {
		if !strings.HasPrefix(name, "voxgene_") {
			continue
		}
		own++
		if counter := f.GetType().String() == "COUNTER"; counter != strings.HasSuffix(name, "_total") || len(f.GetHelp()) < 10 || regexp.MustCompile(`(^|_)(ms|millis|minutes|kb|mb|count|sum|bucket)(_|$)`).MatchString(name) {
			t.Errorf("%s is a %s: %s", name, f.GetType(), f.GetHelp())
		}
		if f.GetType().String() == "HISTOGRAM" && !strings.HasSuffix(name, "_seconds") && !strings.HasSuffix(name, "_bytes") {
			t.Errorf("%s has no unit", name)
		}
	}
	if own < 9 {
		t.Errorf("%d metrics of ours", own)
	}
	for i := range 200 {
		one(fmt.Sprintf("CANARY%d", i), i)
	}
	after := metrics()
	series := func(text string) (out []string) {
		for line := range strings.Lines(text) {
			if at := strings.LastIndexByte(line, ' '); strings.HasPrefix(line, "voxgene_") {
				out = append(out, line[:at])
			}
		}
		return out
	}
	if old := series(before); strings.Contains(after, "CANARY") || len(old) < 50 {
		t.Errorf("%d series\n%s", len(old), after)
	} else {
		for _, one := range series(after) {
			if !slices.Contains(old, one) {
				t.Errorf("a new series: %s", one)
			}
		}
	}
}

// Every metric that an alert or a panel asks for is one that the server gives, and every alert says what is wrong and what to do.
func TestMonitoringFiles(t *testing.T) {
	_, metrics := monitored(t)
	text := metrics()
	names := regexp.MustCompile(`\b(?:voxgene|process|go)_[a-z_]+`)
	given := names.FindAllString(text, -1)
	alerts, err := os.ReadFile("../configs/monitoring/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile("../configs/monitoring/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(file, &dashboard); err != nil || len(dashboard.Panels) < 10 {
		t.Fatal(err, len(dashboard.Panels))
	}
	asked := map[string]string{}
	for _, n := range names.FindAllString(string(alerts), -1) {
		asked[n] = "alerts.yaml"
	}
	taken := map[[2]int]string{}
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			for _, n := range names.FindAllString(target.Expr, -1) {
				asked[n] = p.Title
			}
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("the panel %s lies over %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
	if len(asked) < 10 {
		t.Errorf("%d metrics are asked for", len(asked))
	}
	for n, where := range asked {
		if n != "voxgene_drift_psi" && !slices.Contains(given, n) { // drift needs a trained model: registry.TestDrift
			t.Errorf("%s asks for %s, which there is not", where, n)
		}
	}
}
