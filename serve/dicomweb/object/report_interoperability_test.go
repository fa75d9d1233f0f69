//go:build interoperability

package object_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/serve/dicomweb/object"
	"github.com/voxgene/voxgene/serve/results"
)

// DCMTK reads the reports without a warning and finds in them what was written; dciodvfy finds no error.
func TestInteroperabilitySR(t *testing.T) {
	for _, state := range []results.State{results.Preliminary, results.Final, results.EnteredInError} {
		r := result()
		r.State, r.By, r.Reason = state, "A^Doctor", "mask of another lesion"
		d := object.Document{Program: "1.0"}
		if state != results.Preliminary {
			d.Organization, d.Predecessors = "Hospital", []results.Instance{{Class: object.ReportStorage, Instance: "1.2.4.1", Series: "1.2.4"}}
		}
		b, err := object.Report(&r, d)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "report.dcm")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		wants := map[string][]string{
			"dcmdump": {"Comprehensive3DSRStorage", "[COMPLETE]", "ISO_IR 100"}, "dcm2json": {"0040A730"},
			"dsrdump": {"Imaging Measurement Report", "prostate", "research use only", "Image Library Group", `"Magnetic Resonance"`},
		}
		switch state {
		case results.Preliminary:
			wants["dcmdump"] = append(wants["dcmdump"], "[PRELIMINARY]", "[UNVERIFIED]")
		case results.Final:
			wants["dcmdump"] = append(wants["dcmdump"], "[FINAL]", "[VERIFIED]", "PredecessorDocumentsSequence", "[1.2.4.1]")
			wants["dsrdump"] = append(wants["dsrdump"], "A^Doctor", "Hospital")
		default:
			wants["dcmdump"] = append(wants["dcmdump"], "[FINAL]", "[UNVERIFIED]", "PredecessorDocumentsSequence", "[1.2.4.1]")
		}
		if state != results.EnteredInError {
			wants["dsrdump"] = append(wants["dsrdump"], "Referenced Segment", `"Volume")="174.999667591" (mm3,UCUM,"cubic millimeter")`, `Predicted grade`)
		} else {
			wants["dsrdump"] = append(wants["dsrdump"], "Retracted", "mask of another lesion")
		}
		checked(t, string(state), path, wants)
	}
}

// DCMTK finds in a report of lesions a group of each, under the identifiers by which it is followed, with its segment, place, features and prediction;
// dciodvfy finds no error in it, nor in the segmentation of both.
func TestInteroperabilityLesions(t *testing.T) {
	r := lesioned()
	r.Time = r.Changed
	b, err := object.Report(&r, object.Document{Program: "1.0", Masks: lesionMasks(&r)})
	if err != nil {
		t.Fatal(err)
	}
	seg, err := object.Segmentation(&r, lesionScan(), "1.0")
	if err != nil {
		t.Fatal(err)
	}
	one, two := filepath.Join(t.TempDir(), "report.dcm"), filepath.Join(t.TempDir(), "seg.dcm")
	if err := errors.Join(os.WriteFile(one, b, 0o600), os.WriteFile(two, seg, 0o600)); err != nil {
		t.Fatal(err)
	}
	checked(t, "lesions", one, map[string][]string{"dsrdump": {`"Tracking Identifier")="nodule A"`, `"Tracking Unique Identifier")="1.2.3.77"`, `"Tracking Identifier")="lesion 2"`,
		`"Finding")=(27925004,SCT,"Nodule")`, `"Finding Site")=(39607008,SCT,"Lung")`, `"Laterality")=(7771000,SCT,"Left")`, `"Volume")="812.5" (mm3`, `"Volume")="31.25" (mm3`,
		`"Referenced Segment")=(SG image,,3)`, `"Referenced Segment")=(SG image,,2)`}, "dcm2json": {"0040A730"}})
	checked(t, "segmentation of lesions", two, map[string][]string{"dcmdump": {"=SegmentationStorage", "[nodule A]", "[1.2.3.77]", "[lesion 2]", "[Lesion 2 of adc]", "AnatomicRegionSequence", "[Lung]", "[Nodule]"}})
}

