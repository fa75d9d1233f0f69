package cohort

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
)

// folder writes files and returns where they are.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func decode(t *testing.T, text string) (Config, error) {
	t.Helper()
	n, err := settings.Parse("experiment.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var p settings.Problems
	c := Decode(n, &p)
	return c, p.Err()
}

func load(t *testing.T, dir, text string) (*Cohort, error) {
	t.Helper()
	cfg, err := decode(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return Load(context.Background(), cfg, dir, work.Pool{})
}

var files = map[string]string{
	"patients.csv":  "patient,age,sex,centre,idh,days,status,scanner\nc,50,F,B,1.0,900,1:DECEASED,s1\na,61,M,A,0.0,100,0:LIVING,s1\nb,NA,F,A,,0,1:DECEASED,s2\nd,33,M,B,1,50,,s2\n",
	"radiomics.csv": "ID,diagnostics_Image-original_Hash,original_shape_Sphericity,wavelet_x\na,ff,0.5,1\nc,ee,0.6,2\nz,dd,0.7,3\n",
	"out.csv":       "patient,reason\nd,withdrew consent\n",
}

const experiment = `
cohort: {patients: patients.csv, id: patient, site: centre, exclude: out.csv}
sources:
  - {name: clinical, kind: table, path: patients.csv, group: clinical, columns: [age, sex], units: {age: a}}
  - {name: t1, kind: table, path: radiomics.csv, id: ID, group: imaging, columns: ["original_*"], batch: scanner}
outcomes:
  - {name: idh, kind: class, column: idh, known_from: [sex]}
  - {name: os, kind: survival, time: days, event: status, origin: imaging, unit: d}
`

func TestLoad(t *testing.T) {
	c, err := load(t, folder(t, files), experiment)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Table.Keys; len(got) != 3 || got[0].Patient != "a" || got[1].Patient != "b" || got[2].Patient != "c" {
		t.Fatalf("rows %v", got)
	}
	names := []string{}
	for _, col := range c.Table.Columns {
		names = append(names, col.Name+"/"+col.Group+"/"+col.Unit)
	}
	if want := []string{"clinical.age/clinical/a", "clinical.sex/clinical/", "t1.original_shape_Sphericity/imaging/"}; !slices.Equal(names, want) {
		t.Errorf("columns %v", names)
	}
	if v := c.Table.Values[2]; v[0] != 0.5 || !table.Missing(v[1]) || v[2] != 0.6 {
		t.Errorf("sphericity %v", v)
	}
	idh, os := c.Outcomes[0], c.Outcomes[1]
	if !slices.Equal(idh.Classes, []string{"0", "1"}) || !slices.Equal(idh.Class, []int{0, -1, 1}) {
		t.Errorf("idh %+v", idh)
	}
	if os.Time[0] != 100 || os.Event[0] != 0 || os.Known(1) || os.Time[2] != 900 || os.Event[2] != 1 || os.Unit != "d" || os.Origin != "imaging" {
		t.Errorf("os %+v", os)
	}
	if !slices.Equal(c.KnownFrom[0], []string{"clinical.sex"}) || len(c.KnownFrom[1]) != 0 {
		t.Errorf("known from %v", c.KnownFrom)
	}
	if !slices.Equal(c.Sites, []string{"A", "A", "B"}) || !slices.Equal(c.Batches["t1"], []string{"s1", "s2", "s1"}) {
		t.Errorf("sites %v, batches %v", c.Sites, c.Batches)
	}
	f := c.Flow
	if f.Listed != 4 || f.Patients != 3 || len(f.Excluded) != 1 || f.Excluded[0] != (Exclusion{"d", "withdrew consent"}) || f.Unlisted["t1"] != 1 {
		t.Errorf("flow %+v", f)
	}
	if f.Sources[1].Have != 2 || f.Sources[1].Missing[0].Patient != "b" || f.Outcomes[1].Have != 2 || !strings.Contains(f.Outcomes[1].Missing[0].Reason, "time is 0") {
		t.Errorf("flow %+v", f)
	}
	var b strings.Builder
	if err := f.Write(&b); err != nil || !strings.Contains(b.String(), "source t1: 2 patients, 1 without") {
		t.Errorf("%v %s", err, b.String())
	}
}

// The order of rows in a file decides nothing.
func TestFileOrder(t *testing.T) {
	one, err := load(t, folder(t, files), experiment)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(files["patients.csv"]), "\n")
	slices.Reverse(lines[1:])
	other := map[string]string{"radiomics.csv": files["radiomics.csv"], "out.csv": files["out.csv"], "patients.csv": strings.Join(lines, "\n")}
	two, err := load(t, folder(t, other), experiment)
	if err != nil {
		t.Fatal(err)
	}
	var a, b strings.Builder
	if err := table.WriteText(&a, one.Table, ','); err != nil {
		t.Fatal(err)
	}
	if err := table.WriteText(&b, two.Table, ','); err != nil {
		t.Fatal(err)
	}
	if a.String() != b.String() {
		t.Errorf("%s\n%s", a.String(), b.String())
	}
}

