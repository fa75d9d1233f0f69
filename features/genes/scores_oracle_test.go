package genes

import (
	"math"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
)

func TestNeighboursOracle(t *testing.T) {
	m := matrixOf(t, nil, "inputs", "knn_impute.csv")
	f, err := FitNeighbours(m, 10)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Apply(m)
	if err != nil {
		t.Fatal(err)
	}
	near(t, oracle.Relative(t, "nearest-neighbour imputation", "k = 10", "impute 1.72.3", 1e-8), got, matrixOf(t, nil, "expected", "knn_impute_k10.csv"))
}

func TestCentroidsOracle(t *testing.T) {
	c, err := ReadCentroids(oracle.Data(t, "genes", "inputs", "ALL_3class_centroids.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.ReadMedians(oracle.Data(t, "genes", "inputs", "ALL_3class_train_medians.csv")); err != nil {
		t.Fatal(err)
	}
	m := matrixOf(t, nil, "inputs", "ALL_3class_test.csv.gz")
	want := textsOf(t, "sample", "expected", "ALL_3class_calls.csv")
	scores := numbersOf(t, "sample", "expected", "ALL_3class_calls.csv")
	for name, by := range map[string]Similarity{"spearman": SpearmanSimilarity, "pearson": PearsonSimilarity, "euclid": Euclidean} {
		c.By = by
		got, err := c.Apply(m)
		if err != nil {
			t.Fatal(err)
		}
		check := oracle.Relative(t, "nearest centroid", name, "R 4.2.2", 1e-10)
		for i, k := range want.Keys {
			s := slices.Index(m.Samples, k.Patient)
			for j, centroid := range c.Names {
				check.Near(k.Patient+" "+centroid, got.Scores[s][j], scores.Values[scores.Find(name+"_"+centroid)][i])
			}
			called := slices.Index(c.Names, want.Column("call_" + name)[i])
			check.Near(k.Patient+" call", float64(got.Call[s]), float64(called))
		}
	}
}

func TestDeconvolutionOracle(t *testing.T) {
	signature := matrixOf(t, nil, "inputs", "deconv_ALL5_signature.csv")
	mixtures := matrixOf(t, nil, "inputs", "deconv_ALL5_mixtures.csv")
	d, err := NewDeconvolution(signature, true)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Apply(mixtures)
	if err != nil {
		t.Fatal(err)
	}
	want := matrixOf(t, nil, "expected", "deconv_ALL5_nnls.csv")
	c := oracle.Relative(t, "deconvolution", "non-negative least squares", "nnls 1.4", 1e-8)
	for k, name := range d.Types {
		for s := range mixtures.Samples {
			c.Near(name+" "+mixtures.Samples[s], got[s].Weights[k], want.Gene(want.Index()[name])[s])
		}
	}
	var svr struct {
		NuSVR map[string]struct {
			Fits []struct {
				Nu   float64
				W    []float64
				RMSE float64
			}
			Best      float64 `json:"best_nu"`
			Fractions []float64
		}
	}
	jsonOf(t, &svr, "expected", "deconv_ALL5_nusvr.json")
	d.NonNegative = false
	got, err = d.Apply(mixtures)
	if err != nil {
		t.Fatal(err)
	}
	c = oracle.Absolute(t, "deconvolution", "nu-support vector regression", "e1071 1.7-13", 1e-4)
	for s, name := range mixtures.Samples {
		w := svr.NuSVR[name]
		c.Near(name+" nu", got[s].Nu, w.Best)
		for k := range d.Types {
			c.Near(name+" fraction of "+d.Types[k], got[s].Fractions[k], w.Fractions[k])
		}
		for _, fit := range w.Fits {
			if fit.Nu == got[s].Nu {
				c.Near(name+" error", got[s].RMSE, fit.RMSE)
				for k := range d.Types {
					c.Near(name+" weight of "+d.Types[k], got[s].Weights[k], fit.W[k])
				}
			}
		}
	}
}

// The PAM50 centroids on 150 tumours with 29 of the 50 genes, one probe a gene, as genefu's data and our own computation in R have
// it: values as they are.
func TestPAM50Oracle(t *testing.T) {
	c, err := ReadCentroids(oracle.Cohort(t, "breast-expression", "pam50_centroids.csv"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := ReadMatrix(oracle.Cohort(t, "breast-expression", "genefu_nkis_expr.csv"), ReadOptions{Orientation: "genes_in_columns"})
	if err != nil {
		t.Fatal(err)
	}
	used, err := tableTexts(oracle.Cohort(t, "breast-expression", "pam50_genes_used_nkis.csv"), "gene")
	if err != nil {
		t.Fatal(err)
	}
	index := m.Index()
	var rows []int
	var names []string
	for i, k := range used.Keys {
		g, ok := index[used.Column("probe")[i]]
		if !ok {
			t.Fatalf("probe %s is not there", used.Column("probe")[i])
		}
		rows, names = append(rows, g), append(names, k.Patient)
	}
	m = m.SelectGenes(rows)
	m.Genes = names
	got, err := c.Apply(m)
	if err != nil {
		t.Fatal(err)
	}
	want, err := ReadMatrix(oracle.Cohort(t, "breast-expression", "pam50_expected_nkis_raw.csv"), ReadOptions{Orientation: "genes_in_columns"})
	if err != nil {
		t.Fatal(err)
	}
	check := oracle.Absolute(t, "nearest centroid", "PAM50, 150 tumours", "R 4.2.2", 1e-9)
	for s, name := range want.Samples {
		k := slices.Index(m.Samples, name)
		for j, centroid := range c.Names {
			w := want.Gene(want.Index()[centroid])[s]
			if g := got.Scores[k][j]; !math.IsNaN(w) {
				check.Near(name+" "+centroid, g, w)
			}
		}
	}
}

func TestVSTOracle(t *testing.T) {
	m, _, want := marioniCounts(t)
	v, err := FitVST(m)
	if err != nil {
		t.Fatal(err)
	}
	a0, a1 := want.VST.Coefficients["asymptDisp"], want.VST.Coefficients["extraPois"]
	c := oracle.Relative(t, "variance-stabilising transformation", "trend of the dispersion", "DESeq2 1.38.3", 1e-3)
	c.Near("asymptotic", v.Asymptotic, a0)
	c.Near("extra-Poisson", v.ExtraPoisson, a1)
	v.Asymptotic, v.ExtraPoisson = a0, a1
	got, err := v.Apply(m)
	if err != nil {
		t.Fatal(err)
	}
	near(t, oracle.Relative(t, "variance-stabilising transformation", "with that trend", "DESeq2 1.38.3", 1e-9), got, matrixOf(t, nil, "expected", "marioni_vst.csv"))
}
