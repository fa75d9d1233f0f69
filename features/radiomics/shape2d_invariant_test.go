package radiomics_test

import (
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/radiomics"
)

// The outline of a rectangle of pixels runs through the middles of the steps out of it and cuts its corners: surface, perimeter and
// diameter are known, in slices across each axis.
func TestShape2DRectangle(t *testing.T) {
	for across := range 3 {
		g := image.Grid{Size: [3]int{12, 12, 12}, Spacing: [3]float64{1, 1, 1}, Direction: image.IdentityDirection}
		v := &image.Volume{Grid: g, Values: make([]float64, g.Voxels())}
		m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
		const w, h = 6, 4
		for a := range w {
			for b := range h {
				at := [3]int{}
				at[2-across] = 5
				at[(3-across)%3] = 2 + a
				at[(4-across)%3] = 3 + b
				o := g.Index(at[0], at[1], at[2])
				m.Labels[o] = 1
				v.Values[o] = float64(a * b)
			}
		}
		p := radiomics.DefaultParams()
		p.Force2D, p.Force2DDimension = true, across
		p.Classes = []radiomics.Class{{Name: "shape2D"}}
		features, err := radiomics.Extract(v, m, 1, p)
		if err != nil {
			t.Fatal(err)
		}
		got := byName(features)
		perimeter := 2*(w-1) + 2*(h-1) + 4*math.Sqrt2/2
		for name, want := range map[string]float64{
			"MeshSurface": w*h - 4.0/8, "PixelSurface": w * h, "Perimeter": perimeter, "MaximumDiameter": math.Hypot(w, h-1),
			"Sphericity":      2 * math.Sqrt(math.Pi*(w*h-0.5)) / perimeter,
			"MajorAxisLength": 4 * math.Sqrt((w*w-1)/12.0), "MinorAxisLength": 4 * math.Sqrt((h*h-1)/12.0),
		} {
			if x := got["original_shape2D_"+name]; math.Abs(x-want) > 1e-12*want {
				t.Errorf("across %d: %s is %v, want %v", across, name, x, want)
			}
		}
	}
}
