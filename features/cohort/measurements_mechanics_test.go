package cohort

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
)

// reports is a folder with the reports of two patients, below one another, and a file of another kind.
func reports(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for from, to := range map[string]string{"one.dcm": "sr/one.dcm", "two.dcm": "sr/P2/two.dcm", "make.py": "sr/notes.txt"} {
		b, err := os.ReadFile(filepath.Join("../clinical/testdata", from))
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, to), b)
	}
	put(t, filepath.Join(dir, "p.csv"), []byte("patient,y\nP1,0\nP2,1\nP3,1\nP4,0\n"))
	return dir
}

func put(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

const reportConfig = `
cohort: {patients: p.csv, id: patient}
sources:
  - {name: sr, kind: measurement_report, path: sr%}
outcomes:
  - {name: y, kind: class, column: y}
`

func TestMeasurementReports(t *testing.T) {
	c, err := load(t, reports(t), strings.Replace(reportConfig, "%", "", 1))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, col := range c.Table.Columns {
		names = append(names, col.Name+" "+col.Unit)
	}
	want := []string{
		"sr.Emphysema Index ", "sr.Lymph node: Area mm2", "sr.Lymph node: Long Axis mm", "sr.Lymph node: Short Axis mm",
		"sr.Nodule: Attenuation Coefficient (Maximum) [hnsf'U]", "sr.Nodule: Attenuation Coefficient (Mean) [hnsf'U]", "sr.Nodule: Volume mm3",
		"sr.Image Quality ", "sr.Nodule: Associated Findings: Cavitation ", "sr.Nodule: Associated Findings: Pleural retraction ",
		"sr.Nodule: Radiographic Margin Characteristic ",
	}
	if !slices.Equal(names, want) {
		t.Errorf("columns\n%s\nwant\n%s", strings.Join(names, "\n"), strings.Join(want, "\n"))
	}
	if v := c.Table.Values[6]; v[0] != 1234.56789012345 || v[1] != 88.125 || len(v) != 2 {
		t.Errorf("volumes %v", v)
	}
	if margin := c.Table.Columns[10]; margin.Kind != table.Categorical || !slices.Equal(margin.Levels, []string{"Lesion with circumscribed margin", "Spiculated lesion"}) {
		t.Errorf("%+v", margin)
	}
	if s := c.Flow.Sources[0]; s.Have != 2 {
		t.Errorf("%+v", s)
	}
}

// Groups are named as the configuration says.
func TestMeasurementGroupNames(t *testing.T) {
	dir := reports(t)
	for by, want := range map[string]string{
		"finding": "sr.Nodule: Volume", "site": "sr.Lung (Left): Volume", "tracking": "sr.Lesion 1: Volume", "none": "sr.Volume",
	} {
		c, err := load(t, dir, strings.Replace(reportConfig, "%", ", groups: "+by, 1))
		if err != nil || c.Table.Find(want) < 0 {
			t.Errorf("%s: %v", by, err)
		}
	}
	root, err := settings.Parse("c.yaml", []byte(strings.Replace(reportConfig, "%", ", groups: colour", 1)))
	if err != nil {
		t.Fatal(err)
	}
	var p settings.Problems
	Decode(root, &p)
	if err := p.Err(); err == nil || !strings.Contains(err.Error(), `not "colour"`) {
		t.Errorf("%v", err)
	}
}

// A patient whose reports disagree is listed with both values, unless the column is not asked for. Two units are an error.
func TestMeasurementContradictions(t *testing.T) {
	dir := reports(t)
	b, err := os.ReadFile("../clinical/testdata/one.dcm")
	if err != nil {
		t.Fatal(err)
	}
	fourth, err := os.ReadFile("../clinical/testdata/two.dcm")
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "sr/four.dcm"), bytes.ReplaceAll(fourth, []byte("P2"), []byte("P4")))
	again := func(old, now string) []byte { return []byte(strings.Replace(string(b), old, now, 1)) }
	put(t, filepath.Join(dir, "sr/later.dcm"), again("12.25 ", "14.25 "))
	c, err := load(t, dir, strings.Replace(reportConfig, "%", "", 1))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Failures) != 1 || c.Failures[0].Patient != "P1" || c.Flow.Sources[0].Have != 2 {
		t.Fatalf("%+v", c.Failures)
	}
	for _, want := range []string{"Lymph node: Long Axis is 14.25 at", "and 12.25 at", "one.dcm, content item 1.2.2."} {
		if !strings.Contains(c.Failures[0].Reason, want) {
			t.Errorf("%s lacks %s", c.Failures[0].Reason, want)
		}
	}
	if c, err = load(t, dir, strings.Replace(reportConfig, "%", `, columns: ["Nodule: *"]`, 1)); err != nil || len(c.Failures) != 0 || c.Flow.Sources[0].Have != 3 {
		t.Errorf("%v %+v", err, c.Failures)
	}
	put(t, filepath.Join(dir, "sr/later.dcm"), again("mm3 ", "cm3 "))
	if _, err = load(t, dir, strings.Replace(reportConfig, "%", "", 1)); err == nil || !strings.Contains(err.Error(), `"cm3"`) {
		t.Errorf("two units: %v", err)
	}
	if _, err = load(t, dir, strings.Replace(reportConfig, "%", `, drop: ["Nodule: Volume"]`, 1)); err != nil {
		t.Errorf("two units of what is dropped: %v", err)
	}
	put(t, filepath.Join(dir, "sr/later.dcm"), b[:1000])
	if c, err = load(t, dir, strings.Replace(reportConfig, "%", "", 1)); err != nil || len(c.Failures) != 1 || !strings.Contains(c.Failures[0].Reason, "later.dcm") {
		t.Errorf("a file cut off: %v %+v", err, c.Failures)
	}
}
