// Package oip speaks the Open Inference Protocol v2 over REST (kserve/open-inference-protocol), for clients that know KServe, Triton
// or MLServer.
//
// Each input of a bundle is a tensor of its name, of shape [n] or [n, 1]: FP64 for numbers, BYTES for levels. Where all inputs are
// numbers, one FP64 tensor named features of shape [n, inputs] is taken as well. Missing is null, or a tensor left out. The extension
// explain takes the same body.
package oip

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/api"
	"github.com/voxgene/voxgene/serve/audit"
	"github.com/voxgene/voxgene/serve/registry"
)

// Front answers the protocol from the bundles of a registry.
type Front struct {
	Registry *registry.Registry
	Limits   api.Limits
	Log      *slog.Logger
	Audit    *audit.Log // nil keeps none
	Version  string     // of this program
	Ready    func() bool
}

// Register adds the protocol's routes to a mux.
func (f *Front) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /v2", f.server)
	mux.HandleFunc("GET /v2/health/live", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, map[string]bool{"live": true}) })
	mux.HandleFunc("GET /v2/health/ready", f.ready)
	for _, prefix := range []string{"/v2/models/{model}", "/v2/models/{model}/versions/{version}"} {
		mux.HandleFunc("GET "+prefix, f.metadata)
		mux.HandleFunc("GET "+prefix+"/ready", f.modelReady)
		mux.HandleFunc("POST "+prefix+"/infer", func(w http.ResponseWriter, r *http.Request) { f.infer(w, r, false) })
		mux.HandleFunc("POST "+prefix+"/explain", func(w http.ResponseWriter, r *http.Request) { f.infer(w, r, true) })
	}
}

// answer writes a value as JSON.
func answer(w http.ResponseWriter, code int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		code, b = http.StatusInternalServerError, []byte(`{"error":"the answer could not be written"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	w.Write(append(b, '\n')) // an error means that the client went away
}

// fail writes the protocol's error.
func (f *Front) fail(w http.ResponseWriter, r *http.Request, code int, text string) {
	f.Log.Warn("refused", "route", r.Pattern, "status", code)
	answer(w, code, map[string]string{"error": text})
}

func (f *Front) find(w http.ResponseWriter, r *http.Request) *registry.Entry {
	e, p := api.Find(f.Registry, r)
	if p != nil {
		f.fail(w, r, p.Status, p.Error())
	}
	return e
}

func (f *Front) server(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"name": "voxgene", "version": f.Version, "extensions": []string{"explain"}})
}

// ready answers with both of the keys that clients look for: the specification's text says live, KServe says ready.
func (f *Front) ready(w http.ResponseWriter, _ *http.Request) {
	ready, code := f.Ready(), http.StatusOK
	if !ready {
		code = http.StatusServiceUnavailable
	}
	answer(w, code, map[string]bool{"live": ready, "ready": ready})
}

func (f *Front) modelReady(w http.ResponseWriter, r *http.Request) {
	if e := f.find(w, r); e != nil {
		answer(w, http.StatusOK, map[string]any{"name": e.Bundle.Name, "ready": true})
	}
}

// described is a tensor of the metadata.
type described struct {
	Name     string `json:"name"`
	Datatype string `json:"datatype"`
	Shape    []int  `json:"shape"`
}

func (f *Front) metadata(w http.ResponseWriter, r *http.Request) {
	e := f.find(w, r)
	if e == nil {
		return
	}
	var versions []string
	for _, m := range f.Registry.Models() {
		if m.Name == e.Bundle.Name {
			for _, v := range m.Versions {
				versions = append(versions, v.Bundle.Version())
			}
		}
	}
	inputs := make([]described, len(e.Bundle.Inputs))
	for j, in := range e.Bundle.Inputs {
		inputs[j] = described{in.Name, datatype(in), []int{-1, 1}}
	}
	answer(w, http.StatusOK, map[string]any{"name": e.Bundle.Name, "versions": versions, "platform": "voxgene_voxgene", "inputs": inputs, "outputs": outputs(e.Bundle)})
}

func datatype(in bundle.Input) string {
	if in.Kind == table.Numeric {
		return "FP64"
	}
	return "BYTES"
}

// outputs describes what infer answers.
func outputs(b *bundle.Bundle) []described {
	var out []described
	for _, o := range b.Outcomes {
		if o.Kind == clinical.Class {
			out = append(out, described{o.Name + ".label", "BYTES", []int{-1}}, described{o.Name + ".probabilities", "FP64", []int{-1, len(o.Classes)}})
			continue
		}
		out = append(out, described{o.Name + ".risk", "FP64", []int{-1}}, described{o.Name + ".risk_group", "BYTES", []int{-1}},
			described{o.Name + ".median", "FP64", []int{-1}}, described{o.Name + ".survival", "FP64", []int{-1, -1}})
	}
	return append(out, described{"warnings", "BYTES", []int{-1}})
}

// infer answers infer and explain.
func (f *Front) infer(w http.ResponseWriter, r *http.Request, explain bool) {
	e := f.find(w, r)
	if e == nil {
		return
	}
	if r.Header.Get("Inference-Header-Content-Length") != "" || r.Header.Get("Content-Type") == "application/octet-stream" {
		f.fail(w, r, http.StatusUnsupportedMediaType, "tensors in binary are an extension that this server does not have (GET /v2 lists its extensions): send data as JSON, with Content-Type: application/json")
		return
	}
	var body []byte
	if p := api.ReadBody(w, r, &body, f.Limits.Body); p != nil {
		f.fail(w, r, p.Status, p.Error())
		return
	}
	var names []string
	if !explain { // those of explanations depend on the answer
		for _, o := range outputs(e.Bundle) {
			names = append(names, o.Name)
		}
	}
	q, faults, err := decode(body, e, f.Limits, names)
	switch {
	case err != nil:
		f.fail(w, r, http.StatusBadRequest, "the body is not the JSON that is wanted: "+err.Error())
		return
	case faults.Any():
		f.fail(w, r, http.StatusBadRequest, faults.Text())
		return
	}
	if explain {
		q.decoded.Request.Explain = &bundle.Explain{Top: len(e.Bundle.Inputs) + 1}
	}
	answers, p, cause := api.Predict(r, e, q.decoded, f.Audit)
	if p != nil {
		if p.Status >= 500 {
			f.Log.Error("infer", "route", r.Pattern, "cause", cause.Error())
		}
		f.fail(w, r, p.Status, p.Error())
		return
	}
	var list []tensor
	if explain {
		list = explanations(e.Bundle, answers)
	} else {
		list = predictions(answers)
	}
	if list, faults = chosen(list, q.outputs); faults.Any() {
		f.fail(w, r, http.StatusBadRequest, faults.Text())
		return
	}
	v := map[string]any{"model_name": e.Bundle.Name, "model_version": e.Bundle.Version(), "outputs": list,
		"parameters": map[string]string{"intended_use": e.Bundle.IntendedUse}}
	if q.id != nil {
		v["id"] = *q.id
	}
	answer(w, http.StatusOK, v)
}

// isNumber reports whether a datatype is one of numbers.
func isNumber(datatype string) bool {
	switch datatype {
	case "FP64", "FP32", "FP16", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64":
		return true
	}
	return false
}

// joined is a list as a parameter, which the protocol keeps flat.
func joined(texts []string) string { return strings.Join(texts, ",") }
