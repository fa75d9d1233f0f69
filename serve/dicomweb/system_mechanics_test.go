package dicomweb_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/serve/dicomweb"
	"github.com/voxgene/voxgene/serve/dicomweb/client"
	"github.com/voxgene/voxgene/serve/dicomweb/object"
	"github.com/voxgene/voxgene/serve/results"
)

// pacs is a PACS that stores what it is sent, while it is up.
type pacs struct {
	*httptest.Server
	mu    sync.Mutex
	down  bool
	files map[string][][]byte // by study
}

func newPACS(t testing.TB) *pacs {
	p := &pacs{files: map[string][][]byte{}}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		study, ok := strings.CutPrefix(r.URL.Path, "/dicom-web/studies/")
		if p.down || !ok {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if err := client.Parts(r.Header.Get("Content-Type"), r.Body, 100, func(part io.Reader) error {
			b, err := io.ReadAll(part)
			p.files[study] = append(p.files[study], b)
			return err
		}); err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// set makes the PACS go down or come up.
func (p *pacs) set(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// sent are the files that were stored in a study.
func (p *pacs) sent(study string) [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.files[study]
}

func open(t testing.TB) *results.Store {
	t.Helper()
	s, err := results.Open(filepath.Join(t.TempDir(), "results.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// The report of a new version names the last one of the version before that some system has, and that alone.
func TestVersions(t *testing.T) {
	s, to := open(t), newPACS(t)
	system, err := dicomweb.NewSystem(dicomweb.SystemConfig{Name: "pacs", Config: client.Config{URL: to.URL + "/dicom-web"}}, s, "1.0")
	if err != nil {
		t.Fatal(err)
	}
	o := &results.Outbox{Store: s, Systems: []results.System{system}, Writeback: permitted(), Log: slog.New(slog.DiscardHandler)}
	var uids []string
	for i, mask := range []string{"1.2.3.7", "1.2.3.8", "1.2.3.9"} {
		r, made, err := s.Keep(results.Kept{Model: "glioma", Version: "sha256:" + strings.Repeat("ab", 32), Use: "research", Inputs: "sha256:01", Content: results.Content{
			Identity:   results.Identity{Patient: "P1", Study: "1.2.3", Series: []string{"1.2.3.1"}, Mask: mask},
			Prediction: []byte(`{"outcomes":{}}`), Evidence: []results.Instance{{Class: "1.2.840.10008.5.1.4.1.1.4", Instance: "1.2.3.1.1", Series: "1.2.3.1"}}}})
		if err != nil || !made {
			t.Fatal(made, err)
		}
		uids = append(uids, object.ReportUID(&r))
		if i == 1 {
			continue // nobody is sent the second version
		}
		for range 2 { // a second time is the same document
			if _, err := o.Write(r.ID); err != nil {
				t.Fatal(err)
			}
			if d, err := o.Deliver(t.Context(), r.ID); err != nil || len(d) != 1 || !d[0].Accepted {
				t.Fatalf("%+v (%v)", d, err)
			}
		}
	}
	sent := to.sent("1.2.3")
	if len(sent) != 4 || !bytes.Equal(sent[0], sent[1]) || !bytes.Equal(sent[2], sent[3]) {
		t.Fatalf("%d objects, or they differ", len(sent))
	}
	if !bytes.Contains(sent[2], []byte(uids[0])) || bytes.Contains(sent[2], []byte(uids[1])) || bytes.Contains(sent[0], []byte{0x40, 0, 0x60, 0xA3}) {
		t.Error("the third version does not name the first, which was written, as its predecessor")
	}
}

// A system that has the objects stays as it is where it is sent no report; one that deletes asks Orthanc for each object that was rejected, and leaves
// what is another's.
func TestWithdrawDeletes(t *testing.T) {
	for _, maker := range []string{"Voxgene", "SOMEONE"} {
		s, to := open(t), newPACS(t)
		var deleted []string
		orthanc := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/tools/lookup":
				uid, _ := io.ReadAll(r.Body)
				json.NewEncoder(w).Encode([]map[string]string{{"Type": "Instance", "ID": "at-" + string(uid)}})
			case r.Method == http.MethodDelete:
				deleted = append(deleted, strings.TrimPrefix(r.URL.Path, "/instances/at-"))
				w.Write([]byte("{}"))
			default:
				json.NewEncoder(w).Encode(map[string]string{"Manufacturer": maker})
			}
		}))
		defer orthanc.Close()
		system, err := dicomweb.NewSystem(dicomweb.SystemConfig{Name: "pacs", Config: client.Config{URL: to.URL + "/dicom-web"}, Delete: orthanc.URL, Retraction: "note"}, s, "1.0")
		if err != nil {
			t.Fatal(err)
		}
		r := results.Result{ID: strings.Repeat("0", 32), Model: "m", State: results.EnteredInError, Reason: "why", Content: results.Content{Identity: results.Identity{Patient: "P1", Study: "1.2.3"},
			Prediction: []byte(`{}`), Evidence: []results.Instance{{Class: "1.2.840.10008.5.1.4.1.1.4", Instance: "1.2.3.1.1", Series: "1.2.3.1"}}}}
		d := system.Withdraw(t.Context(), r, results.Delivery{Objects: map[string]string{"sr": "1.2.4.1", "seg adc": "1.2.4.2"}})
		slices.Sort(deleted)
		switch {
		case maker == "Voxgene" && (!d.Accepted || d.Detail != "ko stored, 2 objects deleted" || !slices.Equal(deleted, []string{"1.2.4.1", "1.2.4.2"})):
			t.Errorf("%+v, deleted %v", d, deleted)
		case maker != "Voxgene" && (d.Accepted || d.Retry || len(deleted) > 0):
			t.Errorf("another's object: %+v, deleted %v", d, deleted)
		}
	}
}

// permitted is a permission that lasts until tomorrow.
func permitted() results.Writeback {
	return results.Writeback{ApprovedBy: "board", Protocol: "17-4", Expires: time.Now().AddDate(0, 0, 1).Format(time.DateOnly)}
}

// A result becomes a report in its study, its retraction another one that replaces it; a PACS that is down gets both when it is back.
func TestSystem(t *testing.T) {
	s, to := open(t), newPACS(t)
	system, err := dicomweb.NewSystem(dicomweb.SystemConfig{Name: "pacs", Config: client.Config{URL: to.URL + "/dicom-web"}}, s, "1.0")
	if err != nil {
		t.Fatal(err)
	}
	o := &results.Outbox{Store: s, Systems: []results.System{system}, Writeback: permitted(), Log: slog.New(slog.DiscardHandler)}
	r, _, err := s.Keep(results.Kept{Model: "glioma", Version: "sha256:" + strings.Repeat("ab", 32), Use: "research", Inputs: "sha256:01", Content: results.Content{
		Identity:   results.Identity{Patient: "P1", Study: "1.2.3", Series: []string{"1.2.3.1"}, Mask: "1.2.3.9"},
		Prediction: []byte(`{"outcomes":{"idh":{"kind":"class","label":"1","probabilities":{"0":0.1,"1":0.9}}}}`),
		Evidence:   []results.Instance{{Class: "1.2.840.10008.5.1.4.1.1.4", Instance: "1.2.3.1.1", Series: "1.2.3.1"}}}})
	if err != nil {
		t.Fatal(err)
	}
	to.set(true)
	if _, err := o.Write(r.ID); err != nil {
		t.Fatal(err)
	}
	if d, err := o.Deliver(t.Context(), r.ID); err != nil || len(d) != 1 || d[0].Accepted || !d[0].Retry || !strings.Contains(d[0].Detail, "503") {
		t.Fatalf("down: %+v (%v)", d, err)
	}
	to.set(false)
	if d, err := o.Deliver(t.Context(), r.ID); err != nil || len(d) != 1 || !d[0].Accepted || d[0].Objects["sr"] != object.ReportUID(&r) {
		t.Fatalf("up: %+v (%v)", d, err)
	}
	preliminary := object.ReportUID(&r)
	if r, err = s.Finalise(r.ID, "Dr A"); err != nil {
		t.Fatal(err)
	}
	if err := o.Verified(r.ID); err != nil {
		t.Fatal(err)
	}
	if d, err := o.Deliver(t.Context(), r.ID); err != nil || len(d) != 1 || !d[0].Accepted || d[0].Objects["sr final"] != object.ReportUID(&r) || object.ReportUID(&r) == preliminary {
		t.Fatalf("final: %+v (%v)", d, err)
	}
	final := object.ReportUID(&r)
	if r, err = s.Retract(r.ID, "Dr A", "mask of another lesion", ""); err != nil {
		t.Fatal(err)
	}
	if names, err := o.Withdraw(r.ID); err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	if d, err := o.Deliver(t.Context(), r.ID); err != nil || len(d) != 1 || !d[0].Accepted || d[0].Detail != "ko stored, sr retraction stored" {
		t.Fatalf("%+v (%v)", d, err)
	}
	sent := map[string][]byte{} // by what they say first
	for _, b := range to.sent("1.2.3") {
		for _, what := range []string{"Rejected for Patient Safety Reasons", "must not be used", "Verified by Dr A", "Measurement Group"} {
			if bytes.Contains(b, []byte(what)) {
				sent[what] = b
				break
			}
		}
	}
	if len(to.sent("1.2.3")) != 4 || len(sent) != 4 {
		t.Fatalf("%d objects", len(to.sent("1.2.3")))
	}
	note, retraction := sent["Rejected for Patient Safety Reasons"], sent["must not be used"]
	for _, uid := range []string{preliminary, final} {
		if !bytes.Contains(note, []byte(uid)) || !bytes.Contains(retraction, []byte(uid)) {
			t.Errorf("%s is not rejected, or not replaced", uid)
		}
	}
	if !bytes.Contains(sent["Verified by Dr A"], []byte(preliminary)) || bytes.Contains(note, []byte(object.ReportUID(&r))) {
		t.Error("the final report replaces no preliminary one, or the retraction rejects itself")
	}
	for what, b := range sent {
		if what == "Rejected for Patient Safety Reasons" {
			continue
		}
		if report, err := dicom.DecodeReport(bytes.NewReader(b)); err != nil || report.Patient != "P1" {
			t.Errorf("%s: %+v (%v)", what, report, err)
		}
	}
	if !bytes.Contains(retraction, []byte("mask of another lesion")) || bytes.Contains(retraction, []byte("Probability of idh")) {
		t.Error("the retraction does not replace the report")
	}
	upload := results.Result{Content: results.Content{Identity: results.Identity{Patient: "P1"}}}
	if system.Takes(&upload) || !system.Takes(&r) {
		t.Error("a result of no DICOM study goes to a PACS")
	}
}

// A study that comes in goes out as the report, the region, the map of a feature, and a picture of each, all in the study and of its patient; where
// nothing may be written nothing is made.
func TestObjects(t *testing.T) {
	for _, may := range []bool{true, false} {
		s, to := open(t), newPACS(t)
		system, err := dicomweb.NewSystem(dicomweb.SystemConfig{Name: "pacs", Config: client.Config{URL: to.URL + "/dicom-web"}}, s, "1.0")
		if err != nil {
			t.Fatal(err)
		}
		o := &results.Outbox{Store: s, Systems: []results.System{system}, Log: slog.New(slog.DiscardHandler)}
		if may {
			o.Writeback = permitted()
		}
		stow, err := dicomweb.NewStow(dicomweb.StowConfig{Path: "/dicom-web", Spool: t.TempDir(), Settle: time.Nanosecond, Keep: time.Hour}, intakeTo(t, s, o, io.Discard, nil))
		if err != nil {
			t.Fatal(err)
		}
		mux := http.NewServeMux()
		stow.Register(mux)
		send(t, mux, "/dicom-web/studies", append(images(t, "1.2.3"), mask(t, "1.2.3"))...)
		if err := stow.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		made, err := s.Attached(only(t, s).Result)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Deliver(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		sent := to.sent("1.2.3")
		if !may {
			if len(made) != 0 || len(sent) != 0 {
				t.Errorf("without permission: %d objects, %d sent", len(made), len(sent))
			}
			continue
		}
		classes := map[string]int{}
		for _, b := range sent {
			path := filepath.Join(t.TempDir(), "object")
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := dicom.ReadObject(path)
			if err != nil {
				t.Fatal(err)
			}
			classes[got.Class]++
			if got.Text(0x0020000D) != "1.2.3" || got.Text(0x00100020) != "CANARY-1" || got.Text(0x00100010) != "CANARY^NAME" || !object.Own(got.Text(0x00080070)) {
				t.Errorf("%+v is of another study or patient", got.Instance)
			}
		}
		if len(made) != 4 || classes[object.ReportStorage] != 1 || classes[object.SegmentationStorage] != 1 || classes[object.MapStorage] != 1 || classes[object.CaptureStorage] != 2 {
			t.Errorf("%d objects made, sent: %v", len(made), classes)
		}
	}
}

func TestConfigCheck(t *testing.T) {
	good := dicomweb.Config{Systems: []dicomweb.SystemConfig{{Name: "pacs", Config: client.Config{URL: "https://pacs/dicom-web"}, Objects: []string{"sr"}}}, Stow: dicomweb.DefaultStow()}
	if err := good.Check(); err != nil || !good.Enabled() {
		t.Error(err)
	}
	bad := dicomweb.Config{Systems: []dicomweb.SystemConfig{{Name: "file", Config: client.Config{URL: "https://x"}, Objects: []string{"pdf"}, Retraction: "none", Delete: "host"}, {Name: "a"}},
		Pollers: []dicomweb.PollerConfig{{Name: "a", Config: client.Config{URL: "http://x"}, Every: -1, From: "then"}}, Stow: dicomweb.StowConfig{Path: "dicom"}}
	if err := bad.Check(); err == nil || strings.Count(err.Error(), "dicomweb.") != 11 {
		t.Errorf("%v", err)
	}
}
