package extraction_test

import (
	"encoding/json"
	"testing"

	"github.com/voxgene/voxgene/features/extraction"
)

// Whatever a bundle says of a source, it is refused or read, and what is read is written as it was.
func FuzzSource(f *testing.F) {
	for _, text := range []string{`{"name":"t1"}`, `{"name":"a","label":3,"parameters":{"imageType":{"Original":{}}}}`, `{"regions":{"a":[1]}}`, `[]`, `null`, `"x"`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s extraction.Source
		if json.Unmarshal(b, &s) != nil {
			return
		}
		first, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var again extraction.Source
		if err := json.Unmarshal(first, &again); err != nil {
			t.Fatalf("%s: %v", first, err)
		}
	})
}
