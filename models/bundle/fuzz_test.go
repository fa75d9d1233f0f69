package bundle_test

import (
	"context"
	"testing"

	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
)

// No bytes make the reader, or a bundle that it takes, panic.
func FuzzRead(f *testing.F) {
	f.Add(saved(f))
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, file []byte) {
		b, err := bundle.Read(file)
		if err != nil {
			return
		}
		if _, err := b.Predict(context.Background(), models.NewMatrix(b.Columns(), 1), bundle.Request{}); err != nil {
			t.Log(err)
		}
	})
}
