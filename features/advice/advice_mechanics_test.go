package advice_test

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/advice"
	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nrrd"
	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/radiomics"
)

// scan is a sound one, changed by do.
func scan(n int, do func(*advice.Scan)) advice.Scan {
	s := advice.Scan{
		Patient: fmt.Sprintf("p%d", n), Batch: "A", Grid: image.Grid{Size: [3]int{100, 100, 50}, Spacing: [3]float64{1, 1, 1.5}},
		Voxels: 4000, Parts: 1, Dimensions: 3, Low: 0, High: 800, Mean: 100 + float64(n%7),
	}
	if do != nil {
		do(&s)
	}
	return s
}

func texts(lines []advice.Line) string {
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%v|%s|%s|%s\n", l.Problem, l.About, l.Text, l.Reason)
	}
	return b.String()
}

// Each fault of a cohort has its line with what to do and why; a sound cohort has no problem.
func TestImages(t *testing.T) {
	for name, test := range map[string]struct {
		change   func(n int, s *advice.Scan)
		params   func(p *radiomics.Params)
		modality string
		want     string // a problem; empty for none
	}{
		"sound":      {nil, nil, "CT", ""},
		"spacing":    {func(n int, s *advice.Scan) { s.Grid.Spacing[0] = 1 + float64(n%3)/10 }, nil, "CT", "set resampledPixelSpacing, such as [1.5, 1.5, 1.5]"},
		"thick":      {func(_ int, s *advice.Scan) { s.Grid.Spacing[2] = 5 }, nil, "CT", "slices are 5 times as thick as pixels: set force2D"},
		"few levels": {func(_ int, s *advice.Scan) { s.High = 200 }, nil, "CT", "8 grey levels of width 25: a binWidth of 8"},
		"MR":         {nil, nil, "MR", "MR without normalisation"},
		"CT":         {nil, func(p *radiomics.Params) { p.Normalize = true }, "CT", "CT is normalised"},
		"background": {func(_ int, s *advice.Scan) { s.Background = 0.6 }, func(p *radiomics.Params) { p.Normalize = true }, "MR", "16 of 16 images are background"},
		"border":     {func(n int, s *advice.Scan) { s.AtBorder = n == 3 }, nil, "CT", "p3: the region touches the border"},
		"tiny":       {func(n int, s *advice.Scan) { s.Voxels -= 3990 * (n / 11) }, nil, "CT", "p11: the region has 10 voxels"},
		"fault": {func(n int, s *advice.Scan) {
			if n == 2 {
				s.Fault = errors.New("no mask")
			}
		}, nil, "CT", "p2: no mask"},
		"scanner": {func(n int, s *advice.Scan) {
			if n < 5 {
				s.Batch, s.Mean = "B", 400
			}
		}, nil, "CT", "batch B has a median intensity of 400"},
		"few": {func(n int, s *advice.Scan) {
			if n < 3 {
				s.Batch = "B"
			}
		}, nil, "CT", "batch B has 3 patients: too few to harmonise"},
	} {
		var scans []advice.Scan
		for n := range 16 {
			scans = append(scans, scan(n, func(s *advice.Scan) {
				if test.change != nil {
					test.change(n, s)
				}
			}))
		}
		p := radiomics.DefaultParams()
		if test.params != nil {
			test.params(&p)
		}
		lines := advice.Images("t1", test.modality, false, scans, p)
		problems := 0
		for _, l := range lines {
			if l.Problem {
				problems++
			}
			if l.Reason == "" {
				t.Errorf("%s: %q has no reason", name, l.Text)
			}
		}
		if test.want == "" && problems > 0 || test.want != "" && (problems == 0 || !strings.Contains(texts(lines), test.want)) {
			t.Errorf("%s: want %q among\n%s", name, test.want, texts(lines))
		}
	}
}

func TestOutcomes(t *testing.T) {
	class := clinical.Outcome{Name: "idh", Kind: clinical.Class, Classes: []string{"0", "1"}}
	for i := range 40 {
		class.Class = append(class.Class, i/34)
	}
	class.Class = append(class.Class, -1)
	survival := clinical.Outcome{Name: "os", Kind: clinical.Survival, Unit: "d"}
	for i := range 60 {
		survival.Time, survival.Event = append(survival.Time, float64(i)), append(survival.Event, i%3)
	}
	survival.Time[0] = math.NaN()
	got := texts(advice.Outcomes([]clinical.Outcome{class, survival}, 100))
	for _, want := range []string{"true|idh|40 patients: 34 0 6 1. Class 1 is too small", "os|59 patients with 20 events, and 100 candidate columns: 0.2 events a column", "os|20 competing events"} {
		if !strings.Contains(got, want) {
			t.Errorf("want %q among\n%s", want, got)
		}
	}
}

// What is seen of files is what is in them.
func TestLook(t *testing.T) {
	dir := t.TempDir()
	g := image.Grid{Size: [3]int{10, 10, 10}, Spacing: [3]float64{1, 1, 2}, Direction: image.IdentityDirection}
	v := &image.Volume{Grid: g, Integer: true, Values: make([]float64, 1000)}
	m := &image.Mask{Grid: g, Labels: make([]uint16, 1000)}
	for _, at := range [][3]int{{0, 5, 5}, {1, 5, 5}, {8, 8, 8}} {
		o := g.Index(at[0], at[1], at[2])
		m.Labels[o], v.Values[o] = 2, float64(10*at[0])
	}
	scanFile := filepath.Join(dir, "a.nrrd")
	if err := nrrd.Write(scanFile, v, image.Int16); err != nil {
		t.Fatal(err)
	}
	s := advice.Look("p", "A", open.Image{Path: scanFile}, m, 0, false)
	if s.Fault != nil || s.Voxels != 3 || s.Parts != 2 || !s.AtBorder || s.Low != 0 || s.High != 80 || s.Mean != 30 || s.Dimensions != 3 || s.Background < 0.9 {
		t.Errorf("got %+v", s)
	}
	if s := advice.Look("p", "A", open.Image{Path: scanFile}, m, 1, false); s.Fault == nil {
		t.Error("an absent label is no fault")
	}
	if s := advice.Look("p", "A", open.Image{Path: filepath.Join(dir, "none.nrrd")}, m, 0, false); s.Fault == nil {
		t.Error("an absent file is no fault")
	}
}
