package extraction_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
)

// A lesion has the crop and the features that it has where it is the only one of its mask: the others are in nothing of it, though they lie within
// its crop.
func TestLesionsHaveTheirOwnCrops(t *testing.T) {
	dir := t.TempDir()
	img := filepath.Join(dir, "image.nii")
	g := image.Grid{Size: [3]int{20, 16, 12}, Spacing: [3]float64{1, 1, 1.5}, Direction: image.IdentityDirection}
	v := &image.Volume{Grid: g, Values: make([]float64, g.Voxels())}
	all := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	alone := map[uint16]*image.Mask{1: {Grid: g, Labels: make([]uint16, g.Voxels())}, 2: {Grid: g, Labels: make([]uint16, g.Voxels())}}
	for at := range v.Values {
		v.Values[at] = float64(at * 7919 % 211)
		x, y, z := at%20, at/20%16, at/320
		label := uint16(0)
		switch {
		case x >= 2 && x < 7 && y >= 3 && y < 8 && z >= 2 && z < 7:
			label = 1
		case x >= 9 && x < 13 && y >= 6 && y < 10 && z >= 4 && z < 8:
			label = 2
		}
		if label != 0 {
			all.Labels[at], alone[label].Labels[at] = label, 1
		}
	}
	if err := nifti.Write(img, v, image.Int16); err != nil {
		t.Fatal(err)
	}
	write := func(name string, m *image.Mask) string {
		path := filepath.Join(dir, name)
		if err := nifti.WriteMask(path, m); err != nil {
			t.Fatal(err)
		}
		return path
	}
	labelled := write("labels.nii", all)
	one := &image.Mask{Grid: g, Labels: slices.Clone(all.Labels)}
	for at, l := range one.Labels {
		one.Labels[at] = min(l, 1)
	}
	joined := write("joined.nii", one)
	first, second := write("first.nii", alone[1]), write("second.nii", alone[2])
	for _, how := range []string{"", ", mask: crop", ", mask: none, normalise: range", ", normalise: none"} {
		crop := "volume: {size: [14, 10, 8], spacing: [1, 1, 1.5]" + how + "}"
		for mask, text := range map[string]string{
			joined:   "{" + crop + ", lesions: {from: components}}",
			labelled: "{" + crop + ", regions: {r: [1, 2]}, lesions: {from: labels}}",
		} {
			p, err := plan(t, text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Extract(img, mask)
			if err != nil || len(got.Lesions) != 2 || got.Crop != nil {
				t.Fatalf("%s: %d lesions (%v)", text, len(got.Lesions), err)
			}
			for i, path := range []string{first, second} {
				p, err := plan(t, "{"+crop+"}")
				if err != nil {
					t.Fatal(err)
				}
				want, err := p.Extract(img, path)
				if err != nil {
					t.Fatal(err)
				}
				l, err := got.Lesion([]string{"1", "2"}[i])
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(l.Crop, want.Crop) || l.Grid != want.Grid {
					t.Errorf("%s: the crop of lesion %s is not that of the lesion alone", text, l.Name)
				}
				if len(l.Features) != len(want.Features) || l.Features[0].Value != want.Features[0].Value || !strings.HasSuffix(l.Features[0].Name, want.Features[0].Name) {
					t.Errorf("%s: %v, want %v", text, l.Features[0], want.Features[0])
				}
			}
			if _, err := got.Lesion("3"); err == nil || !strings.Contains(err.Error(), `no lesion "3"; there are 1, 2`) {
				t.Error(err)
			}
		}
	}
}
