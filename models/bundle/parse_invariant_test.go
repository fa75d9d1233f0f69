package bundle_test

import (
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
)

// A prediction that was written and read again is written to the same bytes: explained, abstained, with what is missing.
func TestParsePrediction(t *testing.T) {
	b, x := bundletest.New(t)
	wide, wx := bundletest.Wide(t, 7)
	strict, sx := bundletest.New(t)
	strict.Abstain = &bundle.Abstain{Missing: 0.1, Far: true}
	r := work.Seed(4).Rand()
	for _, c := range []*bundle.Bundle{b, wide, strict} {
		m := x
		if c == wide {
			m = wx
		} else if c == strict {
			m = sx
		}
		for i := range m.Values {
			if r.IntN(9) == 0 {
				m.Values[i] = math.NaN()
			}
		}
		got, err := c.Predict(t.Context(), m, bundle.Request{Explain: &bundle.Explain{Top: 3}, Times: []bundle.Time{{Value: 1, Unit: "a"}, {Value: 80, Unit: "a"}}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			got[i].ID = "é\"<1>"
			want := string(got[i].AppendJSON(nil))
			p, err := bundle.ParsePrediction([]byte(want))
			if err != nil {
				t.Fatalf("%v\n%s", err, want)
			}
			if again := string(p.AppendJSON(nil)); again != want {
				t.Fatalf("got  %s\nwant %s", again, want)
			}
		}
	}
	for _, text := range []string{"", "{", `{"outcomes": []}`, `{"outcomes": {"a": {"kind": "x"}}}`, `{"outcomes": {"a": {"kind": "survival", "times": [1]}}}`} {
		if _, err := bundle.ParsePrediction([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
