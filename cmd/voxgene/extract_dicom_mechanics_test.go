package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
)

// csvTable reads what a verb wrote to standard output.
func csvTable(t *testing.T, out string) []map[string]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, name := range rows[0] {
			m[name] = row[i]
		}
		all = append(all, m)
	}
	return all
}

// A DICOM folder with a segmentation whose segments overlap: a row a segment, chosen series, the same from a batch and from a cohort.
func TestExtractDICOM(t *testing.T) {
	root := oracle.Data(t, "dicom", "qin_prostate_adc_seg")
	img, mask := filepath.Join(root, "ADC"), filepath.Join(root, "seg")
	code, out, errs := voxgene("extract", img, mask, "--label", "all", "--series", "{modality: MR, series_description: apparent*}", "--suv", "none")
	if code != 0 {
		t.Fatal(code, errs)
	}
	rows := csvTable(t, out)
	if len(rows) != 4 || rows[2]["Label"] != "3" || rows[2]["diagnostics_Mask-original_VoxelNum"] != "118" {
		t.Fatalf("%d rows, %v", len(rows), rows[2]["diagnostics_Mask-original_VoxelNum"])
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"patients.csv": "patient\np1\n",
		"study.yaml": fmt.Sprintf("cohort: {patients: patients.csv, id: patient}\nsources:\n" +
			"  - {name: adc, kind: images, image: \"{patient}/ADC\", mask: \"{patient}/seg\", regions: {lesion: [Lesion]}, series: {modality: MR}}\n" +
			"  - {name: t, kind: table, path: patients.csv}\noutcomes: []\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(root, filepath.Join(dir, "p1")); err != nil {
		t.Skip(err)
	}
	code, out, errs = voxgene("extract", filepath.Join(dir, "study.yaml"), "--cache", filepath.Join(dir, "cache"))
	if code != 0 {
		t.Fatal(code, errs)
	}
	one := csvTable(t, out)
	if len(one) != 1 || one[0]["patient"] != "p1" || one[0]["adc.lesion.original_firstorder_Mean"] != rows[2]["original_firstorder_Mean"] {
		t.Errorf("cohort %v, batch %v", one[0]["adc.lesion.original_firstorder_Mean"], rows[2]["original_firstorder_Mean"])
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{img, mask, "--series", "{modality: CT}"}, `modality is "MR", want "CT"`},
		{[]string{img, mask, "--series", "{mode: CT}"}, "mode"},
		{[]string{img, mask, "--suv", "x"}, "--suv: no normalisation"},
		{[]string{img, mask, "--label", "9"}, `no segment 9; there are 1 "Normal"`},
		{[]string{filepath.Join(dir, "study.yaml"), "--label", "2"}, "--label is for single cases"},
		{[]string{filepath.Join(dir, "study.yaml"), "-o", "x.txt"}, "want a name that ends in .csv"},
	} {
		code, _, errs := voxgene(append([]string{"extract"}, c.args...)...)
		if code == 0 || !strings.Contains(errs, c.want) {
			t.Errorf("%v: %d %s, want %q", c.args, code, errs, c.want)
		}
	}
}
