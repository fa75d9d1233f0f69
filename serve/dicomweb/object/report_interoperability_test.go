//go:build interoperability

package object_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/serve/dicomweb/object"
	"github.com/voxgene/voxgene/serve/results"
)

// DCMTK reads the reports without a warning and finds in them what was written; dciodvfy finds no error.
func TestInteroperabilitySR(t *testing.T) {
	for _, state := range []results.State{results.Preliminary, results.EnteredInError} {
		r := result()
		r.State, r.Reason = state, "mask of another lesion"
		b, err := object.Report(&r, "1.0")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "report.dcm")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		wants := map[string][]string{
			"dcmdump": {"Comprehensive3DSRStorage", "UNVERIFIED", "ISO_IR 100"}, "dcm2json": {"0040A730"},
			"dsrdump": {"Imaging Measurement Report", "prostate", "research use only"},
		}
		if state == results.Preliminary {
			wants["dsrdump"] = append(wants["dsrdump"], "Referenced Segment", `"Volume")="174.999667591" (mm3,UCUM,"cubic millimeter")`, `Predicted grade`)
		} else {
			wants["dsrdump"] = append(wants["dsrdump"], "Retracted", "mask of another lesion")
		}
		for name, parts := range wants {
			out, err := exec.Command(name, append(map[string][]string{"dsrdump": {"+Pl"}}[name], path)...).CombinedOutput()
			if err != nil || strings.Contains(string(out), "W: ") || strings.Contains(string(out), "E: ") {
				t.Errorf("%s %s: %v\n%s", state, name, err, out)
			}
			for _, want := range parts {
				if !strings.Contains(string(out), want) {
					t.Errorf("%s %s has no %q:\n%s", state, name, want, out)
				}
			}
		}
		out, err := exec.Command("dciodvfy", "-new", path).CombinedOutput()
		if err != nil || strings.Contains(string(out), "Error") {
			t.Errorf("%s dciodvfy: %v\n%s", state, err, out)
		}
	}
}
