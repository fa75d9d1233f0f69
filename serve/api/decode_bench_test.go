package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve/registry"
)

// BenchmarkDecode is the body of one patient of 500 features, with six decimals and with all digits.
func BenchmarkDecode(b *testing.B) {
	w, x := bundletest.Wide(b, 500)
	path := b.TempDir() + "/wide.voxgene"
	bundletest.Save(b, w, path)
	r, err := registry.Open([]string{path}, nil)
	if err != nil {
		b.Fatal(err)
	}
	e, err := r.Find("wide", "")
	if err != nil {
		b.Fatal(err)
	}
	for name, format := range map[string]string{"six": "%.6f", "full": "%g"} {
		var text strings.Builder
		text.WriteString(`{"patients":[{"id":"p1","features":{`)
		for j, in := range w.Inputs {
			if j > 0 {
				text.WriteByte(',')
			}
			fmt.Fprintf(&text, `"%s":`+format, in.Name, x.Column(j)[0])
		}
		text.WriteString(`}}]}`)
		body := []byte(text.String())
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, p := Decode(body, e.Columns, DefaultLimits()); p != nil {
					b.Fatal(p)
				}
			}
		})
	}
}
