//go:build interoperability

package serve_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
)

// Prometheus scrapes the server and answers queries of what it measured.
func TestInteroperabilityPrometheus(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "model.voxgene")
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, path)
	address, _, stop := start(t, path, io.Discard, nil)
	defer stop()
	for range 7 {
		if code, text, err := post(http.DefaultClient, address); code != 200 || err != nil {
			t.Fatal(code, text, err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	own := l.Addr().String()
	l.Close()
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "global: {scrape_interval: 1s}\nscrape_configs: [{job_name: voxgene, static_configs: [{targets: [%q]}]}]\n", address), 0o600); err != nil {
		t.Fatal(err)
	}
	p := exec.Command("prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+own, "--log.level=error")
	if err := p.Start(); err != nil {
		t.Fatal("install the package prometheus: ", err)
	}
	defer func() { p.Process.Kill(); p.Wait() }()
	for query, want := range map[string]string{
		`up{job="voxgene"}`:                                     "1",
		`voxgene_patients_total{model="glioma"}`:                "7",
		`voxgene_warnings_total{code="missing",model="glioma"}`: "7",
		`sum(voxgene_request_seconds_count{code="200"}) >= 7`:   "",
		`voxgene_stage_seconds_count{stage="predict"}`:          "7",
	} {
		got := "nothing"
		for range 60 {
			time.Sleep(250 * time.Millisecond)
			r, err := http.Get("http://" + own + "/api/v1/query?query=" + url.QueryEscape(query))
			if err != nil {
				continue
			}
			var a struct {
				Data struct{ Result []struct{ Value [2]any } }
			}
			err = json.NewDecoder(r.Body).Decode(&a)
			r.Body.Close()
			if err == nil && len(a.Data.Result) == 1 {
				if got = fmt.Sprint(a.Data.Result[0].Value[1]); want == "" || got == want {
					break
				}
			}
		}
		if got == "nothing" || want != "" && got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

// promtool finds no fault in the alerts and in the metrics, and each alert fires on the series that it is meant for.
func TestInteroperabilityPromtool(t *testing.T) {
	dir := t.TempDir()
	for from, to := range map[string]string{"../configs/monitoring/alerts.yaml": "alerts.yaml", "testdata/alerts_test.yaml": "alerts_test.yaml"} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, metrics := monitored(t)
	var own strings.Builder // promtool has words about the metrics of Go's own client
	for line := range strings.Lines(metrics()) {
		if strings.Contains(line, "voxgene_") {
			own.WriteString(line)
		}
	}
	for _, args := range [][]string{{"check", "rules", "--lint-fatal", "alerts.yaml"}, {"test", "rules", "alerts_test.yaml"}, {"check", "metrics"}} {
		c := exec.Command("promtool", args...)
		c.Dir, c.Stdin = dir, strings.NewReader(own.String())
		if out, err := c.CombinedOutput(); err != nil || args[1] == "metrics" && len(out) > 0 {
			t.Errorf("promtool %v (of the package prometheus): %v\n%s", args, err, out)
		}
	}
}

// systemd takes the unit.
func TestInteroperabilitySystemd(t *testing.T) {
	text, err := os.ReadFile("../configs/deploy/voxgene.service")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "voxgene.service")
	// The program need not be installed here; any will do in its place.
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), "/usr/local/bin/voxgene", "/bin/true", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("systemd-analyze", "verify", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v %s", err, out)
	}
}
