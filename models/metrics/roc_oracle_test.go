package metrics_test

import (
	"strconv"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/metrics"
)

type wantPoints struct{ Threshold, Sensitivity, Specificity []loose }

// Values: pROC::roc(levels = c(0, 1), direction = "<"), ci.auc, coords, roc.test.
func TestROCOracle(t *testing.T) {
	for set, input := range map[string]string{"asah": "asah.csv", "pima": "pima_pred.csv"} {
		f := readFrame(t, input)
		var want struct {
			Markers map[string]struct {
				AUC          float64
				Var          float64                        `json:"delong_var"`
				Low          float64                        `json:"delong_lower95"`
				High         float64                        `json:"delong_upper95"`
				Youden       wantPoints                     `json:"youden"`
				Closest      wantPoints                     `json:"closest_topleft"`
				Partial      float64                        `json:"pauc_spec_1_0.9"`
				Corrected    loose                          `json:"pauc_spec_1_0.9_mcclish"`
				Points       wantPoints                     `json:"roc_points_sample"`
				Sensitivites []struct{ Spec, Sens float64 } `json:"sens_at_spec"`
			}
			Paired []struct {
				Markers    []string
				AUC1, AUC2 float64
				Cov, Z, P  float64
				Interval   []float64 `json:"diff_ci95"`
			} `json:"paired_delong"`
			Unpaired struct {
				Marker   string
				D, DF, P float64
			} `json:"unpaired_delong"`
		}
		readJSON(t, &want, set+"_roc.json")
		auc := oracle.Absolute(t, "AUC, DeLong variance and interval", set, pROC, 1e-10)
		curve := oracle.Absolute(t, "ROC curve, best points, partial AUC", set, pROC, 1e-10)
		for name, w := range want.Markers {
			b := f.binary(t, name, nil)
			low, high := b.AUCInterval(0.95)
			auc.Near(name+" AUC", b.AUC(), w.AUC)
			auc.Near(name+" variance", b.AUCVariance(), w.Var)
			auc.Near(name+" low", low, w.Low)
			auc.Near(name+" high", high, w.High)
			points(t, curve, name+" Youden", b.Youden(), w.Youden)
			points(t, curve, name+" top left", b.ClosestTopLeft(), w.Closest)
			area, corrected := b.PartialAUC(0.9)
			curve.Near(name+" partial AUC", area, w.Partial)
			curve.Near(name+" partial AUC, corrected", corrected, float64(w.Corrected))
			for _, s := range w.Sensitivites {
				curve.Near(name+" sensitivity", b.SensitivityAt(s.Spec), s.Sens)
			}
			all, at := b.ROC(), 0
			for k, threshold := range w.Points.Threshold {
				for at < len(all)-1 && all[at].Threshold < float64(threshold)-1e-10 {
					at++
				}
				curve.Near(name+" threshold", all[at].Threshold, float64(threshold))
				curve.Near(name+" sensitivity", all[at].Sensitivity, float64(w.Points.Sensitivity[k]))
				curve.Near(name+" specificity", all[at].Specificity, float64(w.Points.Specificity[k]))
			}
		}
		test := oracle.Absolute(t, "DeLong tests", set, pROC, 1e-8)
		for _, w := range want.Paired {
			c, err := metrics.CompareAUC(f.binary(t, w.Markers[0], nil), f.binary(t, w.Markers[1], nil))
			if err != nil {
				t.Fatal(err)
			}
			low, high := c.Interval(0.95)
			test.Near("difference", c.Difference, w.AUC1-w.AUC2)
			test.Near("covariance", c.Covariance, w.Cov)
			test.Near("Z", c.Statistic, w.Z)
			test.Near("p", c.P, w.P)
			test.Near("low", low, w.Interval[0])
			test.Near("high", high, w.Interval[1])
		}
		odd := f.binary(t, want.Unpaired.Marker, func(i int) bool { return i%2 == 0 })
		even := f.binary(t, want.Unpaired.Marker, func(i int) bool { return i%2 == 1 })
		c := metrics.CompareUnpairedAUC(odd, even)
		test.Near("D", c.Statistic, want.Unpaired.D)
		test.Near("df", c.DF, want.Unpaired.DF)
		test.Near("p", c.P, want.Unpaired.P)
	}
}

func points(t *testing.T, check *oracle.Check, name string, got []metrics.ROCPoint, want wantPoints) {
	if len(got) != len(want.Threshold) {
		t.Errorf("%s: %d points, want %d", name, len(got), len(want.Threshold))
		return
	}
	for i, p := range got {
		at := name + " " + strconv.Itoa(i)
		check.Near(at+" threshold", p.Threshold, float64(want.Threshold[i]))
		check.Near(at+" sensitivity", p.Sensitivity, float64(want.Sensitivity[i]))
		check.Near(at+" specificity", p.Specificity, float64(want.Specificity[i]))
	}
}
