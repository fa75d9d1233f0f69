package studies_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/explain"
	_ "github.com/voxgene/voxgene/models/neural"
	"github.com/voxgene/voxgene/models/pipeline"
	"github.com/voxgene/voxgene/serve/auth"
	"github.com/voxgene/voxgene/serve/scans"
	"github.com/voxgene/voxgene/serve/studies"
)

// network puts a small network in the place of the bundle's model, trained on noise: over image and table, or over the image alone.
func network(t testing.TB, kind string) func(*bundle.Bundle, *studies.Limits) {
	return func(b *bundle.Bundle, limits *studies.Limits) {
		plain(b, limits)
		volume := &extraction.Volume{Spacing: []float64{1, 1, 2}, Size: []int{6, 6, 4}}
		b.Sources[0].Volume = volume
		x := models.NewMatrix(b.Outcomes[0].Chain.Inputs(), 16)
		y := clinical.Outcome{Name: "grade", Kind: clinical.Class, Classes: []string{"low", "high"}, Class: make([]int, x.Rows)}
		v := models.Volumes{Source: "adc", Channels: volume.Channels(), Size: [3]int(volume.Size), Spacing: [3]float64(volume.Spacing), Crop: make([]int, x.Rows)}
		r := work.Seed(5).Rand()
		for i := range x.Values {
			x.Values[i] = r.NormFloat64()
		}
		for i := range x.Rows {
			y.Class[i], v.Crop[i] = i%2, i
			for range v.Voxels() {
				v.Values = append(v.Values, float32(r.NormFloat64()))
			}
		}
		x.Volumes = []models.Volumes{v}
		var steps pipeline.Chain // none: what is missing stays missing, and the network is told
		chain, err := steps.Fit(context.Background(), models.Training{X: x, Y: y})
		if err != nil {
			t.Fatal(err)
		}
		k, _ := models.Lookup(kind)
		set := map[string]any{"widths": []any{2}, "epochs": 2, "holdout": 0, "modality_dropout": 0.3}
		if kind == "fusion" {
			set["hidden"], set["embedding"] = []any{3}, 4
		}
		o, problems := models.Check(k.Params, set)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		l, err := k.New(o)
		if err != nil {
			t.Fatal(err)
		}
		m, err := l.Fit(context.Background(), models.Training{X: x, Y: y, Seed: 3})
		if err != nil {
			t.Fatal(err)
		}
		background, err := explain.NewBackground(x, 4)
		if err != nil {
			t.Fatal(err)
		}
		b.Outcomes[0].Chain, b.Outcomes[0].Model, b.Outcomes[0].Background = chain, m, &background
	}
}

// predicted is what the tests look at in an answer.
type predicted struct {
	Outcomes map[string]struct {
		Probabilities map[string]float64
		Explanations  []struct {
			Method                   string
			Base, Output, Gap, Other float64
			Values                   []struct {
				Feature      string
				Contribution float64
			}
		}
	}
	Warnings []struct{ Code, Source string }
}

// A bundle of a network over image and table answers from both, and from either where the other is missing, says so, and its contributions, of the
// image among them, sum to the output. One over the image alone refuses who has none. Requests at once get the answers of requests one by one.
func TestNetworkStudies(t *testing.T) {
	if testing.Short() {
		t.Skip("networks go through the race detector by a command of their own")
	}
	s := serveWith(t, network(t, "fusion"), func(o *studies.Options) { o.Results = nil })
	img, mask := pair(t)
	image, region := part{"image", "v.nii", img}, part{"mask", "m.nii", mask}
	age := part{"features", "", []byte(`{"clinical.age": 61}`)}
	all := map[string][]part{"both": {image, region, age}, "image": {image, region}, "table": {age}}
	want := map[string][]byte{}
	for name, parts := range all {
		code, got := ask(s, parts...)
		if code != 200 {
			t.Fatalf("%s: %d %v", name, code, got)
		}
		want[name], _ = json.Marshal(got) // it came from JSON
		raw, _ := json.Marshal(got["predictions"].([]any)[0])
		var p predicted
		if err := json.Unmarshal(raw, &p); err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Outcomes["grade"].Explanations {
			sum, features := e.Base+e.Other+e.Gap, []string{}
			for _, v := range e.Values {
				sum += v.Contribution
				features = append(features, v.Feature)
			}
			if math.Abs(sum-e.Output) > 1e-6 || e.Method != explain.ExpectedGradients || !slices.Contains(features, "adc (image)") {
				t.Errorf("%s: contributions of %v by %s sum to %g, and the output is %g", name, features, e.Method, sum, e.Output)
			}
		}
		missing := false
		for _, w := range p.Warnings {
			missing = missing || w.Code == bundle.MissingImage && w.Source == "adc"
		}
		if missing != (name == "table") || len(p.Outcomes["grade"].Explanations) != 1 {
			t.Errorf("%s: %s", name, raw)
		}
	}
	if bytes.Equal(want["both"], want["image"]) || bytes.Equal(want["both"], want["table"]) {
		t.Error("a modality that is missing changes nothing")
	}
	if code, got := ask(s, part{"patient", "", []byte("nobody")}); code != 422 {
		t.Errorf("neither image nor table: %d %v", code, got)
	}
	var group sync.WaitGroup
	for range 2 { // as many as may wait
		for name, parts := range all {
			group.Go(func() {
				code, got := ask(s, parts...)
				if again, _ := json.Marshal(got); code != 200 || !bytes.Equal(again, want[name]) {
					t.Errorf("%s, beside others: %d %s", name, code, again)
				}
			})
		}
	}
	group.Wait()

	alone := serveWith(t, network(t, "cnn"), func(o *studies.Options) { o.Results = nil })
	if code, got := ask(alone, image, region); code != 200 {
		t.Errorf("a network over the image: %d %v", code, got)
	}
	if code, got := ask(alone, age); code != 422 {
		t.Errorf("a network over the image without one: %d %v", code, got)
	}
}

