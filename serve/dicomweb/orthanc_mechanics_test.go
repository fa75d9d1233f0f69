package dicomweb_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/serve/dicomweb"
	"github.com/voxgene/voxgene/serve/dicomweb/client"
	"github.com/voxgene/voxgene/serve/results"
)

// archive answers as Orthanc's own interface does, of studies that a test puts there.
type archive struct {
	*httptest.Server
	mu      sync.Mutex
	changes []map[string]any
	series  map[string][]map[string]any // by study
	files   map[string][]byte
	fetched int
	broken  bool // files cannot be read
	down    bool
	clock   int
	huge    map[string]int64 // files that are so long
	gone    map[string]bool  // files that are listed and not there
	after   func(fetched int)
}

func newArchive(t testing.TB) *archive {
	a := &archive{series: map[string][]map[string]any{}, files: map[string][]byte{}}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *archive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	part := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	var v any
	switch {
	case a.down:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case part[0] == "changes":
		since, _ := strconv.Atoi(r.URL.Query().Get("since"))
		list, last := []map[string]any{}, since
		if r.URL.Query().Has("last") {
			since, last = len(a.changes)-1, len(a.changes)
		}
		for i := max(since, 0); i < len(a.changes) && len(list) < 3; i++ {
			list, last = append(list, a.changes[i]), i+1
		}
		v = map[string]any{"Changes": list, "Done": last == len(a.changes), "Last": last}
	case part[0] == "studies" && a.series[part[1]] != nil:
		v = a.series[part[1]]
	case part[0] == "instances" && part[2] == "simplified-tags":
		v = map[string]any{"PatientID": "CANARY-1", "IssuerOfPatientID": "HOSPITAL", "StudyInstanceUID": "1.2.3", "SomeSequence": []any{}}
		if strings.HasPrefix(part[1], "nobody") {
			v = map[string]any{"StudyInstanceUID": "1.2.3"}
		}
	case part[0] == "instances" && a.files[part[1]] != nil && !a.broken:
		if a.gone[part[1]] {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		a.fetched++
		if a.after != nil {
			a.after(a.fetched)
			if a.down {
				panic(http.ErrAbortHandler) // in the middle of an answer
			}
		}
		if n := a.huge[part[1]]; n > 0 {
			w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
			io.CopyN(w, zeros{}, n) // which the client breaks off
			return
		}
		w.Write(a.files[part[1]])
		return
	case a.broken:
		w.WriteHeader(http.StatusBadRequest)
		return
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	json.NewEncoder(w).Encode(v)
}

// zeros has no end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// set makes the archive go down, or its files unreadable.
func (a *archive) set(down, broken bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.down, a.broken = down, broken
}

// count is the number of files that were fetched.
func (a *archive) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.fetched
}

// put adds a series to a study and says that it is stable.
func (a *archive) put(study, modality, manufacturer string, files ...[]byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var ids []string
	for i, f := range files {
		id := fmt.Sprintf("%s-%d-%d", study, len(a.series[study]), i)
		a.files[id] = f
		ids = append(ids, id)
	}
	a.series[study] = append(a.series[study], map[string]any{"MainDicomTags": map[string]string{"Modality": modality, "Manufacturer": manufacturer, "SeriesInstanceUID": fmt.Sprint("1.2.3.", len(a.series[study]))}, "Instances": ids})
	for range 4 {
		a.changes = append(a.changes, map[string]any{"ChangeType": "NewInstance", "ID": "x", "Seq": len(a.changes) + 1})
	}
	a.clock++
	a.changes = append(a.changes, map[string]any{"ChangeType": "StableStudy", "ID": study, "Seq": len(a.changes) + 1, "Date": fmt.Sprint("20260101T", a.clock)})
}

// polled is a poller of an archive, and what it keeps.
func polled(t testing.TB, a *archive, from string, edit func(*extraction.Source)) (*dicomweb.Poller, *results.Store, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	in, store := intake(t, log, edit)
	p, err := dicomweb.NewPoller(dicomweb.PollerConfig{Name: "orthanc", Config: client.Config{URL: a.URL}, From: from, Every: time.Nanosecond}, in, in.Log)
	if err != nil {
		t.Fatal(err)
	}
	return p, store, log
}

func poll(t testing.TB, p *dicomweb.Poller) {
	t.Helper()
	if err := p.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func cases(t testing.TB, s *results.Store) map[string]results.Case {
	t.Helper()
	all, err := s.Cases("orthanc", 0)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]results.Case{}
	for _, c := range all {
		out[c.Content.Where] = c
	}
	return out
}

// A study waits for its mask, is done when it has come, and is left alone after that: when our own objects make it stable again, when Orthanc
// counts anew, and by a poller that starts over.
func TestPoller(t *testing.T) {
	a := newArchive(t)
	p, store, log := polled(t, a, "start", nil)
	poll(t, p) // nothing there
	a.put("a", "MR", "SCANNER", images(t, "1.2.3")...)
	poll(t, p)
	if c := cases(t, store)["a"]; c.Status != results.NeedsMask || a.count() != 1 {
		t.Fatalf("%+v, %d files fetched", c, a.count())
	}
	a.put("a", "SEG", "A WORKSTATION", mask(t, "1.2.3"))
	a.put("other", "CR", "SCANNER", []byte("an X-ray that no model reads"))
	poll(t, p)
	all := cases(t, store)
	if len(all) != 1 || all["a"].Status != results.Done || all["a"].Result == "" {
		t.Fatalf("%+v", all)
	}
	before := a.count()
	a.put("a", "SR", "Voxgene", []byte("our report"))
	a.put("a", "SEG", "Voxgene", []byte("our segmentation"))
	poll(t, p)
	a.mu.Lock()
	a.changes = a.changes[len(a.changes)-1:] // Orthanc was set up anew
	a.changes[0]["Seq"] = 1
	a.mu.Unlock()
	poll(t, p)
	if got := cases(t, store)["a"]; a.count() != before || got.Result != all["a"].Result || !strings.Contains(log.String(), "counts its changes anew") {
		t.Errorf("%d files fetched again", a.count()-before)
	}
	if list, err := store.List(results.Filter{}); err != nil || len(list) != 1 {
		t.Errorf("%d results (%v)", len(list), err)
	}
	if mark, err := store.Mark("poller orthanc"); err != nil || !strings.HasPrefix(mark, "1 ") {
		t.Errorf("mark %q (%v)", mark, err)
	}
	if strings.Contains(log.String(), "CANARY") {
		t.Error("the log names the patient")
	}
	fresh, other, _ := polled(t, a, "now", nil)
	poll(t, fresh)
	if len(cases(t, other)) != 0 {
		t.Error("a poller that begins now looks at what was there before")
	}
}

// What cannot be predicted is kept with the reason, and the others go on.
func TestPollerRefuses(t *testing.T) {
	a := newArchive(t)
	second := images(t, "1.2.3")
	for i, f := range second { // another series that fits the rules as well
		second[i] = bytes.ReplaceAll(f, []byte("1.2.3.1\x00"), []byte("1.2.3.8\x00"))
	}
	a.put("waiting", "CT", "SCANNER", images(t, "1.2.3")[0])
	a.put("nobody", "MR", "SCANNER", images(t, "1.2.3")...)
	a.put("several", "MR", "SCANNER", append(images(t, "1.2.3"), second...)...)
	a.put("several", "SEG", "", mask(t, "1.2.3"))
	a.put("damaged", "MR", "SCANNER", append(images(t, "1.2.3")[:2], images(t, "1.2.3")[3][:700])...)
	a.put("damaged", "SEG", "", mask(t, "1.2.3"))
	a.put("elsewhere", "MR", "SCANNER", images(t, "1.2.9")...)
	a.put("elsewhere", "SEG", "", mask(t, "1.2.3"))
	a.put("good", "MR", "SCANNER", images(t, "1.2.3")...)
	a.put("good", "SEG", "", mask(t, "1.2.3"))
	p, store, log := polled(t, a, "start", nil)
	poll(t, p)
	all := cases(t, store)
	if _, there := all["waiting"]; there {
		t.Error("a study of a modality that no model reads is a case")
	}
	for where, want := range map[string]struct {
		status results.Status
		reason string
	}{
		"nobody":    {results.Refused, "no PatientID"},
		"several":   {results.Refused, "2 of 2 series fit"},
		"damaged":   {results.Refused, "1 of the slices are missing"},
		"elsewhere": {results.NeedsMask, "drawn on the series"},
		"good":      {results.Done, ""},
	} {
		if c := all[where]; c.Status != want.status || !strings.Contains(c.Reason, want.reason) || strings.Contains(c.Reason, "CANARY") || strings.Contains(c.Reason, "/tmp") || strings.Contains(c.Reason, "1.2.3") {
			t.Errorf("%s: %s %q, want %s %q", where, c.Status, c.Reason, want.status, want.reason)
		}
	}
	if strings.Contains(log.String(), "CANARY") {
		t.Error("the log names the patient")
	}
	rules, other, _ := polled(t, a, "start", func(s *extraction.Source) { s.Series.SeriesDescription = "ADC*" })
	poll(t, rules)
	if c := cases(t, other)["good"]; c.Status != results.Waiting || c.Reason != "for a series that fits the rules of source adc" {
		t.Errorf("%+v", c)
	}
}

// While Orthanc is down nothing is lost and nothing refused; a study that cannot be read is given up after three tries, with the reason.
func TestPollerDown(t *testing.T) {
	a := newArchive(t)
	p, store, _ := polled(t, a, "start", nil)
	a.put("a", "MR", "SCANNER", images(t, "1.2.3")...)
	a.set(true, false)
	for range 5 {
		if err := p.Poll(t.Context()); err == nil {
			t.Fatal("no error while it is down")
		}
	}
	if len(cases(t, store)) != 0 {
		t.Error("a case of an Orthanc that is down")
	}
	a.set(false, true)
	for range 3 {
		poll(t, p)
	}
	if c := cases(t, store)["a"]; c.Status != results.Refused || !strings.Contains(c.Reason, "failed several times") {
		t.Errorf("%+v", c)
	}
}
