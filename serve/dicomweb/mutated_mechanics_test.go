package dicomweb_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve/dicomweb"
)

// Ten thousand bodies of a slice and a segmentation, each with some bytes changed, doubled, cut or replaced, and what came of them looked at: none is
// answered as a fault of ours, nothing panics, no file lies outside the spool and none is left in it, and no log names the patient.
func TestMutatedStow(t *testing.T) {
	var log bytes.Buffer
	in, store := intake(t, &log, nil)
	memory, err := os.MkdirTemp("/dev/shm", "spool") // files are synced, which takes a disk its time
	if err != nil {
		memory = t.TempDir()
	}
	defer os.RemoveAll(memory)
	spool := memory + "/spool"
	s, err := dicomweb.NewStow(dicomweb.StowConfig{Path: "/dicom-web", Spool: spool, Settle: time.Nanosecond, Keep: time.Microsecond}, in)
	if err != nil {
		t.Fatal(err)
	}
	h := http.NewServeMux()
	s.Register(h)
	var sound bytes.Buffer
	m := multipart.NewWriter(&sound)
	for _, f := range [][]byte{images(t, "1.2.3")[2], mask(t, "1.2.3")} {
		w, err := m.CreatePart(map[string][]string{"Content-Type": {"application/dicom"}})
		if err != nil {
			t.Fatal(err)
		}
		w.Write(f)
	}
	m.Close()
	kind := []byte(`multipart/related; type="application/dicom"; boundary=` + m.Boundary())
	r := work.Seed(11).Rand()
	codes := map[int]int{}
	requests := 10_000
	if testing.Short() {
		requests /= 5
	}
	for n := range requests {
		path, header := "/dicom-web/studies", kind
		if n%2 == 1 {
			path += "/1.2.3"
		}
		if n%50 == 49 {
			header = bundletest.Mutated(kind, r)
		}
		q := httptest.NewRequest("POST", path, bytes.NewReader(bundletest.Mutated(sound.Bytes(), r)))
		q.Header.Set("Content-Type", string(header))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, q)
		if codes[w.Code]++; w.Code >= 500 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if n%500 == 499 {
			if err := s.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if codes[200] < 20 || codes[202] < 20 || codes[400] < 20 || codes[409] < 4 || codes[415] < 4 {
		t.Errorf("the changes test too little: %v", codes)
	}
	if left, err := os.ReadDir(spool); err != nil || len(left) > 0 {
		t.Errorf("%d entries are left in the spool (%v)", len(left), err)
	}
	if beside, err := os.ReadDir(memory); err != nil || len(beside) != 1 {
		t.Errorf("files lie outside the spool: %v (%v)", beside, err)
	}
	if text := log.String(); strings.Contains(text, "CANARY") || strings.Contains(text, "panic") {
		t.Error("the log names the patient, or has a panic")
	}
	if all, err := store.Cases("stow", 0); err != nil || len(all) == 0 {
		t.Errorf("%d cases (%v)", len(all), err)
	}
}
