package oip_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
)

// BenchmarkInfer is one request of 500 tensors of one element each.
func BenchmarkInfer(b *testing.B) {
	w, x := bundletest.Wide(b, 500)
	h := front(b, w)
	tensors := make([]string, 500)
	for j, in := range w.Inputs {
		tensors[j] = fmt.Sprintf(`{"name": %q, "shape": [1], "datatype": "FP64", "data": [%.6f]}`, in.Name, x.Column(j)[0])
	}
	body := `{"inputs": [` + strings.Join(tensors, ", ") + `]}`
	b.ReportAllocs()
	for b.Loop() {
		if code, text := ask(h, "POST", "/v2/models/wide/infer", body); code != 200 {
			b.Fatal(text)
		}
	}
}
