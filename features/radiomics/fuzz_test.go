package radiomics_test

import (
	"testing"

	"github.com/voxgene/voxgene/features/radiomics"
)

// No parameter file makes extraction panic, whatever it asks for.
func FuzzParams(f *testing.F) {
	for _, text := range []string{
		"setting: {binWidth: 5, distances: [1, 2], weightingNorm: euclidean}\nimageType: {LoG: {sigma: [1]}, Wavelet: {level: 2, wavelet: db2}}",
		"setting: {resampledPixelSpacing: [0, 2, 1.5], interpolator: sitkLinear, resegmentRange: [-1, 1], resegmentMode: sigma}",
		"setting: {force2D: true, force2Ddimension: 1, normalize: true, binCount: 8, preCrop: true}\nimageType: {LBP2D: {}, LBP3D: {}, Gradient: {}, Exponential: {}}",
		"featureClass: {shape2D: , glcm: [SumVariance, MCC]}",
		`{"setting": {"label": 2, "minimumROISize": 3}}`,
	} {
		f.Add(text)
	}
	v, m := ball(9)
	f.Fuzz(func(_ *testing.T, text string) {
		p, err := radiomics.ParseParams("fuzz.yaml", []byte(text))
		if err != nil {
			return
		}
		for _, s := range p.ResampledPixelSpacing { // a fine grid is slow, not wrong
			if s > 0 && s < 0.5 {
				return
			}
		}
		for _, i := range p.Images {
			if i.Settings.StartLevel+i.Settings.Level > 3 || len(i.Settings.Sigma) > 3 || len(i.Settings.Distances) > 2 || i.Settings.LBP3DIcosphereSubdivision > 1 ||
				i.Settings.LBP3DLevels > 3 || i.Settings.LBP2DRadius > 9 || i.Settings.LBP3DIcosphereRadius > 9 {
				return
			}
			for _, d := range i.Settings.Distances {
				if d > 4 {
					return
				}
			}
		}
		_, _ = radiomics.Extract(v, m, p.Label, p)
	})
}

// Nor does a parameter file of the standard.
func FuzzStandard(f *testing.F) {
	for _, text := range []string{
		"bins: {width: 5}\nrange: [0, 200]\ndimensions: [2D, 2.5D, 3D]\noutliers: 2",
		"spacing: [2, 2, 0]\ninterpolation: nearest\nivh: {count: 10}\nfamilies: [ivh, gldzm]",
		"filters:\n  - {kind: laws, kernels: E5L5S5, rotation_invariant: true}\n  - {name: w, kind: wavelet, wavelet: haar, band: LH, dimensions: 2}",
		"filters: [{kind: gabor, sigma: 2, wavelength: 3, theta_step: 45}, {kind: simoncelli}, {kind: log, sigma: 1}, {kind: mean, size: 3}]",
	} {
		f.Add(text)
	}
	v, m := ball(9)
	f.Fuzz(func(_ *testing.T, text string) {
		s, err := radiomics.ParseStandard("fuzz.yaml", []byte(text))
		if err != nil {
			return
		}
		for _, x := range s.Spacing {
			if x > 0 && x < 0.5 {
				return
			}
		}
		for _, x := range s.Filters {
			if x.Sigma > 5 || x.Size > 21 || x.Level > 3 || x.ThetaStep > 0 && x.ThetaStep < 20 || x.Energy > 9 || x.Gamma > 0 && x.Gamma < 0.3 || x.CutOff > 9 || len(s.Filters) > 4 {
				return
			}
		}
		_, _ = radiomics.ExtractStandard(v, m, 1, s)
	})
}
