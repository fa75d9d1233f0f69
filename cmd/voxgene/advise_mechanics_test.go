package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A cohort file and a batch file get their lines, problems first, each with its reason.
func TestAdvise(t *testing.T) {
	dir := t.TempDir()
	if code, _, errs := voxgene("phantom", dir, "--patients", "6"); code != 0 {
		t.Fatal(errs)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal("the phantom has no experiment file", err)
	}
	code, out, errs := voxgene("advise", files[0], "--jobs", "1")
	if code != 0 || strings.Count(out, "because:") < 3 || !strings.Contains(out, "voxels of") || !strings.Contains(out, "problems") {
		t.Errorf("%d, %s\n%s", code, errs, out)
	}
	if code, second, _ := voxgene("advise", files[0], "--jobs", "2"); code != 0 || second != out {
		t.Error("another number of jobs, other advice")
	}

	writePair(t, dir)
	list := filepath.Join(dir, "cases.csv")
	if err := os.WriteFile(list, []byte("ID,Image,Mask,Label\np1,scan.nrrd,mask.nrrd,1\np2,scan.nrrd,none.nrrd,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := voxgene("advise", list); code != 0 || !strings.HasPrefix(out, "! cases.csv: p2: mask:") {
		t.Errorf("%d\n%s", code, out)
	}
	if code, _, errs := voxgene("advise", files[0], "--params", "ct"); code != 2 || !strings.Contains(errs, "--params is for a batch file") {
		t.Errorf("%d, %s", code, errs)
	}
}
