package metrics_test

import (
	"encoding/json"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/metrics"
)

type wantBinary struct {
	AUC         float64
	AP          float64 `json:"average_precision"`
	PRAUC       float64 `json:"pr_auc_trapezoid"`
	Brier       float64
	BrierScaled float64            `json:"brier_scaled"`
	LogLoss     float64            `json:"log_loss"`
	ECE10       float64            `json:"ece10_width"`
	MCE10       float64            `json:"mce10_width"`
	ECEFreq     float64            `json:"ece10_freq"`
	ECE15       float64            `json:"ece15_width"`
	At          []map[string]loose `json:"at_threshold"`
	NetBenefit  []struct {
		PT, Model float64
		TreatAll  float64 `json:"treat_all"`
	} `json:"net_benefit"`
	HL *struct {
		Groups  int
		Stat, P float64
	} `json:"hosmer_lemeshow"`
}

// Values: sklearn.metrics, and its definitions for ECE, net benefit, NRI and IDI.
func TestBinaryOracle(t *testing.T) {
	for set, input := range map[string]string{"asah": "asah.csv", "pima_pred": "pima_pred.csv"} {
		f := readFrame(t, input)
		var all map[string]json.RawMessage
		readJSON(t, &all, set+"_binary.json")
		check := oracle.Absolute(t, "probability and threshold metrics", set, sklearn, 1e-10)
		for name, raw := range all {
			if name == "reclassification_p1_to_p2" {
				var w map[string]float64
				if err := json.Unmarshal(raw, &w); err != nil {
					t.Fatal(err)
				}
				r := metrics.Reclassify(f.binary(t, "p1", nil), f.binary(t, "p2", nil))
				check.Near("NRI events", r.Events, w["nri_events"])
				check.Near("NRI non-events", r.NonEvents, w["nri_nonevents"])
				check.Near("NRI", r.NRI, w["continuous_nri"])
				check.Near("IDI", r.IDI, w["idi"])
				continue
			}
			var w wantBinary
			if err := json.Unmarshal(raw, &w); err != nil {
				t.Fatal(err)
			}
			b := f.binary(t, name, nil)
			check.Near(name+" AUC", b.AUC(), w.AUC)
			check.Near(name+" average precision", b.AveragePrecision(), w.AP)
			check.Near(name+" area under precision–recall", b.PRAUC(), w.PRAUC)
			check.Near(name+" Brier", b.Brier(), w.Brier)
			check.Near(name+" Brier scaled", b.BrierScaled(), w.BrierScaled)
			check.Near(name+" log-loss", b.LogLoss(), w.LogLoss)
			ece, mce := metrics.CalibrationError(b.BinsByWidth(10))
			check.Near(name+" ECE", ece, w.ECE10)
			check.Near(name+" MCE", mce, w.MCE10)
			ece, _ = metrics.CalibrationError(b.BinsByWidth(15))
			check.Near(name+" ECE, 15 bins", ece, w.ECE15)
			ece, _ = metrics.CalibrationError(b.BinsByCount(10))
			check.Near(name+" ECE, equal counts", ece, w.ECEFreq)
			if w.HL != nil {
				stat, p := b.HosmerLemeshow(w.HL.Groups)
				check.Near(name+" Hosmer–Lemeshow", stat, w.HL.Stat)
				check.Near(name+" Hosmer–Lemeshow p", p, w.HL.P)
			}
			for _, n := range w.NetBenefit {
				model, all := b.NetBenefit(n.PT)
				check.Near(name+" net benefit", model, n.Model)
				check.Near(name+" net benefit of all", all, n.TreatAll)
			}
			for _, at := range w.At {
				atThreshold(check, name, b.At(float64(at["threshold"])), at)
			}
		}
	}
}

func atThreshold(check *oracle.Check, name string, c metrics.Counts, want map[string]loose) {
	plus, minus := c.LikelihoodRatios()
	for key, got := range map[string]float64{
		"tp": float64(c.TP), "fp": float64(c.FP), "tn": float64(c.TN), "fn": float64(c.FN),
		"accuracy": c.Accuracy(), "balanced_accuracy": c.BalancedAccuracy(), "mcc": c.MCC(), "f1": c.F(1), "f2": c.F(2),
		"precision": c.Precision(), "recall": c.Sensitivity(), "specificity": c.Specificity(), "npv": c.NPV(),
		"kappa": c.Kappa(), "jaccard": c.Jaccard(), "lr_plus": plus, "lr_minus": minus,
	} {
		check.Near(name+" "+key, got, float64(want[key]))
	}
}

// Values: glm(y ~ logit p) and glm(y ~ offset(logit p)) in R 4.2.2.
func TestCalibrationOracle(t *testing.T) {
	for set, input := range map[string]string{"asah": "asah.csv", "pima": "pima_pred.csv"} {
		f := readFrame(t, input)
		var want struct {
			Results []struct {
				Pred       string
				Slope      float64
				SlopeSE    float64 `json:"slope_se"`
				Intercept  float64 `json:"intercept_with_slope"`
				InTheLarge float64 `json:"calibration_in_the_large"`
				LargeSE    float64 `json:"citl_se"`
				Ratio      float64 `json:"O_over_E"`
				Z          float64 `json:"spiegelhalter_z"`
			}
		}
		readJSON(t, &want, set+"_calibration.json")
		check := oracle.Absolute(t, "calibration slope, intercept, O/E, Spiegelhalter", set, "R 4.2.2 glm", 1e-7)
		for _, w := range want.Results {
			b := f.binary(t, w.Pred, nil)
			c := b.Calibration()
			check.Near(w.Pred+" slope", c.Slope, w.Slope)
			check.Near(w.Pred+" slope error", c.SlopeStdErr, w.SlopeSE)
			check.Near(w.Pred+" intercept", c.Intercept, w.Intercept)
			check.Near(w.Pred+" in the large", c.InTheLarge, w.InTheLarge)
			check.Near(w.Pred+" in the large error", c.InTheLargeStdErr, w.LargeSE)
			check.Near(w.Pred+" O/E", c.ObservedOverExpected, w.Ratio)
			check.Near(w.Pred+" z", b.SpiegelhalterZ(), w.Z)
		}
	}
}
