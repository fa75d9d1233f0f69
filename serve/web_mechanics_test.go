package serve_test

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/auth"
	"github.com/voxgene/voxgene/serve/web"
)

// The page's files are served to anyone, under a policy that loads nothing from elsewhere.
func TestPageFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.voxgene")
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, path)
	address, _, stop := start(t, path, io.Discard, func(c *serve.Config) {
		c.Auth.Keys = []auth.Key{{Name: "a", Hash: "sha256:" + strings.Repeat("0", 64)}}
	})
	for _, p := range web.Paths() {
		r, err := http.Get("http://" + address + p)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.StatusCode != 200 || !strings.HasPrefix(r.Header.Get("Content-Security-Policy"), "default-src 'none'") ||
			!strings.Contains(r.Header.Get("Content-Security-Policy"), "require-trusted-types-for 'script'") {
			t.Errorf("%s: %s %v", p, r.Status, r.Header)
		}
		for _, outside := range []string{"https://", "style=\"", "onclick=", "innerHTML", "localStorage", "sessionStorage", "document.cookie", "indexedDB"} {
			if strings.Contains(string(text), outside) {
				t.Errorf("%s has %s", p, outside)
			}
		}
	}
	if r, err := http.Get("http://" + address + "/other.js"); err != nil || r.StatusCode != 401 {
		t.Errorf("another path: %v %v", r, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
