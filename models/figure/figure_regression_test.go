package figure

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models/survival"
)

var update = flag.Bool("update", false, "rewrite golden files")

// golden compares a figure with testdata/name.svg and .csv, and its SVG must be well-formed XML.
func golden(t *testing.T, name string, f Figure, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(bytes.NewReader(f.SVG))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for suffix, got := range map[string][]byte{".svg": f.SVG, ".csv": f.CSV} {
		path := filepath.Join("testdata", name+suffix)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs; go test -update rewrites it, then look at it", path)
		}
	}
}

// longNames are names as radiomics and pathways have them.
func longNames(n int) []string {
	families := []string{"original_shape_Sphericity", "wavelet-LLH_glszm_SmallAreaLowGrayLevelEmphasis", "log-sigma-3-0-mm-3D_gldm_LargeDependenceHighGrayLevelEmphasis",
		"HALLMARK_EPITHELIAL_MESENCHYMAL_TRANSITION", "age", "squareroot_glrlm_ShortRunHighGrayLevelEmphasis & <more>"}
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("source%d.%s", i, families[i%len(families)])
	}
	return out
}

func TestROCGolden(t *testing.T) {
	x := []float64{0, 0, 0.1, 0.1, 0.3, 0.3, 0.6, 1}
	f, err := ROC("IDH status, out of fold", []Curve{
		{"elastic net", "AUC 0.87 (0.81–0.92)", x, []float64{0, 0.4, 0.4, 0.7, 0.7, 0.9, 1, 1}},
		{"random forest of five hundred trees on every sequence, with a name that needs shortening", "AUC 0.80 (0.73–0.87)", x, []float64{0, 0.2, 0.3, 0.5, 0.6, 0.8, 0.9, 1}},
		{"chance", "AUC 0.52", x, []float64{0, 0.02, 0.1, 0.12, 0.3, 0.35, 0.6, 1}},
	})
	golden(t, "roc", f, err)
}

func TestCalibrationGolden(t *testing.T) {
	f, err := Calibration("Calibration, out of fold", []Reliability{
		{Name: "elastic net", Note: "slope 0.93", Predicted: []float64{0.1, 0.3, 0.5, 0.7, 0.9}, Observed: []float64{0.08, 0.33, 0.48, 0.75, 0.88},
			Low: []float64{0.02, 0.2, 0.35, 0.6, 0.75}, High: []float64{0.2, 0.47, 0.62, 0.86, 0.95}, Count: []int{30, 22, 25, 20, 33},
			Smooth: Curve{X: []float64{0, 0.25, 0.5, 0.75, 1}, Y: []float64{0.02, 0.26, 0.49, 0.77, 0.97}}},
		{Name: "forest", Predicted: []float64{0.2, 0.45, 0.8}, Observed: []float64{0.12, 0.5, 0.93}},
	})
	golden(t, "calibration", f, err)
}

func TestKaplanMeierGolden(t *testing.T) {
	r := work.Seed(1).Rand()
	var groups []Group
	for i, scale := range []float64{1500, 600, 300} {
		var observations []survival.Observation
		for range 60 {
			event, censor := r.ExpFloat64()*scale, r.Float64()*2000
			o := survival.Observation{Time: math.Round(math.Min(event, censor)) + 1}
			if event <= censor {
				o.Event = 1
			}
			observations = append(observations, o)
		}
		c, err := survival.KaplanMeier(observations)
		if err != nil {
			t.Fatal(err)
		}
		g := Group{Name: []string{"low risk", "intermediate risk", "high risk by the model of images, genes, age and sex"}[i], Note: fmt.Sprintf("median %s d", short(c.Median())), Curve: c}
		if i != 1 {
			g.Low, g.High = c.Interval(0.95, survival.Log)
		}
		groups = append(groups, g)
	}
	f, err := KaplanMeier("Overall survival by predicted risk", "d", groups)
	golden(t, "kaplan_meier", f, err)
}

func TestBarsGolden(t *testing.T) {
	r := work.Seed(2).Rand()
	var bars []Bar
	for i, n := range longNames(30) {
		v := math.Pow(0.85, float64(i)) * (0.5 + r.Float64())
		if i%3 == 1 {
			v = -v
		}
		bars = append(bars, Bar{Name: n, Value: v, Low: v - 0.05, High: v + 0.08})
	}
	f, err := Bars("Contributions to this estimate", "Contribution (log-odds)", bars)
	golden(t, "bars", f, err)
}
