package serve_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/cdshooks"
	"github.com/voxgene/voxgene/serve/dicomweb"
	"github.com/voxgene/voxgene/serve/dicomweb/client"
	"github.com/voxgene/voxgene/serve/fhir"
	"github.com/voxgene/voxgene/serve/results"
)

// hospital is a server with everything that a hospital connects, in clinical use, on real images whose patient is the canary.
type hospital struct {
	t       *testing.T
	dir     string
	config  serve.Config
	log     synced
	key     *ecdsa.PrivateKey // of the EHR
	handler http.Handler
	stop    func()
}

func newHospital(t *testing.T) *hospital {
	h := &hospital{t: t, dir: t.TempDir()}
	table, _ := bundletest.New(t)
	bundletest.Save(t, table, filepath.Join(h.dir, "glioma.voxgene"))
	bundletest.Save(t, bundletest.Images(t), filepath.Join(h.dir, "prostate.voxgene"))
	c, err := serve.ReadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	// A PACS and an EHR that refuse everything, and repeat what they were sent.
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, "patient %s %s unknown: %s", canaryName, canaryID, b)
	}))
	t.Cleanup(failing.Close)
	if h.key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &h.key.PublicKey, KeyID: "e", Algorithm: "ES384", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(h.dir, "ehr.jwks.json")
	if err := os.WriteFile(file, keys, 0o600); err != nil {
		t.Fatal(err)
	}
	c.Models, c.DefaultModel = []string{h.dir}, "glioma"
	c.Audit.Path, c.Results.Path, c.Studies.Temp = filepath.Join(h.dir, "audit.db"), filepath.Join(h.dir, "results.db"), filepath.Join(h.dir, "temp")
	c.Studies.Wait, c.Studies.KeepImages, c.Listen = time.Millisecond, time.Minute, "127.0.0.1:0"
	c.Writeback = results.Writeback{ApprovedBy: "board", Protocol: "P-1", Expires: "2999-12-31"}
	c.DICOMweb.Stow = dicomweb.StowConfig{Path: "/dicom-web", Settle: time.Millisecond, Keep: time.Hour, Spool: filepath.Join(h.dir, "spool")}
	c.DICOMweb.Systems = []dicomweb.SystemConfig{{Name: "pacs", Config: client.Config{URL: failing.URL}}}
	c.FHIR.Systems = []fhir.SystemConfig{{Name: "ehr", Config: client.Config{URL: failing.URL}, Issuers: []fhir.Issuer{{System: "urn:oid:1.2.3"}}}}
	c.CDSHooks = cdshooks.Config{URL: "https://voxgene.example", Clients: []cdshooks.Client{{Issuer: "https://ehr.example", Keys: file}}, Issuers: []cdshooks.Issuer{{System: "urn:oid:1.2.3"}}, MaxAge: time.Hour}
	if err := os.Mkdir(c.Studies.Temp, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	h.config = c
	h.start()
	return h
}

func (h *hospital) start() {
	s, err := serve.New(h.config, slog.New(slog.NewJSONHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug})), "test")
	if err != nil {
		h.t.Fatal(err)
	}
	h.handler = s.Handler()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, nil, nil) }()
	h.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			h.t.Error(err)
		}
	}
}

// ask asks and checks that no answer holds the name, and none but those that sent it the identifier.
func (h *hospital) ask(method, path, contentType, body string, mayName bool, header ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	text := w.Body.String() + fmt.Sprint(w.Header())
	if strings.Contains(text, canaryName) || !mayName && strings.Contains(text, canaryID) {
		h.t.Errorf("%s %s: %d names the patient: %s", method, path, w.Code, text)
	}
	return w
}

// decoded is an answer of JSON.
func decoded[T any](t *testing.T, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return v
}

// study sends a study and returns its job once it has ended.
func (h *hospital) study(images [][]byte, mask []byte, cancel bool) (status string, result string) {
	h.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i, content := range append(images[:len(images):len(images)], mask) {
		w, err := m.CreateFormFile(map[bool]string{true: "mask", false: "image"}[i == len(images)], canaryName+".dcm")
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			h.t.Fatal(err)
		}
	}
	m.Close()
	type state struct {
		Job, Status string
		Answer      struct{ Result string }
	}
	w := h.ask("POST", "/v1/models/prostate/studies", m.FormDataContentType(), b.String(), true)
	if w.Code != http.StatusAccepted {
		return fmt.Sprint(w.Code), decoded[struct{ Result string }](h.t, w).Result
	}
	s := decoded[state](h.t, w)
	if cancel {
		h.ask("DELETE", "/v1/jobs/"+s.Job, "application/json", "", false)
	}
	for range 2000 {
		w := h.ask("GET", "/v1/jobs/"+s.Job, "application/json", "", true)
		if w.Code != http.StatusOK {
			return "gone", ""
		}
		if s = decoded[state](h.t, w); s.Status == "done" || s.Status == "failed" {
			return s.Status, s.Answer.Result
		}
		time.Sleep(5 * time.Millisecond)
	}
	h.t.Fatal("the job does not end")
	return "", ""
}

// empty checks that nothing is left of what arrived: pixels are gone when a study has ended, however it did.
func (h *hospital) empty(when string) {
	h.t.Helper()
	for _, dir := range []string{h.config.Studies.Temp, h.config.DICOMweb.Stow.Spool} {
		var left []string
		for range 200 { // the folder of a cancelled study is removed by its job
			left = nil
			err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
				if err == nil && e.Type().IsRegular() && e.Name() != "lock" { // by which the folder is known to be of a server that runs
					left = append(left, path)
				}
				return err
			})
			if err == nil && len(left) == 0 {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		if len(left) != 0 {
			h.t.Errorf("%s: %v is left in %s", when, left, filepath.Base(dir))
		}
	}
	// And nowhere else: no file beside the databases holds a run of the series' pixels.
	h.files(func(name string, b []byte) {
		if bytes.Contains(b, []byte("DICM")) {
			h.t.Errorf("%s: %s holds a DICOM file", when, name)
		}
	})
}

func (h *hospital) files(each func(name string, b []byte)) {
	h.t.Helper()
	err := filepath.WalkDir(h.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		each(path, b)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// silent checks that neither the log nor any file holds the canaries.
func (h *hospital) silent(when string) {
	h.t.Helper()
	for _, word := range []string{canaryName, canaryID} {
		if text := h.log.text(); strings.Contains(text, word) {
			h.t.Errorf("%s: the log holds %s: …%.200s", when, word, text[strings.Index(text, word)-80:])
		}
		h.files(func(name string, b []byte) {
			if bytes.Contains(b, []byte(word)) || strings.Contains(name, word) {
				h.t.Errorf("%s: %s holds %s", when, filepath.Base(name), word)
			}
		})
	}
}

// column reads one column of a database.
func column(t *testing.T, path, query string, args ...any) [][]byte {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out [][]byte
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
