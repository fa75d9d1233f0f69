package main

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/audit"
)

// The commands of docs/operations.md that sign bundles and read the audit work in their order, and the server's guide asks for rows as it says.
func TestOperationsGuide(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("../../docs/serve.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	path := filepath.Join("runs", "glioma", "model.voxgene")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, path)
	log, err := audit.Open("audit.db")
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Record(t.Context(), []audit.Entry{{Time: time.Now(), Patient: "PATIENT", Answer: []byte("{}")}}); err != nil {
		t.Fatal(err)
	}
	log.Close()
	ran := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^voxgene (.*)$`).FindAllSubmatch(page, -1) {
		args := strings.Fields(string(m[1]))
		if args[0] == "serve" || strings.Contains(string(m[1]), "postgres://") { // the one stays, the other needs a database: tests of their own
			continue
		}
		if code, out, errs := voxgene(args...); code != 0 {
			t.Errorf("%v: exit %d: %s%s", args, code, out, errs)
		}
		ran[args[0]]++
	}
	if ran["sign"] != 2 || ran["audit"] != 3 {
		t.Errorf("commands %v", ran)
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl")
	}
	c, err := serve.ReadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	c.Models, c.Trust = []string{path}, []string{"signing.pem.pub"}
	s, err := serve.New(c, slog.New(slog.NewJSONHandler(io.Discard, nil)), "test")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	line := regexp.MustCompile(`(?m)^curl .*/invocations$`).Find(guide)
	out, err := exec.Command("sh", "-c", strings.ReplaceAll(string(line), "http://127.0.0.1:8080", server.URL)).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), `{"predictions":[{"id":"1"`) {
		t.Errorf("%s: %v %s", line, err, out)
	}
}
