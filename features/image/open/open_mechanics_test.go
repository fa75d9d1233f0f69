package open_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
	"github.com/voxgene/voxgene/features/image/nrrd"
	"github.com/voxgene/voxgene/features/image/open"
)

// pair is a small volume and a mask of labels 1 and 3 on its grid.
func pair(t testing.TB) (*image.Volume, *image.Mask) {
	t.Helper()
	g, err := image.NewGrid([3]int{4, 3, 2}, [3][3]float64{{0.7, 0, 0}, {0, -1.1, 0}, {0, 0, 2.5}}, [3]float64{-120.25, 33, 900})
	if err != nil {
		t.Fatal(err)
	}
	v := &image.Volume{Grid: g, Values: make([]float64, g.Voxels())}
	for i := range v.Values {
		v.Values[i] = float64(i)
	}
	m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	m.Labels[2], m.Labels[3], m.Labels[7] = 1, 1, 3
	return v, m
}

// files writes the pair in every format that is written, under names that tell and names that do not.
func files(t testing.TB) (images, masks []string) {
	t.Helper()
	v, m := pair(t)
	dir := t.TempDir()
	for _, name := range []string{"a.nii", "a.nii.gz", "a.nrrd"} {
		img, mask := filepath.Join(dir, name), filepath.Join(dir, "m"+name)
		var err error
		if strings.HasSuffix(name, "nrrd") {
			err = nrrd.Write(img, v, image.Int16)
		} else {
			err = nifti.Write(img, v, image.Int16)
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "nrrd") {
			err = nrrd.WriteMask(mask, m)
		} else {
			err = nifti.WriteMask(mask, m)
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(img)
		if err != nil {
			t.Fatal(err)
		}
		bare := filepath.Join(dir, strings.ReplaceAll(name, ".", "_"))
		if err := os.WriteFile(bare, b, 0o600); err != nil {
			t.Fatal(err)
		}
		images, masks = append(images, img, bare), append(masks, mask)
	}
	return images, masks
}

// A format is told by content, whatever the name.
func TestFormats(t *testing.T) {
	want, _ := pair(t)
	images, masks := files(t)
	for _, path := range images {
		v, err := open.Volume(path)
		if err != nil {
			t.Error(err)
			continue
		}
		g, err := open.Grid(path)
		if err != nil || g != v.Grid {
			t.Errorf("%s: grid %+v (%v)", path, g, err)
		}
		if image.SameGrid(v.Grid, want.Grid, 1e-4) != nil || v.Values[5] != 5 {
			t.Errorf("%s: %+v", path, v)
		}
		for _, mask := range masks {
			m, err := open.MaskOn(mask, v.Grid, 3)
			if err != nil || m.Labels[7] != 3 || m.Labels[2] != 0 {
				t.Errorf("%s: %v", mask, err)
			}
			labels, err := open.Labels(mask)
			if err != nil || len(labels) != 2 || labels[0].Number != 1 || labels[1].Number != 3 {
				t.Errorf("%s: labels %v (%v)", mask, labels, err)
			}
			if m, err := open.MaskFor(mask, path); err != nil || m.Labels[2] != 1 {
				t.Errorf("%s: %v", mask, err)
			}
		}
	}
}

func TestBad(t *testing.T) {
	v, _ := pair(t)
	_, masks := files(t)
	other := v.Grid
	other.Origin[1] += 4
	if _, err := open.MaskOn(masks[0], other); err == nil || !strings.Contains(err.Error(), "image and mask are not on one grid: origin") || !strings.Contains(err.Error(), "4 mm apart") {
		t.Errorf("moved: %v", err)
	}
	if _, err := open.MaskOn(masks[0], v.Grid, 2); err == nil || !strings.Contains(err.Error(), "no voxel has the label 2; there are: 1, 3") {
		t.Errorf("label: %v", err)
	}
	dir := t.TempDir()
	for name, c := range map[string]struct{ content, want string }{
		"x.txt": {"hello", "not an image that is read"}, "x.nii": {"hello", "not a NIfTI file"}, "x.nrrd": {"hello", "not an NRRD file"},
		"x.dcm": {"hello, but longer than that", "not a DICOM file"}, "empty": {"", "not an image that is read"}, "x.zip": {"PK\x03\x04 and no more", "zip"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := open.Volume(path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	if _, err := open.Volume(filepath.Join(dir, "absent")); !os.IsNotExist(err) {
		t.Errorf("absent: %v", err)
	}
}

// The hash of a folder is of its files' content, in whatever order and under whatever names.
func TestHash(t *testing.T) {
	folder := func(files map[string]string) []byte {
		dir := t.TempDir()
		for name, content := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		sum, err := open.Hash(dir)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	a, renamed, changed := folder(map[string]string{"1": "x", "2": "y"}), folder(map[string]string{"a": "y", "b": "x"}), folder(map[string]string{"1": "x", "2": "z"})
	if !bytes.Equal(a, renamed) || bytes.Equal(a, changed) {
		t.Errorf("%x, %x, %x", a, renamed, changed)
	}
}
