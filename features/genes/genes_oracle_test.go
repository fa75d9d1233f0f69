package genes

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/table"
)

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "features/genes", 186920)) }

// matrixOf reads a matrix of the reference data.
func matrixOf(t *testing.T, drop []string, elements ...string) *Matrix {
	t.Helper()
	m, err := ReadMatrix(oracle.Data(t, append([]string{"genes"}, elements...)...), ReadOptions{Orientation: "genes_in_rows", Drop: drop})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// textsOf reads columns of the reference data as texts.
func textsOf(t *testing.T, key string, elements ...string) *table.Texts {
	t.Helper()
	x, err := table.ReadTexts(oracle.Data(t, append([]string{"genes"}, elements...)...), table.Options{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// numbersOf reads the columns of a table of the reference data.
func numbersOf(t *testing.T, key string, elements ...string) *table.Table {
	t.Helper()
	x, err := table.Read(oracle.Data(t, append([]string{"genes"}, elements...)...), table.Options{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func jsonOf(t *testing.T, into any, elements ...string) {
	t.Helper()
	b, err := os.ReadFile(oracle.Data(t, append([]string{"genes"}, elements...)...))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

// near compares a matrix with reference rows of the same names.
func near(t *testing.T, c *oracle.Check, got, want *Matrix) {
	t.Helper()
	index := got.Index()
	for g, name := range want.Genes {
		k, ok := index[name]
		if !ok {
			t.Fatalf("%s is not there", name)
		}
		for s, w := range want.Gene(g) {
			c.Near(name+" "+want.Samples[s], got.Gene(k)[s], w)
		}
	}
}

// small compares relatively, and absolutely where the reference is almost zero.
func small(c *oracle.Check) *oracle.Check {
	c.AbsoluteBelow, c.AbsoluteTolerance = 1e-3, 1e-10
	return c
}

type marioni struct {
	LibSize        []float64            `json:"lib_size"`
	NormFactors    map[string][]float64 `json:"norm_factors"`
	Kept           int                  `json:"filterByExpr_kept"`
	First200       []int                `json:"filterByExpr_first200"`
	SizeFactors    []float64            `json:"deseq2_size_factors"`
	PositiveCounts []float64            `json:"deseq2_size_factors_poscounts"`
	ColumnSums     map[string][]float64 `json:"colsums_full"`
	AfterFilter    []float64            `json:"norm_factors_after_filter"`
	VST            struct {
		Coefficients map[string]float64 `json:"dispersion_coef"`
	} `json:"vst"`
	Voom struct {
		DF float64 `json:"df_prior"`
		S2 float64 `json:"s2_prior"`
	} `json:"voom_limma"`
	TrendDF float64 `json:"limma_trend_df_prior"`
}

// marioniCounts are RNA-seq counts of kidney and liver (Marioni and others 2008) and the lengths of the genes.
func marioniCounts(t *testing.T) (*Matrix, []float64, marioni) {
	t.Helper()
	m := matrixOf(t, nil, "inputs", "marioni_counts.csv.gz")
	lengths := numbersOf(t, "id", "inputs", "marioni_counts.csv.gz")
	var want marioni
	jsonOf(t, &want, "expected", "marioni.json")
	return m, lengths.Values[lengths.Find("length")], want
}

const edgeR = "edgeR 3.40.2"

func TestNormFactorsOracle(t *testing.T) {
	m, _, want := marioniCounts(t)
	for name, method := range map[string]FactorMethod{"TMM": TMMFactors, "TMMwsp": TMMwspFactors, "RLE": RLEFactors, "upperquartile": UpperQuartileFactors} {
		c := oracle.Relative(t, "normalisation factors", name, edgeR, 1e-10)
		f, err := NormFactors(m, method)
		if err != nil {
			t.Fatal(err)
		}
		for s, w := range want.NormFactors[name] {
			c.Near(m.Samples[s], f[s], w)
		}
	}
}

func TestCountsPerMillionOracle(t *testing.T) {
	m, lengths, want := marioniCounts(t)
	sizes := LibrarySizes(m)
	f, err := NormFactors(m, TMMFactors)
	if err != nil {
		t.Fatal(err)
	}
	effective := make([]float64, len(sizes))
	for s := range sizes {
		effective[s] = sizes[s] * f[s]
	}
	logRPKM := LogCPM(m, effective, 2)
	PerKilobase(logRPKM, lengths, true)
	rpkm := CPM(m, sizes)
	PerKilobase(rpkm, lengths, false)
	tpm := NewMatrix(m.Genes, m.Samples)
	copy(tpm.Values, rpkm.Values)
	if err := Transform(tpm, nil, "tpm"); err != nil {
		t.Fatal(err)
	}
	cpm := NewMatrix(m.Genes, m.Samples)
	copy(cpm.Values, m.Values)
	if err := Transform(cpm, nil, "cpm"); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]*Matrix{"cpm_tmm": CPM(m, effective), "log2cpm_tmm_prior2": LogCPM(m, effective, 2),
		"log2cpm_libsize_prior2": LogCPM(m, sizes, 2), "rpkm": rpkm, "log2rpkm_tmm_prior2": logRPKM, "tpm_from_fpkm": tpm} {
		c := small(oracle.Relative(t, "expression from counts", name, edgeR, 1e-10))
		near(t, c, got, matrixOf(t, nil, "expected", "marioni_"+name+".csv"))
		for s, sum := range LibrarySizes(got) {
			c.Near("sum "+m.Samples[s], sum, want.ColumnSums[name][s])
		}
	}
}

func TestFilterOracle(t *testing.T) {
	m, _, want := marioniCounts(t)
	tissue := make([]int, len(m.Samples))
	for s, name := range textsOf(t, "sample", "inputs", "marioni_samples.csv").Column("group") {
		tissue[s] = map[string]int{"Liver": 1}[name]
	}
	f, err := NormFactors(m, TMMFactors)
	if err != nil {
		t.Fatal(err)
	}
	sizes := LibrarySizes(m)
	for s := range sizes {
		sizes[s] *= f[s]
	}
	keep, err := FilterByExpression(m, sizes, tissue)
	if err != nil {
		t.Fatal(err)
	}
	c := oracle.Absolute(t, "expression filter", "filterByExpr", edgeR, 0)
	c.Near("kept", float64(len(Kept(keep))), float64(want.Kept))
	for g, w := range want.First200 {
		c.Near(m.Genes[g], map[bool]float64{true: 1}[keep[g]], float64(w))
	}
	f, err = NormFactors(m.SelectGenes(Kept(keep)), TMMFactors)
	if err != nil {
		t.Fatal(err)
	}
	c = oracle.Relative(t, "normalisation factors", "TMM after filterByExpr", edgeR, 1e-10)
	for s, w := range want.AfterFilter {
		c.Near(m.Samples[s], f[s], w)
	}
}

func TestSizeFactorsOracle(t *testing.T) {
	m, _, want := marioniCounts(t)
	for name, c := range map[string]struct {
		positive bool
		want     []float64
	}{"ratio": {false, want.SizeFactors}, "poscounts": {true, want.PositiveCounts}} {
		f, err := FitSizeFactors(m, c.positive)
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Factors(m)
		if err != nil {
			t.Fatal(err)
		}
		check := oracle.Relative(t, "size factors", name, "DESeq2 1.38.3", 1e-10)
		for s, w := range c.want {
			check.Near(m.Samples[s], got[s], w)
		}
	}
}

func TestQuantileOracle(t *testing.T) {
	m := matrixOf(t, nil, "inputs", "quantile_tied.csv")
	for name, ties := range map[string]bool{"ties": true, "noties": false} {
		q, err := FitQuantiles(m, ties)
		if err != nil {
			t.Fatal(err)
		}
		got, err := q.Apply(m)
		if err != nil {
			t.Fatal(err)
		}
		want := matrixOf(t, nil, "expected", "quantile_tied_limma_"+name+".csv")
		if !ties { // which of equal values comes first is an accident of sorting: compare what each sample gets
			for _, m := range []*Matrix{got, want} {
				x := make([]float64, len(m.Genes))
				for s := range m.Samples {
					m.Sample(s, x)
					slices.Sort(x)
					m.SetSample(s, x)
				}
			}
			want.Genes = got.Genes
		}
		near(t, oracle.Relative(t, "quantile normalisation", name, "limma 3.54.1", 1e-10), got, want)
	}
}

func TestProbesOracle(t *testing.T) {
	texts := textsOf(t, "probe", "inputs", "probe_to_gene.csv")
	gene := texts.Column("gene")
	m := matrixOf(t, nil, "inputs", "probe_to_gene.csv")
	p, err := FitProbes(m, gene, HighestMean)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Apply(m)
	if err != nil {
		t.Fatal(err)
	}
	near(t, oracle.Relative(t, "probes to genes", "highest mean", "limma 3.54.1", 1e-10), got, matrixOf(t, nil, "expected", "probe_to_gene_maxmean.csv"))
	m.Genes = gene
	mean, _, err := m.Collapse("mean")
	if err != nil {
		t.Fatal(err)
	}
	near(t, oracle.Relative(t, "probes to genes", "avereps", "limma 3.54.1", 1e-10), mean, matrixOf(t, nil, "expected", "probe_to_gene_avereps.csv"))
}

func TestComBatOracle(t *testing.T) {
	m := matrixOf(t, nil, "inputs", "bladder_top1000.csv.gz")
	texts := textsOf(t, "sample", "inputs", "bladder_samples.csv")
	batch := texts.Column("batch")
	levels := []string{"Biopsy", "Cancer", "Normal"}
	var cancer [][]float64
	for _, l := range levels[1:] {
		v := make([]float64, len(batch))
		for i, c := range texts.Column("cancer") {
			if c == l {
				v[i] = 1
			}
		}
		cancer = append(cancer, v)
	}
	for name, c := range map[string]struct {
		covariates [][]float64
		o          ComBatOptions
		tolerance  float64
	}{
		"param_cancer":    {cancer, ComBatOptions{}, 1e-10},
		"param_nocov":     {nil, ComBatOptions{}, 1e-10},
		"nonparam_cancer": {cancer, ComBatOptions{NonParametric: true}, 1e-8},
		"meanonly":        {nil, ComBatOptions{MeanOnly: true}, 1e-10},
	} {
		c.o.Smallest = 2
		f, err := FitComBat(m, batch, c.covariates, c.o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Apply(m, batch, c.covariates)
		if err != nil {
			t.Fatal(err)
		}
		check := oracle.Relative(t, "ComBat", name, "sva 3.46.0", c.tolerance)
		near(t, check, got, matrixOf(t, nil, "expected", "combat_"+name+".csv"))
		var whole struct {
			Means []float64 `json:"column_means_full"`
		}
		jsonOf(t, &whole, "expected", "combat_"+name+".json")
		for s, sum := range LibrarySizes(got) {
			check.Near("mean of "+m.Samples[s], sum/float64(len(m.Genes)), whole.Means[s])
		}
	}
}

func TestBatchMeansOracle(t *testing.T) {
	m := matrixOf(t, nil, "inputs", "bladder_top1000.csv.gz")
	texts := textsOf(t, "sample", "inputs", "bladder_samples.csv")
	var cancer [][]float64
	for _, l := range []string{"Cancer", "Normal"} {
		v := make([]float64, len(m.Samples))
		for i, c := range texts.Column("cancer") {
			if c == l {
				v[i] = 1
			}
		}
		cancer = append(cancer, v)
	}
	f, err := FitBatchMeans(m, texts.Column("batch"), cancer)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Apply(m, texts.Column("batch"))
	if err != nil {
		t.Fatal(err)
	}
	near(t, oracle.Relative(t, "means of batches", "removeBatchEffect, cancer kept", "limma 3.54.1", 1e-10), got, matrixOf(t, nil, "expected", "removeBatchEffect_cancer.csv"))
}

func scoresNear(t *testing.T, c *oracle.Check, got Scores, want *Matrix) {
	t.Helper()
	for k, name := range got.Sets {
		g := want.Index()[name]
		for s, w := range want.Gene(g) {
			c.Near(name+" "+want.Samples[s], got.Values[k][s], w)
		}
	}
}

// allSets are gene sets of the leukaemia data, in the order of a reference table.
func allSets(t *testing.T) (*Matrix, []Set) {
	t.Helper()
	m := matrixOf(t, nil, "inputs", "ALL79_top2000.csv.gz")
	var list map[string][]string
	jsonOf(t, &list, "inputs", "ALL79_genesets.json")
	var sets []Set
	for _, name := range []string{"UP20", "DOWN25", "MIX40", "RND8", "RND15", "RND30", "RND60", "RND100"} {
		sets = append(sets, Set{name, list[name]})
	}
	return m, sets
}

const gsvaReference = "GSVA 1.46.0"

func TestScoresOracle(t *testing.T) {
	m, sets := allSets(t)
	raw, err := SSGSEA(m, sets)
	if err != nil {
		t.Fatal(err)
	}
	scoresNear(t, small(oracle.Relative(t, "ssGSEA", "raw", gsvaReference, 1e-10)), raw, matrixOf(t, nil, "expected", "ALL79_ssgsea_raw.csv"))
	raw.DivideByRange(raw.Range())
	scoresNear(t, small(oracle.Relative(t, "ssGSEA", "divided by range", gsvaReference, 1e-10)), raw, matrixOf(t, nil, "expected", "ALL79_ssgsea_norm.csv"))

	std, err := FitStandard(m)
	if err != nil {
		t.Fatal(err)
	}
	z, err := std.Combine(m, sets)
	if err != nil {
		t.Fatal(err)
	}
	scoresNear(t, small(oracle.Relative(t, "combined z-score", "8 sets", gsvaReference, 1e-10)), z, matrixOf(t, nil, "expected", "ALL79_zscore.csv"))

	p, err := FitPLAGE(m, sets)
	if err != nil {
		t.Fatal(err)
	}
	plage, err := p.Apply(m)
	if err != nil {
		t.Fatal(err)
	}
	want := matrixOf(t, nil, "expected", "ALL79_plage.csv")
	for k := range plage.Sets { // the sign of a singular vector is arbitrary
		if plage.Values[k][0]*want.Gene(k)[0] < 0 {
			for s := range plage.Values[k] {
				plage.Values[k][s] *= -1
			}
		}
	}
	scoresNear(t, small(oracle.Relative(t, "PLAGE", "8 sets", gsvaReference, 1e-9)), plage, want)

	// GSVA looks the normal distribution up in a table; an exact one differs by up to 1.1e-3.
	for name, score := range map[string]GSVAScore{"maxdiff": MaxDiff, "ksmax": KSMax, "absrank": AbsRank} {
		f, err := FitGSVA(m, GSVAOptions{Score: score})
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Apply(m, sets)
		if err != nil {
			t.Fatal(err)
		}
		scoresNear(t, oracle.Absolute(t, "GSVA", name, gsvaReference, 2e-3), got, matrixOf(t, nil, "expected", "ALL79_gsva_"+name+".csv"))
	}
}

func tableTexts(path, key string) (*table.Texts, error) {
	return table.ReadTexts(path, table.Options{Key: key})
}
