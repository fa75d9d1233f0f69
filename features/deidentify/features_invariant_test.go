package deidentify_test

import (
	"archive/zip"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/deidentify"
	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/radiomics"
)

// The PET of a real patient (IBSI's STS_008) with its structure set, and an ADC map with its segmentation: the features of the region, SUV and all, are
// the same to the last digit before and after, from a folder and from an archive, and a second run gives the same bytes.
func TestFeaturesStay(t *testing.T) {
	t.Run("PET", func(t *testing.T) { stay(t, oracle.Data(t, "dicom", "ibsi_STS_008_ct_mr_pet_rtstruct", "PET"), 0) })
	t.Run("MR", func(t *testing.T) { stay(t, oracle.Data(t, "dicom", "qin_prostate_adc_seg"), 1) }) // a table of no patient is among the files
}

func stay(t *testing.T, from string, left int) {
	dir := t.TempDir()
	key, err := deidentify.ReadKey(filepath.Join(dir, "study.key"))
	if err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(dir, "in.zip")
	pack(t, from, archive)
	scan, structures := kinds(t, from)
	plan := extraction.Plan{Parameters: radiomics.DefaultParams(), Label: &extraction.Label{Number: 1}}
	want, err := plan.Extract(scan, structures)
	if err != nil {
		t.Fatal(err)
	}
	var before map[string]string
	for n, in := range []string{from, archive} {
		out := filepath.Join(dir, string(rune('a'+n)))
		r, err := (&deidentify.Profile{Key: key}).Folder(context.Background(), in, out)
		if err != nil || r.Written+left != r.Files || len(r.Left) != left || r.Patients != 1 {
			t.Fatalf("%+v %v", r, err)
		}
		files := contents(t, out)
		if before != nil && len(before) != len(files) {
			t.Errorf("%d files and then %d", len(before), len(files))
		}
		for name, text := range before {
			if files[name] != text {
				t.Errorf("%s differs between two runs", name)
			}
		}
		before = files
		scan, structures := kinds(t, out)
		got, err := plan.Extract(scan, structures)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Features) != len(want.Features) {
			t.Fatalf("%d features, and %d before", len(got.Features), len(want.Features))
		}
		for i, f := range want.Features {
			if got.Features[i] != f {
				t.Errorf("%s is %v, and was %v", f.Name, got.Features[i].Value, f.Value)
			}
		}
	}
	if _, err := (&deidentify.Profile{Key: key}).Folder(context.Background(), from, filepath.Join(dir, "a")); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a folder with files: %v", err)
	}
}

// kinds returns the folder of the series and the file of the structure set: the one folder of a single file.
func kinds(t *testing.T, dir string) (scan, structures string) {
	t.Helper()
	folders := map[string][]string{}
	for name := range contents(t, dir) {
		if strings.HasSuffix(name, ".dcm") {
			folders[filepath.Dir(name)] = append(folders[filepath.Dir(name)], name)
		}
	}
	for folder, files := range folders {
		if len(files) == 1 {
			structures = filepath.Join(dir, files[0])
		} else {
			scan = filepath.Join(dir, folder)
		}
	}
	return scan, structures
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		out[strings.TrimPrefix(path, dir+"/")] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func pack(t *testing.T, dir, to string) {
	t.Helper()
	f, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for name, text := range contents(t, dir) {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
