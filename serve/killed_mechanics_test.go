package serve_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
)

// A server removes what one left that was killed, says so, and leaves nothing itself.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	model, temp := filepath.Join(dir, "model.voxgene"), filepath.Join(dir, "temp")
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, model)
	left := filepath.Join(temp, "voxgene-files-dead")
	if err := os.MkdirAll(filepath.Join(left, "voxgene-study-1"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(left, "lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := serve.ReadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	c.Models, c.Studies.Temp = []string{model}, temp
	var log bytes.Buffer
	s, err := serve.New(c, slog.New(slog.NewJSONHandler(&log, nil)), "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) || !strings.Contains(log.String(), `"folders":1`) {
		t.Errorf("what was left is there still (%v): %s", err, &log)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(temp); err != nil || len(entries) != 0 {
		t.Errorf("%v (%v)", entries, err)
	}
}
