package serve_test

import (
	"bytes"
	"encoding/json"
	"fmt"
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

	"github.com/voxgene/voxgene/features/deidentify"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/audit"
	"github.com/voxgene/voxgene/serve/results"
)

// Two canaries: a name, which nothing may repeat to anyone, and an identifier, which an answer may give back to who sent it and nothing else may hold.
const (
	canaryName = "CANARYBIRD"
	canaryID   = "KANARI-4711"
)

// planted is a segmented series of a real patient whose identifier and name are the canaries' now: the files of the series, and the SEG.
func planted(t *testing.T) (images [][]byte, mask []byte) {
	t.Helper()
	root := oracle.Data(t, "dicom", "qin_prostate_adc_seg")
	var files []string
	for _, pattern := range []string{"ADC/*.dcm", "seg/*.dcm"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatal(pattern, err)
		}
		files = append(files, found...)
	}
	for i, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		was := element(t, b, "\x10\x00\x20\x00LO")
		b = bytes.ReplaceAll(b, was, fmt.Appendf(nil, "%-*s", len(was), canaryID)[:len(was)])
		const person = "\x10\x00\x10\x00PN"
		name := element(t, b, person)
		copy(b[bytes.Index(b, []byte(person))+8:], fmt.Appendf(nil, "%-*s", len(name), canaryName)[:len(name)])
		if at := bytes.Index(b, []byte("\x08\x00\x70\x00LO")); at > 0 { // a name where nobody looks for one: an institution, before the manufacturer
			value := []byte(canaryName)
			b = append(b[:at:at], append(append([]byte("\x08\x00\x70\x00LO"), b[at+6:at+8]...), b[at+8:]...)...)
			b = bytes.Join([][]byte{b[:at], append([]byte("\x08\x00\x80\x00LO"), append([]byte{byte(len(value)), 0}, value...)...), b[at:]}, nil)
		}
		if i == len(files)-1 {
			return images, b
		}
		images = append(images, b)
	}
	return nil, nil
}

// element is the value of an attribute of explicit VR with a short length.
func element(t *testing.T, b []byte, head string) []byte {
	t.Helper()
	at := bytes.Index(b, []byte(head))
	if at < 0 {
		t.Fatalf("no %q", head)
	}
	n := int(b[at+6]) | int(b[at+7])<<8
	return bytes.Clone(b[at+8 : at+8+n])
}

// A patient's name in DICOM, in paths, headers, queries, identifiers, tables, file names and FHIR, over every front, asked rightly and wrongly: no log, no
// metric, no answer of another kind, no file that is left behind and no database holds it. In research the identifier is gone as well.
func TestCanary(t *testing.T) {
	images, mask := planted(t)
	for _, privacy := range []string{serve.Clinical, serve.Research} {
		t.Run(privacy, func(t *testing.T) { canary(t, privacy, images, mask) })
	}
}

