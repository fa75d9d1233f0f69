package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/features/oracle"
)

// Every command of docs/deidentify.md works on a real patient's files, and what it leaves out it says.
func TestDeidentifyGuide(t *testing.T) {
	from := oracle.Data(t, "dicom", "ibsi_STS_008_ct_mr_pet_rtstruct", "CT")
	page, err := os.ReadFile("../../docs/deidentify.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.CopyFS("scans", os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS("cohort/scans", os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	slices, err := filepath.Glob("scans/image/*")
	if err != nil || len(slices) == 0 {
		t.Fatal(err)
	}
	object, err := dicom.ReadObject(slices[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("cohort/clinical.csv", []byte("patient,scan,stage,name\n"+object.Text(0x00100020)+",2001-02-03,a stage of one patient,Jane\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	commands := 0
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllStringSubmatch(string(page), -1) {
		for line := range strings.Lines(block[1]) {
			code, out, errs := voxgene(strings.Fields(line)[1:]...)
			if code != 0 || !strings.Contains(out, "written of 1 patients") {
				t.Errorf("%s: exit %d: %s %s", strings.TrimSpace(line), code, out, errs)
			}
			commands++
		}
	}
	if commands != 2 {
		t.Errorf("%d commands on the page; this test knows 2", commands)
	}
	clinical, err := os.ReadFile("clean-cohort/clinical.csv")
	if err != nil || !strings.Contains(string(clinical), ",a stage of one patient,\n") || strings.Contains(string(clinical), "2001") || strings.Contains(string(clinical), "Jane") {
		t.Errorf("%s %v", clinical, err)
	}
	if code, out, errs := voxgene("deidentify", "--table"); code != 0 || strings.Count(out, "\n") != 648 {
		t.Errorf("exit %d: %s", code, errs)
	}
	if err := os.WriteFile(filepath.Join("scans", "notes.txt"), []byte("no DICOM"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := voxgene("deidentify", "scans", "again", "--key", "study.key"); code != 0 || !strings.Contains(out, "1 of other kinds") || !strings.Contains(errs, "notes.txt") {
		t.Errorf("exit %d: %s %s", code, out, errs)
	}
	if code, _, errs := voxgene("deidentify", "scans", "clean", "--key", "study.key"); code != 2 || !strings.Contains(errs, "not empty") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, _, errs := voxgene("deidentify", "scans", "other"); code != 2 || !strings.Contains(errs, "--key") {
		t.Errorf("exit %d: %s", code, errs)
	}
}