// checked lets DCMTK's programs read a file: without a warning, and with what they have to find in it. dciodvfy has to find no error.
func checked(t *testing.T, what, path string, wants map[string][]string) {
	t.Helper()
	for name, parts := range wants {
		out, err := exec.Command(name, append(map[string][]string{"dsrdump": {"+Pl"}}[name], path)...).CombinedOutput()
		out = bytes.ReplaceAll(out, []byte("W: Check for template constraints not yet supported\n"), nil) // of DCMTK itself, at every Key Object Selection Document
		if err != nil || strings.Contains(string(out), "W: ") || strings.Contains(string(out), "E: ") {
			t.Errorf("%s %s: %v\n%s", what, name, err, out)
		}
		for _, want := range parts {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s %s has no %q:\n%s", what, name, want, out)
			}
		}
	}
	out, err := exec.Command("dciodvfy", "-new", path).CombinedOutput()
	if err != nil || strings.Contains(string(out), "Error") {
		t.Errorf("%s dciodvfy: %v\n%s", what, err, out)
	}
}

// DCMTK reads rejection notes without a warning, as documents of their class; dciodvfy finds no error.
func TestInteroperabilityRejection(t *testing.T) {
	for rejection, title := range map[results.Rejection]string{results.PatientSafety: "Rejected for Patient Safety Reasons", results.Quality: "Rejected for Quality Reasons"} {
		r := result()
		r.State, r.Reason, r.Rejection = results.EnteredInError, "mask of another lesion", rejection
		b, err := object.Rejection(&r, "1.0", object.Stored(&r, map[string]string{"sr": "1.2.4.1", "seg adc": "1.2.4.3", "map cam.grade": "1.2.4.4", "capture region.adc": "1.2.4.5"}))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "note.dcm")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		checked(t, title, path, map[string][]string{"dcmdump": {"=KeyObjectSelectionDocumentStorage", "[KO]", "[1.2.4.1]", "[1.2.4.3]", "[1.2.4.4]", "[1.2.4.5]"}, "dcm2json": {"0040A730"},
			"dsrdump": {title, "Key Object Description", "mask of another lesion", "contains COMPOSITE:=(Comprehensive3DSRStorage", "contains IMAGE:=(PM image", "contains IMAGE:=(SG image", "contains IMAGE:=(SC image"}})
	}
}

// The route of the guide: storescu sends a report to a node, here storescp, and the file there is the file that was sent.
func TestInteroperabilityStore(t *testing.T) {
	r := result()
	b, err := object.Report(&r, object.Document{Program: "1.0"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path, node := filepath.Join(dir, "report.dcm"), filepath.Join(dir, "node")
	if err := errors.Join(os.WriteFile(path, b, 0o600), os.Mkdir(node, 0o700)); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	scp := exec.CommandContext(ctx, "storescp", "-od", node, port)
	if err := scp.Start(); err != nil {
		t.Fatal(err)
	}
	defer scp.Wait() // it ends with ctx
	defer stop()
	var out []byte
	for range 50 {
		if out, err = exec.Command("storescu", "-R", "127.0.0.1", port, path).CombinedOutput(); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil {
		t.Fatalf("storescu: %v\n%s", err, out)
	}
	stored, err := filepath.Glob(filepath.Join(node, "*"+object.ReportUID(&r)))
	if err != nil || len(stored) != 1 {
		t.Fatalf("%v (%v)", stored, err)
	}
	want, err := exec.Command("dsrdump", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := exec.Command("dsrdump", stored[0]).Output(); err != nil || string(got) != string(want) {
		t.Errorf("stored (%v):\n%s", err, got)
	}
}
