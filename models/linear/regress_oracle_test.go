package linear_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/linear"
)

// Values: glm(binomial, epsilon = 1e-14), summary, confint.default, vcov.
func TestLogisticRegressionOracle(t *testing.T) {
	var want struct {
		Coef, SE, Stat, P map[string]float64
		Low               map[string]float64 `json:"wald_lower95"`
		High              map[string]float64 `json:"wald_upper95"`
		VCov              [][]float64
		Deviance          float64
		Null              float64 `json:"null_deviance"`
		LR                float64 `json:"lr_vs_null"`
	}
	readJSON(t, &want, "linear", "expected", "glm_pima.json")
	p := pathProblem(t, "pima")
	r, err := linear.Regress(p)
	if err != nil {
		t.Fatal(err)
	}
	value := oracle.Relative(t, "coefficients, errors, deviance", "pima", "R 4.2.2 glm", 1e-8)
	value.Near("intercept", r.Intercepts[0], want.Coef["(Intercept)"])
	value.Near("intercept error", r.InterceptErrs[0], want.SE["(Intercept)"])
	value.Near("deviance", -2*r.LogLik, want.Deviance)
	value.Near("null deviance", -2*r.NullLogLik, want.Null)
	lr, _, _ := r.LikelihoodRatio()
	value.Near("likelihood ratio", lr, want.LR)
	ps := oracle.Absolute(t, "p of coefficients", "pima", "R 4.2.2 glm", 1e-7)
	for j, name := range p.Names {
		z, pv := r.Z(0, j)
		low, high := r.Interval(0, j, 0.95)
		value.Near(name, r.Coefficients[0][j], want.Coef[name])
		value.Near(name+" error", r.StdErrs[0][j], want.SE[name])
		value.Near(name+" z", z, want.Stat[name])
		value.Near(name+" low", low, want.Low[name])
		value.Near(name+" high", high, want.High[name])
		ps.Near(name, pv, want.P[name])
	}
	for i, row := range want.VCov {
		for j, v := range row {
			value.Near(fmt.Sprint("covariance ", i, j), r.Covariance.At(i, j), v)
		}
	}
}

// Values: lm(medv ~ .), summary.
func TestLinearRegressionOracle(t *testing.T) {
	var want struct {
		Coef, SE map[string]float64
		RSS      float64
	}
	readJSON(t, &want, "linear", "expected", "lm_boston.json")
	p := pathProblem(t, "boston")
	r, err := linear.Regress(p)
	if err != nil {
		t.Fatal(err)
	}
	value := oracle.Relative(t, "least squares, coefficients and errors", "boston", "R 4.2.2 lm", 1e-8)
	value.Near("intercept", r.Intercepts[0], want.Coef["(Intercept)"])
	value.Near("intercept error", r.InterceptErrs[0], want.SE["(Intercept)"])
	value.Near("residual sum of squares", -2*r.LogLik, want.RSS)
	for j, name := range p.Names {
		value.Near(name, r.Coefficients[0][j], want.Coef[name])
		value.Near(name+" error", r.StdErrs[0][j], want.SE[name])
	}
}

// Values: nnet::multinom. A line separates setosa from the others in these two columns (Newton's steps never shorten, and the deviance
// falls below that where nnet's BFGS stopped), so what exists of the estimate is versicolor against virginica.
func TestMultinomialRegressionOracle(t *testing.T) {
	var want struct {
		Deviance float64
		Coef     map[string][]float64
	}
	readJSON(t, &want, "linear", "expected", "multinom_iris.json")
	f := readFrame(t, "linear", "inputs", "iris.csv")
	p := f.problem(t, []string{"Sepal.Length", "Sepal.Width"})
	for j := range p.Columns {
		x := p.X[j*p.Rows : (j+1)*p.Rows]
		mean, squares := 0.0, 0.0
		for _, v := range x {
			mean += v / float64(p.Rows)
		}
		for i := range x {
			x[i] -= mean
			squares += x[i] * x[i]
		}
		for i := range x {
			x[i] /= math.Sqrt(squares / float64(p.Rows-1))
		}
	}
	p.Family, p.Classes = linear.Multinomial, 3
	p.Class, _ = f.class(t, "Species")
	if _, err := linear.Regress(p); !errors.Is(err, linear.ErrSeparated) {
		t.Errorf("separated data gave %v", err)
	}
	two := linear.Problem{Family: linear.Binomial, Classes: 2, Rows: p.Rows - 50, Columns: 2}
	for j := range 2 {
		two.X = append(two.X, p.X[j*p.Rows+50:(j+1)*p.Rows]...) // setosa is the first fifty rows
	}
	for _, c := range p.Class[50:] {
		two.Class = append(two.Class, c-1)
	}
	r, err := linear.Regress(two)
	if err != nil {
		t.Fatal(err)
	}
	oracle.Relative(t, "multinomial deviance", "iris, two columns", "nnet 7.3-18 multinom", 1e-6).Near("deviance", -2*r.LogLik, want.Deviance)
	coef := oracle.Absolute(t, "multinomial coefficients", "iris, two columns, versicolor to virginica", "nnet 7.3-18 multinom", 1e-4)
	difference := func(i int) float64 { return want.Coef["virginica"][i] - want.Coef["versicolor"][i] }
	coef.Near("intercept", r.Intercepts[0], difference(0))
	coef.Near("Sepal.Length", r.Coefficients[0][0], difference(1))
	coef.Near("Sepal.Width", r.Coefficients[0][1], difference(2))
}

