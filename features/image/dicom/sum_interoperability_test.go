package dicom

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
)

// Objects of a scanner and of a planning system have one sum in whatever file DCMTK's dcmconv writes them: with types or without, deflated, with sequences of known
// and unknown length, with lengths of groups, with padding, with another header. Compressed by dcmcrle they have another, since their stored pixels are others.
func TestSumInteroperability(t *testing.T) {
	for _, program := range []string{"dcmconv", "dcmcrle", "dcmodify"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " (DCMTK) is not installed")
		}
	}
	root := oracle.Data(t, "dicom", "qin_prostate_adc_seg")
	var files []string
	for _, pattern := range []string{"ADC/*.dcm", "seg/*.dcm"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatal(pattern, err)
		}
		files = append(files, found[0])
	}
	sum := func(path string) Sum {
		t.Helper()
		f, err := load(os.DirFS(filepath.Dir(path)), filepath.Base(path))
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.sum()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
	}
	seen := map[Sum]string{}
	for i, path := range files {
		want := sum(path)
		if other := seen[want]; other != "" {
			t.Errorf("%s has the sum of %s", path, other)
		}
		seen[want] = path
		to := filepath.Join(t.TempDir(), "object")
		for _, how := range [][]string{{"+te"}, {"+ti"}, {"+te", "-e"}, {"+te", "+e"}, {"+ti", "-e", "+g"}, {"+te", "+p", "512", "64"}, {"+td"}} {
			run("dcmconv", append(how, path, to)...)
			if got := sum(to); got != want {
				t.Errorf("%s by dcmconv %v: %x, want %x", filepath.Base(path), how, got, want)
			}
		}
		run("dcmodify", "-nb", "-i", "PatientComments=x", "-imt", to)
		if sum(to) == want {
			t.Errorf("%s: another value has the same sum", path)
		}
		if i == 0 {
			run("dcmcrle", path, to)
			rle := sum(to)
			run("dcmcrle", path, to+"2")
			if sum(to+"2") != rle || rle == want {
				t.Errorf("%s: %x by dcmcrle, and %x", path, rle, want)
			}
		}
	}
}
