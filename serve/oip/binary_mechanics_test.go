package oip_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
)

// Tensors in binary are an extension of Triton's: "If any binary data is present in the request or response the Inference-Header-Content-Length header must be
// provided" (triton-inference-server/server, extension_binary_data.md). GET /v2 does not list it, and a request by it is refused with what to do; a client that
// would take outputs in binary gets them as JSON, as it does from every server without the extension.
func TestBinary(t *testing.T) {
	b, _ := bundletest.New(t)
	h := front(t, b)
	const binary = `{"inputs": [{"name": "clinical.age", "shape": [1], "datatype": "FP64", "parameters": {"binary_data_size": 8}}]}`
	for _, c := range []struct {
		media, length, body string
		code                int
		want                string
	}{
		{"application/octet-stream", "120", binary + "\x00\x00\x00\x00\x00\x80\x4e\x40", 415, "an extension that this server does not have"},
		{"application/json", "120", binary + "\x00\x00\x00\x00\x00\x80\x4e\x40", 415, "send data as JSON"},
		{"application/json", "", binary, 400, `input \"clinical.age\": tensors in binary`},
		{"application/json", "", strings.Replace(two, `"parameters": {`, `"parameters": {"binary_data_output": true, `, 1), 200, `"name":"os.risk"`},
		{"application/json", "", strings.Replace(two, `"inputs"`, `"outputs": [{"name": "os.risk", "parameters": {"binary_data": true}}], "inputs"`, 1), 200, `"datatype":"FP64","data":[`},
	} {
		r := httptest.NewRequest("POST", "/v2/models/glioma/infer", strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.media)
		if c.length != "" {
			r.Header.Set("Inference-Header-Content-Length", c.length)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.want) || (c.code != 200) != strings.HasPrefix(w.Body.String(), `{"error":"`) {
			t.Errorf("%+v\n%d %s", c, w.Code, w.Body)
		}
	}
}
