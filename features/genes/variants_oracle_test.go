package genes

import (
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
)

// bladderDesign is the bladder data with the indicators of cancer and of normal tissue.
func bladderDesign(t *testing.T) (m *Matrix, batch []string, cancer [][]float64) {
	t.Helper()
	m = matrixOf(t, nil, "inputs", "bladder_top1000.csv.gz")
	texts := textsOf(t, "sample", "inputs", "bladder_samples.csv")
	for _, l := range []string{"Cancer", "Normal"} {
		v := make([]float64, len(m.Samples))
		for i, c := range texts.Column("cancer") {
			if c == l {
				v[i] = 1
			}
		}
		cancer = append(cancer, v)
	}
	return m, texts.Column("batch"), cancer
}

// The variants of ComBat that the shared references do not have: sva's ComBat in R 4.2.2, run on the bladder data as
// ComBat(m, batch, mod, ref.batch = …, mean.only = …, par.prior = …). Rows 1, 100, 500 and 1000, samples 1, 2, 20 and 57, and the sum of all.
func TestComBatVariantsOracle(t *testing.T) {
	m, batch, cancer := bladderDesign(t)
	for _, c := range []struct {
		name       string
		o          ComBatOptions
		covariates [][]float64
		want       []float64
		sum        float64
	}{
		{"reference batch 5", ComBatOptions{Reference: "5"}, nil, []float64{10.3669993279255, 7.74071111444879, 8.9514652425241, 8.7055828376174, 6.27767755002456, 6.9945115542151,
			6.69618756181234, 4.57873487381435, 3.92279817241672, 4.97368037826004, 6.14616748394239, 5.47854092314407, 12.2126050441539, 9.90791434015082, 11.7529942054037,
			9.64871922123845}, 427583.124267369},
		{"reference batch 5, mean only", ComBatOptions{Reference: "5", MeanOnly: true}, nil, []float64{9.10882119316139, 6.99555656442645, 9.47758069734472, 8.83825710736827, 5.72186669980446,
			6.35604554694954, 6.59496438590409, 6.07866756508519, 4.16747298588839, 4.90913476887774, 8.22302566961484, 5.22632559290015, 12.3809977220795, 11.1492317639741,
			11.6602332381743, 10.3073797075416}, 427605.440410439},
		{"reference batch 2, cancer kept", ComBatOptions{Reference: "2"}, cancer, []float64{6.33136294365871, 5.927838259132, 7.22102754511078, 7.88011144212653, 4.99355663808878, 5.5842765126626,
			5.52621776140514, 7.27007077990971, 4.40200580132474, 4.67362268492113, 4.75155278349001, 5.0600209736931, 11.3994047334464, 10.9197180323796, 12.5240724121927,
			10.2957489024033}, 403911.042138109},
		{"non-parametric, no covariate", ComBatOptions{NonParametric: true}, nil, []float64{9.35342528634104, 7.21052347216265, 8.36770051528419, 8.24844429048455, 5.73826171729743, 6.44519148429877,
			6.37145662043197, 4.98974256302008, 4.09258437639808, 5.68911768722263, 6.48619709686071, 5.75013722464816, 12.2674888406723, 10.6368548212135, 11.9063782317769,
			10.2755458843831}, 419924.193952804},
		{"non-parametric, mean only", ComBatOptions{NonParametric: true, MeanOnly: true}, nil, []float64{9.11631287744464, 7.24101471229282, 8.35483987020826, 8.38593075195638, 5.74768060220895,
			6.39726469710151, 6.35889238854906, 4.91642208742846, 4.33366968908949, 4.99933438484305, 7.70997015563266, 5.32072600191884, 12.3023763346907, 10.7710251149764,
			11.9141706634242, 10.2421764910388}, 420402.589272979},
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
		check := oracle.Relative(t, "ComBat", c.name, "sva 3.46.0", 1e-10)
		k := 0
		for _, g := range []int{0, 99, 499, 999} {
			for _, s := range []int{0, 1, 19, 56} {
				check.Near(m.Genes[g]+" "+m.Samples[s], got.Gene(g)[s], c.want[k])
				k++
			}
		}
		sum := 0.0
		for _, v := range LibrarySizes(got) {
			sum += v
		}
		check.Near("sum", sum, c.sum)
	}
}

// limma's moderated F over two coefficients, topTable(eBayes(lmFit(m, ~cancer)), coef = 2:3), in R 4.2.2, on the bladder data.
func TestModeratedFOracle(t *testing.T) {
	m, _, cancer := bladderDesign(t)
	design := make([][]float64, len(m.Samples))
	for s := range design {
		design[s] = []float64{1, cancer[0][s], cancer[1][s]}
	}
	f, err := FitLinearModel(m, design, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Moderate(false); err != nil {
		t.Fatal(err)
	}
	c := oracle.Relative(t, "moderated F", "two coefficients", limma, 1e-9)
	for k, g := range []int{0, 99, 499, 999} {
		F, p, err := f.F(g, []int{1, 2})
		if err != nil {
			t.Fatal(err)
		}
		c.Near(m.Genes[g]+" F", F, []float64{5.26437472730051, 22.9561155440246, 0.143335516908096, 2.57564597242712}[k])
		c.Near(m.Genes[g]+" p", p, []float64{0.00764008803391791, 3.02662640838274e-08, 0.866740135053813, 0.083959664809695}[k])
	}
}

// Relative log expression: edgeR's factors, frozen on the fitted samples, then log₂ CPM by its formula.
func TestRLEOracle(t *testing.T) {
	m, _, want := marioniCounts(t)
	sizes := LibrarySizes(m)
	for s, f := range want.NormFactors["RLE"] {
		sizes[s] *= f
	}
	r, err := FitRLE(m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Apply(m)
	if err != nil {
		t.Fatal(err)
	}
	near(t, small(oracle.Relative(t, "expression from counts", "log2 CPM of RLE, frozen", edgeR, 1e-10)), got, LogCPM(m, sizes, 2))
}
