package cohort

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
)

var lesionFiles = map[string]string{
	"patients.csv": "patient,age,idh\na,61,0\nb,40,1\nc,55,1\nd,33,0\n",
	"t1.csv":       "patient,lesion,volume\nb,1,5\na,10,1\na,2,2\na,1,3\nz,1,9\n",
	"pet.csv":      "patient,lesion,suv\na,2,7\nb,2,8\n",
	"response.csv": "patient,lesion,response\na,1,yes\na,2,no\nb,2,yes\n",
	"twice.csv":    "patient,lesion,visit,volume\na,1,b,1\na,1,m6,2\n",
	"blank.csv":    "patient,lesion,volume\na,1,1\na,,2\nb,,3\n",
}

const lesions = `
cohort: {patients: patients.csv, id: patient, unit: lesion}
sources:
  - {name: clinical, kind: table, path: patients.csv, group: clinical, columns: [age]}
  - {name: t1, kind: table, path: t1.csv, group: imaging, lesion: lesion}
  - {name: pet, kind: table, path: pet.csv, group: imaging, lesion: lesion}
outcomes:
  - {name: idh, kind: class, column: idh}
  - {name: response, kind: class, path: response.csv, lesion: lesion, column: response}
`

// describe lists the rows of a cohort with their values, columns in order.
func describe(c *Cohort) string {
	text := ""
	for i, k := range c.Table.Keys {
		text += c.Unit.Describe(k)
		for j := range c.Table.Columns {
			text += fmt.Sprintf(" %g", c.Table.Values[j][i])
		}
		for _, o := range c.Outcomes {
			text += fmt.Sprintf(" %d", o.Class[i])
		}
		text += "\n"
	}
	return text
}

// Rows are the lesions that any source tells apart, in order of patient and number; what is known of a patient holds for each, and an
// outcome is the patient's or the lesion's own. Patients without a lesion are left out and named.
func TestLesionRows(t *testing.T) {
	c, err := load(t, folder(t, lesionFiles), lesions)
	if err != nil {
		t.Fatal(err)
	}
	want := `a, lesion 1 61 3 NaN 0 1
a, lesion 2 61 2 7 0 0
a, lesion 10 61 1 NaN 0 -1
b, lesion 1 40 5 NaN 1 -1
b, lesion 2 40 NaN 8 1 1
`
	if got := describe(c); got != want {
		t.Errorf("rows are\n%swant\n%s", got, want)
	}
	if c.Flow.Patients != 2 || c.Flow.Rows != 5 || len(c.Flow.Excluded) != 2 || c.Flow.Excluded[0] != (Exclusion{"c", "no source has a lesion of the patient"}) {
		t.Errorf("flow %+v", c.Flow)
	}
	if p := c.Flow.Outcomes[1]; p.Have != 3 || len(p.Missing) != 2 {
		t.Errorf("response is known of %+v", p)
	}
}

func TestUnitRefuses(t *testing.T) {
	dir := folder(t, lesionFiles)
	const head = "cohort: {patients: patients.csv, id: patient, unit: lesion}\nsources:\n"
	for text, want := range map[string]string{
		"  - {name: c, kind: table, path: patients.csv, columns: [age]}\n":                                                                     "no source tells lesions apart: a table does with lesion: COLUMN",
		"  - {name: t, kind: table, path: twice.csv, lesion: lesion, visit: visit}\n":                                                          "a, lesion 1 has 2 (visits); say which counts with aggregate",
		"  - {name: t, kind: table, path: blank.csv, lesion: lesion}\n":                                                                        "2 rows have no lesion, the first of patient a",
		"  - {name: t, kind: table, path: t1.csv, lesion: lesion}\noutcomes: [{name: r, kind: class, path: response.csv, column: response}]\n": "a is on lines 2 and 3; one row is wanted; where it has a row a lesion, name its column with lesion: COLUMN",
	} {
		if _, err := load(t, dir, head+text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s got %v, want %q", text, err, want)
		}
	}
	one := "cohort: {patients: patients.csv, id: patient}\nsources: [{name: t, kind: table, path: t1.csv, lesion: lesion}]\n"
	if _, err := load(t, dir, one); err == nil || !strings.Contains(err.Error(), "1 patients have several rows, a has 3 (lesions); say which counts with aggregate: first, last, mean, median, min, max, or make each lesion a row with cohort: {unit: lesion}") {
		t.Errorf("several lesions, and a patient is a row: %v", err)
	}
	both := strings.Replace(head, "lesion", "visit", 1) + "  - {name: t, kind: table, path: twice.csv, lesion: lesion, visit: visit}\n"
	c, err := load(t, dir, both)
	if err != nil {
		t.Fatal(err)
	}
	if got := describe(c); got != "a, visit b 1\na, visit m6 2\n" {
		t.Error(got)
	}
}

