package client_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/serve/dicomweb/client"
)

// Any body is read or refused, and what is read is no more than was sent.
func FuzzParts(f *testing.F) {
	const kind = `multipart/related; type="application/dicom"; boundary=b`
	f.Add(kind, "--b\r\nContent-Type: application/dicom\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--")
	f.Add(kind, "--b--")
	f.Add(kind, "--b\r\n"+strings.Repeat("X: y\r\n", 100)+"\r\n")
	f.Add(`multipart/related; boundary="b\"c"`, "\r\n--b\"c\r\n\r\n")
	f.Fuzz(func(t *testing.T, kind, body string) {
		n, parts := 0, 0
		err := client.Parts(kind, strings.NewReader(body), 50, func(p io.Reader) error {
			k, err := io.Copy(io.Discard, p)
			n += int(k)
			parts++
			return err
		})
		if n > len(body) || parts > 50 || err == nil && parts == 0 {
			t.Errorf("%d parts of %d bytes from %d (%v)", parts, n, len(body), err)
		}
	})
}

// Any answer to STOW-RS is judged: each instance is accepted or failed, never both and never neither.
func FuzzStored(f *testing.F) {
	f.Add(200, `{"00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2"]}}]}}`)
	f.Add(202, `<NativeDicomModel><DicomAttribute tag="00081198" vr="SQ"><Item number="1"/></DicomAttribute></NativeDicomModel>`)
	f.Add(409, `[{}]`)
	answer := make(chan string, 1)
	to := dial(f, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, <-answer) }, nil)
	f.Fuzz(func(t *testing.T, status int, body string) {
		answer <- body
		got, err := to.Store(t.Context(), "1.1", map[string][]byte{"1.2": nil, "1.3": nil})
		if err == nil && len(got.Accepted)+len(got.Failed) != 2 {
			t.Errorf("%+v", got)
		}
	})
}
