package studies_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve/api"
	"github.com/voxgene/voxgene/serve/registry"
	"github.com/voxgene/voxgene/serve/results"
	"github.com/voxgene/voxgene/serve/studies"
)

// server is a front over one bundle, with its log, the folder of what arrives, and its store.
type server struct {
	http.Handler
	log   *bytes.Buffer
	temp  string
	store *results.Store
}

func serve(t testing.TB, edit func(*bundle.Bundle, *studies.Limits)) server {
	t.Helper()
	return serveWith(t, edit, nil)
}

// serveWith is serve with other options.
func serveWith(t testing.TB, edit func(*bundle.Bundle, *studies.Limits), with func(*studies.Options)) server {
	t.Helper()
	dir := t.TempDir()
	b, limits := bundletest.Images(t), studies.DefaultLimits()
	limits.Temp, limits.Wait = t.TempDir(), time.Minute
	if edit != nil {
		edit(b, &limits)
	}
	path := filepath.Join(dir, "model.voxgene")
	bundletest.Save(t, b, path)
	r, err := registry.Open([]string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	store, err := results.Open(filepath.Join(dir, "results.db"))
	if err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	o := studies.Options{Registry: r, Limits: limits, Patients: api.DefaultLimits(), Log: slog.New(slog.NewJSONHandler(log, nil)), Results: store}
	if with != nil {
		with(&o)
	}
	f := studies.New(o)
	mux := http.NewServeMux()
	f.Register(mux)
	t.Cleanup(func() {
		f.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(limits.Temp); err != nil || len(left) > 0 {
			t.Errorf("%d files of studies are left (%v)", len(left), err)
		}
	})
	return server{mux, log, limits.Temp, store}
}

// part is one part of a study; a name of a file makes it one.
type part struct {
	name, file string
	content    []byte
}

func ask(h http.Handler, parts ...part) (int, map[string]any) {
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for _, p := range parts {
		create := m.CreateFormField
		if p.file != "" {
			create = func(name string) (io.Writer, error) { return m.CreateFormFile(name, p.file) }
		}
		w, err := create(p.name)
		if err != nil {
			panic(err)
		}
		w.Write(p.content)
	}
	m.Close()
	return request(h, m.FormDataContentType(), &body)
}

func request(h http.Handler, contentType string, body io.Reader) (int, map[string]any) {
	r := httptest.NewRequest("POST", "/v1/models/prostate/studies", body)
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		return w.Code, map[string]any{"detail": w.Body.String()}
	}
	return w.Code, out
}

// pair is a volume and a mask of a cube, as NIfTI.
func pair(t testing.TB) (img, mask []byte) {
	t.Helper()
	return pairOf(t, 12)
}

// pairOf is a pair of so many voxels a side, of which those from a third to two thirds are the region.
func pairOf(t testing.TB, side int) (img, mask []byte) {
	t.Helper()
	dir := t.TempDir()
	g := image.Grid{Size: [3]int{side, side, side}, Spacing: [3]float64{1, 1, 2}, Direction: image.IdentityDirection}
	v, m := &image.Volume{Grid: g, Values: make([]float64, g.Voxels())}, &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	for i := range v.Values {
		v.Values[i] = float64(i % 97)
		if x, y, z := i%side, i/side%side, i/side/side; min(x, y, z) >= side/3 && max(x, y, z) < 2*side/3 {
			m.Labels[i] = 1
		}
	}
	if err := nifti.Write(dir+"/v.nii", v, image.Int16); err != nil {
		t.Fatal(err)
	}
	if err := nifti.WriteMask(dir+"/m.nii", m); err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	return read("v.nii"), read("m.nii")
}

// plain makes the bundle's source one of any format.
func plain(b *bundle.Bundle, _ *studies.Limits) {
	b.Sources[0].Series, b.Sources[0].Label = nil, nil
}

// A volume and a mask are predicted and kept; the same files give the same result, another mask a new version.
func TestVolume(t *testing.T) {
	s := serve(t, plain)
	img, mask := pair(t)
	parts := []part{{"image", "../../etc/CANARY.nii", img}, {"mask", "m.nii", mask}, {"features", "", []byte(`{"clinical.age": 61}`)}, {"patient", "", []byte("CANARY-17")}}
	code, got := ask(s, parts...)
	if code != 200 || got["state"] != "preliminary" || !strings.Contains(got["words"].(string), "research use only") {
		t.Fatalf("%d %v", code, got)
	}
	kept, err := s.store.Of("CANARY-17", "")
	if err != nil || len(kept) != 1 || kept[0].ID != got["result"] || len(kept[0].Features) != 3 || *kept[0].Features[1].Value != 128 {
		t.Errorf("%+v (%v)", kept, err) // 4×4×4 voxels of 2 mm³
	}
	if _, again := ask(s, parts[3], parts[2], parts[1], parts[0]); again["result"] != got["result"] {
		t.Error("the same files give another result")
	}
	if _, other := ask(s, parts[0], part{"mask", "m.nii", append(mask, 0)}, parts[2], parts[3]); other["previous"] != got["result"] {
		t.Errorf("another mask: %v", other)
	}
	if strings.Contains(s.log.String(), "CANARY") {
		t.Error("the log names the patient")
	}
}

