package dicomweb_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/serve/dicomweb"
	"github.com/voxgene/voxgene/serve/dicomweb/client"
	"github.com/voxgene/voxgene/serve/results"
)

// ours is our side of STOW-RS, which looks at a study at once.
func ours(t testing.TB, log io.Writer, keep time.Duration) (*dicomweb.Stow, http.Handler, *results.Store, string) {
	t.Helper()
	in, store := intake(t, log, nil)
	c := dicomweb.StowConfig{Path: "/dicom-web", Spool: t.TempDir(), Settle: time.Nanosecond, Keep: keep}
	s, err := dicomweb.NewStow(c, in)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s.Register(mux)
	return s, mux, store, c.Spool
}

// send sends files by STOW-RS and returns the status and the answer.
func send(t testing.TB, h http.Handler, path string, files ...[]byte) (int, client.Dataset) {
	t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for _, f := range files {
		w, err := m.CreatePart(map[string][]string{"Content-Type": {"application/dicom"}})
		if err != nil {
			t.Fatal(err)
		}
		w.Write(f)
	}
	m.Close()
	r := httptest.NewRequest("POST", path, &body)
	r.Header.Set("Content-Type", `multipart/related; type="application/dicom"; boundary=`+m.Boundary())
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var d client.Dataset
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil {
		d = nil
	}
	return w.Code, d
}

func only(t testing.TB, s *results.Store) results.Case {
	t.Helper()
	all, err := s.Cases("stow", 0)
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v (%v)", all, err)
	}
	return all[0]
}

// A study that is sent waits for its mask, is predicted, and leaves nothing behind. The same study again changes nothing.
func TestStow(t *testing.T) {
	var log bytes.Buffer
	s, h, store, spool := ours(t, &log, time.Hour)
	files := images(t, "1.2.3")
	code, d := send(t, h, "/dicom-web/studies", files...)
	if code != 200 || len(d.Items(client.ReferencedSequence)) != slicesCount || d.Items(client.ReferencedSequence)[0].Text(client.ReferencedClass) != mrStorage {
		t.Fatalf("%d %v", code, d)
	}
	sweep := func() {
		t.Helper()
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	if c := only(t, store); c.Status != results.NeedsMask || c.Content.Identity.Patient != "CANARY-1" || c.Content.Identity.Issuer != "HOSPITAL" {
		t.Errorf("%+v", c)
	}
	sweep() // nothing has come
	if code, d := send(t, h, "/dicom-web/studies/1.2.3", mask(t, "1.2.3")); code != 200 {
		t.Fatal(code, d)
	}
	sweep()
	c := only(t, store)
	if c.Status != results.Done {
		t.Fatalf("%+v", c)
	}
	r, err := store.Get(c.Result)
	if err != nil || *r.Features[1].Value != 64 || len(r.Evidence) != slicesCount+1 { // 32 voxels of 2 mm³
		t.Errorf("%+v (%v)", r.Features, err)
	}
	for range 2 {
		if left, err := os.ReadDir(spool); err != nil || len(left) != 0 {
			t.Errorf("%v is left (%v)", left, err)
		}
		send(t, h, "/dicom-web/studies", append(files, mask(t, "1.2.3"))...)
		sweep()
	}
	if list, err := store.List(results.Filter{}); err != nil || len(list) != 1 || only(t, store).Result != r.ID {
		t.Errorf("%d results (%v)", len(list), err)
	}
	if strings.Contains(log.String(), "CANARY") || strings.Contains(log.String(), "1.2.3") {
		t.Error("the log names the patient or the study: " + log.String())
	}
}

// What waits too long is refused with what did not come; a study that no model reads is refused at once.
func TestStowEnds(t *testing.T) {
	s, h, store, _ := ours(t, io.Discard, time.Nanosecond)
	send(t, h, "/dicom-web/studies", images(t, "1.2.3")...)
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := only(t, store); c.Status != results.Refused || !strings.Contains(c.Reason, "a segmentation (SEG) or structure set (RTSTRUCT) of the region did not come within 1ns") {
		t.Errorf("%+v", c)
	}
	s, h, store, spool := ours(t, io.Discard, time.Hour)
	send(t, h, "/dicom-web/studies", mask(t, "1.2.3"))
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := only(t, store); c.Status != results.Refused || !strings.Contains(c.Reason, "no series is of a modality") {
		t.Errorf("%+v", c)
	}
	if left, err := os.ReadDir(spool); err != nil || len(left) != 0 {
		t.Errorf("%v is left (%v)", left, err)
	}
}

// Each instance is answered for: stored, of another study, not DICOM, not kept because nothing reads it. PS3.18, 10.5.3.
func TestStowAnswers(t *testing.T) {
	_, h, _, spool := ours(t, io.Discard, time.Hour)
	one, other := images(t, "1.2.3")[0], images(t, "1.2.4")[0]
	report := encode(t, identified("1.2.3", "1.2.3.5", "1.2.3.5.1", "1.2.840.10008.5.1.4.1.1.88.34", "SR"))
	own := encode(t, identified("1.2.3", "1.2.3.6", "1.2.3.6.1", mrStorage, "SEG").Text(p10.Manufacturer, "Voxgene"))
	code, d := send(t, h, "/dicom-web/studies/1.2.3", one, other, []byte("no DICOM"), report, own)
	if code != 202 || len(d.Items(client.ReferencedSequence)) != 3 || len(d.Items(client.FailedSequence)) != 1 || len(d.Items("0008119A")) != 1 {
		t.Fatalf("%d %v", code, d)
	}
	if f := d.Items(client.FailedSequence)[0]; f.Text(client.FailureReason) != fmt.Sprint(0xA900) || f.Text(client.ReferencedInstance) != "1.2.4.1.1" {
		t.Errorf("%v", f)
	}
	if w := d.Items(client.ReferencedSequence)[1]; w.Text(client.WarningReason) != fmt.Sprint(0xB006) {
		t.Errorf("%v", w)
	}
	if code, _ := send(t, h, "/dicom-web/studies", []byte("no DICOM")); code != 409 {
		t.Errorf("none stored: %d", code)
	}
	for want, r := range map[int]*http.Request{
		400: httptest.NewRequest("POST", "/dicom-web/studies/x", nil), 415: httptest.NewRequest("POST", "/dicom-web/studies", strings.NewReader("{}")),
		413: httptest.NewRequest("POST", "/dicom-web/studies", bytes.NewReader(make([]byte, 2<<20))),
	} {
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != want {
			t.Errorf("%d, want %d", w.Code, want)
		}
	}
	cut := httptest.NewRequest("POST", "/dicom-web/studies", strings.NewReader("--b\r\nContent-Type: application/dicom\r\n\r\nCANARY"))
	cut.Header.Set("Content-Type", `multipart/related; type="application/dicom"; boundary=b`)
	cut.Header.Set("Accept", "application/dicom+xml")
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, cut); w.Code != 400 || strings.Contains(w.Body.String(), "CANARY") {
		t.Errorf("cut off: %d %s", w.Code, w.Body)
	}
	if left, err := os.ReadDir(spool); err != nil || len(left) != 1 {
		t.Errorf("the spool has %v (%v)", left, err)
	}
}

