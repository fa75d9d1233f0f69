package bundle_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle"
)

// What two outcomes have byte for byte is stored once, and the bundle answers as before it was stored.
func TestSharedParts(t *testing.T) {
	b, x := synthetic(t)
	file, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := bundle.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	last := len(b.Outcomes) - 1
	path := filepath.Join(t.TempDir(), "shared.voxgene")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := bundle.Inspect(path)
	if err != nil {
		t.Fatal(err)
	}
	if m.Format != 2 || len(m.Outcomes[last].Shared) == 0 {
		t.Fatalf("format %d, shared %v", m.Format, m.Outcomes[last].Shared)
	}
	for _, p := range m.Parts {
		for rest := range m.Outcomes[last].Shared {
			if strings.HasSuffix(p.Name, "outcomes/3/model/"+rest) {
				t.Errorf("%s is stored though it is shared", p.Name)
			}
		}
	}
	if twice, err := again.Encode(); err != nil || !bytes.Equal(twice, file) {
		t.Errorf("saved again it has other bytes (%v)", err)
	}
	x = x.Select([]int{0, 1, 2})
	got, err := again.Predict(context.Background(), x, bundle.Request{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := b.Predict(context.Background(), x, bundle.Request{})
	if err != nil {
		t.Fatal(err)
	}
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	if !bytes.Equal(g, w) {
		t.Errorf("answers %s, before %s", g, w)
	}
}
