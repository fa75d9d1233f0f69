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

// Values: numerators of coin 1.4-2 logrank_test for veteran by trt, whose times were set apart by 0.0001 a row, because coin treats ties
// in another way. coin counts expected less observed in the first group; its variance is that of permutations.
func TestWeightedLogRankOracle(t *testing.T) {
	f := readFrame(t, "survival", "inputs", "veteran.csv")
	observations := f.observations(t)
	var group []int
	for i, trt := range f.numbers(t, "trt") {
		observations[i].Time += float64(i+1) * 1e-4
		group = append(group, int(trt))
	}
	check := oracle.Relative(t, "weighted log-rank tests, observed less expected", "veteran", "coin 1.4-2 logrank_test", 1e-9)
	for _, w := range []struct {
		name   string
		weight survival.Weight
		want   float64
	}{
		{"log-rank", survival.Weight{}, 0.463102299768956},
		{"Gehan and Breslow", survival.Weight{AtRisk: 1}, 426},
		{"Tarone and Ware", survival.Weight{AtRisk: 0.5}, 33.4655879594023},
		{"Fleming and Harrington 1, 1", survival.Weight{Rho: 1, Gamma: 1}, 0.665043870005829},
		{"Fleming and Harrington 0, 1", survival.Weight{Gamma: 1}, -2.54205356270237},
	} {
		r, err := survival.CompareWeighted(observations, group, w.weight, nil)
		if err != nil {
			t.Fatal(err)
		}
		check.Near(w.name, r.Expected[0]-r.Observed[0], w.want)
	}
}
