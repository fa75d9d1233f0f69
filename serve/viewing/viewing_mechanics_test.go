package viewing

import (
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/serve/audit"
)

// The same again within the window is one view; of another patient, by another person, from elsewhere, or later, it is another. What changes a result is
// always noted. A view is erased with its patient and expires as predictions do; the chain holds.
func TestRecord(t *testing.T) {
	log, err := audit.Open(filepath.Join(t.TempDir(), "audit.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	rec := New(log)
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	rec.now = func() time.Time { return now }
	from := "192.0.2.1:1"
	look := func(v View) {
		t.Helper()
		r := httptest.NewRequest("GET", "/v1/results/x", nil)
		r.RemoteAddr = from
		if err := rec.Record(r, v); err != nil {
			t.Fatal(err)
		}
	}
	entries := func(want int) {
		t.Helper()
		n := 0
		if err := log.Each(Route, func(audit.Entry) error { n++; return nil }); err != nil || n != want {
			t.Fatalf("%d views, want %d (%v)", n, want, err)
		}
	}
	v := View{Kind: Result, Object: "r1", Patient: "P1", Model: "glioma", Version: "sha256:1"}
	for range 100 {
		look(v)
	}
	entries(1)
	from = "192.0.2.1:2"
	look(v)
	entries(1)
	from = "192.0.2.2:1"
	look(v)
	entries(2)
	v.Who = "page"
	look(v)
	entries(3)
	v.User = "Practitioner/1"
	look(v)
	entries(4)
	now = now.Add(Window - time.Second)
	look(v)
	entries(4)
	now = now.Add(2 * time.Second)
	look(v)
	look(View{Kind: Result, Object: "r2", Patient: "P2", Who: "page"})
	entries(6)
	for range 2 {
		look(View{Kind: Retract, Object: "r2", Patient: "P2", Who: "page"})
	}
	entries(8)
	of, err := log.Of("P1")
	if err != nil || len(of) != 5 || of[0].Route != "view result" || of[0].Model != "glioma" || !strings.Contains(string(of[0].Answer), `"code":"110110","meaning":"Patient Record","action":"R","object":"r1"`) {
		t.Errorf("%+v %v", of, err)
	}
	if n, err := log.Erase(t.Context(), "P1", "test"); err != nil || n != 5 {
		t.Errorf("%d erased (%v)", n, err)
	}
	entries(3)
	if n, err := log.Expire(t.Context(), now.Add(time.Second)); err != nil || n != 3 {
		t.Errorf("%d expired (%v)", n, err)
	}
	entries(0)
	if _, err := log.Verify(); err != nil {
		t.Error(err)
	}
}

// What cannot be noted is an error, and then it is not as if it had been: the next try is noted again. Without an audit nothing is.
func TestUnwritten(t *testing.T) {
	log, err := audit.Open(filepath.Join(t.TempDir(), "audit.db"))
	if err != nil {
		t.Fatal(err)
	}
	rec := New(log)
	log.Close()
	r := httptest.NewRequest("GET", "/", nil)
	for range 2 {
		if err := rec.Record(r, View{Kind: Scan, Object: "s", Patient: "P"}); err == nil {
			t.Error("a view without an audit is no error")
		}
	}
	if err := New(nil).Record(r, View{Kind: Scan}); err != nil {
		t.Error(err)
	}
}
