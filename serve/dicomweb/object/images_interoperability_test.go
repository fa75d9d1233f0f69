//go:build interoperability

package object_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// DCMTK reads segmentations, maps and pictures without a warning and finds in them what was written; dciodvfy finds no error; dcmj2pnm draws.
func TestInteroperabilityImages(t *testing.T) {
	dir := t.TempDir()
	for name, b := range files(t) {
		path := filepath.Join(dir, name+".dcm")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		dump, err := exec.Command("dcmdump", path).CombinedOutput()
		if err != nil || strings.Contains(string(dump), "W: ") || strings.Contains(string(dump), "E: ") {
			t.Errorf("%s dcmdump: %v\n%s", name, err, dump)
		}
		wants := []string{"StudyInstanceUID", "[1.2.3]", "prostate"}
		switch name {
		case "seg":
			wants = append(wants, "=SegmentationStorage", "[BINARY]", "DimensionOrganizationSequence", "SegmentationAlgorithmIdentificationSequence", "[Processing Equipment]")
		case "map":
			wants = append(wants, "=ParametricMapStorage", "RealWorldValueMappingSequence", "FloatPixelData")
		case "capture", "region":
			wants = append(wants, "=SecondaryCaptureImageStorage", "BurnedInAnnotation", "[YES]")
			if out, err := exec.Command("dcmj2pnm", "+on", path, filepath.Join(dir, name+".png")).CombinedOutput(); err != nil {
				t.Errorf("%s dcmj2pnm: %v\n%s", name, err, out)
			}
		}
		for _, w := range wants {
			if !strings.Contains(string(dump), w) {
				t.Errorf("%s has no %q:\n%s", name, w, dump)
			}
		}
		out, err := exec.Command("dciodvfy", "-new", path).CombinedOutput()
		if err != nil || strings.Contains(string(out), "Error") {
			t.Errorf("%s dciodvfy: %v\n%s", name, err, out)
		}
	}
}
