package survival_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/survival"
)

// Values: survdiff with rho 0, 1 and 0.5.
func TestLogRankOracle(t *testing.T) {
	for _, name := range []string{"logrank_veteran_celltype", "logrank_veteran_trt", "logrank_veteran_trt_strata_celltype", "logrank_lung_sex", "logrank_gbsg_hormon"} {
		var want struct {
			Group, Strata string
			Tests         []struct {
				Rho                float64
				Observed, Expected []float64
				Var                [][]float64
				Chisq, DF, P       float64
			}
		}
		readJSON(t, &want, "survival", "expected", name+".json")
		data := map[bool]string{true: "veteran"}[name[8:11] == "vet"]
		if data == "" {
			data = map[string]string{"logrank_lung_sex": "lung", "logrank_gbsg_hormon": "gbsg"}[name]
		}
		f := readFrame(t, "survival", "inputs", data+".csv")
		numbered := func(column string) []int {
			if f[column] == nil {
				return nil
			}
			names := slices.Clone(f[column])
			slices.Sort(names)
			names = slices.Compact(names)
			var out []int
			for _, v := range f[column] {
				out = append(out, slices.Index(names, v))
			}
			return out
		}
		check := oracle.Absolute(t, "log-rank tests", name, rSurvival, 1e-9)
		for _, w := range want.Tests {
			r, err := survival.CompareGroups(f.observations(t), numbered(want.Group), w.Rho, numbered(want.Strata))
			if err != nil {
				t.Fatal(err)
			}
			at := fmt.Sprint("rho ", w.Rho, " ")
			check.Near(at+"statistic", r.Statistic, w.Chisq)
			check.Near(at+"df", float64(r.DF), w.DF)
			check.Near(at+"p", r.P, w.P)
			for g := range w.Observed {
				check.Near(at+"observed", r.Observed[g], w.Observed[g])
				check.Near(at+"expected", r.Expected[g], w.Expected[g])
				for h := range w.Observed {
					check.Near(at+"variance", r.Variance.At(g, h), w.Var[g][h])
				}
			}
		}
	}
}
