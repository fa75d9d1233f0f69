package image_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
)

// The error names what differs, by how many mm, and never advises a wider tolerance.
func TestSameGrid(t *testing.T) {
	g := oblique(t, [3]int{100, 80, 40})
	if err := image.SameGrid(g, g, 0); err != nil {
		t.Error(err)
	}
	turned := g
	for r := range 3 {
		turned.Direction[3*r] = -g.Direction[3*r]
	}
	for name, c := range map[string]struct {
		change  func(*image.Grid)
		differs []string
		want    string
	}{
		"origin":    {func(g *image.Grid) { g.Origin[2] += 3 }, []string{"origin"}, "3 mm apart"},
		"spacing":   {func(g *image.Grid) { g.Spacing[0] += 0.1 }, []string{"spacing"}, "0.1 mm a voxel, 9.9 mm at the far corner"},
		"size":      {func(g *image.Grid) { g.Size[1] = 70 }, []string{"size"}, "100×80×40 and 100×70×40 voxels"},
		"direction": {func(g *image.Grid) { g.Direction = turned.Direction }, []string{"direction"}, "up to 180°"},
		"all": {func(g *image.Grid) {
			*g = image.Grid{Size: [3]int{1, 1, 1}, Spacing: [3]float64{1, 1, 1}, Direction: image.IdentityDirection}
		},
			[]string{"size", "spacing", "origin", "direction"}, "grid: mask_to_image"},
		"flip": {func(g *image.Grid) { g.Origin[0], g.Origin[1] = -g.Origin[0], -g.Origin[1] }, []string{"origin"}, "RAS where LPS"},
		"counted from the other end": {func(g *image.Grid) {
			g.Origin = g.World(0, 79, 0)
			for r := range 3 {
				g.Direction[3*r+1] = -g.Direction[3*r+1]
			}
		}, []string{"origin", "direction"}, "the same voxels counted in another order"},
		"NaN": {func(g *image.Grid) { g.Spacing[1] = math.NaN() }, []string{"spacing"}, "NaN"},
	} {
		other := g
		c.change(&other)
		err := image.SameGrid(g, other, image.GridTolerance)
		var e *image.GridError
		if !errors.As(err, &e) || !slices.Equal(e.Differs, c.differs) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "tolerance") {
			t.Errorf("%s: %v", name, err)
		}
	}
	near := g
	near.Origin[0] += 3e-5 // what float32 rounds away 500 mm from the centre
	near.Spacing[0] *= 1 + 6e-8
	if err := image.SameGrid(g, near, image.GridTolerance); err != nil {
		t.Error(err)
	}
}

func TestGridValidate(t *testing.T) {
	bad := image.Grid{Size: [3]int{0, 1 << 20, 1 << 20}, Spacing: [3]float64{1, 0, math.NaN()}, Origin: [3]float64{math.Inf(1), 0, 0}}
	err := bad.Validate()
	for _, want := range []string{"size along i is 0", "spacing along j is 0", "spacing along k is NaN", "origin", "direction of axis i has length 0", "one plane"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %q", err, want)
		}
	}
}

func TestDecodeBadInput(t *testing.T) {
	g := oblique(t, [3]int{2, 2, 2})
	s := image.Samples{Type: image.Int16, Slope: 1}
	_, err := image.DecodeVolume(strings.NewReader("0123456"), g, s, image.Selection{})
	if err == nil || !strings.Contains(err.Error(), "voxels end after 7 of 16 bytes") {
		t.Errorf("cut off: %v", err)
	}
	outside := image.Selection{Region: func(image.Grid) (image.Box, error) { return image.Box{Max: [3]int{2, 3, 2}}, nil }}
	if _, err := image.DecodeVolume(strings.NewReader("0123456789abcdef"), g, s, outside); err == nil || !strings.Contains(err.Error(), "region [0, 3) along j") {
		t.Errorf("region outside: %v", err)
	}
	s.Type = 0
	if _, err := image.DecodeMask(strings.NewReader("0123456789abcdef"), g, s); err == nil {
		t.Error("no type: no error")
	}
	v := image.Volume{Grid: g, Values: make([]float64, 7)}
	if _, err := v.Crop(g.Box()); err == nil || !strings.Contains(err.Error(), "7 values for 8 voxels") {
		t.Errorf("short volume: %v", err)
	}
}
