package phantom

import (
	"github.com/voxgene/voxgene/features/image"
)

// maxLesions bounds the lesions of a patient.
const maxLesions = 8

// lesions draws how many lesions a patient has, and a subtype for each: B, at even odds, has a coarse texture and A a fine one. Nothing else of a
// lesion tells its subtype, and nothing of its neighbours does.
func (p *Patient) lesions(o Options) {
	p.Subtype, p.Subtypes = "", []string{}
	r := p.seed.Split("lesions").Rand()
	for range 1 + r.IntN(o.Lesions) {
		p.Subtypes = append(p.Subtypes, []string{"A", "B"}[r.IntN(2)])
	}
}

// several draws all lesions of a patient side by side along x, each in the middle of a background as large as the scan of one. They share the patient's size,
// shape and histogram; each is one voxel smaller than the one before, so that their rank by volume is their order.
func (p *Patient) several() (*image.Volume, *image.Mask) {
	whole := grid
	whole.Size[0] *= len(p.Subtypes)
	v := &image.Volume{Grid: whole, Values: make([]float64, whole.Voxels())}
	m := &image.Mask{Grid: whole, Labels: make([]uint16, whole.Voxels())}
	for l, subtype := range p.Subtypes {
		one := p.lesion(smoothness(subtype == "B"))
		one.voxels -= l
		part, region := one.draw(p.seed.SplitInt("lesion", l))
		width := grid.Size[0]
		for row := range grid.Size[1] * grid.Size[2] {
			to := row*whole.Size[0] + l*width
			copy(v.Values[to:], part.Values[row*width:(row+1)*width])
			copy(m.Labels[to:], region.Labels[row*width:(row+1)*width])
		}
	}
	return v, m
}
