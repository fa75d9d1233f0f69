package extraction_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/configs"
	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/features/settings"
)

// source reads a source as a bundle holds it, from a block of a configuration.
func source(t *testing.T, text string) extraction.Source {
	t.Helper()
	n, err := settings.Parse("source.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s := extraction.Source{Plan: extraction.Plan{Parameters: radiomics.DefaultParams()}}
	var p settings.Problems
	settings.Decode(n, &s, &p)
	s.Check(n, &p)
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	return s
}

// What a bundle holds of a source is the same source: every option, to the text.
func TestSourceRoundTrip(t *testing.T) {
	for _, text := range []string{
		`{name: t1}`,
		`{name: ct, modality: CT, label: "GTV-1 ${HOME} \"3\" <\u00e9>", grid: mask_to_image, transform: [1, 0, 0, 1.5, 0, 1, 0, 0, 0, 0, 1, 1e-7]}`,
		`{name: mr, series: {modality: MR, series_description: "*T1*", image_type: [ORIGINAL, "!DERIVED"], contrast: true, echo_time: [2, 5.5], b_value: 800},
		  normalise: {method: white_stripe, peak: largest, width: 0.04, within: [1, brain]}, change: [before, after],
		  regions: {core: [1, 4], ring: {of: core, dilate_mm: 5}}, lesions: {from: labels, min_mm3: 99.5, aggregate: volume_weighted}}`,
		`{name: pet, suv: lbm, label: 3, prepared: {registered_to: ct, tool: elastix, steps: [1, two]}}`,
		`{name: slides, stack: {spacing: [0.9, 0.9, 5], files: "*.png", channel: red},
		  parameters: {imageType: {LoG: {sigma: [1, 2.0], binCount: 16}, Original: {}, Wavelet: {wavelet: db2, level: 2}}, featureClass: {glcm: [Contrast], shape: null},
		  setting: {binWidth: 12.5, resegmentRange: [-3, 3], resegmentMode: sigma, resampledPixelSpacing: [0, 1, 2], interpolator: sitkLinear, weightingNorm: euclidean}}}`,
	} {
		want := source(t, text)
		first, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got extraction.Source
		if err := json.Unmarshal(first, &got); err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		second, err := json.Marshal(got)
		if err != nil || string(first) != string(second) {
			t.Errorf("written again it is\n%s\nnot\n%s\n(%v)", second, first, err)
		}
		want.Prepared, got.Prepared = nil, nil // a node keeps where it stood
		if !reflect.DeepEqual(want, got) {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
}

// Presets are read back as they are.
func TestPresetRoundTrip(t *testing.T) {
	for _, name := range []string{"ct", "ct-filters", "mr", "pet"} {
		b, err := configs.Radiomics(name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := radiomics.ParseParams(name, b)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got radiomics.Params
		if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(want, got) {
			t.Errorf("%s: got %+v, want %+v (%v)", name, got, want, err)
		}
	}
}

func TestSourceStrict(t *testing.T) {
	good, err := json.Marshal(source(t, "{name: t1}"))
	if err != nil {
		t.Fatal(err)
	}
	for change, want := range map[string]string{
		`"name":"t1"`:              `"name" is missing`,
		`"minimumROIDimensions":2`: "want 1 to 3",
		`"parameters":`:            "unknown key",
		`"imageType":{`:            "imageType",
	} {
		bad := strings.Replace(string(good), change, map[string]string{
			`"name":"t1"`:              `"modality":"MR"`,
			`"minimumROIDimensions":2`: `"minimumROIDimensions":9`,
			`"parameters":`:            `"parametres":`,
			`"imageType":{`:            `"imageTypes":{`,
		}[change], 1)
		var s extraction.Source
		if err := json.Unmarshal([]byte(bad), &s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", change, err, want)
		}
	}
}

// A source extracts what its plan does, under full names, and refuses raw files where training had prepared ones.
func TestSourceExtract(t *testing.T) {
	img, mask := files(t, false)
	plain := source(t, "{name: t1}")
	want, err := plain.Plan.Extract(img, mask)
	if err != nil {
		t.Fatal(err)
	}
	got, err := plain.Extract(context.Background(), extraction.Files{Image: img, Mask: mask})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range got.Features {
		if f.Name != "t1."+want.Features[i].Name || f.Value != want.Features[i].Value && !math.IsNaN(f.Value) {
			t.Errorf("%s is %g, want %v", f.Name, f.Value, want.Features[i])
		}
	}
	prepared := source(t, "{name: t1, prepared: {skull_stripped: true}}")
	if _, err := prepared.Extract(context.Background(), extraction.Files{Image: img, Mask: mask}); !errors.Is(err, extraction.ErrPrepared) || !strings.Contains(err.Error(), "skull_stripped") {
		t.Errorf("raw files: %v", err)
	}
	if _, err := prepared.Extract(context.Background(), extraction.Files{Image: img, Mask: mask, Prepared: true}); err != nil {
		t.Error(err)
	}
	delta := source(t, "{name: t1, change: [a, b]}")
	if _, err := delta.Extract(context.Background(), extraction.Files{Image: img, Mask: mask}); err == nil || !strings.Contains(err.Error(), "want 2") {
		t.Errorf("one visit: %v", err)
	}
	twice, err := delta.Extract(context.Background(), extraction.Files{Image: img, Mask: mask}, extraction.Files{Image: img, Mask: mask})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range twice.Features {
		if !strings.HasPrefix(f.Name, "t1.delta_") || f.Value != 0 && !math.IsNaN(f.Value) {
			t.Errorf("%s changed by %g between a scan and itself", f.Name, f.Value)
		}
	}
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := plain.Extract(stopped, extraction.Files{Image: img, Mask: mask}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
