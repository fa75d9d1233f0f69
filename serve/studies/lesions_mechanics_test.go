package studies_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve/results"
	"github.com/voxgene/voxgene/serve/studies"
)

// A study of a model whose rows are lesions is answered with a prediction a lesion, the largest first: that of the lesion's own voxels and of the patient's age.
// All are kept as one result, which the same files give again.
func TestStudyOfLesions(t *testing.T) {
	lesions := func(b *bundle.Bundle, l *studies.Limits) {
		plain(b, l)
		b.Unit, b.Sources[0].Lesions = table.PerLesion, &extraction.Lesions{From: "components"}
	}
	s := serve(t, lesions)
	g := image.Grid{Size: [3]int{12, 12, 12}, Spacing: [3]float64{1, 1, 2}, Direction: image.IdentityDirection}
	v, m := &image.Volume{Grid: g, Values: make([]float64, g.Voxels())}, &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	type region struct{ voxels, sum float64 }
	var small, large region
	for i := range v.Values {
		v.Values[i] = float64(i % 97)
		switch x, y, z := i%12, i/12%12, i/144; {
		case x < 2 && y < 2 && z < 2:
			m.Labels[i], small.voxels, small.sum = 1, small.voxels+1, small.sum+v.Values[i]
		case min(x, y, z) >= 5 && max(x, y, z) < 9:
			m.Labels[i], large.voxels, large.sum = 1, large.voxels+1, large.sum+v.Values[i]
		}
	}
	dir := t.TempDir()
	if err := nifti.Write(filepath.Join(dir, "v.nii"), v, image.Int16); err != nil {
		t.Fatal(err)
	}
	if err := nifti.WriteMask(filepath.Join(dir, "m.nii"), m); err != nil {
		t.Fatal(err)
	}
	img, err := os.ReadFile(filepath.Join(dir, "v.nii"))
	if err != nil {
		t.Fatal(err)
	}
	mask, err := os.ReadFile(filepath.Join(dir, "m.nii"))
	if err != nil {
		t.Fatal(err)
	}
	code, got := ask(s, part{"image", "v.nii", img}, part{"mask", "m.nii", mask}, part{"features", "", []byte(`{"clinical.age": 61}`)}, part{"patient", "", []byte("CANARY-17")})
	list, _ := got["predictions"].([]any)
	if code != 200 || len(list) != 2 || got["result"] == nil {
		t.Fatalf("%d %v", code, got)
	}
	b := bundletest.Images(t)
	for i, r := range []region{large, small} {
		p := list[i].(map[string]any)
		if want := []string{"1", "2"}[i]; p["lesion"] != want || p["id"] != "CANARY-17" {
			t.Errorf("lesion %v of %v, want %s", p["lesion"], p["id"], want)
		}
		x := models.NewMatrix(b.Columns(), 1)
		copy(x.Values, []float64{61, r.voxels * 2, r.sum / r.voxels}) // a voxel has 2 mm³
		want, err := b.Predict(t.Context(), x, bundle.Request{})
		if err != nil {
			t.Fatal(err)
		}
		high := p["outcomes"].(map[string]any)["grade"].(map[string]any)["probabilities"].(map[string]any)["high"].(float64)
		if math.Abs(high-want[0].Outcomes[0].Probabilities[1]) > 1e-12 {
			t.Errorf("lesion %d: %v, want %v", i+1, high, want[0].Outcomes[0].Probabilities[1])
		}
	}
	kept, err := s.store.List(results.Filter{})
	if err != nil || len(kept) != 1 || kept[0].ID != got["result"] || len(kept[0].Lesions) != 2 || kept[0].Prediction != nil {
		t.Fatalf("%v (%v)", kept, err)
	}
	for i, r := range []region{large, small} {
		l := kept[0].Lesions[i]
		if at := l.Regions[0]; len(l.Regions) != 1 || at.Source != "adc" || at.Number != i+1 || at.Volume != r.voxels*2 || at.Segment != nil || at.TrackingUID != "" {
			t.Errorf("lesion %s lies in %+v", l.Name, l.Regions)
		}
		if len(l.Features) != 2 || *l.Features[1].Value != r.sum/r.voxels {
			t.Errorf("lesion %s has %+v", l.Name, l.Features)
		}
		if seen := got["lesions"].([]any)[i].(map[string]any); seen["name"] != l.Name || seen["volume"] != r.voxels*2 {
			t.Errorf("lesion %s is shown as %v", l.Name, seen)
		}
	}
	if _, again := ask(s, part{"image", "v.nii", img}, part{"mask", "m.nii", mask}, part{"features", "", []byte(`{"clinical.age": 61}`)}, part{"patient", "", []byte("CANARY-17")}); again["result"] != got["result"] {
		t.Errorf("the same files give %v", again["result"])
	}
	if strings.Contains(s.log.String(), "CANARY") {
		t.Error("the log names the patient")
	}
	// A mask whose lesions are all too small.
	s = serve(t, func(b *bundle.Bundle, l *studies.Limits) {
		lesions(b, l)
		b.Sources[0].Lesions.Min = 1000
	})
	code, got = ask(s, part{"image", "v.nii", img}, part{"mask", "m.nii", mask})
	if text, _ := json.Marshal(got); code != 422 || !strings.Contains(string(text), "lesion") {
		t.Errorf("%d %s", code, text)
	}
}
