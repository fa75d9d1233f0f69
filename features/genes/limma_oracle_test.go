package genes

import (
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
)

const limma = "limma 3.54.1"

// columnsNear compares functions of a gene with the columns of a reference table, at every skip-th gene.
func columnsNear(t *testing.T, quantity, configuration string, tolerance float64, want *table.Table, names []string, got map[string]func(g int) float64, skip int) {
	t.Helper()
	index := map[string]int{}
	for i, k := range want.Keys {
		index[k.Patient] = i
	}
	for _, column := range want.Columns {
		f, ok := got[column.Name]
		if !ok {
			t.Fatalf("%s: no value for column %s", configuration, column.Name)
		}
		c := small(oracle.Relative(t, quantity+": "+column.Name, configuration, limma, tolerance))
		for g := 0; g < len(names); g += skip {
			c.Near(names[g], f(g), want.Values[want.Find(column.Name)][index[names[g]]])
		}
	}
}

// leukaemia is 79 leukaemias with their design: intercept, BCR/ABL and, on request, sex and age of those that have both.
func leukaemia(t *testing.T, adjusted bool) (*Matrix, [][]float64) {
	t.Helper()
	m := matrixOf(t, nil, "inputs", "ALL79_top2000.csv.gz")
	x := textsOf(t, "sample", "inputs", "ALL79_samples.csv")
	age := numbersOf(t, "sample", "inputs", "ALL79_samples.csv")
	var at []int
	var design [][]float64
	for s := range m.Samples {
		row := []float64{1, 0}
		if x.Column("group")[s] == "BCRABL" {
			row[1] = 1
		}
		if adjusted {
			years := age.Values[age.Find("age")][s]
			if x.Column("sex")[s] == "" || math.IsNaN(years) {
				continue
			}
			male := 0.0
			if x.Column("sex")[s] == "M" {
				male = 1
			}
			row = append(row, male, years)
		}
		at = append(at, s)
		design = append(design, row)
	}
	return m.SelectSamples(at), design
}

type limmaFit struct {
	DF       float64   `json:"df_prior"`
	S2       float64   `json:"s2_prior"`
	VarPrior []float64 `json:"var_prior"`
	TrendDF  float64   `json:"trend_df_prior"`
}

func moderated(t *testing.T, m *Matrix, design [][]float64, weights *Matrix, trend bool) *LinearModel {
	t.Helper()
	f, err := FitLinearModel(m, design, weights)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Moderate(trend); err != nil {
		t.Fatal(err)
	}
	return f
}

// pColumn returns p-values of coefficient j and their adjustments.
func pColumn(f *LinearModel, j int) (p []float64, adjust func(stat.Adjustment) func(int) float64) {
	p = make([]float64, len(f.Genes))
	for g := range p {
		p[g] = f.P(g, j)
	}
	return p, func(a stat.Adjustment) func(int) float64 {
		adjusted := stat.Adjust(p, a)
		return func(g int) float64 { return adjusted[g] }
	}
}

func TestLimmaOracle(t *testing.T) {
	for name, adjusted := range map[string]bool{"limma_ALL_bcrabl": false, "limma_ALL_bcrabl_adj": true} {
		m, design := leukaemia(t, adjusted)
		f := moderated(t, m, design, nil, false)
		var want limmaFit
		jsonOf(t, &want, "expected", name+".json")
		c := oracle.Relative(t, "moderated t: priors", name, limma, 1e-8)
		c.Near("df", f.Moderation.DF, want.DF)
		c.Near("s2", f.Moderation.S2[0], want.S2)
		for j, v := range want.VarPrior {
			c.Near("var", f.Moderation.VarPrior[j], v)
		}
		p, adjust := pColumn(f, 1)
		columnsNear(t, "moderated t", name, 1e-8, numbersOf(t, "id", "expected", name+".csv.gz"), m.Genes, map[string]func(int) float64{
			"logFC":       func(g int) float64 { return f.Coef[g][1] },
			"CI_L":        func(g int) float64 { l, _ := f.Interval(g, 1, 0.95); return l },
			"CI_R":        func(g int) float64 { _, h := f.Interval(g, 1, 0.95); return h },
			"AveExpr":     func(g int) float64 { return f.Average[g] },
			"sigma":       func(g int) float64 { return f.Sigma[g] },
			"df_residual": func(g int) float64 { return f.DF[g] },
			"s2_post":     func(g int) float64 { return f.Moderation.Posterior[g] },
			"t_ordinary":  func(g int) float64 { return f.Ordinary(g, 1) },
			"t":           func(g int) float64 { return f.T(g, 1) },
			"P":           func(g int) float64 { return p[g] },
			"adjP_BH":     adjust("bh"), "adjP_holm": adjust("holm"), "adjP_BY": adjust("by"),
			"B": func(g int) float64 { return f.LogOdds(g, 1) },
		}, 4)
		trend := moderated(t, m, design, nil, true)
		c.Near("df of the trend", trend.Moderation.DF, want.TrendDF)
		columnsNear(t, "moderated t with a trend, treat", name, 1e-8, numbersOf(t, "id", "expected", name+"_trend_treat.csv.gz"), m.Genes, map[string]func(int) float64{
			"t_trend":        func(g int) float64 { return trend.T(g, 1) },
			"P_trend":        func(g int) float64 { return trend.P(g, 1) },
			"s2_prior_trend": func(g int) float64 { return trend.Moderation.S2[g] },
			"t_treat_lfc05":  func(g int) float64 { v, _ := f.Treat(g, 1, 0.5); return v },
			"P_treat_lfc05":  func(g int) float64 { _, v := f.Treat(g, 1, 0.5); return v },
		}, 4)
	}
}

