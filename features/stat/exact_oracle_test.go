package stat_test

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/stat"
)

func TestExactOracle(t *testing.T) {
	var all map[string]struct {
		Cor []struct {
			X, Y     string
			Spearman *htest `json:"spearman_exact"`
			Kendall  *htest `json:"kendall_exact"`
		}
	}
	expected(t, "tests_exact.json", &all)
	check := oracle.Relative(t, "exact Spearman, Kendall, signed rank", "trees, n = 8, anorexia FT", rVersion, 1e-8)
	check.AbsoluteBelow, check.AbsoluteTolerance = 1e-12, 1e-14 // R subtracts from 1 in the tail
	for file, name := range map[string]string{"trees_noties.csv": "trees", "small_n8.csv": "small_n8"} {
		data := columns(t, file)
		for _, c := range all[name].Cor {
			if c.Spearman != nil && len(data[c.X]) <= 9 {
				check.Near(name+" Spearman", stat.SpearmanExactP(data[c.X], data[c.Y]), c.Spearman.P)
			}
			if c.Kendall != nil {
				check.Near(name+" Kendall", stat.KendallExactP(data[c.X], data[c.Y]), c.Kendall.P)
			}
		}
	}
	var paired struct {
		FT struct {
			Exact struct{ P float64 } `json:"wilcox_signed_exact_ties"`
		} `json:"paired_anorexia_FT"`
	}
	expected(t, "tests.json", &paired)
	f, err := os.Open(oracle.Data(t, "tests", "inputs", "anorexia.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var before, after []float64
	for _, r := range records[1:] {
		if r[0] == "FT" {
			b, _ := strconv.ParseFloat(r[1], 64)
			a, _ := strconv.ParseFloat(r[2], 64)
			before, after = append(before, b), append(after, a)
		}
	}
	check.Near("signed rank", stat.SignedRankExactP(before, after), paired.FT.Exact.P)
}

func TestDescribeOracle(t *testing.T) {
	type want struct {
		N                          int
		Mean, SD, Median, MAD, IQR float64
		Q7                         []float64 `json:"quantiles_type7"`
		Q6                         []float64 `json:"quantiles_type6"`
		Skewness                   float64   `json:"skewness_population"`
		Kurtosis                   float64   `json:"excess_kurtosis_population"`
		Trimmed                    float64   `json:"trimmed_mean_10"`
		Shapiro                    htest
	}
	var all struct{ Describe map[string]want }
	expected(t, "tests.json", &all)
	check := oracle.Relative(t, "moments and order statistics", "mtcars, pbc", rVersion, 1e-10)
	shapiro := oracle.Absolute(t, "Shapiro–Wilk W", "mtcars, pbc", rVersion, 1e-6)
	p := oracle.Relative(t, "Shapiro–Wilk p", "mtcars, pbc", rVersion, 1e-3)
	for name, w := range all.Describe {
		x := columns(t, "mtcars.csv")[name]
		if x == nil {
			x = columns(t, "pbc.csv")[name]
		}
		d := stat.Describe(x)
		for k, pair := range [][2]float64{{float64(d.N), float64(w.N)}, {d.Mean, w.Mean}, {d.SD, w.SD}, {d.Median, w.Median}, {d.MAD, w.MAD}, {d.IQR, w.IQR}, {d.Skewness, w.Skewness}, {d.Kurtosis, w.Kurtosis}, {d.TrimmedMean, w.Trimmed}} {
			check.Near(fmt.Sprint(name, " ", k), pair[0], pair[1])
		}
		var sorted []float64
		for _, v := range x {
			if !math.IsNaN(v) {
				sorted = append(sorted, v)
			}
		}
		slices.Sort(sorted)
		for k, q := range []float64{0.1, 0.25, 0.5, 0.75, 0.9} {
			check.Near(fmt.Sprint(name, " type 7 ", q), stat.Quantile(sorted, q), w.Q7[k])
			check.Near(fmt.Sprint(name, " type 6 ", q), stat.QuantileWeibull(sorted, q), w.Q6[k])
		}
		test := stat.ShapiroWilk(x)
		shapiro.Near(name, test.Statistic, w.Shapiro.Stat)
		p.Near(name, test.P, w.Shapiro.P)
	}
}

func TestTukeyOracle(t *testing.T) {
	type tukey struct {
		Var, Group string
		Levels     []string
		Tukey      struct {
			Pairs []string
			P     []float64 `json:"p_adj"`
		}
	}
	var all struct {
		Pbc    []tukey `json:"k_group"`
		Mtcars []tukey `json:"k_group_mtcars"`
	}
	expected(t, "tests.json", &all)
	check := oracle.Absolute(t, "Tukey's HSD", "mtcars, pbc", rVersion, 1e-6)
	for file, cases := range map[string][]tukey{"mtcars.csv": all.Mtcars, "pbc.csv": all.Pbc} {
		data := columns(t, file)
		for _, c := range cases {
			p := stat.TukeyHSD(stat.Groups(data[c.Var], data[c.Group]))
			for k, pair := range c.Tukey.Pairs {
				a, b, _ := strings.Cut(pair, "-")
				check.Near(c.Var+" "+pair, p[slices.Index(c.Levels, a)][slices.Index(c.Levels, b)], c.Tukey.P[k])
			}
		}
	}
}
