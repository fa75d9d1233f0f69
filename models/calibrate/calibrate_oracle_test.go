package calibrate_test

import (
	"context"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/calibrate"
)

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "models/calibrate", 25)) }

// through is a classifier whose margin is its only column: what is out of fold is then known.
type through struct{ columns []table.Column }

func (through) Fit(_ context.Context, t models.Training) (models.Model, error) {
	return through{t.X.Columns}, nil
}
func (through) Kind() string                       { return "through" }
func (m through) Columns() []table.Column          { return m.columns }
func (through) Encode() (map[string][]byte, error) { return map[string][]byte{}, nil }
func (m through) Predict(x models.Matrix, _ []float64) (models.Prediction, error) {
	p := models.Prediction{Kind: clinical.Class, Rows: x.Rows, Classes: []string{"no", "yes"}, Margin: append([]float64{}, x.Column(0)...)}
	for _, e := range p.Margin {
		q := 1 / (1 + math.Exp(-e))
		p.Probabilities = append(p.Probabilities, 1-q, q)
	}
	return p, nil
}

var (
	scores  = []float64{-2.1, -1.5, -1.4, -0.9, -0.3, -0.1, 0.2, 0.4, 0.4, 0.8, 1.1, 1.3, 1.9, 2.5}
	happens = []int{0, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1}
	weights = []float64{1, 2, 1, 1, 1, 2, 1, 1, 1, 1, 2, 1, 1, 1}
)

func calibrated(t *testing.T, method string, w []float64) models.Prediction {
	t.Helper()
	data := models.Training{X: models.Matrix{Columns: []table.Column{{Name: "score"}}, Rows: len(scores), Values: scores}, Weights: w,
		Y: clinical.Outcome{Name: "y", Kind: clinical.Class, Classes: []string{"no", "yes"}, Class: happens}}
	l, err := calibrate.New(through{}, method, 2)
	if err != nil {
		t.Fatal(err)
	}
	m, err := l.Fit(context.Background(), data)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Predict(data.X, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Values: R 4.2.2, isoreg(x, y)$yf.
func TestIsotonicOracle(t *testing.T) {
	want := []float64{0, 0, 1. / 3, 1. / 3, 1. / 3, .5, .5, .5, .5, .5, .5, 1, 1, 1}
	p := calibrated(t, calibrate.Isotonic, nil)
	check := oracle.Absolute(t, "isotonic calibration", "14 scores", "R 4.2.2 isoreg", 1e-12)
	for i, v := range want {
		check.Near("fitted", p.Probabilities[2*i+1], v)
	}
}

// Values: R 4.2.2, glm(t ~ x, quasibinomial, weights = w), t being Platt's targets (N₊+1)/(N₊+2) and 1/(N₋+2).
func TestPlattOracle(t *testing.T) {
	for _, c := range []struct {
		weights          []float64
		intercept, slope float64
	}{{nil, -0.107845321509275, 0.645693441310150}, {weights, -0.192145029291545, 0.597025181676408}} {
		p := calibrated(t, calibrate.Platt, c.weights)
		check := oracle.Absolute(t, "Platt scaling", "14 scores", "R 4.2.2 glm", 1e-8)
		for _, i := range []int{0, 3, 8, 11, 13} {
			check.Near("margin", p.Margin[i], c.intercept+c.slope*scores[i])
		}
	}
}

// Values: R 4.2.2, 1/coef(glm(y ~ x − 1, binomial)), which maximises the same likelihood.
func TestTemperatureOracle(t *testing.T) {
	p := calibrated(t, calibrate.Temperature, nil)
	oracle.Relative(t, "temperature", "14 scores", "R 4.2.2 glm", 1e-8).Near("T", scores[0]/p.Margin[0], 1.12455898767378)
}

// A calibration of probabilities that are true changes little, of probabilities that are too extreme much.
func TestCalibrationRepairs(t *testing.T) {
	r := models.Training{Seed: 2}.Seed.Rand()
	const n = 4000
	data := models.Training{X: models.NewMatrix([]table.Column{{Name: "score"}}, n), Seed: 1,
		Y: clinical.Outcome{Name: "y", Kind: clinical.Class, Classes: []string{"no", "yes"}, Class: make([]int, n)}}
	for i := range n {
		truth := r.NormFloat64()
		data.X.Column(0)[i] = 3*truth + 1 // three times too sure, and shifted
		if r.Float64() < 1/(1+math.Exp(-truth)) {
			data.Y.Class[i] = 1
		}
	}
	for _, method := range []string{calibrate.Platt, calibrate.Isotonic} {
		l, _ := calibrate.New(through{}, method, 5)
		m, err := l.Fit(context.Background(), data)
		if err != nil {
			t.Fatal(err)
		}
		p, _ := m.Predict(data.X, nil)
		worst := 0.0
		for i := range n {
			if truth := (data.X.Column(0)[i] - 1) / 3; math.Abs(truth) < 1.5 {
				worst = max(worst, math.Abs(p.Probabilities[2*i+1]-1/(1+math.Exp(-truth))))
			}
		}
		if worst > 0.12 {
			t.Errorf("%s: off by %.3f", method, worst)
		}
	}
}

// The text says how the model is calibrated.
func TestWriteText(t *testing.T) {
	for method, want := range map[string]string{calibrate.Platt: "log-odds of yes =", calibrate.Isotonic: "steps from", calibrate.Temperature: "log-odds of yes ="} {
		l, _ := calibrate.New(through{}, method, 2)
		m, err := l.Fit(context.Background(), models.Training{X: models.Matrix{Columns: []table.Column{{Name: "score"}}, Rows: 14, Values: scores},
			Y: clinical.Outcome{Kind: clinical.Class, Classes: []string{"no", "yes"}, Class: happens}})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := m.(models.Readable).WriteText(&b); err != nil || !strings.Contains(b.String(), method) || !strings.Contains(b.String(), want) {
			t.Errorf("%v: %q", err, b.String())
		}
	}
}

func TestBadInput(t *testing.T) {
	if _, err := calibrate.New(through{}, "beta", 5); err == nil {
		t.Error("an unknown method was taken")
	}
	if _, err := calibrate.New(through{}, calibrate.Platt, 1); err == nil {
		t.Error("one fold was taken")
	}
	l, _ := calibrate.New(through{}, calibrate.Platt, 5)
	x := models.NewMatrix([]table.Column{{Name: "score"}}, 3)
	if _, err := l.Fit(context.Background(), models.Training{X: x, Y: clinical.Outcome{Kind: clinical.Survival}}); err == nil {
		t.Error("a survival outcome was calibrated")
	}
	if _, err := l.Fit(context.Background(), models.Training{X: x, Y: clinical.Outcome{Kind: clinical.Class, Classes: []string{"no", "yes"}, Class: []int{0, 0, 1}}}); err == nil {
		t.Error("a class of one row was calibrated")
	}
}
