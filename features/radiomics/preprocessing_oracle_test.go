package radiomics_test

import (
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/radiomics"
)

// Settings of preprocessing that no baseline has, on the breast MR. Values: the steps of PyRadiomics' imageoperations (normalizeImage,
// resegmentMask, _swt3) evaluated with NumPy and PyWavelets of Debian 12.
func TestPreprocessingOracle(t *testing.T) {
	v, m := testCase(t, "breast1")
	const voxel = 0.66406200000000004 * 0.66406200000000004 * 2.1 // mm³
	for _, c := range []struct {
		parameters string
		want       map[string]float64
	}{
		{"setting: {normalize: true, removeOutliers: 3, normalizeScale: 100}", map[string]float64{
			"original_firstorder_Mean": 285.5884590104473, "original_firstorder_Maximum": 300, "original_firstorder_Minimum": 201.0923997141487,
			"original_firstorder_Variance": 640.9826838631398}},
		{"setting: {normalize: true, removeOutliers: 3.5}", map[string]float64{
			"original_firstorder_Mean": 3.151305285525933, "original_firstorder_Maximum": 3.5, "original_firstorder_Variance": 0.2020675289887276}},
		{"setting: {resegmentRange: [0.4, 0.7], resegmentMode: relative}", map[string]float64{
			"original_firstorder_Mean": 109.03703703703704, "original_firstorder_Variance": 9.517146776406037, "original_firstorder_Maximum": 113}},
		{"setting: {resegmentRange: [0.75], resegmentMode: relative, resegmentShape: true}", map[string]float64{
			"original_firstorder_Mean": 140.01030927835052, "original_firstorder_Variance": 122.97927516207885, "original_shape_VoxelVolume": 97 * voxel}},
		{"setting: {resegmentRange: [-1], resegmentMode: sigma, resegmentShape: true}", map[string]float64{
			"original_firstorder_Mean": 137.03571428571428, "original_firstorder_Variance": 164.1594387755102, "original_shape_VoxelVolume": 112 * voxel}},
		{"setting: {resegmentRange: [130]}", map[string]float64{
			"original_firstorder_Mean": 144.33333333333334, "original_firstorder_Variance": 74.9688888888889, "original_firstorder_Minimum": 130}},
		{"setting: {resegmentRange: [140, 110]}", map[string]float64{ // PyRadiomics sorts
			"original_firstorder_Mean": 123.9753086419753, "original_firstorder_Variance": 80.49321749733272, "original_firstorder_Maximum": 140}},
		{"imageType: {Wavelet: {wavelet: db2, start_level: 1}}", map[string]float64{
			"wavelet-LLH_firstorder_Mean": 53.23910894114586, "wavelet-HHL_firstorder_Mean": 1.2338883693381826,
			"wavelet-HHH_firstorder_Mean": 0.2471737713292331, "wavelet-LLL_firstorder_Mean": 955.28824145148}},
		{"imageType: {Wavelet: {wavelet: haar, start_level: 1, level: 2}}", map[string]float64{
			"wavelet-LLH_firstorder_Mean": 96.45279720279726, "wavelet-HHL_firstorder_Mean": 0.6118881118881124,
			"wavelet2-LLH_firstorder_Mean": 204.47624362888695, "wavelet2-HHL_firstorder_Mean": 2.2035276878759134,
			"wavelet2-HHH_firstorder_Mean": 1.3462225257205436, "wavelet2-LLL_firstorder_Mean": 1932.491309865842}},
	} {
		p, err := radiomics.ParseParams("p.yaml", []byte(c.parameters))
		if err != nil {
			t.Fatal(err)
		}
		features, err := radiomics.Extract(v, m, 1, p)
		if err != nil {
			t.Fatalf("%s: %v", c.parameters, err)
		}
		got := byName(features)
		check := oracle.Relative(t, "preprocessing", "breast1, "+c.parameters, "NumPy and PyWavelets, PyRadiomics' steps", 1e-9)
		for name, want := range c.want {
			x, ok := got[name]
			if !ok {
				t.Fatalf("%s: no %s", c.parameters, name)
			}
			check.Near(name, x, want)
		}
	}
}
