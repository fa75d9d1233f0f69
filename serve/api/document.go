package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models/pipeline"
	"github.com/voxgene/voxgene/serve/registry"
)

//go:embed openapi.json
var openAPI []byte

// document returns the OpenAPI document with this program's version.
func document(version string) (map[string]any, error) {
	var doc map[string]any
	if err := json.Unmarshal(openAPI, &doc); err != nil {
		return nil, err
	}
	info, ok := doc["info"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the document has no info")
	}
	info["version"] = version
	return doc, nil
}

func (a *API) openAPI(w http.ResponseWriter, r *http.Request) {
	doc, err := document(a.Version)
	if err != nil {
		a.fail(w, r, internal(), err)
		return
	}
	a.leaveServed(doc)
	a.sendJSON(w, r, doc)
}

// leaveServed takes out of the document what is not served under this configuration, such as CDS Hooks where no client is named.
func (a *API) leaveServed(doc map[string]any) {
	paths, _ := doc["paths"].(map[string]any)
	for path, item := range paths {
		operations, _ := item.(map[string]any)
		left := false
		for method := range operations {
			if method == "parameters" {
				continue
			}
			probe := http.Request{Method: strings.ToUpper(method), URL: &url.URL{Path: strings.NewReplacer("{", "", "}", "").Replace(path)}}
			if _, pattern := a.mux.Handler(&probe); strings.HasPrefix(pattern, probe.Method+" ") {
				left = true
			} else {
				delete(operations, method)
			}
		}
		if !left {
			delete(paths, path)
		}
	}
}

func (a *API) schema(w http.ResponseWriter, r *http.Request) {
	e := a.find(w, r)
	if e == nil {
		return
	}
	s, err := Schema(e, a.Limits)
	if err != nil {
		a.fail(w, r, internal(), err)
		return
	}
	b, err := json.Marshal(s)
	if err != nil {
		a.fail(w, r, internal(), err)
		return
	}
	send(w, "application/schema+json", append(b, '\n'))
}

// Schema returns the JSON schema (2020-12) of the body of predict for one bundle: the document's Request, with the model's own
// features and outcomes.
func Schema(e *registry.Entry, limits Limits) (map[string]any, error) {
	doc, err := document("")
	if err != nil {
		return nil, err
	}
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	s := schemas["Request"].(map[string]any)
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "Patients for " + e.Bundle.Name + " " + e.Bundle.Version()
	properties := s["properties"].(map[string]any)
	properties["times"].(map[string]any)["items"] = schemas["Time"]
	explain := properties["explain"].(map[string]any)["oneOf"].([]any)[1].(map[string]any)["properties"].(map[string]any)
	explain["at"].(map[string]any)["items"] = schemas["Time"]
	outcomes := make([]string, len(e.Bundle.Outcomes))
	for i, o := range e.Bundle.Outcomes {
		outcomes[i] = o.Name
	}
	properties["outcomes"].(map[string]any)["items"] = map[string]any{"enum": outcomes}
	patients := properties["patients"].(map[string]any)
	patients["maxItems"] = limits.Patients
	of := patients["items"].(map[string]any)["properties"].(map[string]any)
	of["features"] = features(e.Columns)
	for _, u := range []table.Unit{table.PerLesion, table.PerVisit} {
		if u != e.Bundle.Unit {
			delete(of, string(u))
		}
	}
	return s, nil
}

// features is the schema of a patient's features, each by its full name or, where one input alone has it, by its bare name.
func features(c *registry.Columns) map[string]any {
	properties := make(map[string]any, len(c.Inputs))
	both := []any{} // pairs of names of one feature
	for j, in := range c.Inputs {
		p := map[string]any{"type": []string{"number", "null"}}
		if in.Kind != table.Numeric {
			p = map[string]any{"type": []string{"string", "number", "null"}, "examples": in.Levels}
		}
		if in.Unit != "" {
			p["description"] = "unit " + in.Unit
		}
		properties[in.Name] = p
		if bare := pipeline.Bare(in.Column); bare != in.Name && c.Find([]byte(bare), len(c.Inputs)) == j {
			properties[bare] = p
			both = append(both, map[string]any{"required": []string{in.Name, bare}})
		}
	}
	s := map[string]any{"type": "object", "minProperties": 1, "additionalProperties": false, "properties": properties}
	if len(both) > 0 {
		s["not"] = map[string]any{"anyOf": both}
	}
	return s
}
