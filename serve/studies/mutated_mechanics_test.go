package studies_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve/studies"
)

// Ten thousand studies of tables, and ten thousand with a volume and a mask, each a sound one with some bytes changed, doubled, cut or replaced, in the form or
// in the files: none is answered as a fault of ours, nothing is left behind, and no log names the patient. Some of each are kept as results.
func TestMutatedStudies(t *testing.T) {
	img, mask := pairOf(t, 6)
	patient, age := part{"patient", "", []byte("CANARY-17")}, part{"features", "", []byte(`{"clinical.age": 61}`)}
	tables := []part{age, {"table", "", []byte("adc.original_firstorder_Mean,adc.original_shape_VoxelVolume\n900,1200\n")}, patient}
	volumes := []part{{"image", "CANARY.nii", img}, {"mask", "m.nii", mask}, age, patient}
	for _, c := range []struct {
		kept  bool
		n     int
		parts []part
	}{{true, 500, tables}, {true, 300, volumes}, {false, 9_500, tables}, {false, 9_700, volumes}} {
		s := serveWith(t, func(b *bundle.Bundle, l *studies.Limits) {
			plain(b, l)
			l.Running = senders
		}, func(o *studies.Options) {
			if !c.kept {
				o.Results = nil
			}
		})
		if testing.Short() {
			c.n /= 10
		}
		mutated(t, s, c.n, c.parts...)
		if strings.Contains(s.log.String(), "CANARY") {
			t.Error("the log names the patient")
		}
		if left, err := os.ReadDir(s.temp); err != nil || len(left) != 0 {
			t.Errorf("%d entries are left behind (%v)", len(left), err)
		}
	}
}

// senders is how many send at the same time.
const senders = 4

func mutated(t *testing.T, s server, n int, parts ...part) {
	t.Helper()
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	for _, p := range parts {
		make := m.CreateFormField
		if p.file != "" {
			make = func(name string) (io.Writer, error) { return m.CreateFormFile(name, p.file) }
		}
		w, err := make(p.name)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(p.content)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	whole := form.Bytes()
	var mu sync.Mutex
	codes := map[int]int{}
	var all sync.WaitGroup
	for sender := range senders {
		all.Go(func() {
			r := work.Seed(10).Split("sender", strconv.Itoa(sender)).Rand()
			for range n / senders {
				body := bundletest.Mutated(whole, r)
				q := httptest.NewRequest(http.MethodPost, "/v1/models/prostate/studies", bytes.NewReader(body))
				q.Header.Set("Content-Type", m.FormDataContentType())
				w := httptest.NewRecorder()
				s.ServeHTTP(w, q)
				mu.Lock()
				codes[w.Code]++
				mu.Unlock()
				if w.Code >= 500 {
					t.Errorf("%d %s", w.Code, w.Body)
					return
				}
			}
		})
	}
	all.Wait()
	if codes[200] < n/50 || codes[400] < n/50 || codes[422] < n/100 {
		t.Errorf("the changes test too little: %v", codes)
	}
}
