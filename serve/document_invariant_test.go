package serve_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/cdshooks"
	"github.com/voxgene/voxgene/serve/dicomweb/client"
	"github.com/voxgene/voxgene/serve/fhir"
)

// Every path of the document is served, by the methods that it lists and no others.
func TestDocumentPaths(t *testing.T) {
	s, b, kept, _ := opened(t, nil)
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

// patterns are those that a mux was given. They stand in its index, which net/http does not show.
func patterns(t *testing.T, mux *http.ServeMux) (out []string) {
	t.Helper()
	index := reflect.ValueOf(mux).Elem().FieldByName("index")
	add := func(list reflect.Value) {
		for i := range list.Len() {
			out = append(out, list.Index(i).Elem().FieldByName("str").String())
		}
	}
	for _, key := range index.FieldByName("segments").MapKeys() {
		add(index.FieldByName("segments").MapIndex(key))
	}
	add(index.FieldByName("multis"))
	slices.Sort(out)
	return slices.Compact(out)
}

// everything is a server on which every route is served.
func everything(t *testing.T) *serve.Server {
	t.Helper()
	dir := t.TempDir()
	private, public := newKey(t, dir)
	s, _, _, _ := opened(t, func(c *serve.Config) {
		c.DICOMweb.Stow.Path = "/dicom-web"
		c.CDSHooks = cdshooks.Config{URL: "https://voxgene.example", MaxAge: 1, Clients: []cdshooks.Client{{Issuer: "https://ehr.example", Keys: public}}, Issuers: []cdshooks.Issuer{{System: "urn:oid:1", Issuer: "H"}}}
		c.FHIR.Systems = []fhir.SystemConfig{{Name: "ehr", Config: client.Config{URL: "https://ehr.example/r4"}, Issuers: []fhir.Issuer{{System: "urn:oid:1", Issuer: "H"}},
			Smart: fhir.Smart{ClientID: "voxgene", Key: private}}}
	})
	return s
}

// Every route of a server on which all are served is in the document, but for the page's own files, and each operation of the document is a route.
func TestDocumentIsWhole(t *testing.T) {
	s := everything(t)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/openapi.json", nil))
	var d struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`\{[^}]*\}`)
	blank := func(path string) string { return name.ReplaceAllString(path, "{}") }
	listed := map[string]bool{}
	for path, item := range d.Paths {
		for method := range item {
			if method != "parameters" {
				listed[strings.ToUpper(method)+" "+blank(path)] = true
			}
		}
	}
	delete(listed, "POST /v1/models/{}:predict") // which are one route
	delete(listed, "POST /v1/models/{}:explain")
	listed["POST /v1/models/{}"] = true
	all := patterns(t, s.Mux())
	if len(all) < 40 {
		t.Fatalf("%d routes: net/http keeps them elsewhere now", len(all))
	}
	for _, p := range all {
		method, path, _ := strings.Cut(p, " ")
		if method == "OPTIONS" || p == "/" || p == "/fhir/" || path == "/{$}" || strings.HasPrefix(path, "/page/") {
			continue
		}
		if route := method + " " + blank(path); !listed[route] {
			t.Errorf("%s is not in the document", p)
		} else {
			delete(listed, route)
		}
	}
	for route := range listed {
		t.Errorf("the document has %s, which there is not", route)
	}
}

// The document is well formed: references lead somewhere, operations have names of their own and answers, and parameters in paths are declared.
func TestDocumentIsSound(t *testing.T) {
	w := httptest.NewRecorder()
	everything(t).Handler().ServeHTTP(w, httptest.NewRequest("GET", "/openapi.json", nil))
	var d map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	at := func(ref string) any {
		var v any = d
		for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			m, ok := v.(map[string]any)
			if !ok {
				return nil
			}
			v = m[part]
		}
		return v
	}
	used := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				if used[ref] = true; at(ref) == nil {
					t.Errorf("%s leads nowhere", ref)
				}
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(d)
	for kind, list := range d["components"].(map[string]any) {
		for name := range list.(map[string]any) {
			if ref := "#/components/" + kind + "/" + name; kind != "securitySchemes" && !used[ref] {
				t.Errorf("nothing uses %s", ref)
			}
		}
	}
	ids := map[string]string{}
	for path, item := range d["paths"].(map[string]any) {
		item := item.(map[string]any)
		var declared []string
		list, _ := item["parameters"].([]any)
		for _, p := range list {
			p := p.(map[string]any)
			if ref, ok := p["$ref"].(string); ok {
				p, _ = at(ref).(map[string]any)
			}
			if p["in"] == "path" {
				declared = append(declared, fmt.Sprintf("{%v}", p["name"]))
			}
		}
		wanted := regexp.MustCompile(`\{[^}]*\}`).FindAllString(path, -1)
		slices.Sort(declared)
		slices.Sort(wanted)
		if !slices.Equal(declared, wanted) {
			t.Errorf("%s declares %v", path, declared)
		}
		for method, o := range item {
			if method == "parameters" {
				continue
			}
			o := o.(map[string]any)
			id, _ := o["operationId"].(string)
			if answers, _ := o["responses"].(map[string]any); id == "" || ids[id] != "" || len(answers) == 0 || o["summary"] == nil {
				t.Errorf("%s %s: operationId %q (also of %s), %d responses", method, path, id, ids[id], len(answers))
			}
			ids[id] = path
			if (method == "post") != (o["requestBody"] != nil) {
				t.Errorf("%s %s: a body is declared: %v", method, path, o["requestBody"] != nil)
			}
		}
	}
}

// newKey writes a private key for SMART, and the set of its public half, and returns their paths.
func newKey(t *testing.T, dir string) (private, public string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "a", Algorithm: "ES384", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	private, public = filepath.Join(dir, "fhir.pem"), filepath.Join(dir, "keys.json")
	for path, text := range map[string][]byte{private: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), public: set} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return private, public
}
