package tree

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// readNamed reads columns of a CSV file by name.
func readNamed(t *testing.T, path string, names ...string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	columns := make([][]string, len(names))
	for k, name := range names {
		j := slices.Index(records[0], name)
		if j < 0 {
			t.Fatalf("%s: no column %s", path, name)
		}
		for _, record := range records[1:] {
			columns[k] = append(columns[k], record[j])
		}
	}
	return columns
}

func numbers(t *testing.T, cells []string) []float64 {
	t.Helper()
	out := make([]float64, len(cells))
	for i, cell := range cells {
		var err error
		if out[i], err = strconv.ParseFloat(cell, 64); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// One tree on all rows whose leaves are the groups of a column is R's survfit by group: Kaplan–Meier for S(t), Nelson–Aalen for H(t).
// Means over trees of just these two are what scikit-survival's forests predict: node_value in sksurv/tree/_criterion.pyx keeps both in
// each leaf, and _predict in sksurv/ensemble/forest.py takes the mean of either.
func TestSurvivalForestLeavesOracle(t *testing.T) {
	for _, c := range []struct{ file, column, curves string }{{"lung", "sex", "km_lung_sex_km"}, {"veteran", "trt", "km_veteran_trt_km"}, {"gbsg", "hormon", "km_gbsg_hormon_km"}} {
		in := readNamed(t, oracle.Data(t, "survival", "inputs", c.file+".csv"), "time", "status", c.column)
		data := models.Training{X: models.NewMatrix([]table.Column{{Name: c.column}}, len(in[0])), Y: clinical.Outcome{Name: "os", Kind: clinical.Survival, Unit: "d", Time: numbers(t, in[0])}}
		for _, v := range numbers(t, in[1]) {
			data.Y.Event = append(data.Y.Event, int(v))
		}
		copy(data.X.Values, numbers(t, in[2]))
		m := fit(t, SurvivalForest{Trees: 1, MaxFeatures: "all", MaxDepth: 1, MinSplit: 2, MinLeaf: 1}, data)
		check := oracle.Absolute(t, "survival forest, S(t) and H(t) of leaves", c.file+" by "+c.column, "R survival 3.5-3", 1e-12)
		want := readNamed(t, oracle.Data(t, "survival", "expected", c.curves+".csv"), "group", "time", "surv", "nelson_aalen")
		for _, group := range slices.Compact(slices.Clone(want[0])) {
			from := slices.Index(want[0], group)
			to := from + 1
			for to < len(want[0]) && want[0][to] == group {
				to++
			}
			row := models.NewMatrix(data.X.Columns, 1)
			if _, err := fmt.Sscanf(group, c.column+"=%g", &row.Values[0]); err != nil {
				t.Fatal(group, err)
			}
			times := numbers(t, want[1][from:to])
			p, err := m.Predict(row, times)
			if err != nil {
				t.Fatal(err)
			}
			survivals, hazards := numbers(t, want[2][from:to]), numbers(t, want[3][from:to])
			for k, time := range times {
				check.Near(fmt.Sprintf("S(%v), %s", time, group), p.Survival[k], survivals[k])
				check.Near(fmt.Sprintf("H(%v), %s", time, group), p.Hazard[k], hazards[k])
			}
			if half := p.Median[0]; !math.IsInf(half, 1) {
				at, err := m.Predict(row, []float64{math.Nextafter(half, 0), half})
				if err != nil {
					t.Fatal(err)
				}
				if !(at.Survival[0] > 0.5 && at.Survival[1] <= 0.5+1e-12) {
					t.Errorf("%s, %s: median %v, S before and there %v", c.file, group, half, at.Survival)
				}
			}
		}
	}
}
