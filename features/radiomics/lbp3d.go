package radiomics

import (
	"github.com/voxgene/voxgene/features/radiomics/filter"
)

// sphericalPatterns makes the images of local binary patterns on a sphere: one a level of the spherical harmonics, and the kurtosis.
func (e *extraction) sphericalPatterns(set Settings, do imageSink) error {
	l := filter.LBP3D{Radius: set.LBP3DIcosphereRadius, Levels: set.LBP3DLevels, Subdivision: set.LBP3DIcosphereSubdivision}
	margin := splineReach + l.Reach()
	grown := e.region.Grow(cube(margin), e.scan.Size)
	b := filter.Block{Size: grown.Size(), Values: e.scan.take(grown)}
	var at [3]int
	for a := range 3 {
		at[a] = e.region.Min[a] - grown.Min[a]
	}
	raw := e.scan.take(e.region.Box)
	coefficients(b.Values, b.Size)
	return l.Apply(b, at, e.region.Size(), e.region.inside, raw, e.scan.integer, func(name string, box []float64) error {
		return do(name, box, set)
	})
}
