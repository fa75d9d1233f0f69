package studies_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/studies"
)

// Whatever the body is, the answer is not a fault of ours, and nothing is left behind.
func FuzzStudies(f *testing.F) {
	const head = "--x\r\nContent-Disposition: form-data; name="
	f.Add([]byte(head + "\"features\"\r\n\r\n{\"clinical.age\": 61}\r\n--x--\r\n"))
	f.Add([]byte(head + "\"table\"\r\n\r\nage,clinical.age\n1,2\n\r\n--x--\r\n"))
	f.Add([]byte(head + "\"expression\"\r\n\r\nTP53\t1e400\n\r\n--x--\r\n"))
	f.Add([]byte(head + "\"image\"; filename=\"../../x\"\r\n\r\nPK\x03\x04\r\n" + head + "\"mask\"; filename=\"/x\"\r\n\r\nNRRD0004\n\r\n--x--\r\n"))
	f.Add([]byte(head + "\"image.adc\"\r\n\r\n" + strings.Repeat("\x00", 128) + "DICM\x02\x00\x10\x00UI\x02\x001\x00\r\n--x--\r\n"))
	s := serve(f, func(b *bundle.Bundle, l *studies.Limits) { l.Unpacked, l.Upload, l.Files = 1<<20, 1<<20, 20 })
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/v1/models/prostate/studies", bytes.NewReader(body))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
