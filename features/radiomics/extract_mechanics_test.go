package radiomics_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/radiomics"
)

// ball is a phantom: a textured image and a mask with label 1 in a ball and label 2 in one voxel.
func ball(n int) (*image.Volume, *image.Mask) {
	g := image.Grid{Size: [3]int{n, n, n}, Spacing: [3]float64{1, 1.5, 2}, Direction: image.IdentityDirection}
	v := &image.Volume{Grid: g, Integer: true, Values: make([]float64, g.Voxels())}
	m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	c := float64(n-1) / 2
	for k := range n {
		for j := range n {
			for i := range n {
				o := g.Index(i, j, k)
				v.Values[o] = math.Floor(100 + 60*math.Sin(float64(7*i+3*j*j+5*k)))
				d := math.Pow(float64(i)-c, 2) + math.Pow(float64(j)-c, 2) + math.Pow(float64(k)-c, 2)
				if d < c*c/2 {
					m.Labels[o] = 1
				}
			}
		}
	}
	m.Labels[0] = 2
	return v, m
}

// What cannot be measured is an error that says what and where.
func TestExtractBadInput(t *testing.T) {
	for name, test := range map[string]struct {
		change func(v *image.Volume, m *image.Mask, p *radiomics.Params)
		label  int
		want   string
	}{
		"absent":     {nil, 7, "label not in the mask: 7; it has [1 2]"},
		"one voxel":  {nil, 2, "label 2 has one voxel only"},
		"label 0":    {nil, 0, "label 0: want 1 to 65535"},
		"empty":      {func(_ *image.Volume, m *image.Mask, _ *radiomics.Params) { clear(m.Labels) }, 1, "the mask has no labelled voxel"},
		"spacing":    {func(v *image.Volume, _ *image.Mask, _ *radiomics.Params) { v.Spacing[1] = 0 }, 1, "spacing"},
		"NaN":        {func(v *image.Volume, _ *image.Mask, _ *radiomics.Params) { v.Values[v.Index(6, 6, 6)] = math.NaN() }, 1, "voxel (6, 6, 6) of label 1 has the value NaN"},
		"grid":       {func(_ *image.Volume, m *image.Mask, _ *radiomics.Params) { m.Origin[2] = 3 }, 1, "not on one grid: origin"},
		"dimensions": {func(_ *image.Volume, m *image.Mask, p *radiomics.Params) { line(m); p.MinimumROIDimensions = 2 }, 1, "label 1 has 1 dimensions"},
		"size":       {func(_ *image.Volume, _ *image.Mask, p *radiomics.Params) { p.MinimumROISize = 5000 }, 1, "minimumROISize wants more than 5000"},
		"range":      {func(_ *image.Volume, _ *image.Mask, p *radiomics.Params) { p.ResegmentRange = []float64{1e6} }, 1, "leaves 0 of"},
		"flat image": {func(v *image.Volume, _ *image.Mask, p *radiomics.Params) { flat(v); p.Normalize = true }, 1, "one value, 3, everywhere"},
		"bins":       {func(_ *image.Volume, _ *image.Mask, p *radiomics.Params) { p.Images[0].Settings.BinWidth = 1e-9 }, 1, "choose a larger binWidth"},
		"values":     {func(v *image.Volume, _ *image.Mask, _ *radiomics.Params) { v.Values = v.Values[1:] }, 1, "values"},
	} {
		v, m := ball(13)
		p := radiomics.DefaultParams()
		if test.change != nil {
			test.change(v, m, &p)
		}
		_, err := radiomics.Extract(v, m, test.label, p)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
	v, m := ball(13)
	if _, err := radiomics.Extract(v, m, 7, radiomics.DefaultParams()); !errors.Is(err, radiomics.ErrNoLabel) {
		t.Errorf("got %v", err)
	}
}

func line(m *image.Mask) {
	clear(m.Labels)
	for i := range 5 {
		m.Labels[i] = 1
	}
}

func flat(v *image.Volume) {
	for i := range v.Values {
		v.Values[i] = 3
	}
}

// A region of one grey level has the documented values.
func TestExtractFlatRegion(t *testing.T) {
	v, m := ball(13)
	flat(v)
	features, err := radiomics.Extract(v, m, 1, radiomics.DefaultParams())
	if err != nil {
		t.Fatal(err)
	}
	got := byName(features)
	for name, want := range map[string]float64{
		"original_firstorder_Entropy": 0, "original_firstorder_Uniformity": 1, "original_firstorder_Skewness": 0, "original_firstorder_Kurtosis": 0,
		"original_glcm_Correlation": 1, "original_glcm_MCC": 1, "original_glcm_Imc1": 0, "original_glcm_Imc2": 0, "original_glcm_JointEnergy": 1,
		"original_ngtdm_Coarseness": 1e6, "original_ngtdm_Contrast": 0, "original_ngtdm_Busyness": 0, "original_ngtdm_Strength": 0,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	for _, f := range features {
		if math.IsNaN(f.Value) || math.IsInf(f.Value, 0) {
			t.Errorf("%s is %v", f.Name, f.Value)
		}
	}
}

// Diagnostics have PyRadiomics' names and order, and say what was set.
func TestDiagnostics(t *testing.T) {
	v, m := ball(13)
	p, err := radiomics.ParseParams("p.yaml", []byte("setting: {binWidth: 7, resampledPixelSpacing: [2, 2, 2], resegmentRange: [60]}\nimageType: {Original: {}, LoG: {sigma: [2.0], binWidth: 3}}"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := radiomics.ExtractReading(image.Reading{Volume: v, Whole: v.Grid, Region: v.Box(), Hash: "0a1b"}, m, 1, p)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	got := map[string]string{}
	for _, d := range r.Diagnostics {
		names = append(names, strings.TrimPrefix(d.Name, "diagnostics_"))
		got[names[len(names)-1]] = d.Text
	}
	mask := " Spacing Size BoundingBox VoxelNum VolumeNum CenterOfMassIndex CenterOfMass"
	want := strings.Fields("Configuration_Settings Configuration_EnabledImageTypes Image-original_Hash Image-original_Dimensionality" +
		strings.ReplaceAll(" Spacing Size Mean Minimum Maximum", " ", " Image-original_") + strings.ReplaceAll(" Hash"+mask, " ", " Mask-original_") +
		strings.ReplaceAll(" Spacing Size Mean Minimum Maximum", " ", " Image-interpolated_") + strings.ReplaceAll(mask+" Mean Minimum Maximum", " ", " Mask-interpolated_") +
		strings.ReplaceAll(mask+" Mean Minimum Maximum", " ", " Mask-resegmented_"))
	if strings.Join(names, " ") != strings.Join(want, " ") {
		t.Errorf("columns are\n%v, want\n%v", names, want)
	}
	for name, value := range map[string]string{
		"Image-original_Spacing": "(1.0, 1.5, 2.0)", "Image-original_Size": "(13, 13, 13)", "Mask-original_CenterOfMassIndex": "(6.0, 6.0, 6.0)",
		"Mask-original_CenterOfMass": "(6.0, 9.0, 12.0)", "Mask-original_VolumeNum": "1", "Image-interpolated_Spacing": "(2.0, 2.0, 2.0)",
		"Configuration_EnabledImageTypes": `{"LoG":{"binWidth":3,"sigma":[2.0]},"Original":{}}`,
	} {
		if got[name] != value {
			t.Errorf("%s is %s, want %s", name, got[name], value)
		}
	}
	for _, part := range []string{`"binWidth":7`, `"weightingNorm":null`, `"resegmentRange":[60]`, `"kernelRadius":1`} {
		if !strings.Contains(got["Configuration_Settings"], part) {
			t.Errorf("settings %s lack %s", got["Configuration_Settings"], part)
		}
	}
}
