package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
)

// voxgene runs a command line in this process.
func voxgene(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(context.Background(), args, &out, &err)
	return code, out.String(), err.String()
}

// The cohort is complete, its images and masks share a grid, and the same seed writes the same bytes.
func TestPhantom(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	for dir, jobs := range map[string]string{a: "1", b: "2"} {
		if code, _, stderr := voxgene("phantom", dir, "--patients", "6", "--jobs", jobs); code != 0 {
			t.Fatalf("exit %d: %s", code, stderr)
		}
	}
	files := 0
	err := filepath.WalkDir(a, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		rel, _ := filepath.Rel(a, path)
		one, _ := os.ReadFile(path)
		two, err := os.ReadFile(filepath.Join(b, rel))
		if !bytes.Equal(one, two) {
			t.Errorf("%s differs between two runs of one seed", rel)
		}
		return err
	})
	if err != nil || files != 6+2*6 {
		t.Errorf("%d files, want 18 (%v)", files, err)
	}
	v, err := nifti.Read(filepath.Join(a, "images/P0001/t1.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := nifti.ReadMask(filepath.Join(a, "images/P0001/mask.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if err := image.SameGrid(v.Grid, m.Grid, 1e-6); err != nil {
		t.Error(err)
	}
}

func TestPhantomBadInput(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"phantom", "phantom wants the folder to write to"},
		{"phantom d --patients 0", "patients: 0 is not between 1 and 100000"},
		{"phantom d --plant other", `plant: "other" is not additive, texture or interaction`},
		{"phantom d --patient 3", "unknown flag: --patient"},
	} {
		code, _, stderr := voxgene(strings.Fields(c.args)...)
		if code != 2 || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d: %s", c.args, code, stderr)
		}
	}
}