// The answer in XML is read as the one in JSON is.
func TestStowXML(t *testing.T) {
	_, h, _, _ := ours(t, io.Discard, time.Hour)
	body := "--b\r\nContent-Type: application/dicom\r\n\r\n" + string(images(t, "1.2.3")[0]) + "\r\n--b--"
	r := httptest.NewRequest("POST", "/dicom-web/studies", strings.NewReader(body))
	r.Header.Set("Content-Type", `multipart/related; type="application/dicom"; boundary=b`)
	r.Header.Set("Accept", "application/dicom+xml")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	d, err := client.ParseXML(w.Body.Bytes())
	if err != nil || w.Code != 200 || !strings.Contains(w.Body.String(), `keyword="ReferencedSOPSequence"`) || d.Items(client.ReferencedSequence)[0].Text(client.ReferencedInstance) != "1.2.3.1.1" {
		t.Errorf("%d %s (%v)", w.Code, w.Body, err)
	}
}

// Any body is answered, never with a fault of ours, and leaves no file under a name of its own.
func FuzzStow(f *testing.F) {
	_, h, _, spool := ours(f, io.Discard, time.Hour)
	one := images(f, "1.2.3")[0]
	f.Add("--b\r\nContent-Type: application/dicom\r\n\r\n" + string(one) + "\r\n--b--")
	f.Add("--b\r\n\r\n--b--")
	f.Add("--b\r\nContent-Type: application/dicom\r\n\r\n" + string(one[:200]) + "\r\n--b\r\n\r\n")
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", "/dicom-web/studies", strings.NewReader(body))
		r.Header.Set("Content-Type", `multipart/related; type="application/dicom"; boundary=b`)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code >= 500 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		left, err := os.ReadDir(spool)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range left {
			if !d.IsDir() || !strings.HasPrefix(d.Name(), "study-") {
				t.Errorf("the spool has %s", d.Name())
			}
		}
	})
}
