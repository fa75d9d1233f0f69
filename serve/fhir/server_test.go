package fhir_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// strict is a FHIR R4 server that takes searches by identifier and transactions, and nothing that is not right: each resource has to be valid by the
// published schema and the invariants, each reference has to lead somewhere, a transaction is taken as a whole or not at all.
type strict struct {
	*httptest.Server
	t       *testing.T
	schemas map[string]*jsonschema.Schema // by type: the schema as a whole tries every type for every resource
	allow   func(*http.Request) int       // status of a refusal, 0 where a request may pass

	mu           sync.Mutex
	resources    map[string]map[string]any // by type/id
	next         int
	transactions []map[string]any
	faults       []string
}

func newStrict(t *testing.T) *strict {
	s := &strict{t: t, schemas: map[string]*jsonschema.Schema{}, resources: map[string]map[string]any{}}
	c := compiler(t)
	for _, kind := range []string{"Bundle", "Patient", "Device", "Observation", "RiskAssessment", "DiagnosticReport", "Provenance", "BodyStructure"} {
		one, err := c.Compile(schemaURL + "#/definitions/" + kind)
		if err != nil {
			t.Fatal(err)
		}
		s.schemas[kind] = one
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// valid checks a resource by the schema of its type, and a Bundle with those in it.
func (s *strict) valid(r map[string]any) error {
	kind, _ := r["resourceType"].(string)
	if s.schemas[kind] == nil {
		return fmt.Errorf("a %q has no place here", kind)
	}
	if kind == "Bundle" {
		r = maps.Clone(r)
		var entries []any
		for _, e := range r["entry"].([]any) {
			e := maps.Clone(e.(map[string]any))
			if err := s.valid(e["resource"].(map[string]any)); err != nil {
				return err
			}
			delete(e, "resource")
			entries = append(entries, e)
		}
		r["entry"] = entries
	}
	return s.schemas[kind].Validate(r)
}

// add puts a resource there.
func (s *strict) add(text string) string {
	var r map[string]any
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.create(r)
}

func (s *strict) create(r map[string]any) string {
	s.next++
	r["id"] = fmt.Sprintf("r%d", s.next)
	key := r["resourceType"].(string) + "/" + r["id"].(string)
	s.resources[key] = r
	return key
}

// of lists the resources of a type.
func (s *strict) of(kind string) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []map[string]any
	for _, key := range slices.Sorted(maps.Keys(s.resources)) {
		if strings.HasPrefix(key, kind+"/") {
			out = append(out, s.resources[key])
		}
	}
	return out
}

// find returns the keys of the resources of a type that have the identifier of a query.
func (s *strict) find(kind, query string) ([]string, error) {
	v, err := url.ParseQuery(query)
	if err != nil || v.Get("identifier") == "" {
		return nil, fmt.Errorf("the query %q asks for no identifier", query)
	}
	system, value, _ := strings.Cut(v.Get("identifier"), "|")
	value = strings.NewReplacer(`\|`, "|", `\,`, ",", `\$`, "$", `\\`, `\`).Replace(value)
	var out []string
	for _, key := range slices.Sorted(maps.Keys(s.resources)) {
		list, _ := s.resources[key]["identifier"].([]any)
		for _, i := range list {
			if id := i.(map[string]any); strings.HasPrefix(key, kind+"/") && id["system"] == system && id["value"] == value {
				out = append(out, key)
			}
		}
	}
	return out, nil
}

func (s *strict) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := func(code int, v any) {
		w.Header().Set("Content-Type", "application/fhir+json")
		w.WriteHeader(code)
		json.NewEncoder(w).Encode(v)
	}
	refuse := func(code int, issue, text string) {
		s.faults = append(s.faults, text)
		answer(code, map[string]any{"resourceType": "OperationOutcome", "issue": []any{map[string]any{"severity": "error", "code": issue, "diagnostics": text + " CANARY^NAME"}}})
	}
	if s.allow != nil {
		if code := s.allow(r); code != 0 {
			refuse(code, "login", "not allowed")
			return
		}
	}
	if r.Method == http.MethodGet {
		keys, err := s.find(strings.TrimPrefix(r.URL.Path, "/"), r.URL.RawQuery)
		if err != nil {
			refuse(400, "invalid", err.Error())
			return
		}
		entries := []any{}
		for _, k := range keys {
			entries = append(entries, map[string]any{"fullUrl": s.URL + "/" + k, "resource": s.resources[k], "search": map[string]any{"mode": "match"}})
		}
		answer(200, map[string]any{"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries})
		return
	}
	if r.URL.Path != "/" || r.Header.Get("Content-Type") != "application/fhir+json" {
		refuse(404, "not-found", "only transactions are taken")
		return
	}
	var b map[string]any
	if err := json.NewDecoder(r.Body).Decode(&b); err != nil || b["type"] != "transaction" {
		refuse(400, "structure", "not a transaction")
		return
	}
	before := maps.Clone(s.resources)
	responses, code, err := s.transact(b)
	if err != nil {
		s.resources = before
		refuse(code, "invalid", err.Error())
		return
	}
	s.transactions = append(s.transactions, b)
	answer(200, map[string]any{"resourceType": "Bundle", "type": "transaction-response", "entry": responses})
}

// transact does what a transaction asks (R4 3.1.0.11.2): conditions first, then references, then the resources.
func (s *strict) transact(b map[string]any) ([]any, int, error) {
	if err := s.valid(b); err != nil {
		return nil, 400, err
	}
	text, _ := json.Marshal(b)
	names := map[string]string{} // fullUrl → type/id
	var responses []any
	var changed []string
	for i, e := range b["entry"].([]any) {
		entry := e.(map[string]any)
		request, resource, full := entry["request"].(map[string]any), entry["resource"].(map[string]any), entry["fullUrl"].(string)
		kind := resource["resourceType"].(string)
		if _, twice := names[full]; twice || !strings.HasPrefix(full, "urn:uuid:") { // bdl-7
			return nil, 400, fmt.Errorf("entry %d: fullUrl %s", i, full)
		}
		if resource["id"] != nil {
			return nil, 400, fmt.Errorf("entry %d brings its own id", i)
		}
		address, query, conditional := strings.Cut(request["url"].(string), "?")
		if address != kind {
			return nil, 400, fmt.Errorf("entry %d: %s of a %s", i, address, kind)
		}
		method := request["method"]
		if none, ok := request["ifNoneExist"].(string); ok && method == "POST" {
			query, conditional = none, true
		}
		var keys []string
		if conditional {
			var err error
			if keys, err = s.find(kind, query); err != nil {
				return nil, 400, err
			}
		}
		status := "201 Created"
		switch {
		case len(keys) > 1:
			return nil, 412, fmt.Errorf("entry %d: %d match", i, len(keys))
		case len(keys) == 1 && method == "POST":
			names[full], status = keys[0], "200 OK"
		case len(keys) == 1 && method == "PUT":
			resource["id"] = strings.TrimPrefix(keys[0], kind+"/")
			s.resources[keys[0]] = resource
			names[full], status = keys[0], "200 OK"
			changed = append(changed, keys[0])
		case method == "POST" || method == "PUT":
			names[full] = s.create(resource)
			changed = append(changed, names[full])
		default:
			return nil, 400, fmt.Errorf("entry %d: method %v", i, method)
		}
		responses = append(responses, map[string]any{"response": map[string]any{"status": status, "location": names[full] + "/_history/1"}})
	}
	for full, key := range names {
		text = []byte(strings.ReplaceAll(string(text), full, key))
	}
	for _, key := range changed {
		again, _ := json.Marshal(s.resources[key])
		for full, name := range names {
			again = []byte(strings.ReplaceAll(string(again), full, name))
		}
		var r map[string]any
		if err := json.Unmarshal(again, &r); err != nil {
			return nil, 400, err
		}
		if err := s.valid(r); err != nil {
			return nil, 422, err
		}
		if broken := invariants(r); broken != nil {
			return nil, 422, fmt.Errorf("%s breaks %v", key, broken)
		}
		s.resources[key] = r
	}
	for _, key := range changed {
		if err := s.resolve(s.resources[key]); err != nil {
			return nil, 400, fmt.Errorf("%s: %w", key, err)
		}
	}
	return responses, 200, nil
}

// resolve checks that the references of a resource lead to one that is there.
func (s *strict) resolve(v any) error {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["reference"].(string); ok && s.resources[ref] == nil {
			return fmt.Errorf("%s is not there", ref)
		}
		for _, e := range v {
			if err := s.resolve(e); err != nil {
				return err
			}
		}
	case []any:
		for _, e := range v {
			if err := s.resolve(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// invariants are those of R4 that a resource breaks and the schema does not hold: dom-2 to dom-6, obs-3, obs-6, obs-7, ras-2, per-1, ele-1.
func invariants(r map[string]any) []string {
	var broken []string
	breaks := func(name string, does bool) {
		if does && !slices.Contains(broken, name) {
			broken = append(broken, name)
		}
	}
	text, _ := json.Marshal(r)
	contained, _ := r["contained"].([]any)
	for _, c := range contained {
		c := c.(map[string]any)
		breaks("dom-2", c["contained"] != nil)
		breaks("dom-3", !strings.Contains(string(text), fmt.Sprintf(`"reference":"#%v"`, c["id"])))
		meta, _ := c["meta"].(map[string]any)
		breaks("dom-4", meta["versionId"] != nil || meta["lastUpdated"] != nil)
		breaks("dom-5", meta["security"] != nil)
	}
	narrative, _ := r["text"].(map[string]any)
	div, _ := narrative["div"].(string)
	breaks("dom-6", !strings.HasPrefix(div, `<div xmlns="http://www.w3.org/1999/xhtml">`) || len(div) < 60)
	has := func(m map[string]any, prefix string) bool {
		for k := range m {
			if strings.HasPrefix(k, prefix) {
				return true
			}
		}
		return false
	}
	codings := func(v any) []string {
		var out []string
		c, _ := v.(map[string]any)
		list, _ := c["coding"].([]any)
		for _, k := range list {
			k := k.(map[string]any)
			out = append(out, fmt.Sprint(k["system"], "|", k["code"]))
		}
		return out
	}
	switch r["resourceType"] {
	case "Observation":
		breaks("obs-6", r["dataAbsentReason"] != nil && has(r, "value"))
		ranges, _ := r["referenceRange"].([]any)
		for _, g := range ranges {
			m := g.(map[string]any)
			breaks("obs-3", m["low"] == nil && m["high"] == nil && m["text"] == nil)
		}
		components, _ := r["component"].([]any)
		for _, c := range components {
			for _, code := range codings(c.(map[string]any)["code"]) {
				breaks("obs-7", has(r, "value") && slices.Contains(codings(r["code"]), code))
			}
		}
	case "RiskAssessment":
		predictions, _ := r["prediction"].([]any)
		for _, p := range predictions {
			p := p.(map[string]any)
			if d, ok := p["probabilityDecimal"].(float64); ok {
				breaks("ras-2", d > 100 || d < 0)
			}
		}
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			breaks("ele-1", len(v) == 0)
			if start, ok := v["start"].(string); ok {
				if end, ok := v["end"].(string); ok {
					breaks("per-1", start > end)
				}
			}
			for _, e := range v {
				walk(e)
			}
		case []any:
			breaks("ele-1", len(v) == 0)
			for _, e := range v {
				walk(e)
			}
		case string:
			breaks("ele-1", v == "")
		}
	}
	walk(r)
	return broken
}
