//go:build interoperability

package serve_test

import (
	"bytes"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A validator that is not ours finds the document valid by the schema of OpenAPI 3.1, and finds a fault that is put in.
func TestInteroperabilityOpenAPI(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/openapi")); err != nil {
		t.Fatal(err)
	}
	install := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v; this needs node 18 or later and npm 9 or later (packages nodejs and npm of Debian 12 or later), and the registry of npm: %.500s", err, out)
	}
	w := httptest.NewRecorder()
	everything(t).Handler().ServeHTTP(w, httptest.NewRequest("GET", "/openapi.json", nil))
	check := func(document []byte) (string, error) {
		c := exec.Command("node", "check.mjs")
		c.Dir, c.Stdin = dir, bytes.NewReader(document)
		out, err := c.CombinedOutput()
		return string(out), err
	}
	if said, err := check(w.Body.Bytes()); err != nil || !strings.HasPrefix(said, "3.1 true") {
		t.Errorf("%v %.2000s", err, said)
	}
	for _, change := range [][2]string{{`"in":"path"`, `"in":"road"`}, {`"responses":{`, `"answers":{`}, {`"operationId":"predict"`, `"operationId":7`}} {
		broken := bytes.Replace(w.Body.Bytes(), []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(broken, w.Body.Bytes()) {
			t.Errorf("there is no %s", change[0])
		} else if said, err := check(broken); err == nil {
			t.Errorf("%s is valid: %s", change[1], said)
		}
	}
}
