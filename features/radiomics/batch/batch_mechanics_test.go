package batch_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nrrd"
	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/features/radiomics/batch"
	"github.com/voxgene/voxgene/features/work"
)

// All problems of a batch file come at once, with row and column; paths are relative to it.
func TestReadList(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) string {
		path := filepath.Join(dir, "cases.csv")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cases, extra, err := batch.ReadList(write("\xef\xbb\xbfID,Image,Mask,Label\np1,a.nrrd,sub/m.nrrd,2\np2,/abs.nrrd,m.nrrd,\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []batch.Case{
		{Image: filepath.Join(dir, "a.nrrd"), Mask: filepath.Join(dir, "sub", "m.nrrd"), Labels: []int{2}, Layer: -1, Extra: map[string]string{"ID": "p1"}},
		{Image: "/abs.nrrd", Mask: filepath.Join(dir, "m.nrrd"), Layer: -1, Extra: map[string]string{"ID": "p2"}},
	}
	if !reflect.DeepEqual(cases, want) || !reflect.DeepEqual(extra, []string{"ID"}) {
		t.Errorf("got %+v, %v", cases, extra)
	}
	_, _, err = batch.ReadList(write("Image,Mask,Label,Label_channel\n,m.nrrd,1,\na.nrrd,m.nrrd,x,\na.nrrd,m.nrrd,1,-3\n"))
	for _, part := range []string{"row 2: column Image is empty", "row 3: column Label is \"x\"", "row 4: column Label_channel is \"-3\""} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want %s", err, part)
		}
	}
	for _, text := range []string{"", "Image,Mask\n", "Image,Label\na,1\n", "Image,Image,Mask\na,a,m\n", "Image,Mask\na\n"} {
		if _, _, err := batch.ReadList(write(text)); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

// A case is read once for its labels, one bad label leaves the others, and a store knows a case by its content and parameters.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	g := image.Grid{Size: [3]int{8, 8, 8}, Spacing: [3]float64{1, 1, 1}, Direction: image.IdentityDirection}
	v := &image.Volume{Grid: g, Integer: true, Values: make([]float64, g.Voxels())}
	m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	for i := range v.Values {
		v.Values[i] = float64(i * 7 % 90)
		m.Labels[i] = uint16(i / 200)
	}
	scan, mask := filepath.Join(dir, "a.nrrd"), filepath.Join(dir, "m.nrrd")
	if err := errors.Join(nrrd.Write(scan, v, image.Int16), nrrd.WriteMask(mask, m)); err != nil {
		t.Fatal(err)
	}
	store, err := work.OpenStore(filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	cases := []batch.Case{{Image: scan, Mask: mask}, {Image: scan, Mask: mask, Labels: []int{1, 9}}}
	run := func(p radiomics.Params) []batch.Outcome {
		o, err := batch.Run(context.Background(), cases, batch.PyRadiomics(p), work.Pool{Store: store})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	p := radiomics.DefaultParams()
	first := run(p)
	if len(first[0].Rows) != 2 || first[0].Rows[1].Label != 2 || len(first[1].Rows) != 1 || len(first[1].Errors) != 1 || first[0].Stored {
		t.Fatalf("got %+v", first)
	}
	again := run(p)
	if !again[0].Stored || !reflect.DeepEqual(again[0].Rows, first[0].Rows) || len(again[1].Errors) != 1 {
		t.Error("the store gave something else, or nothing")
	}
	p.Images[0].Settings.BinWidth = 5
	if other := run(p); other[0].Stored || reflect.DeepEqual(other[0].Rows, first[0].Rows) {
		t.Error("other parameters, and the store did not see it")
	}
}

// A case whose image is too small for a sigma lacks the columns of that image alone: in a table of several cases they stay, with an empty
// cell (PyRadiomics' imageoperations.getLoGImage and scripts.segment). What was left out is said once for all labels of a case, also when
// the store gives the result.
func TestLeftOutColumns(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, slices int) batch.Case {
		g := image.Grid{Size: [3]int{9, 9, slices}, Spacing: [3]float64{1, 1, 1}, Direction: image.IdentityDirection}
		v := &image.Volume{Grid: g, Integer: true, Values: make([]float64, g.Voxels())}
		m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
		for i := range v.Values {
			v.Values[i], m.Labels[i] = float64(i*7%90), uint16(1+i%2)
		}
		c := batch.Case{Image: filepath.Join(dir, name+".nrrd"), Mask: filepath.Join(dir, name+"-mask.nrrd")}
		if err := errors.Join(nrrd.Write(c.Image, v, image.Int16), nrrd.WriteMask(c.Mask, m)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	cases := []batch.Case{write("small", 5), write("large", 9)}
	p, err := radiomics.ParseParams("p.yaml", []byte("{imageType: {LoG: {sigma: [1.0, 5.0]}}, featureClass: {firstorder: [Mean]}, setting: {additionalInfo: false}}"))
	if err != nil {
		t.Fatal(err)
	}
	store, err := work.OpenStore(filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		outcomes, err := batch.Run(context.Background(), cases, batch.PyRadiomics(p), work.Pool{Store: store})
		if err != nil || outcomes[0].Err != nil {
			t.Fatal(err, outcomes[0].Err)
		}
		if n := outcomes[0].Notes(); len(n) != 1 || !strings.Contains(n[0], "sigma 5.0 mm is left out: it needs 6 voxels along z, and the image has 5") || outcomes[1].Notes() != nil {
			t.Errorf("notes %q and %q", n, outcomes[1].Notes())
		}
		var b strings.Builder
		if err := batch.NewSheet(cases, nil, outcomes).Write(&b, "x.csv"); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(b.String()), "\n")
		if !strings.HasSuffix(lines[0], "log-sigma-1-0-mm-3D_firstorder_Mean,log-sigma-5-0-mm-3D_firstorder_Mean") {
			t.Errorf("columns are %s", lines[0])
		}
		for i, empty := range []bool{true, true, false, false} {
			if cells := strings.Split(lines[i+1], ","); cells[3] == "" || (cells[4] == "") != empty {
				t.Errorf("row %d is %s", i, lines[i+1])
			}
		}
	}
}