func canary(t *testing.T, privacy string, images [][]byte, mask []byte) {
	dir := t.TempDir()
	table, _ := bundletest.New(t)
	bundletest.Save(t, table, filepath.Join(dir, "glioma.voxgene"))
	bundletest.Save(t, bundletest.Images(t), filepath.Join(dir, "prostate.voxgene"))
	c, err := serve.ReadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	c.Models, c.DefaultModel, c.Privacy = []string{dir}, "glioma", privacy
	c.Audit.Path, c.Results.Path, c.Studies.Temp = filepath.Join(dir, "audit.db"), filepath.Join(dir, "results.db"), filepath.Join(dir, "temp")
	c.Studies.Wait = 20 * time.Second
	if privacy == serve.Research {
		c.PrivacyKey = filepath.Join(dir, "study.key")
	}
	if err := os.Mkdir(c.Studies.Temp, 0o700); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s, err := serve.New(c, slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), "test")
	if err != nil {
		t.Fatal(err)
	}
	h := s.Handler()
	answered := map[int]int{}
	ask := func(method, path, contentType, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		for _, name := range []string{"User-Agent", "Referer", "X-Request-Id", "X-Patient", "Cookie", "X-Forwarded-For"} {
			r.Header.Set(name, canaryName+" "+canaryID)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		answered[w.Code]++
		text := w.Body.String() + fmt.Sprint(w.Header())
		if strings.Contains(text, canaryName) || w.Code >= 400 && strings.Contains(text, canaryID) {
			t.Errorf("%s %.60s: %d %s", method, path, w.Code, text)
		}
		if w.Code >= 500 {
			t.Errorf("%s %.60s: %d %s", method, path, w.Code, text)
		}
		return w
	}

	// Every front, with the identifier where one belongs and the name where none is read.
	js, fj := "application/json", "application/fhir+json"
	id := canaryID
	features := `{"clinical.age": 61, "clinical.sex": "M", "t1.volume": 900.5}`
	sound := map[string][2]string{
		"/v1/models/glioma/predict?patient=" + canaryName: {js, `{"patients": [{"id": "` + id + `", "features": ` + features + `}]}`},
		"/v1/models/glioma/explain":                       {js, `{"patients": [{"id": "` + id + `", "features": ` + features + `}]}`},
		"/v2/models/glioma/infer":                         {js, `{"id": "` + id + `", "parameters": {"note": "` + canaryName + `"}, "inputs": [{"name": "clinical.age", "shape": [1], "datatype": "FP64", "data": [61], "parameters": {"by": "` + canaryName + `"}}]}`},
		"/v1/models/glioma:predict":                       {js, `{"instances": [` + features + `]}`},
		"/invocations":                                    {js, `{"dataframe_records": [` + features + `]}`},
		"/fhir/$predict": {fj, `{"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {"resourceType": "Patient", "id": "` + id + `", "name": [{"family": "` + canaryName + `"}]}},
			{"resource": {"resourceType": "Observation", "status": "final", "note": [{"text": "` + canaryName + `"}], "subject": {"reference": "Patient/` + id + `", "display": "` + canaryName + `"},
			"code": {"coding": [{"system": "urn:voxgene:feature", "code": "clinical.age"}]}, "valueQuantity": {"value": 61}}}]}`},
	}
	for path, q := range sound {
		if w := ask("POST", path, q[0], q[1]); w.Code != 200 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		// And wrongly: of another type, cut off, with a name for a number, for no model.
		ask("POST", path, "text/"+canaryName, q[1])
		ask("POST", path, q[0], q[1][:len(q[1])-3]+canaryName)
		ask("POST", path, q[0], strings.Replace(q[1], "61", `"`+canaryName+`"`, 1))
		ask("PUT", path, q[0], q[1])
	}
	for _, path := range []string{"/" + canaryName, "/v1/jobs/" + canaryName, "/patients/" + canaryName + "/" + canaryID, "/cds-services/" + canaryName} {
		ask("GET", path, js, "")
		ask("POST", path, js, `{"name": "`+canaryName+`"}`)
	}
	study := func(query string, parts func(*multipart.Writer)) *httptest.ResponseRecorder {
		var b bytes.Buffer
		m := multipart.NewWriter(&b)
		parts(m)
		m.Close()
		return ask("POST", "/v1/models/prostate/studies"+query, m.FormDataContentType(), b.String())
	}
	file := func(m *multipart.Writer, part string, content []byte) {
		w, err := m.CreateFormFile(part, "../"+canaryName+"_"+canaryID+".dcm")
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	whole := func(m *multipart.Writer) {
		for _, b := range images {
			file(m, "image", b)
		}
		file(m, "mask", mask)
		m.WriteField("table", "patient_name,clinical.age\n"+canaryName+",61\n")
	}
	w := study("?name="+canaryName, whole)
	var got struct {
		Result      string
		Notes       []string
		Predictions []struct{ ID string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || got.Result == "" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	study("", func(m *multipart.Writer) { // of two patients
		whole(m)
		m.WriteField("patient", "OTHER-"+canaryName)
	})
	study("", func(m *multipart.Writer) { file(m, "image", images[0][:len(images[0])/2]); file(m, "mask", mask) })
	study("", func(m *multipart.Writer) { file(m, "image", []byte("PK\x03\x04"+canaryName)) })
	study("", func(m *multipart.Writer) { m.WriteField("features", `{"clinical.age": "`+canaryName+`"}`) })
	study("", func(m *multipart.Writer) { m.WriteField("expression", canaryName+"\t1\n") })
	ask("GET", "/v1/jobs/"+got.Result, js, "")
	for _, q := range [][3]string{{"GET", "/v1/cases"}, {"GET", "/v1/results"}, {"GET", "/v1/results/" + got.Result}, {"POST", "/v1/results/find", `{"patient": "` + canaryID + `"}`}, {"GET", "/v1/scans"}, {"GET", "/"},
		{"GET", "/v1/models"}, {"GET", "/openapi.json"}} {
		if w := ask(q[0], q[1], js, q[2]); w.Code != 200 || strings.Contains(w.Body.String(), canaryID) {
			t.Errorf("%s: %d %s", q[1], w.Code, w.Body)
		}
	}
	if w := ask("GET", "/metrics", js, ""); strings.Contains(w.Body.String(), canaryID) || !strings.Contains(w.Body.String(), "voxgene_patients_total") {
		t.Error("the metrics name the patient, or are none")
	}
	if answered[200] < 8 || answered[422] < 4 || answered[404] < 4 {
		t.Errorf("the requests test too little: %v", answered)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for _, word := range []string{canaryName, canaryID} {
		if strings.Contains(log.String(), word) {
			t.Errorf("the log holds %s", word)
		}
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			b, err := os.ReadFile(path)
			if bytes.Contains(b, []byte(word)) || strings.Contains(path, word) {
				t.Errorf("%s holds %s", filepath.Base(path), word)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if left, err := os.ReadDir(c.Studies.Temp); err != nil || len(left) != 0 {
		t.Errorf("%d entries are left of what arrived (%v)", len(left), err)
	}
	kept(t, privacy, c, got.Result, got.Predictions[0].ID)
}

// kept checks what the databases say once they are opened with their keys: in clinical use who it was, in research a pseudonym.
func kept(t *testing.T, privacy string, c serve.Config, result, id string) {
	store, err := results.Open(c.Results.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	r, err := store.Get(result)
	if err != nil {
		t.Fatal(err)
	}
	log, err := audit.Open(c.Audit.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := log.Verify(); err != nil {
		t.Error(err)
	}
	named, err := log.Of(canaryID)
	if err != nil {
		t.Fatal(err)
	}
	if privacy == serve.Clinical {
		if r.Identity.Patient != canaryID || len(named) < 3 || id != canaryID {
			t.Errorf("%+v, %d entries", r.Identity, len(named))
		}
		return
	}
	key, err := deidentify.ReadKey(c.PrivacyKey)
	if err != nil {
		t.Fatal(err)
	}
	pseudonym := key.Pseudonym(canaryID, "")
	under, err := log.Of(pseudonym)
	if err != nil || len(named) != 0 || len(under) < 3 {
		t.Errorf("%d entries under the identifier, %d under the pseudonym (%v)", len(named), len(under), err)
	}
	for _, e := range under {
		if bytes.Contains(e.Answer, []byte(canaryID)) {
			t.Errorf("%s", e.Answer)
		}
	}
	if r.Identity.Patient != pseudonym || id != pseudonym || r.Identity.Accession != "" || r.Identity.Birth != "" || strings.Contains(fmt.Sprintf("%+v", r), canaryName) {
		t.Errorf("%+v", r.Identity)
	}
	if r.Identity.Study == "" || !strings.HasPrefix(r.Identity.Study, "2.25.") {
		t.Errorf("study %s", r.Identity.Study)
	}
	if v := r.Features[1].Value; v == nil || *v < 100 {
		t.Errorf("the volume is lost: %+v", r.Features)
	}
}

// A file with text in its pixels is refused in research, and taken in clinical use.
func TestResearchRefuses(t *testing.T) {
	c, err := serve.ReadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	c.Models = []string{"x"}
	for want, edit := range map[string]func(*serve.Config){
		"privacy_key: names":          func(c *serve.Config) { c.Privacy = serve.Research },
		"privacy_key: goes with":      func(c *serve.Config) { c.PrivacyKey = "k" },
		`"open" is not clinical or`:   func(c *serve.Config) { c.Privacy = "open" },
		"research never writes back,": func(c *serve.Config) { c.Privacy, c.PrivacyKey, c.Writeback.ApprovedBy = serve.Research, "k", "board" },
	} {
		e := c
		edit(&e)
		if err := e.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	images, mask := planted(t)
	dir := t.TempDir()
	bundletest.Save(t, bundletest.Images(t), filepath.Join(dir, "prostate.voxgene"))
	c.Models, c.Privacy, c.PrivacyKey = []string{dir}, serve.Research, filepath.Join(dir, "key")
	s, err := serve.New(c, slog.New(slog.DiscardHandler), "test")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i, content := range append(images, mask) {
		if i == 2 { // ultrasound, of which nothing says that no text is burned in
			content = bytes.Replace(content, []byte("\x08\x00\x60\x00CS\x02\x00MR"), []byte("\x08\x00\x60\x00CS\x02\x00US"), 1)
		}
		w, err := m.CreateFormFile(map[bool]string{true: "mask", false: "image"}[i == len(images)], "x.dcm")
		if err != nil {
			t.Fatal(err)
		}
		w.Write(content)
	}
	m.Close()
	r := httptest.NewRequest(http.MethodPost, "/v1/models/prostate/studies", &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != 422 || !strings.Contains(w.Body.String(), "often show text") || strings.Contains(w.Body.String(), canaryID) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
