package pipeline_test

import (
	"context"
	"testing"

	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/pipeline"
)

// No stored bytes make the decoder, or a chain that it takes, panic.
func FuzzDecode(f *testing.F) {
	for _, c := range chains(f) {
		fitted, err := c.Fit(context.Background(), mixed(20, 1))
		if err != nil {
			f.Fatal(err)
		}
		b, _ := fitted.Encode()
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := pipeline.Decode(b)
		if err != nil {
			return
		}
		if out, err := c.Apply(models.NewMatrix(c.Inputs(), 2)); err == nil && len(out.Values) != 2*len(c.Columns()) {
			t.Errorf("%d values in %d columns", len(out.Values), len(c.Columns()))
		}
	})
}