type wantCox struct {
	Ties       string
	Coef, SE   map[string]float64
	Z, P       map[string]float64
	VCov       [][]float64
	LogLikNull float64 `json:"loglik_null"`
	LogLik     float64
	LR         float64
	LRP        float64 `json:"lr_p"`
	Wald       float64
	Score      float64
	LP         []float64   `json:"linear_predictor_uncentered_first10"`
	C          float64     `json:"concordance"`
	CErr       float64     `json:"concordance_se"`
	Martingale []float64   `json:"martingale_first10"`
	Deviance   []float64   `json:"deviance_resid_first10"`
	Schoenfeld [][]float64 `json:"schoenfeld_first3"`
	DFBeta     [][]float64 `json:"dfbeta_first3"`
	ZPH        map[string]struct {
		Terms        []string
		Chisq, DF, P []float64
	}
	Rows     []int `json:"newdata_rows_1based"`
	Times    []float64
	Survival [][]float64 `json:"newdata_surv_times_by_row"`
	Hazard   [][]float64 `json:"newdata_cumhaz"`
	StdErr   [][]float64 `json:"newdata_std_err_of_surv"`
	Low      [][]float64 `json:"newdata_lower_log"`
	High     [][]float64 `json:"newdata_upper_log"`
}

// The stored coxph fits.
var coxSets = []string{"cox_veteran_efron", "cox_veteran_breslow", "cox_veteran_exact", "cox_veteran_strata", "cox_lung_efron", "cox_lung_breslow",
	"cox_heart_startstop_efron", "cox_heart_startstop_breslow"}

func coxProblem(t *testing.T, name string) (linear.Problem, wantCox, float64) {
	var want wantCox
	readJSON(t, &want, "survival", "expected", name+".json")
	var p linear.Problem
	switch {
	case strings.Contains(name, "heart"):
		f := readFrame(t, "survival", "inputs", "heart_startstop.csv")
		p = f.problem(t, []string{"age", "year", "surgery", "transplant"})
		p.Family, p.Entry, p.Time = linear.CoxModel, f.numbers(t, "start"), f.numbers(t, "stop")
		for _, e := range f.text["event"] {
			p.Event = append(p.Event, e == "1")
		}
	case strings.Contains(name, "lung"):
		f := readFrame(t, "survival", "inputs", "lung.csv")
		p = f.problem(t, []string{"age", "sex", "ecog", "wtloss"})
		f.survival(t, &p)
	case strings.Contains(name, "strata"):
		f := readFrame(t, "survival", "inputs", "veteran.csv")
		p = f.problem(t, []string{"trt", "karno", "diagtime", "age", "prior"})
		f.survival(t, &p)
		p.Strata, _ = f.class(t, "celltype")
	default:
		f := readFrame(t, "survival", "inputs", "veteran.csv")
		p = f.problem(t, []string{"trt", "sq", "sc", "ad", "karno", "diagtime", "age", "prior"})
		f.survival(t, &p)
	}
	p.Ties = map[string]linear.Ties{"efron": linear.Efron, "breslow": linear.Breslow, "exact": linear.Exact}[want.Ties]
	tolerance := 1e-7
	if p.Ties == linear.Exact {
		tolerance = 1e-6
	}
	return p, want, tolerance
}

// Values: coxph(eps = 1e-12).
func TestCoxRegressionOracle(t *testing.T) {
	for _, name := range coxSets {
		t.Run(name, func(t *testing.T) {
			p, want, tolerance := coxProblem(t, name)
			r, err := linear.Regress(p)
			if err != nil {
				t.Fatal(err)
			}
			value := oracle.Relative(t, "Cox coefficients, errors, likelihoods, tests", name, "survival 3.5-3 coxph", tolerance)
			value.AbsoluteBelow, value.AbsoluteTolerance = 1e-3, 1e-10
			lr, _, lrP := r.LikelihoodRatio()
			value.Near("log-likelihood", r.LogLik, want.LogLik)
			value.Near("null log-likelihood", r.NullLogLik, want.LogLikNull)
			value.Near("likelihood ratio", lr, want.LR)
			value.Near("likelihood ratio p", lrP, want.LRP)
			value.Near("Wald", r.Wald(), want.Wald)
			value.Near("score", r.Score, want.Score)
			for j, c := range p.Names {
				z, pv := r.Z(0, j)
				value.Near(c, r.Coefficients[0][j], want.Coef[c])
				value.Near(c+" error", r.StdErrs[0][j], want.SE[c])
				value.Near(c+" z", z, want.Z[c])
				value.Near(c+" p", pv, want.P[c])
			}
			for i, row := range want.VCov {
				for j, v := range row {
					value.Near(fmt.Sprint("covariance ", i, j), r.Covariance.At(i, j), v)
				}
			}
		})
	}
}

