//go:build interoperability

package object_test

import (
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

// The route of the guide: storescu sends a report to a node, here storescp, and the file there is the file that was sent.
func TestInteroperabilityStore(t *testing.T) {
	r := result()
	b, err := object.Report(&r, "1.0")
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
