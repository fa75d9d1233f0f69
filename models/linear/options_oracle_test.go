package linear_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/linear"
)

// weighted is one fit of testdata/weights_offsets.json.
type weighted struct {
	Data                             string
	Alpha                            float64
	Weights, Offset, Factors, Lambda []float64
	Grouped                          bool
	Intercepts                       [][]float64   // by response and λ
	Coefficients                     [][][]float64 // by response, λ and column
	DevRatio                         []float64     `json:"dev_ratio"`
	Coef, SE, LogLik                 []float64
	Score                            float64
}

func readWeighted(t *testing.T) map[string]weighted {
	b, err := os.ReadFile("testdata/weights_offsets.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]weighted
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// Values: glmnet 4.1-6 (thresh = 1e-20, multinomial 1e-18) in R 4.2.2 with case weights, offsets and penalty factors at once, drawn for
// the purpose; Cox with 0.25 added to censored times, so that glmnet keeps those censored at an event at risk for it.
func TestWeightsOffsetsFactorsOracle(t *testing.T) {
	all := readWeighted(t)
	for _, name := range []string{"binomial", "multinomial_ungrouped", "multinomial_grouped", "cox"} {
		w := all[name]
		p := pathProblem(t, w.Data)
		p.Weights, p.Offset = w.Weights, w.Offset
		path, err := linear.FitPath(t.Context(), p, linear.Options{Alpha: w.Alpha, Lambda: w.Lambda, PenaltyFactors: w.Factors, Grouped: w.Grouped, Tolerance: 1e-16})
		if err != nil {
			t.Fatal(err)
		}
		check := oracle.Absolute(t, "coefficients with weights, offsets and penalty factors", name+", "+w.Data, glmnet, 1e-6)
		ratio := oracle.Absolute(t, "deviance ratio with weights, offsets and penalty factors", name+", "+w.Data, glmnet, 1e-7)
		for l, f := range path.Fits {
			ratio.Near(fmt.Sprint("λ ", l), f.DevRatio, w.DevRatio[l])
			for k, byLambda := range w.Coefficients {
				got := f.Dense(k, p.Columns)
				for j, v := range byLambda[l] {
					check.Near(fmt.Sprint("response ", k, " λ ", l, " ", p.Names[j]), got[j], v)
				}
			}
			for k, byLambda := range w.Intercepts {
				check.Near(fmt.Sprint("intercept λ ", l), f.Intercepts[k], byLambda[l])
			}
		}
	}
}

// Values: glm (quasibinomial, dispersion 1) and coxph (model-based variance) in R 4.2.2 with case weights and an offset.
func TestWeightedRegressionOracle(t *testing.T) {
	all := readWeighted(t)
	for _, name := range []string{"glm", "coxph_efron", "coxph_breslow"} {
		w := all[name]
		p := pathProblem(t, w.Data)
		p.Weights, p.Offset = w.Weights, w.Offset
		p.Ties = map[string]linear.Ties{"coxph_breslow": linear.Breslow}[name]
		r, err := linear.Regress(p)
		if err != nil {
			t.Fatal(err)
		}
		check := oracle.Relative(t, "fits with case weights and offset", name+", "+w.Data, "R 4.2.2 glm, survival 3.5-3", 1e-8)
		coef, errs := r.Coefficients[0], r.StdErrs[0]
		if name == "glm" {
			coef, errs = append([]float64{r.Intercepts[0]}, coef...), append([]float64{r.InterceptErrs[0]}, errs...)
		} else {
			check.Near("null log-likelihood", r.NullLogLik, w.LogLik[0])
			check.Near("log-likelihood", r.LogLik, w.LogLik[1])
			check.Near("score", r.Score, w.Score)
		}
		for j := range w.Coef {
			check.Near(fmt.Sprint("coefficient ", j), coef[j], w.Coef[j])
			check.Near(fmt.Sprint("error ", j), errs[j], w.SE[j])
		}
	}
}

// A weight of two is the row twice, and a weight of none is no row: for paths and for fits without penalty.
func TestWeightsAreCopies(t *testing.T) {
	class, time := cohort(40, 3, 2)
	for _, family := range []linear.Family{linear.Binomial, linear.CoxModel} {
		p := linear.Problem{Family: family, Rows: 40, Columns: 3, X: class.X.Values, Classes: 2, Class: class.Y.Class, Time: time.Y.Time, Ties: linear.Breslow}
		var rows []int
		for i := range 40 {
			p.Event = append(p.Event, time.Y.Event[i] == 1)
			n := i % 3
			p.Weights = append(p.Weights, float64(n))
			for range n {
				rows = append(rows, i)
			}
		}
		copies := linear.Problem{Family: family, Rows: len(rows), Columns: 3, Classes: 2, Ties: linear.Breslow}
		for j := range 3 {
			for _, i := range rows {
				copies.X = append(copies.X, p.X[j*40+i])
			}
		}
		for _, i := range rows {
			copies.Class, copies.Time, copies.Event = append(copies.Class, p.Class[i]), append(copies.Time, p.Time[i]), append(copies.Event, p.Event[i])
		}
		o := linear.Options{Alpha: 0.5, Lambda: []float64{0.1, 0.01}, Tolerance: 1e-15}
		a, errA := linear.FitPath(t.Context(), p, o)
		b, errB := linear.FitPath(t.Context(), copies, o)
		ra, errC := linear.Regress(p)
		rb, errD := linear.Regress(copies)
		if errA != nil || errB != nil || errC != nil || errD != nil {
			t.Fatal(errA, errB, errC, errD)
		}
		for j := range 3 {
			for l := range a.Fits {
				if x, y := a.Fits[l].Dense(0, 3)[j], b.Fits[l].Dense(0, 3)[j]; math.Abs(x-y) > 1e-7 {
					t.Errorf("family %d λ %d column %d: %g weighted, %g copied", family, l, j, x, y)
				}
			}
			if x, y := ra.Coefficients[0][j], rb.Coefficients[0][j]; math.Abs(x-y) > 1e-9 {
				t.Errorf("family %d column %d: %g weighted, %g copied", family, j, x, y)
			}
		}
	}
}