// Values: residuals(coxph), cox.zph and survfit(newdata).
func TestCoxDiagnosticsOracle(t *testing.T) {
	for _, name := range coxSets {
		p, want, _ := coxProblem(t, name)
		if p.Ties == linear.Exact {
			continue
		}
		t.Run(name, func(t *testing.T) {
			r, err := linear.Regress(p)
			if err != nil {
				t.Fatal(err)
			}
			res, err := r.Residuals()
			if err != nil {
				t.Fatal(err)
			}
			check := oracle.Absolute(t, "Cox residuals", name, "survival 3.5-3 residuals.coxph", 1e-7)
			for i := range want.Martingale {
				check.Near(fmt.Sprint("martingale ", i), res.Martingale[i], want.Martingale[i])
				check.Near(fmt.Sprint("deviance ", i), res.Deviance[i], want.Deviance[i])
			}
			for i := range want.Schoenfeld {
				for j, v := range want.Schoenfeld[i] {
					check.Near(fmt.Sprint("Schoenfeld ", i, j), res.Schoenfeld[i][j], v)
				}
			}
			for i := range want.DFBeta {
				for j, v := range want.DFBeta[i] {
					check.Near(fmt.Sprint("dfbeta ", i, j), res.DFBeta[i][j], v)
				}
			}
			zph := oracle.Absolute(t, "test of proportional hazards", name, "survival 3.5-3 cox.zph", 1e-6)
			for kind, g := range map[string]linear.Transform{"km": linear.KMTransform, "identity": linear.Identity} {
				h, err := r.ProportionalHazards(g)
				if err != nil {
					t.Fatal(err)
				}
				w := want.ZPH[kind]
				for j, v := range h.Statistic {
					zph.Near(kind+" "+w.Terms[j], v, w.Chisq[j])
				}
				zph.Near(kind+" all", h.Global, w.Chisq[len(w.Chisq)-1])
			}
			base, err := r.Baseline()
			if err != nil {
				t.Fatal(err)
			}
			curve := oracle.Absolute(t, "survival of patients and its error", name, "survival 3.5-3 survfit.coxph", 1e-8)
			for c, row := range want.Rows {
				x := make([]float64, p.Columns)
				for j := range x {
					x[j] = p.X[j*p.Rows+row-1]
				}
				stratum := 0
				if p.Strata != nil {
					stratum = p.Strata[row-1]
				}
				for k, at := range want.Times {
					s, se := base.At(at, x, stratum)
					curve.Near(fmt.Sprint("row ", row, " at ", at), s, want.Survival[k][c])
					if want.StdErr != nil {
						curve.Near(fmt.Sprint("row ", row, " error at ", at), se, want.StdErr[k][c])
					}
				}
			}
			if want.Rows == nil {
				s, _ := base.At(-1, make([]float64, p.Columns), 0)
				curve.Near("before all events", s, 1)
			}
		})
	}
}

// Values: sklearn LogisticRegression(penalty = "l2", solver = "newton-cg", tol = 1e-12) on standardised columns. Its C is 1/(n·λ); its
// two-class multinomial model has two opposite halves.
func TestScikitLearnOracle(t *testing.T) {
	for name, data := range map[string]string{"sklearn_logreg_pima": "pima", "sklearn_logreg_iris": "iris"} {
		var want struct {
			Fits []struct {
				C         float64
				Coef      [][]float64
				Intercept json.RawMessage
			}
		}
		readJSON(t, &want, "linear", "expected", name+".json")
		p := pathProblem(t, data)
		check := oracle.Absolute(t, "ridge coefficients", name, "scikit-learn 1.2.1", 1e-6)
		sd := make([]float64, p.Columns)
		for j := range sd {
			x := p.X[j*p.Rows : (j+1)*p.Rows]
			mean := 0.0
			for _, v := range x {
				mean += v / float64(p.Rows)
			}
			for _, v := range x {
				sd[j] += (v - mean) * (v - mean) / float64(p.Rows)
			}
			sd[j] = math.Sqrt(sd[j])
		}
		for _, w := range want.Fits {
			lambda := 1 / (w.C * float64(p.Rows))
			path, err := linear.FitPath(t.Context(), p, linear.Options{Lambda: []float64{lambda}, Tolerance: 1e-17})
			if err != nil {
				t.Fatal(err)
			}
			for k, row := range w.Coef {
				got := path.Fits[0].Dense(k, p.Columns)
				for j, v := range row {
					check.Near(fmt.Sprint("C ", w.C, " ", p.Names[j]), got[j]*sd[j], v)
				}
			}
		}
	}
}
