package explain

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/table"
)

// A background from a bundle is refused or can be used; it never panics.
func FuzzBackground(f *testing.F) {
	f.Add([]byte(`{"columns":["a","b"],"weights":[5,6],"rows":[[1,null],[0.1,3]]}`))
	f.Add([]byte(`{"columns":["a"],"weights":[1e308,1e308],"rows":[[1],[2]]}`))
	f.Add([]byte(`{"columns":[],"weights":[1],"rows":[[]]}`))
	f.Add([]byte(`{"columns":["a"],"weights":[1],"rows":[null]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var b Background
		if json.Unmarshal(data, &b) != nil {
			return
		}
		columns := make([]table.Column, len(b.Columns))
		for j, name := range b.Columns {
			columns[j].Name = name
		}
		if _, err := b.Matrix(columns); err != nil {
			t.Fatal(err)
		}
		total := 0.0
		for _, s := range b.shares() {
			total += s
		}
		if math.Abs(total-1) > 1e-9 {
			t.Fatalf("shares sum to %v", total)
		}
	})
}
