package registry_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve/registry"
)

func TestRegistry(t *testing.T) {
	dir := t.TempDir()
	first, _ := bundletest.New(t)
	second, _ := bundletest.New(t)
	second.Patients = 41
	wide, _ := bundletest.Wide(t, 2)
	one, two := filepath.Join(dir, "one.voxgene"), filepath.Join(dir, "two.voxgene")
	bundletest.Save(t, first, one)
	bundletest.Save(t, wide, filepath.Join(dir, "wide.voxgene"))
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := registry.Open([]string{dir}, map[string]registry.Alias{"stable": {Model: "glioma", Version: first.Version()}})
	if err != nil {
		t.Fatal(err)
	}
	if e, err := r.Find("glioma", ""); err != nil || e.Bundle.Version() != first.Version() {
		t.Errorf("got %v, %v", e, err)
	}
	// A newer file answers; the older one can be pinned, also by its beginning, and the alias stays.
	bundletest.Save(t, second, two)
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(two, later, later); err != nil {
		t.Fatal(err)
	}
	change, err := r.Reload()
	if err != nil || len(change.Added) != 1 || change.Added[0] != "glioma@"+second.Version() || len(change.Removed) != 0 {
		t.Errorf("reload: %+v, %v", change, err)
	}
	for version, want := range map[string]string{"": second.Version(), first.Version(): first.Version(), first.Version()[:16]: first.Version()} {
		if e, err := r.Find("glioma", version); err != nil || e.Bundle.Version() != want {
			t.Errorf("%q: got %v, %v", version, e, err)
		}
	}
	if e, err := r.Find("stable", ""); err != nil || e.Bundle.Version() != first.Version() {
		t.Errorf("alias: %v, %v", e, err)
	}
	for _, bad := range [][2]string{{"gliom", ""}, {"glioma", "sha256:0000000000"}, {"glioma", "sha256:"}} {
		if _, err := r.Find(bad[0], bad[1]); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if names := r.Models(); len(names) != 3 || names[0].Name != "glioma" || names[1].Name != "stable" {
		t.Errorf("got %v", names)
	}
	// A damaged file is named and changes nothing.
	if err := os.WriteFile(two, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Reload(); err == nil || !strings.Contains(err.Error(), two) {
		t.Errorf("a damaged file: %v", err)
	}
	if e, err := r.Find("glioma", ""); err != nil || e.Bundle.Version() != second.Version() {
		t.Errorf("after a failed reload: %v, %v", e, err)
	}
	if err := os.Remove(two); err != nil {
		t.Fatal(err)
	}
	if change, err := r.Reload(); err != nil || len(change.Removed) != 1 {
		t.Errorf("after removal: %+v, %v", change, err)
	}
}

func TestOpenBadInput(t *testing.T) {
	dir := t.TempDir()
	if _, err := registry.Open([]string{dir}, nil); err == nil || !strings.Contains(err.Error(), "*.voxgene") {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := registry.Open([]string{filepath.Join(dir, "none.voxgene")}, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, filepath.Join(dir, "a.voxgene"))
	for _, a := range []map[string]registry.Alias{{"x": {Model: "none"}}, {"glioma": {Model: "glioma"}}, {"x": {Model: "y"}, "y": {Model: "glioma"}}} {
		if _, err := registry.Open([]string{dir}, a); err == nil {
			t.Errorf("aliases %v were taken", a)
		}
	}
}
