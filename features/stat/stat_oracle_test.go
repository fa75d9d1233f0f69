package stat_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/stat"
)

const rVersion = "R 4.2.2"

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "features/stat", 632)) }

// columns reads a table of numbers by column; text and empty cells are NaN.
func columns(t *testing.T, name string) map[string][]float64 {
	t.Helper()
	f, err := os.Open(oracle.Data(t, "tests", "inputs", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]float64{}
	for _, r := range records[1:] {
		for j, cell := range r {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				v = math.NaN()
			}
			out[records[0][j]] = append(out[records[0][j]], v)
		}
	}
	return out
}

func expected(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(oracle.Data(t, "tests", "expected", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

// htest is what R prints of a test.
type htest struct {
	Stat     float64
	Param    []float64
	P        float64
	Estimate []float64
	CI       []float64
}

type correlationCase struct {
	X, Y          string
	N             int
	Pearson       htest
	SpearmanRho   float64 `json:"spearman_rho"`
	SpearmanT     htest   `json:"spearman_asymptotic_t"`
	KendallTau    float64 `json:"kendall_taub"`
	Kendall       htest   `json:"kendall_asymptotic"`
	KendallCorr   htest   `json:"kendall_asymptotic_continuity"`
	SpearmanExact *htest  `json:"spearman_exact"`
}

func TestCorrelationOracle(t *testing.T) {
	var all struct {
		Mtcars []correlationCase `json:"correlations_mtcars"`
		Pbc    []correlationCase `json:"correlations_pbc"`
	}
	expected(t, "tests.json", &all)
	var exact map[string]struct{ Cor []correlationCase }
	expected(t, "tests_exact.json", &exact)
	value := oracle.Relative(t, "Pearson, Spearman, Kendall", "mtcars, pbc, trees", rVersion, 1e-10)
	p := oracle.Relative(t, "Pearson, Spearman, Kendall, p-values", "mtcars, pbc, trees", rVersion, 1e-8)
	for file, cases := range map[string][]correlationCase{"mtcars.csv": all.Mtcars, "pbc.csv": all.Pbc, "trees_noties.csv": exact["trees"].Cor} {
		data := columns(t, file)
		for _, c := range cases {
			x, y := data[c.X], data[c.Y]
			name := c.X + " and " + c.Y
			pearson := stat.Pearson(x, y)
			low, high := pearson.Interval(0.95)
			value.Near(name+" n", float64(pearson.N), float64(c.N))
			value.Near(name+" r", pearson.R, c.Pearson.Estimate[0])
			value.Near(name+" t", pearson.Statistic, c.Pearson.Stat)
			value.Near(name+" low", low, c.Pearson.CI[0])
			value.Near(name+" high", high, c.Pearson.CI[1])
			p.Near(name+" Pearson", pearson.P, c.Pearson.P)
			spearman := stat.Spearman(x, y)
			value.Near(name+" rho", spearman.R, c.SpearmanRho)
			p.Near(name+" Spearman", spearman.P, c.SpearmanT.P)
			kendall := stat.Kendall(x, y, false)
			value.Near(name+" tau", kendall.R, c.KendallTau)
			value.Near(name+" z", kendall.Statistic, c.Kendall.Stat)
			p.Near(name+" Kendall", kendall.P, c.Kendall.P)
			p.Near(name+" Kendall, continuity", stat.Kendall(x, y, true).P, c.KendallCorr.P)
		}
	}
}

func TestPartialOracle(t *testing.T) {
	type rt struct{ R, T, P float64 }
	var all struct {
		Partial []struct {
			X, Y              string
			Given             []string
			N                 int
			Pearson, Spearman rt
		}
	}
	expected(t, "tests.json", &all)
	check := oracle.Relative(t, "partial correlation", "mtcars, pbc", rVersion, 1e-8)
	for _, c := range all.Partial {
		data := columns(t, "mtcars.csv")
		if data[c.X] == nil {
			data = columns(t, "pbc.csv")
		}
		var given [][]float64
		for _, g := range c.Given {
			given = append(given, data[g])
		}
		for _, k := range []struct {
			ranks bool
			want  rt
		}{{false, c.Pearson}, {true, c.Spearman}} {
			got := stat.Partial(data[c.X], data[c.Y], given, k.ranks)
			name := fmt.Sprintf("%s and %s given %v, ranks %v", c.X, c.Y, c.Given, k.ranks)
			check.Near(name+" n", float64(got.N), float64(c.N))
			check.Near(name+" r", got.R, k.want.R)
			check.Near(name+" t", got.Statistic, k.want.T)
			check.Near(name+" p", got.P, k.want.P)
		}
	}
}

type twoGroupCase struct {
	Var, Group  string
	N1, N0      int
	Corrected   htest    `json:"wilcox_normal_corrected"`
	Uncorrected htest    `json:"wilcox_normal_uncorrected"`
	Welch       htest    `json:"t_welch"`
	Student     htest    `json:"t_student"`
	VarF        htest    `json:"var_F"`
	KS          *htest   `json:"ks"`
	CohenD      *float64 `json:"cohens_d_pooled"`
	Cliff       *float64 `json:"cliffs_delta"`
	Levene      *struct{ F, P float64 }
	LeveneM     *struct{ F, P float64 }    `json:"levene_median"`
	Exact       *htest                     `json:"wilcox_exact"`
	ExactTies   *struct{ Stat, P float64 } `json:"wilcox_exact_ties_exactRankTests"`
}

func TestTwoGroupsOracle(t *testing.T) {
	var all struct {
		Mtcars []twoGroupCase `json:"two_group_mtcars"`
		Pbc    []twoGroupCase `json:"two_group_pbc"`
	}
	expected(t, "tests.json", &all)
	var exact map[string]struct{ Two []twoGroupCase }
	expected(t, "tests_exact.json", &exact)
	value := oracle.Relative(t, "two groups: statistics, effect sizes", "mtcars, pbc, trees, n = 8", rVersion, 1e-10)
	value.AbsoluteBelow, value.AbsoluteTolerance = 1e-12, 1e-12
	p := oracle.Relative(t, "two groups: p-values", "mtcars, pbc, trees, n = 8", rVersion, 1e-8)
	// R 4.2 stops its series at a tolerance of 1e-6 and this one does not.
	smirnov := oracle.Absolute(t, "Kolmogorov–Smirnov p-value", "mtcars, pbc, trees, n = 8", rVersion, 1e-5)
	location := oracle.Absolute(t, "Hodges–Lehmann", "mtcars, pbc, trees, n = 8", rVersion, 2e-4)
	for file, cases := range map[string][]twoGroupCase{
		"mtcars.csv": all.Mtcars, "pbc.csv": all.Pbc, "trees_noties.csv": exact["trees"].Two, "small_n8.csv": exact["small_n8"].Two,
	} {
		data := columns(t, file)
		for _, c := range cases {
			groups := stat.Groups(data[c.Var], data[c.Group])
			x, y := groups[1], groups[0]
			name := c.Var + " by " + c.Group
			u := stat.MannWhitneyU(x, y, true)
			value.Near(name+" U", u.Statistic, c.Corrected.Stat)
			p.Near(name+" U corrected", u.P, c.Corrected.P)
			p.Near(name+" U uncorrected", stat.MannWhitneyU(x, y, false).P, c.Uncorrected.P)
			if c.Exact != nil && len(c.Exact.Estimate) > 0 {
				location.Near(name, stat.HodgesLehmann(x, y), c.Exact.Estimate[0])
			} else if len(c.Corrected.Estimate) > 0 && c.ExactTies == nil {
				location.Near(name, stat.HodgesLehmann(x, y), c.Corrected.Estimate[0])
			}
			if c.ExactTies != nil {
				p.Near(name+" exact", stat.MannWhitneyExactP(x, y), c.ExactTies.P)
			}
			welch, student, f := stat.WelchT(x, y), stat.StudentT(x, y), stat.VarianceRatioF(x, y)
			value.Near(name+" Welch t", welch.Statistic, c.Welch.Stat)
			value.Near(name+" Welch df", welch.DF, c.Welch.Param[0])
			p.Near(name+" Welch", welch.P, c.Welch.P)
			value.Near(name+" Student t", student.Statistic, c.Student.Stat)
			p.Near(name+" Student", student.P, c.Student.P)
			value.Near(name+" F", f.Statistic, c.VarF.Stat)
			p.Near(name+" F", f.P, c.VarF.P)
			if c.KS != nil {
				ks := stat.KolmogorovSmirnov(x, y)
				value.Near(name+" D", ks.Statistic, c.KS.Stat)
				smirnov.Near(name, ks.P, c.KS.P)
			}
			if c.CohenD != nil {
				value.Near(name+" d", stat.CohenD(x, y), *c.CohenD)
			}
			if c.Cliff != nil {
				value.Near(name+" delta", stat.CliffDelta(x, y), *c.Cliff)
			}
			if c.LeveneM != nil {
				levene := stat.Levene([][]float64{x, y})
				value.Near(name+" Levene", levene.Statistic, c.LeveneM.F)
				p.Near(name+" Levene", levene.P, c.LeveneM.P)
			}
		}
	}
}

type kGroupCase struct {
	Var, Group string
	N          []float64
	ANOVA      struct {
		F, P float64
		Eta2 float64
	}
	Welch    htest `json:"welch_anova"`
	Kruskal  struct{ H, P float64 }
	Bartlett htest
	Fligner  htest
	Pairwise [][]*float64 `json:"pairwise_wilcox_holm"`
}

func TestKGroupsOracle(t *testing.T) {
	var all struct {
		Pbc    []kGroupCase `json:"k_group"`
		Mtcars []kGroupCase `json:"k_group_mtcars"`
	}
	expected(t, "tests.json", &all)
	value := oracle.Relative(t, "several groups: statistics", "mtcars, pbc", rVersion, 1e-10)
	p := oracle.Relative(t, "several groups: p-values", "mtcars, pbc", rVersion, 1e-8)
	for file, cases := range map[string][]kGroupCase{"mtcars.csv": all.Mtcars, "pbc.csv": all.Pbc} {
		data := columns(t, file)
		for _, c := range cases {
			groups := stat.Groups(data[c.Var], data[c.Group])
			name := c.Var + " by " + c.Group
			for _, k := range []struct {
				name         string
				got          stat.Test
				wantS, wantP float64
			}{
				{"ANOVA", stat.ANOVA(groups), c.ANOVA.F, c.ANOVA.P},
				{"Welch", stat.WelchANOVA(groups), c.Welch.Stat, c.Welch.P},
				{"Kruskal", stat.KruskalWallis(groups), c.Kruskal.H, c.Kruskal.P},
				{"Bartlett", stat.Bartlett(groups), c.Bartlett.Stat, c.Bartlett.P},
				{"Fligner", stat.Fligner(groups), c.Fligner.Stat, c.Fligner.P},
			} {
				value.Near(name+" "+k.name, k.got.Statistic, k.wantS)
				p.Near(name+" "+k.name, k.got.P, k.wantP)
			}
			value.Near(name+" eta²", stat.EtaSquared(groups), c.ANOVA.Eta2)
			pairwise := stat.PairwiseMannWhitney(groups, stat.Holm)
			for i, row := range c.Pairwise { // R's rows start at the second group
				for j, want := range row {
					if want != nil {
						p.Near(fmt.Sprintf("%s pair %d-%d", name, i+1, j), pairwise[i+1][j], *want)
					}
				}
			}
		}
	}
}

func TestTablesOracle(t *testing.T) {
	var all struct {
		Tables []struct {
			Table    [][]float64
			ChiSq    float64
			P        float64
			CramerV  float64   `json:"cramers_v"`
			FisherP  float64   `json:"fisher_p"`
			Yates    *float64  `json:"chisq_yates"`
			YatesP   *float64  `json:"p_yates"`
			OR       *float64  `json:"fisher_or_conditional"`
			FisherCI []float64 `json:"fisher_ci"`
		}
	}
	expected(t, "tests.json", &all)
	value := oracle.Relative(t, "tables of counts: statistics", "four tables", rVersion, 1e-10)
	p := oracle.Relative(t, "tables of counts: p-values", "four tables", rVersion, 1e-8)
	odds := oracle.Relative(t, "conditional odds ratio and interval", "2×2 tables", rVersion, 1e-4)
	for i, c := range all.Tables {
		name := fmt.Sprint("table ", i)
		x := stat.PearsonChiSquared(c.Table, false)
		value.Near(name, x.Statistic, c.ChiSq)
		p.Near(name, x.P, c.P)
		value.Near(name+" V", stat.CramerV(c.Table), c.CramerV)
		p.Near(name+" Fisher", stat.FisherP(c.Table), c.FisherP)
		if c.Yates != nil {
			x := stat.PearsonChiSquared(c.Table, true)
			value.Near(name+" Yates", x.Statistic, *c.Yates)
			p.Near(name+" Yates", x.P, *c.YatesP)
		}
		if c.OR != nil {
			counts := [2][2]int{{int(c.Table[0][0]), int(c.Table[0][1])}, {int(c.Table[1][0]), int(c.Table[1][1])}}
			or, low, high := stat.OddsRatio(counts, 0.95)
			odds.Near(name, or, *c.OR)
			odds.Near(name+" low", low, c.FisherCI[0])
			odds.Near(name+" high", high, c.FisherCI[1])
		}
	}
}

func TestAdjustOracle(t *testing.T) {
	var all struct {
		P        []*float64
		Adjusted map[string][]*float64
	}
	expected(t, "p_adjust.json", &all)
	list := func(p []*float64) []float64 {
		out := make([]float64, len(p))
		for i, v := range p {
			out[i] = math.NaN()
			if v != nil {
				out[i] = *v
			}
		}
		return out
	}
	check := oracle.Relative(t, "adjusted p-values", "six methods", rVersion, 1e-10)
	for name, a := range map[string]stat.Adjustment{
		"bonferroni": stat.Bonferroni, "holm": stat.Holm, "hochberg": stat.Hochberg, "hommel": stat.Hommel, "BH": stat.BenjaminiHochberg, "BY": stat.BenjaminiYekutieli,
	} {
		want := list(all.Adjusted[name])
		for i, got := range stat.Adjust(list(all.P), a) {
			check.Near(fmt.Sprint(name, " ", i), got, want[i])
		}
	}
}

func TestAgreementOracle(t *testing.T) {
	var all struct {
		ICC struct {
			Types                   []string
			ICC, F, P, Lower, Upper []float64
			CCC                     float64 `json:"lin_ccc_raters12_biased_n"`
			BlandAltman             struct {
				Mean, SD float64
				Low      float64 `json:"loa_lower"`
				High     float64 `json:"loa_upper"`
			} `json:"bland_altman_raters12"`
			Friedman htest
		} `json:"icc_shrout_fleiss"`
	}
	expected(t, "tests.json", &all)
	data := columns(t, "shrout_fleiss.csv")
	ratings := make([][]float64, len(data["V1"]))
	for i := range ratings {
		ratings[i] = []float64{data["V1"][i], data["V2"][i], data["V3"][i], data["V4"][i]}
	}
	icc := stat.IntraclassCorrelation(ratings, 0.95)
	value := oracle.Relative(t, "ICC and other agreement", "Shrout and Fleiss 1979", rVersion+", psych 2.2.9", 1e-8)
	for i, got := range []stat.ICC{icc.OneWay, icc.Absolute, icc.Consistency, icc.OneWayK, icc.AbsoluteK, icc.ConsistencyK} {
		name := all.ICC.Types[i]
		value.Near(name, got.Value, all.ICC.ICC[i])
		value.Near(name+" F", got.F, all.ICC.F[i])
		value.Near(name+" p", got.P, all.ICC.P[i])
		value.Near(name+" low", got.Low, all.ICC.Lower[i])
		value.Near(name+" high", got.High, all.ICC.Upper[i])
	}
	value.Near("CCC", stat.ConcordanceCorrelation(data["V1"], data["V2"]), all.ICC.CCC)
	b := stat.BlandAltman(data["V1"], data["V2"])
	value.Near("Bland–Altman mean", b.Mean, all.ICC.BlandAltman.Mean)
	value.Near("Bland–Altman sd", b.SD, all.ICC.BlandAltman.SD)
	value.Near("Bland–Altman low", b.Low, all.ICC.BlandAltman.Low)
	value.Near("Bland–Altman high", b.High, all.ICC.BlandAltman.High)
	f := stat.Friedman(ratings)
	value.Near("Friedman", f.Statistic, all.ICC.Friedman.Stat)
	value.Near("Friedman p", f.P, all.ICC.Friedman.P)
}

func TestPairedOracle(t *testing.T) {
	var all struct {
		All struct {
			Signed      htest   `json:"wilcox_signed_normal"`
			Uncorrected htest   `json:"wilcox_signed_normal_uncorrected"`
			Paired      htest   `json:"t_paired"`
			Sign        float64 `json:"sign_test_p"`
		} `json:"paired_anorexia"`
	}
	expected(t, "tests.json", &all)
	data := columns(t, "anorexia.csv")
	x, y := data["Prewt"], data["Postwt"]
	check := oracle.Relative(t, "paired tests", "anorexia", rVersion, 1e-8)
	v := stat.SignedRank(x, y, true)
	check.Near("V", v.Statistic, all.All.Signed.Stat)
	check.Near("V p", v.P, all.All.Signed.P)
	check.Near("V uncorrected", stat.SignedRank(x, y, false).P, all.All.Uncorrected.P)
	paired := stat.PairedT(x, y)
	check.Near("t", paired.Statistic, all.All.Paired.Stat)
	check.Near("t p", paired.P, all.All.Paired.P)
	check.Near("sign", stat.SignTestP(x, y), all.All.Sign)
}
