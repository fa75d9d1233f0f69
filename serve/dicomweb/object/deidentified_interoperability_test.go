//go:build interoperability

package object_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/deidentify"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/serve/dicomweb/object"
	"github.com/voxgene/voxgene/serve/results"
)

// Our reports and rejection notes that were de-identified are read by DCMTK without a warning, and dciodvfy finds no error in them; the patient and who
// verified them are in none.
func TestInteroperabilityDeidentified(t *testing.T) {
	key := deidentify.Key(bytes.Repeat([]byte{7}, 32))
	written := map[string][]byte{}
	for _, state := range []results.State{results.Preliminary, results.Final, results.EnteredInError} {
		r := lesioned()
		r.State, r.By, r.Reason, r.Identity.Name, r.Identity.Patient = state, "Huber^Hans", "mask of Müller", "Müller^Änne", "CANARY-17"
		b, err := object.Report(&r, object.Document{Program: "1.0", Organization: "Inselspital", Masks: lesionMasks(&r), Predecessors: []results.Instance{{Class: object.ReportStorage, Instance: "1.2.4.1", Series: "1.2.4"}}})
		if err != nil {
			t.Fatal(err)
		}
		written[string(state)] = b
		if state == results.EnteredInError {
			if written["note"], err = object.Rejection(&r, "1.0", object.Stored(&r, map[string]string{"sr": "1.2.4.1", "seg adc": "1.2.4.3"})); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, b := range written {
		made, err := key.Identify(b)
		if err != nil {
			t.Fatal(name, err)
		}
		for _, word := range []string{"CANARY", "M\xfcller", "\xc4nne", "Huber", "Hans", "Inselspital", "19500102", "1.2.4.1"} {
			if bytes.Contains(made.Bytes, []byte(word)) {
				t.Errorf("%s: %q is left", name, word)
			}
		}
		path := filepath.Join(t.TempDir(), "clean.dcm")
		if err := os.WriteFile(path, made.Bytes, 0o600); err != nil {
			t.Fatal(err)
		}
		wants := map[string][]string{"dcmdump": {"[Clean Structured Content Option]", made.Patient}, "dsrdump": {made.Patient}}
		switch name {
		case "note":
			wants["dsrdump"] = append(wants["dsrdump"], "Rejected for Patient Safety Reasons", "contains COMPOSITE:=(Comprehensive3DSRStorage")
		case string(results.EnteredInError):
		default:
			wants["dsrdump"] = append(wants["dsrdump"], `"Volume")="812.5" (mm3`, `"Finding Site")=(39607008,SCT,"Lung")`, `"Probability of grade high")="0.8"`, `"Tracking Identifier")="tracked `)
		}
		checked(t, name, path, wants)
	}
}

// Reports of others that were de-identified have the tree that they had, and DCMTK finds in them no fault that was not there before.
func TestInteroperabilityDeidentifiedOthers(t *testing.T) {
	key := deidentify.Key(bytes.Repeat([]byte{7}, 32))
	for _, name := range []string{"test-SR.dcm", "reportsi.dcm"} {
		was := filepath.Join(t.TempDir(), "was.dcm")
		text, err := os.ReadFile(filepath.Join(oracle.Data(t, "dicom", "pydicom_testfiles"), name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(was, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("dcmodify", "-nb", "-i", "(0010,0020)=CANARY-17", was).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		b, err := os.ReadFile(was)
		if err != nil {
			t.Fatal(err)
		}
		made, err := key.Identify(b)
		if err != nil {
			t.Fatal(name, err)
		}
		is := filepath.Join(t.TempDir(), "is.dcm")
		if err := os.WriteFile(is, made.Bytes, 0o600); err != nil {
			t.Fatal(err)
		}
		tree := regexp.MustCompile(`(?m)^\s*<([a-z ]*[A-Z0-9]+):`)
		var trees [2]string
		for i, path := range []string{was, is} {
			out, err := exec.Command("dsrdump", "+Pl", path).CombinedOutput()
			if i == 0 && err != nil { // of a test file that is broken
				break
			}
			if err != nil {
				t.Errorf("%s: %v\n%s", name, err, out)
			}
			for _, m := range tree.FindAllStringSubmatch(string(out), -1) {
				trees[i] += m[1] + "\n"
			}
			if i == 1 && (strings.Contains(string(out), "Riesmeier") || strings.Contains(string(out), "CANARY")) {
				t.Errorf("%s names someone:\n%s", name, out)
			}
		}
		kinds := regexp.MustCompile(`(?m)^.*\(0040,a0[14]0\) CS \[.*\]`)
		var said [2]string
		for i, path := range []string{was, is} {
			out, err := exec.Command("dcmdump", path).Output()
			if err != nil {
				t.Fatal(err)
			}
			said[i] = strings.Join(kinds.FindAllString(string(out), -1), "\n")
		}
		if said[0] != said[1] || strings.Count(said[0], "\n") < 10 {
			t.Errorf("%s had\n%s\nand has\n%s", name, said[0], said[1])
		}
		if trees[0] != trees[1] {
			t.Errorf("%s had the tree\n%sand has\n%s", name, trees[0], trees[1])
		}
		before, _ := exec.Command("dciodvfy", "-new", was).CombinedOutput()
		after, _ := exec.Command("dciodvfy", "-new", is).CombinedOutput()
		if was, is := strings.Count(string(before), "Error"), strings.Count(string(after), "Error"); is > was {
			t.Errorf("%s had %d errors and has %d:\n%s\n%s", name, was, is, before, after)
		}
	}
}
