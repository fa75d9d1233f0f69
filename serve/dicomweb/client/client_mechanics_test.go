package client_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/voxgene/voxgene/serve/dicomweb/client"
)

// dial is a client of a handler.
func dial(t testing.TB, h http.HandlerFunc, edit func(*client.Config)) *client.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c := client.Config{URL: s.URL + "/dicom-web/"}
	if edit != nil {
		edit(&c)
	}
	out, err := client.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The answers to STOW-RS, in the forms that servers give them. Sequences and codes: PS3.18, 10.5.3; PS3.4, C.2.3.
func TestStore(t *testing.T) {
	for name, c := range map[string]struct {
		status           int
		body             string
		accepted, failed string
		later            bool
	}{
		"all, without a word": {200, "", "1.2 1.3", "", false},
		"all, named":          {200, `{"00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2"]}},{"00081155":{"vr":"UI","Value":["1.3"]}}]}}`, "1.2 1.3", "", false},
		"one refused": {202, `{"00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2"]}}]},"00081198":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.3"]},"00081197":{"vr":"US","Value":[43264]}}]}}`,
			"1.2", "1.3:A900", false},
		"one is there already": {409, `{"00081198":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2"]},"00081197":{"vr":"US","Value":[273]}},{"00081155":{"vr":"UI","Value":["1.3"]},"00081197":{"vr":"US","Value":[42752]}}]}}`,
			"1.2", "1.3:A700", true},
		"XML": {202, `<?xml version="1.0"?><NativeDicomModel><DicomAttribute tag="00081199" vr="SQ"><Item number="1"><DicomAttribute tag="00081155" vr="UI"><Value number="1">1.3</Value></DicomAttribute></Item></DicomAttribute>
			<DicomAttribute tag="00081198" vr="SQ"><Item number="1"><DicomAttribute tag="00081155" vr="UI"><Value number="1">1.2</Value></DicomAttribute><DicomAttribute tag="00081197" vr="US"><Value number="1">49152</Value></DicomAttribute></Item></DicomAttribute></NativeDicomModel>`,
			"1.3", "1.2:C000", false},
		"202 without a word":      {202, "", "", "1.2:0110 1.3:0110", true},
		"409 without a word":      {409, "", "", "1.2:0110 1.3:0110", true},
		"200, and one left out":   {200, `{"00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2"]}}]}}`, "1.2", "1.3:0110", true},
		"a list, as some give it": {200, `[{"00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2"]}},{"00081155":{"vr":"UI","Value":["1.3"]},"00081196":{"vr":"US","Value":[45056]}}]}}]`, "1.2 1.3", "", false},
	} {
		to := dial(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/dicom-web/studies/1.1" || !strings.Contains(r.Header.Get("Accept"), "application/dicom+json") {
				t.Errorf("%s %s, Accept %s", name, r.URL.Path, r.Header.Get("Accept"))
			}
			var got []string
			if err := client.Parts(r.Header.Get("Content-Type"), r.Body, 9, func(p io.Reader) error {
				b, err := io.ReadAll(p)
				got = append(got, string(b))
				return err
			}); err != nil || strings.Join(got, " ") != "one two" {
				t.Errorf("%s: sent %q (%v)", name, got, err)
			}
			w.WriteHeader(c.status)
			io.WriteString(w, c.body)
		}, nil)
		got, err := to.Store(t.Context(), "1.1", map[string][]byte{"1.2": []byte("one"), "1.3": []byte("two")})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var failed []string
		later := false
		for _, uid := range []string{"1.2", "1.3"} {
			if f, bad := got.Failed[uid]; bad {
				failed = append(failed, fmt.Sprintf("%s:%v", uid, f))
				later = later || f.Later()
			}
		}
		if strings.Join(got.Accepted, " ") != c.accepted || strings.Join(failed, " ") != c.failed || later != c.later {
			t.Errorf("%s: accepted %v, failed %v, later %v", name, got.Accepted, failed, later)
		}
	}
}