// Each visit of images is a row; components of a mask are rows in order of their volume, with the features that each alone has.
func TestImageUnits(t *testing.T) {
	dir := scans(t)
	text := strings.Replace(fmt.Sprintf(scanned, "readers: {use: A}, visits: {each: [baseline, week6, never]}, columns: [original_shape_VoxelVolume]"), "id: patient}", "id: patient, unit: visit}", 1)
	c, err := load(t, dir, text)
	if err != nil {
		t.Fatal(err)
	}
	if got := describe(c); got != "p1, visit baseline 64 0\np1, visit week6 216 0\np2, visit baseline 64 1\np2, visit week6 216 1\n" {
		t.Errorf("visits are\n%s", got)
	}
	if n := len(c.Acquired["mr"]); n != 4 {
		t.Errorf("how %d scans were made is known", n)
	}
	g := image.Grid{Size: [3]int{12, 12, 12}, Spacing: [3]float64{1, 1, 1}, Direction: image.IdentityDirection}
	m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	for i := range m.Labels {
		x, y, z := i%12, i/12%12, i/144
		switch {
		case x < 3 && y < 3 && z < 3:
			m.Labels[i] = 1
		case x > 6 && y > 6 && z > 6:
			m.Labels[i] = 1
		case x == 0 && y == 11 && z == 0:
			m.Labels[i] = 1
		}
	}
	for _, p := range []string{"p1", "p2"} {
		if err := nifti.WriteMask(filepath.Join(dir, p, "baseline", "mask_C.nii"), m); err != nil {
			t.Fatal(err)
		}
	}
	text = strings.Replace(fmt.Sprintf(scanned, "readers: {use: C}, visits: {use: baseline}, lesions: {min_mm3: 5}, volume: {spacing: [1, 1, 1], size: [4, 4, 4]}, columns: [original_shape_VoxelVolume, original_firstorder_Mean]"), "id: patient}", "id: patient, unit: lesion}", 1)
	cfg, err := decode(t, text)
	if err != nil {
		t.Fatal(err)
	}
	store, err := work.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var first string
	var crops map[table.Key][]float32
	for range 2 { // once extracted, once from the store
		c, err := Load(context.Background(), cfg, dir, work.Pool{Store: store})
		if err != nil {
			t.Fatal(err)
		}
		got := describe(c)
		if first == "" {
			first, crops = got, c.Crops[0].Of
		}
		if !reflect.DeepEqual(c.Crops[0].Of, crops) || len(crops) != 4 || len(crops[table.Key{Patient: "p2", Lesion: "2"}]) != 128 {
			t.Errorf("crops of %v", slices.Collect(maps.Keys(crops)))
		}
		volumes := c.Table.Values[c.Table.Find("mr.original_shape_VoxelVolume")]
		if fmt.Sprint(volumes) != "[125 27 125 27]" || got != first || !strings.HasPrefix(got, "p1, lesion 1 ") || !strings.Contains(got, "p2, lesion 2 27 ") {
			t.Errorf("lesions are\n%s", got)
		}
	}
	// The mean of the large one by hand: voxel i of patient n has (7919 i + 31 n) mod 200.
	sum := 0
	for i, l := range m.Labels {
		if l == 1 && i%12 > 6 {
			sum += i * 7919 % 200
		}
	}
	c, err = load(t, dir, text)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Table.Values[c.Table.Find("mr.original_firstorder_Mean")][0]; got != float64(sum)/125 {
		t.Errorf("mean of the large lesion is %g, want %g", got, float64(sum)/125)
	}
}

func TestUnitOfKey(t *testing.T) {
	k := table.Key{Patient: "p", Visit: "v", Lesion: "2"}
	if table.PerLesion.Of(k) != (table.Key{Patient: "p", Lesion: "2"}) || table.Unit("").Of(k) != (table.Key{Patient: "p"}) {
		t.Error("a key is cut elsewhere")
	}
}
