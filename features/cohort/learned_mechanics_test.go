package cohort

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
)

// mr writes a scan of each patient, with a gain and a tissue of the patient's own.
func mr(t *testing.T, patients int) string {
	t.Helper()
	dir := t.TempDir()
	list := "patient,idh\n"
	g := image.Grid{Size: [3]int{14, 14, 14}, Spacing: [3]float64{1, 1, 1}, Direction: image.IdentityDirection}
	m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	for i := range m.Labels {
		if i%14 > 3 && i%14 < 10 && i/14%14 > 3 && i/14%14 < 10 && i/196 > 3 && i/196 < 10 {
			m.Labels[i] = 1
		}
	}
	if err := nifti.WriteMask(filepath.Join(dir, "mask.nii"), m); err != nil {
		t.Fatal(err)
	}
	for p := range patients {
		list += fmt.Sprintf("p%d,%d\n", p+1, p%2)
		v := &image.Volume{Grid: g, Values: make([]float64, g.Voxels())}
		for i := range v.Values {
			x := float64(i*7919%(101+10*p)) + 20
			v.Values[i] = math.Round(float64(1+p) * x * (1 + float64(p)*x/200))
		}
		if err := nifti.Write(filepath.Join(dir, fmt.Sprintf("p%d.nii", p+1)), v, image.Int32); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "patients.csv"), []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

const learnedFile = `
cohort: {patients: %s, id: patient}
sources:
  - {name: mr, kind: images, image: "{patient}.nii", mask: "mask.nii-{patient}", normalise: {method: nyul},
     parameters: {featureClass: {firstorder: [Mean, Median], glcm: [Contrast]}, setting: {binWidth: 5}}}
outcomes: [{name: idh, kind: class, column: idh}]
`

// What some patients teach is what a cohort of those patients alone learns, whatever the others' images are; and a bundle's source gives
// the columns of the cohort that it was learned on.
func TestRelearn(t *testing.T) {
	dir := mr(t, 6)
	for p := range 6 { // the pattern of a mask has to name the patient
		b, err := os.ReadFile(filepath.Join(dir, "mask.nii"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("mask.nii-p%d", p+1)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "some.csv"), []byte("patient,idh\np2,1\np3,0\np5,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	of := func(list string) (Config, *Cohort) {
		n, err := settings.Parse("experiment.yaml", fmt.Appendf(nil, learnedFile, list))
		if err != nil {
			t.Fatal(err)
		}
		var p settings.Problems
		cfg := Decode(n, &p)
		if err := p.Err(); err != nil {
			t.Fatal(err)
		}
		c, err := Load(context.Background(), cfg, dir, work.Pool{})
		if err != nil {
			t.Fatal(err)
		}
		return cfg, c
	}
	cfg, whole := of("patients.csv")
	_, some := of("some.csv")
	if !whole.Learns() {
		t.Fatal("the cohort learns nothing")
	}
	relearned, err := whole.Relearn(context.Background(), []string{"p5", "p2", "p3"}, work.Pool{})
	if err != nil {
		t.Fatal(err)
	}
	if relearned.Rows() != 6 {
		t.Fatalf("%d rows", relearned.Rows())
	}
	for j, c := range relearned.Columns {
		at := some.Table.Find(c.Name)
		before := whole.Table.Values[whole.Table.Find(c.Name)]
		for i, k := range some.Table.Keys {
			row := slices.IndexFunc(relearned.Keys, func(o table.Key) bool { return o.Patient == k.Patient })
			if got, want := relearned.Values[j][row], some.Table.Values[at][i]; got != want {
				t.Errorf("%s of %s: %g, and %g in a cohort of its own", c.Name, k.Patient, got, want)
			}
			if c.Name == "mr.original_firstorder_Median" && before[row] == relearned.Values[j][row] {
				t.Errorf("%s of %s is %g whoever teaches", c.Name, k.Patient, before[row])
			}
		}
	}
	sources, err := cfg.ImageSources(dir)
	if err != nil {
		t.Fatal(err)
	}
	row, err := sources[0].Extract(context.Background(), extraction.Files{Image: filepath.Join(dir, "p4.nii"), Mask: filepath.Join(dir, "mask.nii")})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range row.Features {
		if got, want := f.Value, whole.Table.Values[whole.Table.Find(f.Name)][3]; got != want {
			t.Errorf("%s from the bundle's source is %g, want %g", f.Name, got, want)
		}
	}
	again, _ := of("some.csv")
	again.UseScales(sources)
	other, err := Load(context.Background(), again, dir, work.Pool{})
	if err != nil || other.Learns() {
		t.Fatalf("with the scale of training it learns again (%v)", err)
	}
	if got, want := other.Table.Values[0][1], whole.Table.Values[0][2]; got != want {
		t.Errorf("another hospital's p3 is measured as %g, want %g", got, want)
	}
}
