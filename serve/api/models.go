package api

import (
	"encoding/json"
	"net/http"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/auth"
	"github.com/voxgene/voxgene/serve/problem"
	"github.com/voxgene/voxgene/serve/registry"
)

// modelInfo is what the list of models says of one.
type modelInfo struct {
	Name        string   `json:"name"`
	Version     string   `json:"version"` // the one that answers
	Versions    []string `json:"versions"`
	IntendedUse string   `json:"intended_use"`
	Outcomes    []string `json:"outcomes"`
}

func (a *API) models(w http.ResponseWriter, r *http.Request) {
	list := []modelInfo{}
	who := auth.From(r.Context())
	for _, m := range a.Registry.Models() {
		if who.May(m.Name) {
			list = append(list, about(m))
		}
	}
	a.sendJSON(w, r, map[string]any{"models": list})
}

func about(m *registry.Model) modelInfo {
	newest := m.Versions[0].Bundle
	info := modelInfo{Name: m.Name, Version: newest.Version(), IntendedUse: newest.IntendedUse}
	for _, v := range m.Versions {
		info.Versions = append(info.Versions, v.Bundle.Version())
	}
	for _, o := range newest.Outcomes {
		info.Outcomes = append(info.Outcomes, o.Name)
	}
	return info
}

// modelDetail is what a model says of itself.
type modelDetail struct {
	Name        string                   `json:"name"`
	Ready       bool                     `json:"ready"` // always: for clients of KServe
	Version     string                   `json:"version"`
	CreatedBy   string                   `json:"created_by"`
	IntendedUse string                   `json:"intended_use"`
	Patients    int                      `json:"patients"` // in training
	Unit        table.Unit               `json:"unit"`     // what a row is
	Images      []imageSource            `json:"images,omitempty"`
	Outcomes    []bundle.ManifestOutcome `json:"outcomes"`
	Inputs      []bundle.Input           `json:"inputs"`
	Metrics     json.RawMessage          `json:"metrics,omitempty"` // of the training run
}

// imageSource is a source of images, for which studies take files.
type imageSource struct {
	Name     string `json:"name"`
	Modality string `json:"modality,omitempty"`
	Prepared bool   `json:"prepared,omitempty"` // before training, so that raw files are refused
}

func (a *API) model(w http.ResponseWriter, r *http.Request) {
	e := a.find(w, r)
	if e == nil {
		return
	}
	m := e.Bundle.Manifest()
	var images []imageSource
	for _, s := range e.Bundle.Sources {
		images = append(images, imageSource{s.Name, s.Modality, s.Prepared != nil})
	}
	a.sendJSON(w, r, modelDetail{Images: images, Name: m.Name, Ready: true, Version: e.Bundle.Version(), CreatedBy: m.CreatedBy, IntendedUse: m.IntendedUse, Patients: m.Patients, Unit: e.Bundle.Unit,
		Outcomes: m.Outcomes, Inputs: e.Columns.Inputs, Metrics: e.Bundle.Metrics})
}

func (a *API) health(w http.ResponseWriter, r *http.Request) {
	a.sendJSON(w, r, map[string]string{"status": "live", "version": a.Version})
}

func (a *API) ready(w http.ResponseWriter, r *http.Request) {
	if a.draining.Load() {
		w.Header().Set("Retry-After", "5")
		a.fail(w, r, problem.New(http.StatusServiceUnavailable, "the server is stopping"), nil)
		return
	}
	a.sendJSON(w, r, map[string]any{"status": "ready", "models": len(a.Registry.Models())})
}

// sendJSON answers 200 with a value, for routes that are not hot.
func (a *API) sendJSON(w http.ResponseWriter, r *http.Request, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		a.fail(w, r, internal(), err)
		return
	}
	send(w, "application/json", append(b, '\n'))
}

// internal is the problem of a fault of ours.
func internal() problem.Problem {
	return problem.New(http.StatusInternalServerError, "the answer could not be made; the log has the cause under this id")
}
