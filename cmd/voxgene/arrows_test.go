package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/voxgene/voxgene/"

// Rooms that each room may import from: features ← models ← train, and serve beside train.
var mayImport = map[string][]string{
	"features": {"features", "configs"},
	"models":   {"features", "models"},
	"train":    {"features", "models", "train", "configs"},
	"serve":    {"features", "models", "serve", "configs"},
	"configs":  {"configs"},
	"cmd":      {"features", "models", "train", "serve", "configs", "cmd"},
}

// Arrows between rooms point one way, in the code and in its tests alike.
func TestArrowsInvariant(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", module+"...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	packages := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); ; packages++ {
		var p struct {
			ImportPath                         string
			Imports, TestImports, XTestImports []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		room, _, _ := strings.Cut(strings.TrimPrefix(p.ImportPath, module), "/")
		allowed, ok := mayImport[room]
		if !ok {
			t.Errorf("%s is in no room; the top level is %s", p.ImportPath, "cmd configs docs features models serve train")
		}
		imports := append(append(p.Imports, p.TestImports...), p.XTestImports...)
		if room == "configs" { // its tests hand each file to whoever reads it
			imports = p.Imports
		}
		for _, imported := range imports {
			rest, ours := strings.CutPrefix(imported, module)
			other, _, _ := strings.Cut(rest, "/")
			if ours && !slices.Contains(allowed, other) {
				t.Errorf("%s imports %s: %s may import %s only", p.ImportPath, imported, room, strings.Join(allowed, ", "))
			}
			for _, banned := range []string{"util", "utils", "common", "internal", "pkg"} {
				if ours && strings.HasSuffix(rest, "/"+banned) {
					t.Errorf("%s: a package is a noun of the field, not %s", imported, banned)
				}
			}
		}
	}
	if packages < 5 {
		t.Errorf("go list found %d packages", packages)
	}
}

// The top level stays small enough to know by heart.
func TestTopLevelInvariant(t *testing.T) {
	out, err := exec.Command("git", "ls-files", "--full-name", ":/").Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	top := map[string]bool{}
	for name := range strings.Lines(string(out)) {
		first, _, _ := strings.Cut(strings.TrimSpace(name), "/")
		top[first] = true
	}
	for name := range top {
		if !strings.HasPrefix(name, ".") && !slices.Contains(topLevel, name) {
			t.Errorf("%s is at the top level; it holds %s", name, strings.Join(topLevel, " "))
		}
	}
}

var topLevel = []string{"train", "serve", "features", "models", "configs", "cmd", "docs", "go.mod", "go.sum", "README.md", "LICENSE", "Makefile", "Dockerfile"}

// explain imports the families of models, never the reverse: a model that explains itself cannot be explained by another method.
func TestFamiliesDoNotExplainInvariant(t *testing.T) {
	for _, family := range []string{"linear", "tree", "golearn", "calibrate", "survival", "metrics"} {
		out, err := exec.Command("go", "list", "-deps", module+"models/"+family).Output()
		if err != nil {
			t.Fatalf("go list models/%s: %v", family, err)
		}
		if strings.Contains(string(out), module+"models/explain\n") {
			t.Errorf("models/%s imports models/explain", family)
		}
	}
}
