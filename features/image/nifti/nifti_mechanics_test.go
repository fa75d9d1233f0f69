package nifti_test

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
)

// volume is a small oblique volume of whole numbers.
func volume(t testing.TB) *image.Volume {
	t.Helper()
	c, s := math.Cos(0.3), math.Sin(0.3)
	g, err := image.NewGrid([3]int{4, 3, 2}, [3][3]float64{{0.7 * c, 0.7 * s, 0}, {-1.1 * s, 1.1 * c, 0}, {0, 0, -2.5}}, [3]float64{-120.25, 33, 900})
	if err != nil {
		t.Fatal(err)
	}
	v := &image.Volume{Grid: g, Values: make([]float64, g.Voxels())}
	for i := range v.Values {
		v.Values[i] = float64(i * 10)
	}
	return v
}

// What is written is read back, plain and gzip, by sform and by qform.
func TestWriteInvariant(t *testing.T) {
	v := volume(t)
	for _, name := range []string{"v.nii", "v.nii.gz"} {
		path := filepath.Join(t.TempDir(), name)
		for kind := image.Uint8; kind <= image.Float64; kind++ {
			if err := nifti.Write(path, v, kind); err != nil {
				t.Fatal(err)
			}
			back, err := nifti.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := image.SameGrid(back.Grid, v.Grid, 1e-4); err != nil {
				t.Error(err)
			}
			for i := range v.Values {
				if back.Values[i] != v.Values[i] {
					t.Fatalf("%s as %s: voxel %d is %g, was %g", name, kind, i, back.Values[i], v.Values[i])
				}
			}
			if back.Integer != kind.Integer() {
				t.Errorf("%s: Integer is %t", kind, back.Integer)
			}
		}
	}
	b, err := nifti.Encode(v.Grid, v.Values, image.Int16)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint16(b[254:], 0) // no sform: the quaternion decides
	path := filepath.Join(t.TempDir(), "q.nii")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	back, err := nifti.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := image.SameGrid(back.Grid, v.Grid, 1e-4); err != nil {
		t.Error(err)
	}
	m := &image.Mask{Grid: v.Grid, Labels: make([]uint16, v.Voxels())}
	m.Labels[3] = 4
	if err := nifti.WriteMask(path, m); err != nil {
		t.Fatal(err)
	}
	if back, err := nifti.ReadMask(path); err != nil || back.Labels[3] != 4 || back.Labels[4] != 0 {
		t.Errorf("%v, %v", back, err)
	}
}

// A slope of 0 or NaN scales nothing; a fraction makes the volume one of real numbers.
func TestScaling(t *testing.T) {
	v := volume(t)
	for _, c := range []struct {
		slope, inter, want float64
		integer            bool
	}{{0, 7, 10, true}, {math.NaN(), 7, 10, true}, {2, 7, 27, false}, {0.5, 0, 5, false}, {1, 0.25, 10.25, false}} {
		b, err := nifti.Encode(v.Grid, v.Values, image.Int16)
		if err != nil {
			t.Fatal(err)
		}
		binary.LittleEndian.PutUint32(b[112:], math.Float32bits(float32(c.slope)))
		binary.LittleEndian.PutUint32(b[116:], math.Float32bits(float32(c.inter)))
		path := filepath.Join(t.TempDir(), "v.nii")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := nifti.Read(path)
		if err != nil || got.Values[1] != c.want || got.Integer != c.integer {
			t.Errorf("slope %g, intercept %g: %g, integer %t (%v)", c.slope, c.inter, got.Values[1], got.Integer, err)
		}
	}
}

// What is wrong with a file is said in the words of the standard.
func TestReadBadFile(t *testing.T) {
	v := volume(t)
	good, err := nifti.Encode(v.Grid, v.Values, image.Int16)
	if err != nil {
		t.Fatal(err)
	}
	put16 := func(at, x int) func([]byte) []byte {
		return func(b []byte) []byte { binary.LittleEndian.PutUint16(b[at:], uint16(x)); return b }
	}
	put32 := func(at int, x float64) func([]byte) []byte {
		return func(b []byte) []byte {
			binary.LittleEndian.PutUint32(b[at:], math.Float32bits(float32(x)))
			return b
		}
	}
	for name, c := range map[string]struct {
		change func([]byte) []byte
		want   string
	}{
		"cut off":        {func(b []byte) []byte { return b[:len(b)-1] }, "4×3×2 voxels of type int16 are 48 bytes, and the file can hold 47"},
		"header only":    {func(b []byte) []byte { return b[:348] }, "ends before its voxels"},
		"half a header":  {func(b []byte) []byte { return b[:200] }, "not a NIfTI file"},
		"empty":          {func(b []byte) []byte { return nil }, "not a NIfTI file"},
		"analyze":        {func(b []byte) []byte { copy(b[344:], "\x00\x00\x00\x00"); return b }, "Analyze 7.5"},
		"complex":        {put16(70, 32), "voxels of type complex64"},
		"colour":         {put16(70, 128), "voxels of type RGB24"},
		"datatype":       {put16(70, 77), "datatype 77 is none of NIfTI"},
		"dimensions":     {put16(40, 9), "dim[0] is 9"},
		"negative":       {put16(42, -4), "dim[1] is -4"},
		"volumes":        {func(b []byte) []byte { return put16(48, 30)(put16(40, 4)(b)) }, "30 volumes in the file"},
		"vector":         {func(b []byte) []byte { return put16(50, 3)(put16(40, 5)(b)) }, "3 values a voxel"},
		"zero spacing":   {func(b []byte) []byte { return put32(84, 0)(put16(254, 0)(b)) }, "by qform: spacing along j is 0"},
		"shear":          {put32(284, 0.7), "from a right angle"},
		"units":          {func(b []byte) []byte { b[123] = 5; return b }, "xyzt_units is 5"},
		"vox_offset":     {put32(108, 100), "vox_offset is 100"},
		"vox_offset NaN": {put32(108, math.NaN()), "vox_offset is NaN"},
		"intercept":      {put32(116, math.Inf(1)), "scl_inter is +Inf"},
		"bad gzip":       {func(b []byte) []byte { return []byte("\x1f\x8b\x07") }, "gzip"},
	} {
		path := filepath.Join(t.TempDir(), "bad.nii")
		if err := os.WriteFile(path, c.change(append([]byte(nil), good...)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := nifti.Read(path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "bad.nii") {
			t.Errorf("%s: got %v, want %q with the file's name", name, err, c.want)
		}
	}
	if _, err := nifti.Read(filepath.Join("testdata", "pair.img")); err != nil {
		t.Error(err)
	}
}
