package genes_test

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/oracle"
)

// grid reads a table whose first column names the rows.
func grid(t *testing.T, elements ...string) (rows, columns []string, cells [][]string) {
	t.Helper()
	f, err := os.Open(oracle.Data(t, append([]string{"genes"}, elements...)...))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(f.Name(), ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	records, err := csv.NewReader(r).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range records[1:] {
		rows, cells = append(rows, rec[0]), append(cells, rec[1:])
	}
	return rows, records[0][1:], cells
}

func values(t *testing.T, cells []string) []float64 {
	t.Helper()
	out := make([]float64, len(cells))
	for i, c := range cells {
		v, err := strconv.ParseFloat(c, 64)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = v
	}
	return out
}

func expectedJSON(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(oracle.Data(t, "genes", name))
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// leukaemia is the expression of 79 patients with acute leukaemia and the design of BCR/ABL against none.
func leukaemia(t *testing.T) (probes []string, expression *genes.Matrix, design [][]float64) {
	t.Helper()
	probes, patients, cells := grid(t, "inputs", "ALL79_top2000.csv.gz")
	expression = genes.NewMatrix(probes, patients)
	for g, c := range cells {
		copy(expression.Gene(g), values(t, c))
	}
	_, _, samples := grid(t, "inputs", "ALL79_samples.csv")
	for _, s := range samples {
		y, _ := strconv.ParseFloat(s[1], 64)
		design = append(design, []float64{1, y})
	}
	return probes, expression, design
}

func TestEnrichmentOracle(t *testing.T) {
	var sets map[string][]string
	expectedJSON(t, "inputs/ALL79_genesets.json", &sets)
	type score struct {
		ES   float64
		Rank int      `json:"rank_at_peak_1based"`
		Edge []string `json:"leading_edge"`
	}
	type camera struct {
		Correlation []float64
		PValue      []float64
	}
	var want struct {
		GSEA      map[string]struct{ P1, P0 score }
		Rows      []string `json:"camera_rows"`
		Fixed     camera   `json:"camera_cor001"`
		Estimated camera   `json:"camera_estimated_cor"`
		PR        camera   `json:"cameraPR"`
		ORA       struct {
			Universe, Selected int
			Overlap            map[string]int
			P                  map[string]float64 `json:"p_hyper"`
		}
	}
	expectedJSON(t, "expected/ALL79_sets.json", &want)

	ids, _, ranked := grid(t, "inputs", "ALL79_ranked.csv")
	place := map[string]int{}
	statistic := make([]float64, len(ids))
	for i, id := range ids {
		place[id] = i
		statistic[i] = values(t, ranked[i])[0]
	}
	check := oracle.Relative(t, "GSEA score, peak and leading edge; ORA", "ALL, eight sets", "definition in R 4.2.2", 1e-10)
	for name, w := range want.GSEA {
		set := genes.Set{Genes: sets[name]}.Indices(place)
		for _, k := range []struct {
			weight float64
			want   score
		}{{1, w.P1}, {0, w.P0}} {
			got := genes.Rank(statistic, k.weight).Score(set)
			check.Near(name+" score", got.Score, k.want.ES)
			check.Near(name+" peak", float64(got.Peak), float64(k.want.Rank))
			check.Near(name+" edge", float64(len(got.LeadingEdge)), float64(len(k.want.Edge)))
		}
	}
	for name, p := range want.ORA.P {
		check.Near(name+" ORA", genes.OverRepresentation(want.ORA.Universe, len(sets[name]), want.ORA.Selected, want.ORA.Overlap[name]), p)
	}

	probes, expression, design := leukaemia(t)
	fits, err := genes.FitLinearModel(expression, design, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := fits.Moderate(false); err != nil {
		t.Fatal(err)
	}
	residuals, err := fits.Residuals(expression)
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	z, modt := make([]float64, len(probes)), make([]float64, len(probes))
	for g, id := range probes {
		at[id] = g
		modt[g] = fits.T(g, 1)
		z[g] = genes.NormalScore(modt[g], fits.Moderation.Total[g])
	}
	set := oracle.Relative(t, "camera and cameraPR", "ALL, eight sets", "limma 3.54.1", 1e-8)
	for k, name := range want.Rows {
		in := genes.Set{Genes: sets[name]}.Indices(at)
		set.Near(name+" fixed", genes.CameraPreranked(z, in, 0.01).P, want.Fixed.PValue[k])
		est := genes.Camera(z, residuals, fits.DF[0], in)
		set.Near(name+" correlation", est.Correlation, want.Estimated.Correlation[k])
		set.Near(name+" estimated", est.P, want.Estimated.PValue[k])
		set.Near(name+" preranked", genes.CameraPreranked(statistic, genes.Set{Genes: sets[name]}.Indices(place), 0.01).P, want.PR.PValue[k])
	}
}
