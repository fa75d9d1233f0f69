package scans

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/voxgene/voxgene/serve/auth"
	"github.com/voxgene/voxgene/serve/problem"
	"github.com/voxgene/voxgene/serve/viewing"
)

// Front answers /v1/scans from a store.
type Front struct {
	Store *Store            // nil keeps none
	Views *viewing.Recorder // notes who looks at what; nil notes nothing
	Log   *slog.Logger
}

// Register adds the routes to a mux.
func (f *Front) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/scans", f.list)
	mux.HandleFunc("GET /v1/scans/{scan}", f.describe)
	mux.HandleFunc("DELETE /v1/scans/{scan}", f.drop)
	mux.HandleFunc("GET /v1/scans/{scan}/{image}/{layer}/{plane}/{slice}", f.slice)
}

// description is what a client is told of a scan. No field of it is from the files' texts.
type description struct {
	Scan   string      `json:"scan"`
	Until  time.Time   `json:"until"`
	Model  string      `json:"model"`
	Result string      `json:"result,omitempty"`
	Images []imageInfo `json:"images"`
}

type imageInfo struct {
	Source    string       `json:"source"`
	Modality  string       `json:"modality,omitempty"`
	Size      [3]int       `json:"size"`    // voxels to the patient's left, back and head
	Spacing   [3]float64   `json:"spacing"` // mm
	Slope     float64      `json:"slope"`
	Intercept float64      `json:"intercept"`
	Window    [2]float64   `json:"window"`
	Centre    [3]int       `json:"centre"`
	Oblique   float64      `json:"oblique"`
	Cropped   bool         `json:"cropped"`
	Averaged  [3]int       `json:"averaged"`
	Layers    []layerInfo  `json:"layers"`
	Lesions   []lesionInfo `json:"lesions,omitempty"` // where each has a prediction
}

type lesionInfo struct {
	Lesion string `json:"lesion"`
	Centre [3]int `json:"centre"`
}

type layerInfo struct {
	Kind    string  `json:"kind"`
	Title   string  `json:"title"`
	Lesion  string  `json:"lesion,omitempty"`
	Outcome string  `json:"outcome,omitempty"`
	Feature string  `json:"feature,omitempty"`
	Note    string  `json:"note,omitempty"`
	Signed  bool    `json:"signed"`
	Most    float64 `json:"most"`
}

// listed is a scan in the list.
type listed struct {
	Scan   string    `json:"scan"`
	Until  time.Time `json:"until"`
	Model  string    `json:"model"`
	Result string    `json:"result,omitempty"`
}

// list tells how long scans are kept, and which this client may see, newest first.
func (f *Front) list(w http.ResponseWriter, r *http.Request) {
	out := []listed{}
	for _, s := range f.Store.All(auth.From(r.Context())) {
		out = append(out, listed{s.ID, s.Until, s.Model, s.Result})
	}
	f.json(w, r, map[string]any{"keep": f.Store.Keep().Seconds(), "scans": out})
}

// json answers with a value.
func (f *Front) json(w http.ResponseWriter, r *http.Request, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		problem.Write(w, r, f.Log, problem.New(http.StatusInternalServerError, "the scans could not be described; the log has the cause under this id"), err)
		return
	}
	send(w, "application/json", append(b, '\n'))
}

// find is the scan of a request's path, if the client may see it.
func (f *Front) find(w http.ResponseWriter, r *http.Request) *Scan {
	s := f.Store.Find(r.PathValue("scan"), auth.From(r.Context()))
	if s == nil {
		problem.Write(w, r, f.Log, problem.New(http.StatusGone, "there is no such scan, or not any more: images are kept for studies.keep_images and then removed"), nil)
	}
	return s
}

// look is find for a client that is shown something of the scan, which the audit notes.
func (f *Front) look(w http.ResponseWriter, r *http.Request) *Scan {
	s := f.find(w, r)
	if s == nil {
		return nil
	}
	if err := f.Views.Record(r, viewing.View{Kind: viewing.Scan, Object: s.ID, Patient: s.Patient, Model: s.Model}); err != nil {
		problem.Write(w, r, f.Log, problem.New(http.StatusServiceUnavailable, "the audit could not be written, and what is not noted there is not shown"), err)
		return nil
	}
	return s
}

func (f *Front) describe(w http.ResponseWriter, r *http.Request) {
	s := f.look(w, r)
	if s == nil {
		return
	}
	d := description{Scan: s.ID, Until: s.Until, Model: s.Model, Result: s.Result, Images: []imageInfo{}}
	for _, im := range s.Images {
		info := imageInfo{Source: im.Source, Modality: im.Modality, Size: im.Size, Spacing: im.Spacing, Slope: im.Slope, Intercept: im.Intercept, Window: [2]float64{im.Low, im.High},
			Centre: im.Centre, Oblique: im.Oblique, Cropped: im.Cropped, Averaged: im.Averaged, Layers: []layerInfo{}}
		for _, l := range im.Layers {
			info.Layers = append(info.Layers, layerInfo{Kind: l.Kind, Title: l.Title, Outcome: l.Outcome, Feature: l.Feature, Lesion: l.Lesion, Note: l.Note, Signed: l.Signed, Most: l.Most})
		}
		for _, l := range im.Lesions {
			info.Lesions = append(info.Lesions, lesionInfo{l.Name, l.Centre})
		}
		d.Images = append(d.Images, info)
	}
	f.json(w, r, d)
}

func (f *Front) drop(w http.ResponseWriter, r *http.Request) {
	if s := f.find(w, r); s != nil {
		f.Store.Drop(s.ID)
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
	}
}

// slice answers with the pixels of one slice, row by row: 16 bits of the image, the low byte first; a signed byte of a layer.
func (f *Front) slice(w http.ResponseWriter, r *http.Request) {
	s := f.look(w, r)
	if s == nil {
		return
	}
	none := func(what string) {
		problem.Write(w, r, f.Log, problem.New(http.StatusNotFound, what), nil)
	}
	n, err := strconv.Atoi(r.PathValue("image"))
	if err != nil || n < 0 || n >= len(s.Images) {
		none("the scan has no image of that number")
		return
	}
	im := s.Images[n]
	plane, ok := planes[r.PathValue("plane")]
	if !ok {
		none("a plane is axial, coronal or sagittal")
		return
	}
	at, err := strconv.Atoi(r.PathValue("slice"))
	if err != nil || at < 0 || at >= im.Size[plane.across()] {
		none("the image has no slice of that number in this plane")
		return
	}
	if r.PathValue("layer") == "image" {
		send(w, "application/octet-stream", im.grey(plane, at))
		return
	}
	if n, err = strconv.Atoi(r.PathValue("layer")); err != nil || n < 0 || n >= len(im.Layers) {
		none("a layer is image, or the number of one that is laid over it")
		return
	}
	send(w, "application/octet-stream", im.over(&im.Layers[n], plane, at))
}

// send answers with what nobody between may keep, nor the browser.
func send(w http.ResponseWriter, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.Write(body) // an error means that the client went away
}
