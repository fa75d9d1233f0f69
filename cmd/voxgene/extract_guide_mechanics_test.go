package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nrrd"
)

// Every command of docs/extract.md works, in order, on the files that the page itself shows.
func TestExtractGuide(t *testing.T) {
	page, err := os.ReadFile("../../docs/extract.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	g := image.Grid{Size: [3]int{24, 20, 12}, Spacing: [3]float64{1, 1, 2}, Direction: image.IdentityDirection}
	v := &image.Volume{Grid: g, Integer: true, Values: make([]float64, g.Voxels())}
	m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				o := g.Index(i, j, k)
				v.Values[o] = float64((37*i*j+11*k*k+5*i)%400 - 150)
				if i > 4 && i < 20 && j > 4 && j < 16 && k > 2 && k < 9 {
					m.Labels[o] = uint16(1 + i/12)
				}
			}
		}
	}
	if err := nrrd.Write(filepath.Join(dir, "scan.nrrd"), v, image.Int16); err != nil {
		t.Fatal(err)
	}
	if err := nrrd.WriteMask(filepath.Join(dir, "mask.nrrd"), m); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	commands := 0
	for _, block := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```").FindAllStringSubmatch(string(page), -1) {
		switch block[1] {
		case "yaml", "csv": // the first line names the file
			first, rest, _ := strings.Cut(block[2], "\n")
			if err := os.WriteFile(strings.TrimPrefix(first, "# "), []byte(rest), 0o600); err != nil {
				t.Fatal(err)
			}
		case "sh":
			for line := range strings.Lines(block[2]) {
				args := strings.Fields(line)
				if code, _, errs := voxgene(args[1:]...); code != 0 {
					t.Errorf("%s: exit %d: %s", strings.TrimSpace(line), code, errs)
				}
				commands++
			}
		}
	}
	if commands != 17 {
		t.Errorf("%d commands on the page; this test knows 17", commands)
	}
}
