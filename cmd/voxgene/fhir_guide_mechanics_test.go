package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
)

// Every command of docs/fhir.md works, its configuration is one that a server starts with, and the key that it makes is shown to those who register it.
func TestFHIRGuide(t *testing.T) {
	page, err := os.ReadFile("../../docs/fhir.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"curl", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s", program)
		}
	}
	t.Chdir(t.TempDir())
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, "model.voxgene")
	open := func(config string) *serve.Server {
		t.Helper()
		c, err := serve.ReadConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		c.Models = []string{"model.voxgene"}
		s, err := serve.New(c, slog.New(slog.NewJSONHandler(io.Discard, nil)), "test")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	server := httptest.NewServer(open("").Handler())
	defer server.Close()
	said, commands := "", 0
	var config strings.Builder
	for _, block := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```").FindAllStringSubmatch(string(page), -1) {
		switch block[1] {
		case "json":
			if err := os.WriteFile("parameters.json", []byte(block[2]), 0o600); err != nil {
				t.Fatal(err)
			}
		case "yaml":
			config.WriteString(block[2])
		case "sh":
			for line := range strings.Lines(block[2]) {
				command := exec.CommandContext(context.Background(), "sh", "-c", strings.ReplaceAll(line, "http://127.0.0.1:8080", server.URL))
				out, err := command.CombinedOutput()
				if err != nil {
					t.Fatalf("%s: %v %s", strings.TrimSpace(line), err, out)
				}
				said += string(out)
				commands++
			}
		}
	}
	if commands != 3 || !strings.Contains(said, `"type":"collection"`) || !strings.Contains(said, `"resourceType":"RiskAssessment"`) {
		t.Errorf("%d commands said %s", commands, said)
	}
	// The clients of CDS Hooks have their keys in a file that is not here.
	text := strings.ReplaceAll(config.String(), "keys: /etc/voxgene/ehr.jwks.json", "keys: keys.json")
	for name, content := range map[string]string{"serve.yaml": text, "keys.json": `{"keys": []}`} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := httptest.NewRecorder()
	open("serve.yaml").Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/.well-known/jwks.json", nil))
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &set); err != nil || len(set.Keys) != 1 || set.Keys[0]["alg"] != "RS384" || set.Keys[0]["d"] != "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
