package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nrrd"
	"github.com/voxgene/voxgene/features/table"
)

// writePair writes a small scan and a mask with labels 1 and 3 into a folder.
func writePair(t *testing.T, dir string) (scan, mask string) {
	t.Helper()
	g := image.Grid{Size: [3]int{12, 10, 8}, Spacing: [3]float64{1, 1, 2}, Direction: image.IdentityDirection}
	v := &image.Volume{Grid: g, Integer: true, Values: make([]float64, g.Voxels())}
	m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	for i := range v.Values {
		v.Values[i] = float64(i * i % 251)
	}
	for k := 2; k < 6; k++ {
		for j := 2; j < 8; j++ {
			for i := 2; i < 8; i++ {
				m.Labels[g.Index(i, j, k)] = uint16(1 + 2*(i/5))
			}
		}
	}
	scan, mask = filepath.Join(dir, "scan.nrrd"), filepath.Join(dir, "mask.nrrd")
	if err := nrrd.Write(scan, v, image.Int16); err != nil {
		t.Fatal(err)
	}
	if err := nrrd.WriteMask(mask, m); err != nil {
		t.Fatal(err)
	}
	return scan, mask
}

func TestExtractPair(t *testing.T) {
	dir := t.TempDir()
	scan, mask := writePair(t, dir)
	code, out, errs := voxgene("extract", scan, mask, "--label", "all")
	if code != 0 {
		t.Fatal(code, errs)
	}
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 3 || rows[1][2] != "1" || rows[2][2] != "3" {
		t.Fatalf("rows: %v", rows)
	}
	features := 0
	for _, name := range rows[0] {
		if strings.HasPrefix(name, "original_") {
			features++
		}
	}
	if features != 107 {
		t.Errorf("%d features, want 107", features)
	}
	// The same table as Parquet has the same values.
	file := filepath.Join(dir, "f.parquet")
	if code, _, errs := voxgene("extract", scan, mask, "--label", "1", "--label", "3", "-o", file); code != 0 {
		t.Fatal(code, errs)
	}
	tab, err := table.Read(file, table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	imaging := slices.DeleteFunc(tab.Columns, func(c table.Column) bool { return !strings.HasPrefix(c.Name, "original_") })
	if tab.Rows() != 2 || len(imaging) != 107 {
		t.Errorf("%d rows, %d columns", tab.Rows(), len(tab.Columns))
	}
}

// A bad case is reported with its file, the others go on, and the exit code is 1. A second run with a cache reads nothing again.
func TestExtractBatch(t *testing.T) {
	dir := t.TempDir()
	writePair(t, dir)
	list := filepath.Join(dir, "cases.csv")
	text := "ID,Image,Mask,Label\np1,scan.nrrd,mask.nrrd,1\np2,scan.nrrd,mask.nrrd,2\np3,scan.nrrd,none.nrrd,1\np4,scan.nrrd,mask.nrrd,3\n"
	if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, first, errs := voxgene("extract", list, "--cache", filepath.Join(dir, "cache"), "--jobs", "1")
	if code != 1 || !strings.Contains(errs, "label not in the mask: 2; it has [1 3]") || !strings.Contains(errs, "none.nrrd") ||
		!strings.Contains(errs, "2 of 4 cases failed") {
		t.Errorf("%d, %s", code, errs)
	}
	if n := strings.Count(first, "\n"); n != 3 || !strings.Contains(first, "\np1,") || !strings.Contains(first, "\np4,") {
		t.Errorf("%d lines:\n%.300s", n, first)
	}
	if _, second, _ := voxgene("extract", list, "--cache", filepath.Join(dir, "cache"), "--jobs", "2"); second != first {
		t.Error("from the cache, another table")
	}
}

func TestExtractBadCommandLine(t *testing.T) {
	dir := t.TempDir()
	scan, mask := writePair(t, dir)
	params := filepath.Join(dir, "p.yaml")
	if err := os.WriteFile(params, []byte("setting: {binwidth: 5}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"extract", scan}, "an image and a mask"},
		{[]string{"extract", scan, mask, "--label", "x"}, "--label x"},
		{[]string{"extract", scan, mask, "--params", "lung"}, "no preset \"lung\""},
		{[]string{"extract", scan, mask, "--params", params}, `did you mean "binWidth"?`},
		{[]string{"extract", scan, mask, "-o", "f.xlsx"}, "-o f.xlsx"},
	} {
		if code, _, errs := voxgene(test.args...); code != 2 || !strings.Contains(errs, test.want) {
			t.Errorf("%v: %d, %s", test.args, code, errs)
		}
	}
	if code, _, errs := voxgene("extract", scan, scan, "--label", "251"); code != 1 || !strings.Contains(errs, "label not in the mask") {
		t.Errorf("a scan as a mask: %d, %s", code, errs)
	}
}

// By the standard's definitions, columns have its tags and the dictionary beside the table has a code for each.
func TestExtractStandard(t *testing.T) {
	dir := t.TempDir()
	scan, mask := writePair(t, dir)
	file := filepath.Join(dir, "f.csv")
	if code, _, errs := voxgene("extract", scan, mask, "--profile", "ibsi", "-o", file); code != 0 {
		t.Fatal(code, errs)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dictionary, err := os.ReadFile(filepath.Join(dir, "f.dictionary.csv"))
	if err != nil {
		t.Fatal(err)
	}
	header, _, _ := strings.Cut(string(text), "\n")
	columns := strings.Split(header, ",")[3:]
	lines := strings.Split(strings.TrimSpace(string(dictionary)), "\n")[1:]
	if len(columns) != len(lines) || len(columns) < 200 {
		t.Fatalf("%d columns, %d entries", len(columns), len(lines))
	}
	for i, c := range columns {
		if f := strings.Split(lines[i], ","); f[0] != c || len(f[1]) != 4 || f[2] == "" {
			t.Errorf("column %s: %s", c, lines[i])
		}
	}
	params := filepath.Join(dir, "p.yaml")
	if err := os.WriteFile(params, []byte("bins: {width: 5, count: 3}\nspacing: [1, 1]\nfamilies: [shape]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := voxgene("extract", scan, mask, "--profile", "ibsi", "--params", params)
	if code != 2 || !strings.Contains(errs, "either a width or a count") || !strings.Contains(errs, "want 3 numbers") || !strings.Contains(errs, `unknown value "shape"`) {
		t.Errorf("%d, %s", code, errs)
	}
}

func TestIBSICheck(t *testing.T) {
	code, out, errs := voxgene("ibsi", "check")
	if code != 0 || !strings.Contains(out, "482 values, all within their tolerances") || strings.Contains(out, "MISSES") {
		t.Errorf("%d, %s, %s", code, out, errs)
	}
}

// Changed copies are rows of their own, the same again for the same seed and any number of jobs, and the stability table has a row a
// feature.
func TestExtractPerturbed(t *testing.T) {
	dir := t.TempDir()
	scan, mask := writePair(t, dir)
	first, second := filepath.Join(dir, "a.csv"), filepath.Join(dir, "b.csv")
	for file, jobs := range map[string]string{first: "1", second: "2"} {
		if code, _, errs := voxgene("extract", scan, mask, "--label", "all", "--perturb", "3", "--seed", "9", "--jobs", jobs, "-o", file); code != 0 {
			t.Fatal(code, errs)
		}
	}
	a, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(second); err != nil || string(a) != string(b) {
		t.Error("another number of jobs, another table", err)
	}
	if n := strings.Count(string(a), "\n"); n != 1+2*4 {
		t.Errorf("%d lines, want a header and 4 rows a label", n)
	}
	s, err := os.ReadFile(filepath.Join(dir, "a.stability.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(s), "\n"); n != 108 || !strings.Contains(string(s), "original_shape_MeshVolume,") {
		t.Errorf("%d lines of stability:\n%.300s", n, s)
	}
	if code, _, errs := voxgene("extract", scan, mask, "--perturb", "3", "--perturb-kinds", "twist"); code != 2 || !strings.Contains(errs, "twist") {
		t.Errorf("%d, %s", code, errs)
	}
}

// What is left out of a case is a warning, once for all of its labels, and no failure.
func TestExtractLeftOut(t *testing.T) {
	dir := t.TempDir()
	scan, mask := writePair(t, dir)
	params := filepath.Join(dir, "p.yaml")
	if err := os.WriteFile(params, []byte("imageType: {Original: {}, LoG: {sigma: [2.0, 12.0]}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := voxgene("extract", scan, mask, "--label", "all", "--params", params)
	want := "warning: " + scan + ": imageType LoG: sigma 12.0 mm is left out: it needs 13 voxels along x, and the image has 12\n"
	if code != 0 || errs != want {
		t.Errorf("exit code %d, said %q, want %q", code, errs, want)
	}
	if !strings.Contains(out, "log-sigma-2-0-mm-3D_glcm_Id") || strings.Contains(out, "log-sigma-12-0") {
		t.Error("other columns than expected")
	}
}