// Where each lesion is a row, a network sees the crop of each by itself: its answer and its contributions are those of a study whose mask has that lesion
// alone, by the same network over patients.
func TestNetworkStudyOfLesions(t *testing.T) {
	if testing.Short() {
		t.Skip("networks go through the race detector by a command of their own")
	}
	trained := network(t, "fusion")
	patients := serveWith(t, trained, func(o *studies.Options) { o.Results = nil })
	lesions := serveWith(t, func(b *bundle.Bundle, l *studies.Limits) {
		trained(b, l)
		b.Unit, b.Sources[0].Lesions = table.PerLesion, &extraction.Lesions{From: "components"}
	}, func(o *studies.Options) { o.Results = nil })
	img, _ := pair(t)
	g := image.Grid{Size: [3]int{12, 12, 12}, Spacing: [3]float64{1, 1, 2}, Direction: image.IdentityDirection}
	mask := func(large, small bool) []byte {
		m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
		for i := range m.Labels {
			x, y, z := i%12, i/12%12, i/144
			if large && min(x, y, z) >= 5 && max(x, y, z) < 9 || small && min(x, y, z) >= 1 && max(x, y, z) < 4 {
				m.Labels[i] = 1
			}
		}
		path := filepath.Join(t.TempDir(), "m.nii")
		if err := nifti.WriteMask(path, m); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	answered := func(s http.Handler, m []byte) []any {
		code, got := ask(s, part{"image", "v.nii", img}, part{"mask", "m.nii", m}, part{"features", "", []byte(`{"clinical.age": 61}`)})
		if code != 200 {
			t.Fatalf("%d %v", code, got)
		}
		return got["predictions"].([]any)
	}
	both := answered(lesions, mask(true, true))
	if len(both) != 2 {
		t.Fatalf("%d predictions", len(both))
	}
	var texts []string
	for i, alone := range [][]byte{mask(true, false), mask(false, true)} {
		want, _ := json.Marshal(answered(patients, alone)[0].(map[string]any)["outcomes"])
		got, _ := json.Marshal(both[i].(map[string]any)["outcomes"])
		if !bytes.Equal(got, want) {
			t.Errorf("lesion %d: %s\nwant %s", i+1, got, want)
		}
		texts = append(texts, string(got))
	}
	if texts[0] == texts[1] {
		t.Error("two lesions have one answer")
	}
}

// Over the scan of a study of lesions lies where the network looked in each, under its name.
func TestNetworkMapsOfLesions(t *testing.T) {
	if testing.Short() {
		t.Skip("networks go through the race detector by a command of their own")
	}
	trained := network(t, "cnn")
	kept := scans.New(scans.Limits{Keep: time.Minute, Bytes: 1 << 26})
	s := serveWith(t, func(b *bundle.Bundle, l *studies.Limits) {
		trained(b, l)
		b.Unit, b.Sources[0].Lesions = table.PerLesion, &extraction.Lesions{From: "components"}
	}, func(o *studies.Options) { o.Scans = kept })
	img, _ := pair(t)
	g := image.Grid{Size: [3]int{12, 12, 12}, Spacing: [3]float64{1, 1, 2}, Direction: image.IdentityDirection}
	m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	for i := range m.Labels {
		x, y, z := i%12, i/12%12, i/144
		if min(x, y, z) >= 5 && max(x, y, z) < 9 || min(x, y, z) >= 1 && max(x, y, z) < 4 {
			m.Labels[i] = 1
		}
	}
	path := filepath.Join(t.TempDir(), "m.nii")
	if err := nifti.WriteMask(path, m); err != nil {
		t.Fatal(err)
	}
	mask, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	code, got := ask(s, part{"image", "v.nii", img}, part{"mask", "m.nii", mask}, part{"features", "", []byte(`{"clinical.age": 61}`)})
	all := kept.All(auth.Principal{})
	if code != 200 || len(all) != 1 {
		t.Fatalf("%d, %d scans: %v", code, len(all), got)
	}
	im := all[0].Images[0]
	var looked []string
	for _, l := range im.Layers {
		if l.Kind == "map" {
			looked = append(looked, l.Lesion+" "+l.Outcome)
		}
	}
	if len(im.Lesions) != 2 || im.Lesions[0].Name != "1" || im.Lesions[0].Centre == im.Lesions[1].Centre || len(looked) == 0 || slices.ContainsFunc(looked, func(l string) bool { return l != "1 grade" && l != "2 grade" }) {
		t.Errorf("lesions %+v, maps %v, %v", im.Lesions, looked, got["notes"])
	}
}
