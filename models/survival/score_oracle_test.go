package survival_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/survival"
)

const rScore = "riskRegression 2022.11.28 Score"

type wantScores struct {
	Model []string
	Times []float64
	AUC   []float64
	Brier []float64
	SE    []float64
	Lower []float64
	Upper []float64
}

type wantContrasts struct {
	Times     []float64
	Model     []string
	Reference []string
	DeltaAUC  []float64 `json:"delta.AUC"`
	DeltaB    []float64 `json:"delta.Brier"`
	SE, P     []float64
}

// Values: riskRegression::Score(cens.model = "km"), pec::crps, and the direct definition in R. Standard errors follow the same
// influence function; riskRegression evaluates it with other choices at ties, of order 1/n.
func TestScoreOracle(t *testing.T) {
	for _, data := range []string{"veteran", "gbsg"} {
		t.Run(data, func(t *testing.T) {
			f := readFrame(t, "survival", "inputs", "score_"+data+"_testset.csv")
			var want struct {
				Times      []float64
				AUC        wantScores         `json:"score_auc"`
				Brier      wantScores         `json:"score_brier"`
				AUCDelta   wantContrasts      `json:"score_auc_contrasts"`
				BrierDelta wantContrasts      `json:"score_brier_contrasts"`
				Tau        float64            `json:"ibs_tau"`
				IBS        map[string]float64 `json:"ibs_left_step"`
				Uno        float64            `json:"uno_C_lp1"`
				Harrell    float64            `json:"harrell_C_lp1"`
			}
			readJSON(t, &want, "survival", "expected", "score_"+data+".json")
			obs := f.observations(t)
			w, err := survival.NewIPCW(obs)
			if err != nil {
				t.Fatal(err)
			}
			km, _ := survival.KaplanMeier(obs)
			predicted := func(model string, time float64) []float64 {
				s := make([]float64, len(obs))
				if model == "Null model" {
					for i := range s {
						s[i] = km.At(time)
					}
					return s
				}
				risk := f.numbers(t, fmt.Sprintf("risk%s_t%g", model[1:], time))
				for i := range s {
					s[i] = 1 - risk[i]
				}
				return s
			}
			value := oracle.Absolute(t, "Brier score and AUC at a time", data, rScore, 1e-9)
			errs := oracle.Absolute(t, "standard errors of Brier score and AUC, their limits, contrasts", data, rScore, 1e-4)
			auc, brier := map[string]survival.Score{}, map[string]survival.Score{}
			for k, m := range want.AUC.Model {
				at := want.AUC.Times[k]
				risk := predicted(m, at)
				for i := range risk {
					risk[i] = -risk[i]
				}
				s, err := w.AUC(at, risk)
				if err != nil {
					t.Fatal(err)
				}
				low, high := s.Interval(0.95)
				auc[m+fmt.Sprint(at)] = s
				value.Near(fmt.Sprint(m, " AUC at ", at), s.Value, want.AUC.AUC[k])
				errs.Near(fmt.Sprint(m, " AUC error at ", at), s.StdErr, want.AUC.SE[k])
				errs.Near(fmt.Sprint(m, " AUC low at ", at), low, want.AUC.Lower[k])
				errs.Near(fmt.Sprint(m, " AUC high at ", at), high, want.AUC.Upper[k])
			}
			for k, m := range want.Brier.Model {
				at := want.Brier.Times[k]
				s, err := w.Brier(at, predicted(m, at))
				if err != nil {
					t.Fatal(err)
				}
				brier[m+fmt.Sprint(at)] = s
				value.Near(fmt.Sprint(m, " Brier at ", at), s.Value, want.Brier.Brier[k])
				if m != "Null model" { // its curve is estimated from the same patients, which riskRegression's error takes into account
					errs.Near(fmt.Sprint(m, " Brier error at ", at), s.StdErr, want.Brier.SE[k])
				}
			}
			for k, m := range want.AUCDelta.Model {
				at := fmt.Sprint(want.AUCDelta.Times[k])
				d, se, p := survival.Compare(auc[m+at], auc[want.AUCDelta.Reference[k]+at])
				errs.Near("AUC difference at "+at, d, want.AUCDelta.DeltaAUC[k])
				errs.Near("AUC difference error at "+at, se, want.AUCDelta.SE[k])
				errs.Near("AUC difference p at "+at, p, want.AUCDelta.P[k])
			}
			for k, m := range want.BrierDelta.Model {
				at := fmt.Sprint(want.BrierDelta.Times[k])
				if want.BrierDelta.Reference[k] == "Null model" {
					continue
				}
				d, se, p := survival.Compare(brier[m+at], brier[want.BrierDelta.Reference[k]+at])
				errs.Near("Brier difference at "+at, d, want.BrierDelta.DeltaB[k])
				errs.Near("Brier difference error at "+at, se, want.BrierDelta.SE[k])
				errs.Near("Brier difference p at "+at, p, want.BrierDelta.P[k])
			}
			lp := f.numbers(t, "lp1")
			uno, _ := survival.Rank(obs, lp, survival.ConcordanceOptions{Weight: survival.Uno, Until: want.Tau})
			harrell, _ := survival.Rank(obs, lp, survival.ConcordanceOptions{})
			value.Near("Uno's C", uno.C, want.Uno)
			value.Near("Harrell's C", harrell.C, want.Harrell)
			integrated(t, data, w, km, want.Tau, want.IBS, len(obs))
		})
	}
}

// Values: pec::crps over 0 and the distinct times, the Brier score held from each to the next.
func integrated(t *testing.T, data string, w *survival.IPCW, km survival.Curve, tau float64, want map[string]float64, patients int) {
	curves := readFrame(t, "survival", "inputs", "score_"+data+"_survcurves_m1.csv.gz")
	check := oracle.Absolute(t, "integrated Brier score", data, "pec 2022.5.4", 1e-9)
	got, err := w.IntegratedBrier(tau, func(_ int, at float64) float64 { return km.At(at) })
	if err != nil {
		t.Fatal(err)
	}
	check.Near("reference", got, want["reference"])
	row := map[float64]int{}
	for k, at := range curves.numbers(t, "time") {
		row[at] = k
	}
	s := make([][]float64, patients)
	for i := range s {
		s[i] = curves.column(t, i+1)
	}
	got, err = w.IntegratedBrier(tau, func(i int, at float64) float64 {
		k, ok := row[at]
		if !ok {
			t.Fatalf("no stored curve at %g", at)
		}
		return s[i][k]
	})
	if err != nil {
		t.Fatal(err)
	}
	check.Near("m1", got, want["m1"])
	brier := readFrame(t, "survival", "expected", "score_"+data+"_brier_curve.csv")
	curve := oracle.Absolute(t, "Brier score over time", data, "pec 2022.5.4", 1e-9)
	m1, null := brier.numbers(t, "brier_m1"), brier.numbers(t, "brier_reference")
	for k, at := range brier.numbers(t, "time") {
		at0, of := make([]float64, patients), make([]float64, patients)
		for i := range of {
			at0[i] = km.At(at)
			of[i] = 1
			if j, ok := row[at]; ok {
				of[i] = s[i][j]
			} else if at != 0 {
				t.Fatalf("no stored curve at %g", at)
			}
		}
		a, errA := w.Brier(at, at0)
		b, errB := w.Brier(at, of)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		curve.Near("reference at "+strconv.FormatFloat(at, 'g', -1, 64), a.Value, null[k])
		curve.Near("m1 at "+strconv.FormatFloat(at, 'g', -1, 64), b.Value, m1[k])
	}
}
