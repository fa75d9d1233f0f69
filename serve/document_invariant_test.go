package serve_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"log/slog"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/results"
)

// Every path of the document is served, by the methods that it lists and no others.
func TestDocumentPaths(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "model.voxgene")
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, path)
	c, err := serve.ReadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	c.Models, c.Results.Path = []string{path}, filepath.Join(dir, "results.db")
	s, err := serve.New(c, slog.New(slog.DiscardHandler), "test")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	store, err := results.Open(c.Results.Path)
	if err != nil {
		t.Fatal(err)
	}
	kept, _, err := store.Keep(results.Kept{Model: b.Name, Version: b.Version(), Content: results.Content{Identity: results.Identity{Patient: "p"}, Prediction: []byte("{}")}})
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	ask := func(method, path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w
	}
	var d struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(ask("GET", "/openapi.json").Body.Bytes(), &d); err != nil || len(d.Paths) < 20 {
		t.Fatal(err, len(d.Paths))
	}
	for path, item := range d.Paths {
		if strings.HasPrefix(path, "/v1/jobs/") {
			continue // of a job that is not there, 410
		}
		real := strings.NewReplacer("{model}", "glioma", "{version}", b.Version(), "{result}", kept.ID).Replace(path)
		for _, method := range []string{"get", "post"} {
			_, listed := item[method]
			code := ask(strings.ToUpper(method), real).Code
			if served := code != http.StatusMethodNotAllowed && code != http.StatusNotFound; served != listed {
				t.Errorf("%s %s: listed %v, answered %d", method, path, listed, code)
			}
		}
	}
}