// Columns that outcomes are made of are features only where a source names them, and then not of that outcome.
func TestOutcomesAreNoFeatures(t *testing.T) {
	c, err := load(t, folder(t, files), strings.ReplaceAll(strings.ReplaceAll(experiment, "columns: [age, sex], units: {age: a}", "drop: [scanner]"), ", known_from: [sex]", ""))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"clinical.idh", "clinical.days", "clinical.status"} {
		if c.Table.Find(name) >= 0 {
			t.Errorf("%s is a feature", name)
		}
	}
	c, err = load(t, folder(t, files), strings.ReplaceAll(experiment, "columns: [age, sex]", "columns: [age, sex, idh]"))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(c.KnownFrom[0], "clinical.idh") || slices.Contains(c.KnownFrom[1], "clinical.idh") {
		t.Errorf("known from %v", c.KnownFrom)
	}
}

// A batch is a column only where a step of the pipeline takes it.
func TestBatchColumn(t *testing.T) {
	c, err := load(t, folder(t, files), experiment)
	if err != nil || c.Table.Find("t1.batch") >= 0 {
		t.Errorf("%v %v", err, c.Table.Columns)
	}
	c, err = load(t, folder(t, files), experiment+"pipeline: [{step: impute}, {step: harmonise, on: t1}]\n")
	if err != nil {
		t.Fatal(err)
	}
	j := c.Table.Find("t1.batch")
	if j < 0 || c.Table.Columns[j].Group != "batch" || !slices.Equal(c.Table.Columns[j].Levels, []string{"s1", "s2"}) || !slices.Equal(c.Table.Values[j], []float64{0, 1, 0}) {
		t.Errorf("%v %v", c.Table.Columns, c.Table.Values)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"name: x", `"cohort" is missing`},
		{"cohort: {patients: p.csv}\nsources: [{name: a, kind: tabel, path: x}]", `did you mean "table"`},
		{"cohort: {patients: p.csv}\nsources: [{name: a, kind: table, pth: x}]", `did you mean "path"`},
		{"cohort: {patients: p.csv}\nsources: [{name: a, kind: table, path: x}, {name: a, kind: table, path: x}]", `two sources are named "a"`},
		{"cohort: {patients: p.csv}\nsources: [{name: a.b, kind: table, path: x}]", "no dot"},
		{"cohort: {patients: p.csv, unit: slice}\nsources: [{name: a, kind: table, path: x}]", "brought to one with aggregate"},
		{"cohort: {patients: p.csv}\nsources: [{name: a, kind: table, path: x}]\noutcomes: [{name: o, kind: class, column: t, path: l.csv, lesion: l}]", "wants cohort: {unit: lesion}"},
		{"cohort: {patients: p.csv, unit: visit}\nsources: [{name: a, kind: table, path: x}]\noutcomes: [{name: o, kind: class, column: t, visit: v}]", "a table of its own, with path"},
		{"cohort: {patients: p.csv}\nsources: [{name: a, kind: table, path: x}]\noutcomes: [{name: o, kind: survival, time: t, event: e, origin: imaging}]", `"unit" is missing`},
		{"cohort: {patients: p.csv}\nsources: [{name: a, kind: table, path: x}]\noutcomes: [{name: o, kind: survival, time: t, event: e, origin: imaging, unit: days}]", "UCUM"},
		{"cohort: {patients: p.csv}\nsources: [{name: a, kind: table, path: x}]\noutcomes: [{name: o, kind: clas, column: t}]", "class or survival"},
		{"cohort: {patients: p.csv}\nsources: [{name: a, kind: table, path: x, id_pattern: '('}]", "missing closing"},
		{"cohort: {patients: p.csv}\nsources: [{name: a, kind: table, path: x, kinds: {g: {ordinal: [a]}}}]", "lowest"},
	} {
		_, err := decode(t, c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n%v\nlacks %q", c.text, err, c.want)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"path: radiomics.csv", "path: nothing.csv", "source t1"},
		{"known_from: [sex]", "known_from: [sxe]", `known_from: no column has the form "sxe"`},
		{"column: idh", "column: idhh", `did you mean "idh"`},
		{"id: ID,", "", ""}, // found by looking
		{"exclude: out.csv", "exclude: radiomics.csv", "reason"},
		{"time: days", "time: sex", `time "M" is not a number`},
		{"event: status", "event: centre", `event "A" has no known meaning`},
	} {
		_, err := load(t, folder(t, files), strings.ReplaceAll(experiment, c.from, c.to))
		if c.want == "" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nlacks %q", c.to, err, c.want)
		}
	}
	twice := map[string]string{"patients.csv": "patient,idh,days,status,centre,scanner,age,sex\na,1,2,1,A,s,3,F\na,0,2,1,A,s,3,F\n", "radiomics.csv": files["radiomics.csv"]}
	if _, err := load(t, folder(t, twice), strings.ReplaceAll(experiment, ", exclude: out.csv", "")); err == nil || !strings.Contains(err.Error(), "lines 2 and 3") {
		t.Error(err)
	}
}
