package studies_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/work"
)

// Ten thousand studies of tables, and three hundred with a volume and a mask, each a sound one with some bytes changed, doubled, cut or replaced, in the form or in
// the files: none is answered as a fault of ours, nothing is left behind, and no log names the patient.
func TestMutatedStudies(t *testing.T) {
	img, mask := pair(t)
	s := serve(t, plain)
	patient := part{"patient", "", []byte("CANARY-17")}
	mutated(t, s, 10_000, part{"features", "", []byte(`{"clinical.age": 61}`)}, part{"table", "", []byte("adc.original_firstorder_Mean,adc.original_shape_VoxelVolume\n900,1200\n")}, patient)
	mutated(t, s, 300, part{"image", "CANARY.nii", img}, part{"mask", "m.nii", mask}, part{"features", "", []byte(`{"clinical.age": 61}`)}, patient)
	if strings.Contains(s.log.String(), "CANARY") {
		t.Error("the log names the patient")
	}
	if left, err := os.ReadDir(s.temp); err != nil || len(left) != 0 {
		t.Errorf("%d entries are left behind (%v)", len(left), err)
	}
}

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
	r := work.Seed(10).Rand()
	codes := map[int]int{}
	for range n {
		body := bytes.Clone(whole)
		for range 1 + r.IntN(2) {
			at := r.IntN(len(body))
			switch end := min(len(body), at+1+r.IntN(19)); min(3, r.IntN(12)) {
			case 0:
				body = append(body[:at:at], body[end:]...)
			case 1:
				body = append(body[:end:end], body[at:]...)
			case 2:
				body = body[:at:at]
			case 3:
				body[at] = byte(r.IntN(256))
			}
			if len(body) == 0 {
				body = []byte{'-'}
			}
		}
		q := httptest.NewRequest(http.MethodPost, "/v1/models/prostate/studies", bytes.NewReader(body))
		q.Header.Set("Content-Type", m.FormDataContentType())
		w := httptest.NewRecorder()
		s.ServeHTTP(w, q)
		if codes[w.Code]++; w.Code >= 500 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	if codes[200] < n/50 || codes[400] < n/50 || codes[422] < n/100 {
		t.Errorf("the changes test too little: %v", codes)
	}
}
