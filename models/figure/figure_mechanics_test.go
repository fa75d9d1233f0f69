package figure

import (
	"math"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/survival"
)

// What cannot be drawn is an error that says which series and which value.
func TestRefused(t *testing.T) {
	nan := math.NaN()
	for name, draw := range map[string]func() (Figure, error){
		"ROC curve a: value 2 is NaN":   func() (Figure, error) { return ROC("", []Curve{{Name: "a", X: []float64{0, nan}, Y: []float64{0, 1}}}) },
		"no ROC curve":                  func() (Figure, error) { return ROC("", nil) },
		"2 and 1 coordinates":           func() (Figure, error) { return ROC("", []Curve{{Name: "a", X: []float64{0, 1}, Y: []float64{0}}}) },
		"differ in length or are empty": func() (Figure, error) { return Calibration("", []Reliability{{Name: "m"}}) },
		"calibration of m: value 1 is +Inf": func() (Figure, error) {
			return Calibration("", []Reliability{{Name: "m", Predicted: []float64{0.5}, Observed: []float64{math.Inf(1)}}})
		},
		"its arrays are empty": func() (Figure, error) { return KaplanMeier("", "d", []Group{{Name: "g", Curve: survival.Curve{}}}) },
		"nothing to draw":      func() (Figure, error) { return Bars("", "", nil) },
		"age: value 1 is NaN":  func() (Figure, error) { return Bars("", "", []Bar{{Name: "age", Value: nan}}) },
	} {
		if _, err := draw(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want an error with %q", err, name)
		}
	}
}

// One value, all values alike and no spread are drawn, not divided by.
func TestDegenerate(t *testing.T) {
	if _, err := Bars("t", "x", []Bar{{Name: "a"}}); err != nil {
		t.Error(err)
	}
	c, err := survival.KaplanMeier([]survival.Observation{{Time: 5, Event: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := KaplanMeier("t", "", []Group{{Name: "a", Curve: c}}); err != nil {
		t.Error(err)
	}
	if _, err := ROC("t", []Curve{{Name: "a", X: []float64{0}, Y: []float64{0}}}); err != nil {
		t.Error(err)
	}
}

func TestShort(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 60: "60", -1.2345: "−1.23", 123.4: "123", 0.012345: "0.0123", 1e-7: "1e−07", 99.96: "100.0"} {
		got := short(v)
		if v == 1e-7 {
			want = "1e-07"
		}
		if got != want {
			t.Errorf("short(%v) = %q, want %q", v, got, want)
		}
	}
}

// A name too long loses its middle, never an end.
func TestFit(t *testing.T) {
	name := "t1.wavelet-LLH_glszm_SmallAreaLowGrayLevelEmphasis"
	got := fit(name, tickSize, 100)
	if width(got, tickSize) > 100 || !strings.HasPrefix(got, "t1.wa") || !strings.HasSuffix(got, "hasis") {
		t.Errorf("%q is %v wide", got, width(got, tickSize))
	}
	if fit("age", tickSize, 100) != "age" || fit("age", tickSize, 0) != "…" {
		t.Error("short names stay, and no room leaves a mark")
	}
}
