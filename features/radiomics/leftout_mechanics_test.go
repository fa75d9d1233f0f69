package radiomics_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/radiomics"
)

// An image with fewer than ceil(sigma/spacing)+1 voxels along an axis, or than 4, has no Laplacian of Gaussian of that sigma; the other
// columns are there (PyRadiomics 3.0.1, imageoperations.getLoGImage). A LoG without a sigma makes no image (its documentation).
func TestLaplacianLeftOut(t *testing.T) {
	v, m := ball(13) // of 1, 1.5 and 2 mm: along x 12 mm need 13 voxels and 12.5 need 14
	thin := &image.Volume{Grid: v.Grid, Integer: true, Values: v.Values[5*169 : 8*169]}
	thin.Size[2] = 3
	flat := &image.Mask{Grid: thin.Grid, Labels: m.Labels[5*169 : 8*169]}
	for name, test := range map[string]struct {
		v            *image.Volume
		m            *image.Mask
		sigma, notes string
		columns      []string
	}{
		"one sigma":    {v, m, "sigma: [12, 12.5, 1.0]", "imageType LoG: sigma 12.5 mm is left out: it needs 14 voxels along x, and the image has 13", []string{"log-sigma-1-0-mm-3D", "log-sigma-12-mm-3D", "original"}},
		"three voxels": {thin, flat, "sigma: [1.0]", "imageType LoG: sigma 1.0 mm is left out: it needs 4 voxels along z, and the image has 3", []string{"original"}},
		"no sigma":     {v, m, "", "imageType LoG has no sigma and makes no image", []string{"original"}},
	} {
		p := parsed(t, "{imageType: {LoG: {"+test.sigma+"}, Original: {}}, featureClass: {firstorder: [Mean], glcm: [Contrast]}}")
		r, err := radiomics.ExtractReading(image.Reading{Volume: test.v, Whole: test.v.Grid, Region: test.v.Box()}, test.m, 1, p)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		images := map[string]bool{}
		for _, f := range r.Features {
			images[strings.Split(f.Name, "_")[0]] = true
		}
		if got := slices.Sorted(maps.Keys(images)); !slices.Equal(got, test.columns) || len(r.Features) != 2*len(got) {
			t.Errorf("%s: columns of %v, want %v", name, got, test.columns)
		}
		if strings.Join(r.Notes, "; ") != test.notes {
			t.Errorf("%s: notes %q, want %q", name, r.Notes, test.notes)
		}
	}
	_, err := radiomics.Map(image.Reading{Volume: v, Whole: v.Grid, Region: v.Box()}, m, 1, parsed(t, "imageType: {LoG: {sigma: [40]}}"), "log-sigma-40-mm-3D_firstorder_Mean", radiomics.MapOptions{})
	if err == nil || !strings.Contains(err.Error(), "sigma 40 mm is left out") {
		t.Errorf("a map of what is left out: %v", err)
	}
}

// shape2D without force2D is left out with a warning (featureextractor.computeShape); a region of several slices with force2D is an error
// there too (shape2D.RadiomicsShape2D), unless no class was named.
func TestShape2DLeftOut(t *testing.T) {
	v, m := ball(13)
	in := image.Reading{Volume: v, Whole: v.Grid, Region: v.Box()}
	r, err := radiomics.ExtractReading(in, m, 1, parsed(t, "featureClass: {shape2D: , firstorder: [Mean]}"))
	if err != nil || len(r.Features) != 1 || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "shape2D is left out: set force2D") {
		t.Errorf("%v, %v, %v", r.Features, r.Notes, err)
	}
	if _, err = radiomics.ExtractReading(in, m, 1, parsed(t, "{featureClass: {shape2D: }, setting: {force2D: true}}")); err == nil || !strings.Contains(err.Error(), "slices thick") {
		t.Errorf("several slices: %v", err)
	}
	r, err = radiomics.ExtractReading(in, m, 1, parsed(t, "setting: {force2D: true}"))
	if err != nil || r.Notes != nil {
		t.Errorf("no class named: %v, %v", r.Notes, err)
	}
}

// Features are the keys of a dictionary in PyRadiomics (base.enableFeatureByName): named twice, they are there once, in the order of their
// first mention. A deprecated one has a column only where it is named and has a value (base.enableAllFeatures, _calculateFeatures).
func TestNamedFeatures(t *testing.T) {
	v, m := ball(13)
	f, err := radiomics.Extract(v, m, 1, parsed(t, "featureClass: {firstorder: [StandardDeviation, Mean, StandardDeviation], glcm: [Dissimilarity, Homogeneity1, Id], gldm: [DependencePercentage], shape: [Compactness2, SphericalDisproportion]}"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, x := range f {
		names = append(names, strings.TrimPrefix(x.Name, "original_"))
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "firstorder_Mean firstorder_StandardDeviation glcm_Id shape_Compactness2 shape_SphericalDisproportion" {
		t.Errorf("columns are %s", got)
	}
}
