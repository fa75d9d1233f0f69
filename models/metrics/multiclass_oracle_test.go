package metrics_test

import (
	"math"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/metrics"
)

// Values: sklearn.metrics on the class probabilities of each file.
func TestMulticlassOracle(t *testing.T) {
	for _, set := range []string{"glass", "iris2f"} {
		f := readFrame(t, set+"_mc.csv")
		names := f.columns[1:]
		var class []int
		prob := make([]float64, 0, len(f.text["y"])*len(names))
		for i, y := range f.text["y"] {
			class = append(class, slices.Index(names, y))
			for _, n := range names {
				prob = append(prob, f.numbers(t, n)[i])
			}
		}
		m, err := metrics.NewMulticlass(class, prob, len(names))
		if err != nil {
			t.Fatal(err)
		}
		var want map[string]any
		readJSON(t, &want, set+"_mc.json")
		check := oracle.Absolute(t, "multiclass metrics", set, sklearn, 1e-10)
		ovr, ovrWeighted := m.AUC()
		ovo, ovoWeighted := m.HandTill()
		c := m.Confusion()
		precision, recall, f1, f1Weighted := c.Macro()
		for key, got := range map[string]float64{
			"auc_ovr_macro": ovr, "auc_ovr_weighted": ovrWeighted, "auc_ovo_macro": ovo, "auc_ovo_weighted": ovoWeighted,
			"auc_ovr_micro": m.MicroAUC(), "average_precision_macro": m.AveragePrecision(), "accuracy": c.Accuracy(),
			"balanced_accuracy": c.BalancedAccuracy(), "mcc": c.MCC(), "f1_macro": f1, "f1_weighted": f1Weighted,
			"precision_macro": precision, "recall_macro": recall, "log_loss": m.LogLoss(), "brier_multiclass_sum": m.Brier(),
			"kappa_None": c.Kappa(metrics.Unweighted), "kappa_linear": c.Kappa(metrics.Linear), "kappa_quadratic": c.Kappa(metrics.Quadratic),
		} {
			w, ok := want[key].(float64)
			if !ok {
				t.Fatalf("%s: no %s", set, key)
			}
			check.Near(key, got, w)
		}
		for k, b := range m.OneVersusRest() {
			check.Near("AUC of "+names[k], b.AUC(), want["auc_ovr_each"].([]any)[k].(float64))
		}
		for i, row := range want["confusion_rows_true"].([]any) {
			for j, n := range row.([]any) {
				check.Near("confusion", float64(c[i][j]), n.(float64))
			}
		}
		var roc struct {
			HandTill float64 `json:"handtill_pROC"`
		}
		readJSON(t, &roc, set+"_mc_pROC.json")
		oracle.Absolute(t, "Hand–Till AUC", set, pROC, 1e-10).Near("multiclass.roc", ovo, roc.HandTill)
	}
}

// Values: psych::cohen.kappa 2.2.9 and sklearn.metrics.cohen_kappa_score. psych's interval of the weighted kappa is not compared: its
// row term is rowSums(w·rs), the row's total times the sum of its weights, where Fleiss, Cohen and Everitt have the mean weight over
// the column margins.
func TestKappaOracle(t *testing.T) {
	var want struct {
		Table    [][]int
		Kappa    float64
		Variance float64 `json:"kappa_var"`
		Weighted float64 `json:"weighted_quadratic"`
		CI       [][]float64
		Sklearn  map[string]float64
	}
	readJSON(t, &want, "asah_p1_p2_quartbins_kappa.json")
	c := metrics.Confusion(want.Table)
	check := oracle.Absolute(t, "Cohen's kappa", "asah, four bins", "psych 2.2.9, "+sklearn, 1e-10)
	kappa, variance := c.KappaVariance(metrics.Unweighted)
	check.Near("kappa", kappa, want.Kappa)
	check.Near("variance", variance, want.Variance)
	check.Near("quadratic", c.Kappa(metrics.Quadratic), want.Weighted)
	check.Near("linear", c.Kappa(metrics.Linear), want.Sklearn["linear"])
	half := 1.9599639845400545 * math.Sqrt(variance)
	check.Near("low", kappa-half, want.CI[0][0])
	check.Near("high", kappa+half, want.CI[0][2])
}

// Values: mcnemar.test and binom.test in R 4.2.2.
func TestMcNemarOracle(t *testing.T) {
	for _, set := range []string{"asah", "pima"} {
		var want struct {
			B, C       int
			Corrected  float64 `json:"chisq_corrected"`
			CorrectedP float64 `json:"p_corrected"`
			Chisq, P   float64
			Exact      float64 `json:"p_exact"`
		}
		readJSON(t, &want, set+"_mcnemar.json")
		check := oracle.Absolute(t, "McNemar", set, "R 4.2.2", 1e-10)
		corrected, correctedP, statistic, p, exact := metrics.McNemar(want.B, want.C)
		check.Near("corrected", corrected, want.Corrected)
		check.Near("corrected p", correctedP, want.CorrectedP)
		check.Near("statistic", statistic, want.Chisq)
		check.Near("p", p, want.P)
		check.Near("exact", exact, want.Exact)
	}
}
