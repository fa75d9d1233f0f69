package nrrd_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nrrd"
)

const good = "NRRD0004\ntype: short\ndimension: 3\nsizes: 2 1 1\nspacings: 1 1 1\nendian: little\nencoding: raw\n\n\x01\x00\x02\x00"

// write puts text into a file of its own.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What is wrong with a file is said with its line, and what was wanted.
func TestReadBadFile(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"cut off":       {"\x02\x00", "\x02", "the file can hold 3 at most"},
		"no magic":      {"NRRD", "NRDD", "not an NRRD file"},
		"version":       {"NRRD0004", "NRRD0009", "versions 1 to 5"},
		"type":          {"short", "block", `line 2: type: "block" is not a type`},
		"dimension":     {"dimension: 3", "dimension: 99", "line 3: dimension: 99: want 1 to 16"},
		"sizes":         {"2 1 1", "2 0 1", `line 4: sizes: "0"`},
		"huge":          {"2 1 1", "2000000000 2000000000 2000000000", "more than the limit"},
		"axes":          {"2 1 1", "2 1", "sizes: 2 for 3 axes"},
		"zero spacing":  {"spacings: 1 1 1", "spacings: 1 0 1", "spacing along axis 2 is 0"},
		"no spacing":    {"spacings: 1 1 1", "content: x", "the size of a voxel is not known"},
		"no endian":     {"endian: little\n", "", "field endian is missing"},
		"twice":         {"endian: little", "type: short", `line 6: field "type" a second time`},
		"encoding":      {"encoding: raw", "encoding: zip", "want raw, gzip, bzip2, text or hex"},
		"gzip":          {"encoding: raw", "encoding: gzip", "gzip data"},
		"text":          {"encoding: raw", "encoding: text", "is not a number of type int16"},
		"hex":           {"encoding: raw", "encoding: hex\n\nzzzzzzzz", "hexadecimal digit"},
		"not a field":   {"endian: little", "endian little", "neither a field"},
		"space":         {"endian: little", "endian: little\nspace: left-posterior-superior-time", "spaces of three axes"},
		"planar axes":   {"spacings: 1 1 1", "space directions: (1,0,0) (0,1,0) (1,1,0)", "one plane"},
		"vector":        {"dimension: 3\nsizes: 2 1 1\nspacings: 1 1 1", "dimension: 4\nsizes: 2 1 1 1\nkinds: vector domain domain domain\nspacings: nan 1 1 1", `axis 1 (kind "vector") holds 2 values`},
		"outside":       {"endian: little\n", "endian: little\ndata file: ../x.raw\n", "must lie in the folder of its header"},
		"skip past end": {"encoding: raw", "encoding: raw\nbyte skip: 77", "byte skip of 77"},
	} {
		_, err := nrrd.Read(write(t, "bad.nrrd", strings.Replace(good, c.from, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "bad.nrrd") {
			t.Errorf("%s: got %v, want %q with the file's name", name, err, c.want)
		}
	}
	if _, err := nrrd.Read(write(t, "good.nrrd", good)); err != nil {
		t.Error(err)
	}
	if _, err := nrrd.Read("absent.nrrd"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
}

// All that is wrong with a header is told at once.
func TestReadAllProblems(t *testing.T) {
	_, err := nrrd.Read(write(t, "bad.nrrd", "NRRD0004\ntype: short\ndimension: x\nsizes: 2 2 -1\nencoding: zip\n\n"))
	for _, want := range []string{"line 3", "line 4", "line 5"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %s", err, want)
		}
	}
}

// A mask is of whole labels.
func TestReadMaskLabels(t *testing.T) {
	text := "NRRD0004\ntype: float\ndimension: 3\nsizes: 3 1 1\nspacings: 1 1 1\nencoding: ascii\n\n"
	m, err := nrrd.ReadMask(write(t, "m.nrrd", text+"0 1 65535"))
	if err != nil || m.Labels[1] != 1 || m.Labels[2] != 65535 {
		t.Errorf("%v, %v", m, err)
	}
	for _, bad := range []string{"0 0.5 1", "0 -1 1", "0 65536 1", "0 nan 1", "0 inf 1"} {
		if _, err := nrrd.ReadMask(write(t, "m.nrrd", text+bad)); err == nil || !strings.Contains(err.Error(), "voxel (1, 0, 0) has the label") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// What is written is read back: to the bit, and on the same grid.
func TestWriteInvariant(t *testing.T) {
	g, err := image.NewGrid([3]int{4, 3, 2}, [3][3]float64{{0, 0.7, 0.1}, {-1.2, 0, 0}, {0, -0.4, 2.8}}, [3]float64{-10.125, 33.3, 1e3 / 3})
	if err != nil {
		t.Fatal(err)
	}
	v := &image.Volume{Grid: g, Values: make([]float64, g.Voxels())}
	for i := range v.Values {
		v.Values[i] = float64(i*i) - 7
	}
	path := filepath.Join(t.TempDir(), "v.nrrd")
	for _, kind := range []image.Type{image.Int16, image.Int32, image.Int64, image.Float32, image.Float64} {
		if err := nrrd.Write(path, v, kind); err != nil {
			t.Fatal(err)
		}
		back, err := nrrd.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := image.SameGrid(back.Grid, g, 1e-10); err != nil {
			t.Error(err)
		}
		for i := range v.Values {
			if back.Values[i] != v.Values[i] {
				t.Fatalf("%s: voxel %d is %g, was %g", kind, i, back.Values[i], v.Values[i])
			}
		}
		if back.Integer != kind.Integer() {
			t.Errorf("%s: Integer is %t", kind, back.Integer)
		}
	}
	for _, kind := range []image.Type{image.Uint8, image.Uint16} {
		if err := nrrd.Write(path, v, kind); err == nil || !strings.Contains(err.Error(), "value -7 of voxel 0") {
			t.Errorf("%s: %v", kind, err)
		}
	}
	m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	m.Labels[5], m.Labels[6] = 1, 300
	if err := nrrd.WriteMask(path, m); err != nil {
		t.Fatal(err)
	}
	back, err := nrrd.ReadMask(path)
	if err != nil || back.Labels[5] != 1 || back.Labels[6] != 300 || back.Labels[7] != 0 {
		t.Errorf("%v, %v", back, err)
	}
}