func TestVoomOracle(t *testing.T) {
	m, _, want := marioniCounts(t)
	var design [][]float64
	tissue := make([]int, len(m.Samples))
	for s, name := range textsOf(t, "sample", "inputs", "marioni_samples.csv").Column("group") {
		tissue[s] = map[string]int{"Liver": 1}[name]
		design = append(design, []float64{1, float64(tissue[s])})
	}
	effective := func(m *Matrix) []float64 {
		sizes := LibrarySizes(m)
		f, err := NormFactors(m, TMMFactors)
		if err != nil {
			t.Fatal(err)
		}
		for s := range sizes {
			sizes[s] *= f[s]
		}
		return sizes
	}
	keep, err := FilterByExpression(m, effective(m), tissue)
	if err != nil {
		t.Fatal(err)
	}
	kept := m.SelectGenes(Kept(keep))
	sizes := effective(kept)
	logs, weights, err := Voom(kept, sizes, design)
	if err != nil {
		t.Fatal(err)
	}
	reference := numbersOf(t, "id", "expected", "marioni_voom.csv")
	index := logs.Index()
	e, w := oracle.Relative(t, "voom", "log2 counts per million", limma, 1e-10), oracle.Relative(t, "voom", "weights", limma, 1e-5)
	for i, k := range reference.Keys {
		g := index[k.Patient]
		for s, name := range logs.Samples {
			e.Near(k.Patient+" "+name, logs.Gene(g)[s], reference.Values[reference.Find("E_"+name)][i])
			w.Near(k.Patient+" "+name, weights.Gene(g)[s], reference.Values[reference.Find("w_"+name)][i])
		}
	}
	f := moderated(t, logs, design, weights, false)
	c := oracle.Relative(t, "voom: priors", "marioni", limma, 1e-5)
	c.Near("df", f.Moderation.DF, want.Voom.DF)
	c.Near("s2", f.Moderation.S2[0], want.Voom.S2)
	p, adjust := pColumn(f, 1)
	columnsNear(t, "voom and moderated t", "marioni", 1e-5, numbersOf(t, "id", "expected", "marioni_voom_limma.csv.gz"), logs.Genes, map[string]func(int) float64{
		"logFC":          func(g int) float64 { return f.Coef[g][1] },
		"AveExpr":        func(g int) float64 { return f.Average[g] },
		"sigma":          func(g int) float64 { return f.Sigma[g] },
		"stdev_unscaled": func(g int) float64 { return f.Unscaled[g][1] },
		"s2_post":        func(g int) float64 { return f.Moderation.Posterior[g] },
		"t":              func(g int) float64 { return f.T(g, 1) },
		"P":              func(g int) float64 { return p[g] },
		"adjP_BH":        adjust("bh"),
		"B":              func(g int) float64 { return f.LogOdds(g, 1) },
	}, 4)
	trend := moderated(t, LogCPM(kept, sizes, 2), design, nil, true)
	c.Near("df of limma-trend", trend.Moderation.DF, want.TrendDF)
	p, adjust = pColumn(trend, 1)
	columnsNear(t, "limma-trend", "marioni", 1e-8, numbersOf(t, "id", "expected", "marioni_limma_trend.csv.gz"), kept.Genes, map[string]func(int) float64{
		"logFC":    func(g int) float64 { return trend.Coef[g][1] },
		"s2_prior": func(g int) float64 { return trend.Moderation.S2[g] },
		"s2_post":  func(g int) float64 { return trend.Moderation.Posterior[g] },
		"t":        func(g int) float64 { return trend.T(g, 1) },
		"P":        func(g int) float64 { return p[g] },
		"adjP_BH":  adjust("bh"),
	}, 4)
}
