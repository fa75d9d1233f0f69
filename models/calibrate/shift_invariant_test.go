package calibrate_test

import (
	"context"
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/calibrate"
)

// Log-odds are moved as asked, whether the model is calibrated already or not, and twice as well as once.
func TestRecalibrateInvariant(t *testing.T) {
	classes := []string{"no", "yes"}
	data := models.Training{X: models.Matrix{Columns: []table.Column{{Name: "score"}}, Rows: 14, Values: scores},
		Y: clinical.Outcome{Kind: clinical.Class, Classes: classes, Class: happens}}
	bases := map[string]models.Model{}
	plain, err := through{}.Fit(context.Background(), data)
	if err != nil {
		t.Fatal(err)
	}
	bases["plain"] = plain
	for _, method := range calibrate.Methods {
		l, err := calibrate.New(through{}, method, 5)
		if err != nil {
			t.Fatal(err)
		}
		if bases[method], err = l.Fit(context.Background(), data); err != nil {
			t.Fatal(err)
		}
	}
	odds := func(m models.Model) []float64 {
		p, err := m.Predict(data.X, nil)
		if err != nil {
			t.Fatal(err)
		}
		var out []float64
		for i := range p.Rows {
			q := min(max(p.Probabilities[2*i+1], 1e-6), 1-1e-6)
			out = append(out, math.Log(q/(1-q)))
		}
		return out
	}
	for name, base := range bases {
		before := odds(base)
		once, err := calibrate.Recalibrate(base, classes, -0.5, 0.8, "moved")
		if err != nil {
			t.Fatal(err)
		}
		twice, err := calibrate.Recalibrate(once, classes, 1, 2, "moved")
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range odds(once) {
			if want := -0.5 + 0.8*before[i]; math.Abs(v-want) > 1e-9 && (name != calibrate.Isotonic || math.Abs(v-want) > 0.2) { // isotonic is moved at its knots
				t.Errorf("%s, row %d: log-odds %v, want %v", name, i, v, want)
			}
		}
		for i, v := range odds(twice) {
			if want := 1 + 2*(-0.5+0.8*before[i]); name != calibrate.Isotonic && math.Abs(v-want) > 1e-9 {
				t.Errorf("%s, row %d: log-odds %v after two, want %v", name, i, v, want)
			}
		}
	}
	for _, bad := range [][2]float64{{math.NaN(), 1}, {0, 0}, {0, -1}, {0, math.Inf(1)}} {
		if _, err := calibrate.Recalibrate(plain, classes, bad[0], bad[1], ""); err == nil {
			t.Errorf("intercept %v and slope %v are taken", bad[0], bad[1])
		}
	}
	if _, err := calibrate.Recalibrate(plain, []string{"a", "b", "c"}, 0, 1, ""); err == nil {
		t.Error("three classes are taken")
	}
}