// What goes wrong is told by its status, whether it is worth another try, and without anything that names a patient.
func TestErrors(t *testing.T) {
	for status, later := range map[int]bool{400: false, 401: true, 404: true, 413: false, 429: true, 302: false, 500: true, 503: true} {
		to := dial(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(status)
			io.WriteString(w, "CANARY^PATIENT")
		}, nil)
		_, err := to.Store(t.Context(), "1.1", map[string][]byte{"1.2": nil})
		var e *client.Error
		if !errors.As(err, &e) || e.Status != status || client.Later(err) != later || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%d: %v, later %v", status, err, client.Later(err))
		}
	}
	gone, err := client.New(client.Config{URL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gone.Studies(t.Context(), map[string]string{"PatientID": "CANARY"}); err == nil || !client.Later(err) || strings.Contains(err.Error(), "CANARY") || !strings.Contains(err.Error(), "refused") {
		t.Errorf("nobody there: %v", err)
	}
}

// Answers that stall, never end, or are no JSON do not hold the client.
func TestBounds(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"stalls": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "[")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		"never ends": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		},
		"no JSON": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") },
		"silent":  func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		to := dial(t, h, func(c *client.Config) { c.Stall, c.Timeout, c.Limit = 200*time.Millisecond, time.Second, 1<<20 })
		start := time.Now()
		if _, err := to.Series(t.Context(), "1.1"); err == nil || time.Since(start) > 5*time.Second {
			t.Errorf("%s: %v after %v", name, err, time.Since(start))
		}
	}
}

// A series arrives as files under names of ours; one that is cut off is an error.
func TestRetrieve(t *testing.T) {
	body := "--b\r\nContent-Type: application/dicom\r\nContent-Location: ../../x\r\n\r\none\r\n--b\r\nContent-Type: application/dicom\r\n\r\ntwo\r\n--b--"
	to := dial(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", `multipart/related; type="application/dicom"; boundary=b`)
		if strings.HasSuffix(r.URL.Path, "/1.3") {
			io.WriteString(w, body[:len(body)-12])
			return
		}
		io.WriteString(w, body)
	}, nil)
	dir := t.TempDir()
	files, err := to.Retrieve(t.Context(), "1.1", "1.2", dir)
	if err != nil || len(files) != 2 || filepath.Dir(files[1]) != dir {
		t.Fatalf("%v (%v)", files, err)
	}
	if b, err := os.ReadFile(files[1]); err != nil || string(b) != "two" {
		t.Errorf("%q (%v)", b, err)
	}
	if _, err := to.Retrieve(t.Context(), "1.1", "1.3", dir); !errors.Is(err, client.ErrParts) {
		t.Errorf("cut off: %v", err)
	}
}

// Credentials come from the environment or a file, at each request; a certificate of an authority of one's own is trusted when it is named.
func TestCredentials(t *testing.T) {
	var header atomic.Value
	s := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { header.Store(r.Header.Get("Authorization")) }))
	defer s.Close()
	s.Config.ErrorLog = nil
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	token := filepath.Join(t.TempDir(), "token")
	t.Setenv("PACS_PASSWORD", "secret")
	ask := func(c client.Config) error {
		c.URL = s.URL
		to, err := client.New(c)
		if err != nil {
			t.Fatal(err)
		}
		_, err = to.Studies(context.Background(), nil)
		return err
	}
	if err := ask(client.Config{CA: ca, User: "voxgene", PasswordEnv: "PACS_PASSWORD"}); err != nil || header.Load() != "Basic dm94Z2VuZTpzZWNyZXQ=" {
		t.Errorf("%q (%v)", header.Load(), err)
	}
	for _, v := range []string{"first", "second"} {
		if err := os.WriteFile(token, []byte(v+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := ask(client.Config{CA: ca, TokenFile: token}); err != nil || header.Load() != "Bearer "+v {
			t.Errorf("%q (%v)", header.Load(), err)
		}
	}
	if err := ask(client.Config{}); err == nil || !client.Later(err) {
		t.Errorf("an authority that is not known: %v", err)
	}
	if err := ask(client.Config{CA: ca, TokenEnv: "VOXGENE_ABSENT"}); err == nil || !strings.Contains(err.Error(), "VOXGENE_ABSENT") {
		t.Errorf("no token: %v", err)
	}
	bad := client.Config{URL: "ftp://x", User: "u", TokenEnv: "T", TokenFile: "F", Cert: "c", Timeout: -1}
	if err := bad.Check("systems[0]"); err == nil || strings.Count(err.Error(), "systems[0]") != 6 {
		t.Errorf("%v", err)
	}
}
