package radiomics_test

import (
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/radiomics"
)

// All problems of a parameter file come at once, each with its line and the nearest known name.
func TestParamsProblems(t *testing.T) {
	_, err := radiomics.ParseParams("p.yaml", []byte(`imageTypes:
  Original: {}
imageType:
  Orignal: {}
  LoG: {sigma: [1, -2]}
featureClass:
  firstorder: [Enegry]
  glmc:
setting:
  binwidth: 25
  binWidth: 0
  interpolator: sitkLabelGaussian
  weightingNorm: euclid
  resampledPixelSpacing: [1, 1]
  minimumROIDimensions: 4
  normalize:
voxelSetting:
  kernelRadius: 0
`))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`p.yaml:1:1: imageTypes: unknown key; did you mean "imageType"?`,
		`p.yaml:4:3: imageType.Orignal: unknown key; did you mean "Original"?`,
		`p.yaml:5:20: imageType.LoG.sigma.1: want a width of more than 0 mm, not -2`,
		`p.yaml:7:16: featureClass.firstorder.0: unknown feature "Enegry" of firstorder; did you mean "Energy"?`,
		`p.yaml:8:3: featureClass.glmc: unknown key; did you mean "glcm"?`,
		`p.yaml:10:3: setting.binwidth: unknown key; did you mean "binWidth"?`,
		`p.yaml:11:13: setting.binWidth: want more than 0, not 0`,
		`p.yaml:12:17: setting.interpolator: sitkLabelGaussian is for labels`,
		`p.yaml:13:18: setting.weightingNorm: unknown value "euclid"; known: [manhattan euclidean infinity no_weighting]`,
		`p.yaml:14:26: setting.resampledPixelSpacing: want 3 numbers`,
		`p.yaml:15:25: setting.minimumROIDimensions: want 1 to 3, not 4`,
		`p.yaml:16:13: setting.normalize: the value is missing`,
		`p.yaml:18:17: voxelSetting.kernelRadius: want 1 to 32, not 0`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing: %s", want)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 13 {
		t.Errorf("%d problems, want 13:\n%v", n, err)
	}
}

// An empty file has the defaults; null stands for None; an image type overrides settings for itself; JSON is read too.
func TestParamsDefaults(t *testing.T) {
	p, err := radiomics.ParseParams("p.yaml", []byte("setting: {weightingNorm: null, binCount: null, sigma: [1.0, 2]}\nimageType: {LoG: {binWidth: 5}, Original: }\nfeatureClass: {ngtdm: , firstorder: [Mean]}"))
	if err != nil {
		t.Fatal(err)
	}
	if p.BinWidth != 25 || p.BinCount != 0 || p.WeightingNorm != "" || !p.SymmetricalGLCM || p.MinimumROIDimensions != 2 {
		t.Errorf("settings are %+v", p.Settings)
	}
	log := p.Images[0].Settings
	if p.Images[0].Name != "LoG" || log.BinWidth != 5 || p.Images[1].Settings.BinWidth != 25 || log.Sigma[0].Text != "1.0" || log.Sigma[1].Text != "2" {
		t.Errorf("images are %+v", p.Images)
	}
	if len(p.Classes) != 2 || p.Classes[0].Name != "ngtdm" || p.Classes[1].Features[0] != "Mean" {
		t.Errorf("classes are %+v", p.Classes)
	}
	if _, err := radiomics.ParseParams("p.json", []byte(`{"setting": {"binWidth": 10}, "imageType": {"Original": {}}}`)); err != nil {
		t.Error(err)
	}
}
