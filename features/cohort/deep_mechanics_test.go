package cohort

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/onnx"
	"github.com/voxgene/voxgene/features/work"
)

const deepened = `
cohort: {patients: patients.csv, id: patient}
sources:
  - name: deep
    kind: deep
    image: "{patient}/baseline/image.nii"
    mask: "{patient}/baseline/mask_A.nii"
    encoder: ENCODER
    volume: {spacing: [1, 1, 1], size: [11, 10, 9]}
  - name: crop
    kind: images
    image: "{patient}/baseline/image.nii"
    mask: "{patient}/baseline/mask_A.nii"
    volume: {spacing: [1, 1, 1], size: [11, 10, 9]}
outcomes: [{name: idh, kind: class, column: idh}]
`

// Columns of a source of kind deep are what the encoder says of the patient's crop, alone; the crop is for it and not for networks. The source
// as a bundle holds it needs the encoder of its hash, and no other.
func TestDeepSource(t *testing.T) {
	dir := scans(t)
	file, err := os.ReadFile("../onnx/testdata/volume.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "encoder.onnx"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := load(t, dir, strings.Replace(deepened, "ENCODER", "encoder.onnx", 1))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Crops) != 1 || c.Crops[0].Source != "crop" || len(c.Warnings) > 0 {
		t.Errorf("crops of %d sources, warnings %v", len(c.Crops), c.Warnings)
	}
	m, err := onnx.Read(file, "")
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range c.Table.Keys {
		want, _, err := m.Run(c.Crops[0].Of[k], []int{1, 2, 9, 10, 11})
		if err != nil {
			t.Fatal(err)
		}
		for j, v := range want {
			if got := c.Table.Values[c.Table.Find("deep.feature_"+string(rune('0'+j)))][i]; math.Abs(got-float64(v)) > 1e-12 {
				t.Errorf("%s feature %d: %g, want %g", k.Patient, j, got, v)
			}
		}
	}
	cfg, err := decode(t, strings.Replace(deepened, "ENCODER", "encoder.onnx", 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Load(t.Context(), cfg, dir, work.Pool{}); err != nil {
		t.Fatal(err)
	}
	sources, err := cfg.ImageSources(dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(sources[0])
	if err != nil {
		t.Fatal(err)
	}
	var again extraction.Source
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if err := again.Deep.Attach(append([]byte{0}, file...)); err == nil {
		t.Error("an encoder of another hash was attached")
	}
	if err := again.Deep.Attach(file); err != nil {
		t.Error(err)
	}
	r, err := again.Extract(t.Context(), extraction.Files{Image: filepath.Join(dir, "p1/baseline/image.nii"), Mask: filepath.Join(dir, "p1/baseline/mask_A.nii")})
	if err != nil || len(r.Features) != 6 || r.Features[2].Value != c.Table.Values[c.Table.Find("deep.feature_2")][0] {
		t.Errorf("%v, %v", r.Features, err)
	}
}

// What a source of kind deep lacks or has too much is said with its place; so is a file that is no encoder, or one of other crops.
func TestDeepSourceFaults(t *testing.T) {
	for change, want := range map[string]string{
		"radiomics: mr":       "a source of kind deep has no radiomics",
		"deep: {encoder: x}":  "a frozen encoder is a source of its own",
		"volume: {size: [1]}": "size is three numbers",
	} {
		text := strings.Replace(deepened, "    encoder: ENCODER\n", "    encoder: e.onnx\n    "+change+"\n", 1)
		if strings.HasPrefix(change, "volume") {
			text = strings.Replace(strings.Replace(text, "    volume: {spacing: [1, 1, 1], size: [11, 10, 9]}\n", "", 1), change, "volume: {spacing: [1, 1, 1], size: [1]}", 1)
		}
		if _, err := decode(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", change, err)
		}
	}
	if _, err := decode(t, strings.Replace(deepened, "    encoder: ENCODER\n", "", 1)); err == nil || !strings.Contains(err.Error(), "says its encoder") {
		t.Error(err)
	}
	if _, err := decode(t, strings.Replace(strings.Replace(deepened, "    encoder: ENCODER\n", "", 1), "kind: deep", "kind: images\n    layer: x", 1)); err == nil || !strings.Contains(err.Error(), "layer is of a source of kind deep") {
		t.Error(err)
	}
	dir := scans(t)
	if err := os.WriteFile(filepath.Join(dir, "no.onnx"), []byte("not a network"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := load(t, dir, strings.Replace(deepened, "ENCODER", "no.onnx", 1)); err == nil || !strings.Contains(err.Error(), "not a readable ONNX file") {
		t.Error(err)
	}
	file, err := os.ReadFile("../onnx/testdata/volume.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "e.onnx"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := load(t, dir, strings.Replace(strings.Replace(deepened, "ENCODER", "e.onnx", 1), "[11, 10, 9]}", "[11, 10, 8]}", 1)); err == nil || !strings.Contains(err.Error(), "[-1 2 9 10 11]") {
		t.Error(err)
	}
}
