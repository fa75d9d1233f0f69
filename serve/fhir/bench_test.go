package fhir_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
)

// BenchmarkPredict is one Bundle of 500 Observations.
func BenchmarkPredict(b *testing.B) {
	w, x := bundletest.Wide(b, 500)
	h := front(b, w)
	entries := make([]string, 500)
	for j, in := range w.Inputs {
		entries[j] = fmt.Sprintf(`{"resource": {"resourceType": "Observation", "status": "final", "subject": {"reference": "Patient/17"}, "code": {"coding": [{"system": "urn:voxgene:feature", "code": %q}]},
			"valueQuantity": {"value": %.6f}}}`, in.Name, x.Column(j)[0])
	}
	body := `{"resourceType": "Bundle", "type": "collection", "entry": [` + strings.Join(entries, ", ") + `]}`
	b.ReportAllocs()
	for b.Loop() {
		if code, text := ask(h, "POST", "/fhir/$predict", body); code != 200 {
			b.Fatal(string(text))
		}
	}
}
