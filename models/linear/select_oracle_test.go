package linear_test

import (
	"fmt"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/linear"
)

// Values: cv.glmnet with the stored folds and λ.
func TestCrossValidateOracle(t *testing.T) {
	measures := map[string]linear.Measure{"deviance": linear.Deviance, "auc": linear.AUC, "class": linear.Misclassified,
		"mse": linear.SquaredError, "mae": linear.AbsoluteError, "C": linear.Concordance}
	for _, name := range []string{"binomial_lasso_ALL_bcrabl", "binomial_enet05_ALL_bcrabl", "gaussian_boston_alpha0", "gaussian_boston_alpha0.5",
		"gaussian_boston_alpha1", "cox_veteran_alpha1"} {
		t.Run(name, func(t *testing.T) {
			var want wantPath
			readJSON(t, &want, "linear", "expected", name+".json")
			p := pathProblem(t, name)
			fold := make([]int, p.Rows)
			for i, f := range want.FoldID {
				fold[i] = f - 1
			}
			check := oracle.Absolute(t, "cross-validation curve", name, "cv.glmnet 4.1-6", 1e-5)
			chosen := oracle.Absolute(t, "λ chosen, minimum and one standard error", name, "cv.glmnet 4.1-6", 1e-12)
			for kind, cv := range want.CV {
				m, ok := measures[kind]
				if !ok {
					t.Fatalf("no measure %q", kind)
				}
				s, err := linear.CrossValidate(t.Context(), p, linear.Options{Alpha: want.Alpha, Lambda: want.Lambda, Tolerance: 1e-13}, fold, m)
				if err != nil {
					t.Fatal(err)
				}
				for l := range cv.CVM {
					check.Near(fmt.Sprint(kind, " mean ", l), s.Mean[l], cv.CVM[l])
					check.Near(fmt.Sprint(kind, " error ", l), s.StdErr[l], cv.CVSD[l])
				}
				chosen.Near(kind+" minimum", s.Lambda[s.Min], cv.LambdaMin)
				chosen.Near(kind+" one standard error", s.Lambda[s.OneSE], cv.Lambda1SE)
			}
		})
	}
}