// What cannot be answered is refused with what to do, and names no patient.
func TestRefuses(t *testing.T) {
	img, mask := pair(t)
	s := serve(t, plain)
	canary := part{"patient", "", []byte("CANARY-17")}
	for want, parts := range map[string][]part{
		"needs a mask":                     {{"image", "CANARY.nii", img}},
		"a part that is not known":         {{"CANARY", "", nil}},
		"no source of the model reads":     {{"image.other", "x", img}},
		"a JSON object":                    {{"features", "", []byte("[1]")}},
		"a header and one row":             {{"table", "", []byte("a\n1\n2\n")}},
		"comes twice":                      {canary},
		"none of the genes":                {{"expression", "", []byte("X\t1\n")}},
		"source adc":                       {{"image", "x", []byte("no image")}, {"mask", "x", mask}},
		"an archive is damaged":            {{"image", "x.zip", []byte("PK\x03\x04CANARY")}},
		"no source of the model reads the": {{"mask.elsewhere", "x", mask}},
	} {
		code, got := ask(s, append(parts, canary)...)
		detail, _ := got["detail"].(string)
		if code != 422 || !strings.Contains(detail, want) || strings.Contains(detail, "CANARY") || strings.Contains(detail, s.temp) {
			t.Errorf("want %q: %d %v", want, code, got)
		}
	}
	if code, _ := request(s, "application/json", strings.NewReader("{}")); code != 415 {
		t.Errorf("JSON: %d", code)
	}
	for _, body := range []string{"", "--x", "--x\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\ncut"} {
		if code, _ := request(s, "multipart/form-data; boundary=x", strings.NewReader(body)); code != 400 {
			t.Errorf("%q: %d", body, code)
		}
	}
	prepared := serve(t, func(b *bundle.Bundle, l *studies.Limits) {
		plain(b, l)
		n, err := settings.Parse("x", []byte("{skull_stripped: true, tool: HD-BET}"))
		if err != nil {
			t.Fatal(err)
		}
		b.Sources[0].Prepared = n
	})
	parts := []part{{"image", "i", img}, {"mask", "m", mask}}
	if code, got := ask(prepared, parts...); code != 422 || !strings.Contains(got["detail"].(string), "HD-BET") {
		t.Errorf("raw files of a prepared source: %d %v", code, got)
	}
	if code, got := ask(prepared, append(parts, part{"prepared", "", []byte("adc")})...); code != 200 {
		t.Errorf("prepared files: %d %v", code, got)
	}
}

// A small archive of a great file, one of many files, and a body beyond the limit are cut off.
func TestLimits(t *testing.T) {
	s := serve(t, func(b *bundle.Bundle, l *studies.Limits) { l.Unpacked, l.Files, l.Upload = 1<<20, 5, 1<<21 })
	pack := func(files, size int) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for range files {
			w, err := z.Create("../../../tmp/CANARY")
			if err != nil {
				t.Fatal(err)
			}
			w.Write(make([]byte, size))
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for name, content := range map[string][]byte{"bomb": pack(1, 64<<20), "files": pack(6, 1), "body": make([]byte, 3<<20)} {
		if code, got := ask(s, part{"image", "x", content}); code != 413 {
			t.Errorf("%s: %d %v", name, code, got)
		}
	}
	var many []part
	for range 7 {
		many = append(many, part{"image", "x", []byte("x")})
	}
	if code, got := ask(s, many...); code != 413 {
		t.Errorf("parts: %d %v", code, got)
	}
}

// A request whose time went by while its files arrived is answered with its job.
func TestSlowUpload(t *testing.T) {
	s := serve(t, plain)
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	img, mask := pair(t)
	for name, content := range map[string][]byte{"image": img, "mask": mask} {
		w, err := m.CreateFormFile(name, "x")
		if err != nil {
			t.Fatal(err)
		}
		w.Write(content)
	}
	m.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := httptest.NewRequestWithContext(ctx, "POST", "/v1/models/prostate/studies", &body)
	r.Header.Set("Content-Type", m.FormDataContentType())
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != 200 && (w.Code != 202 || !strings.HasPrefix(w.Header().Get("Location"), "/v1/jobs/")) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Long work becomes a job that tells how far it is and keeps its answer; a full queue is refused.
func TestJob(t *testing.T) {
	s := serve(t, func(b *bundle.Bundle, l *studies.Limits) { plain(b, l); l.Wait = 0; l.Waiting = 1 })
	img, mask := pair(t)
	code, got := ask(s, part{"image", "i", img}, part{"mask", "m", mask})
	if code != 202 {
		if code != 200 { // both may be ready at once
			t.Fatalf("%d %v", code, got)
		}
		return
	}
	for range 500 {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", "/v1/jobs/"+got["job"].(string), nil))
		var d struct {
			Status string
			Answer struct{ Predictions []any }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		if d.Status == "failed" {
			t.Fatal(w.Body)
		}
		if d.Status == "done" {
			if len(d.Answer.Predictions) != 1 {
				t.Errorf("%s", w.Body)
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the job does not end")
}
