package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/pipeline"
)

// expression is a matrix of genes as training rows of one source.
func expression(m *genes.Matrix) models.Training {
	columns := make([]table.Column, len(m.Genes))
	for g, name := range m.Genes {
		columns[g] = table.Column{Name: "rna." + name, Source: "rna", Group: "gene"}
	}
	return models.Training{X: models.Matrix{Columns: columns, Rows: len(m.Samples), Values: m.Values}, Y: clinical.Outcome{Kind: clinical.Survival}}
}

func referenceMatrix(t *testing.T, elements ...string) *genes.Matrix {
	t.Helper()
	m, err := genes.ReadMatrix(oracle.Data(t, append([]string{"genes"}, elements...)...), genes.ReadOptions{Orientation: "genes_in_rows"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// leukaemiaSets writes the gene sets of the leukaemia data as a GMT file.
func leukaemiaSets(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(oracle.Data(t, "genes", "inputs", "ALL79_genesets.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list map[string][]string
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	text := "EMPTY\tno gene\n"
	for _, name := range []string{"UP20", "DOWN25", "MIX40", "RND8", "RND15", "RND30", "RND60", "RND100"} {
		text += name + "\tx\t" + strings.Join(list[name], "\t") + "\n"
	}
	path := filepath.Join(t.TempDir(), "sets.gmt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The step gives the package's scores through Fit, a bundle and Apply. Its GSVA keeps quantiles of each gene in place of the patients, so
// that it is close to GSVA's and no more; how close is the row's worst error.
func TestScoreSetsOracle(t *testing.T) {
	train, path := expression(referenceMatrix(t, "inputs", "ALL79_top2000.csv.gz")), leukaemiaSets(t)
	for _, c := range []struct {
		method, score, file string
		tolerance           float64
	}{{"ssgsea", "max_diff", "ssgsea_norm", 1e-9}, {"zscore", "max_diff", "zscore", 1e-9}, {"plage", "max_diff", "plage", 1e-9},
		{"gsva", "max_diff", "gsva_maxdiff", 0.02}, {"gsva", "ks_max", "gsva_ksmax", 0.02}, {"gsva", "abs_rank", "gsva_absrank", 0.02}} {
		f, err := chain(t, "score_sets", map[string]any{"sets": path, "method": c.method, "score": c.score, "grid": 101}).Fit(context.Background(), train)
		if err != nil {
			t.Fatal(err)
		}
		b, err := f.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if f, err = pipeline.Decode(b); err != nil {
			t.Fatal(err)
		}
		got, err := f.Apply(train.X)
		if err != nil {
			t.Fatal(err)
		}
		want := referenceMatrix(t, "expected", "ALL79_"+c.file+".csv")
		if len(got.Columns) != len(want.Genes) {
			t.Fatalf("%d columns", len(got.Columns))
		}
		check := oracle.Absolute(t, "step score_sets", strings.TrimSuffix(c.method+" "+c.score, " max_diff"), "GSVA 1.46.0", c.tolerance)
		for g, name := range want.Genes {
			j := slices.IndexFunc(got.Columns, func(c table.Column) bool { return c.Name == "rna."+name })
			sign := 1.0
			if c.method == "plage" && got.Column(j)[0]*want.Gene(g)[0] < 0 { // the sign of a singular vector is arbitrary
				sign = -1
			}
			for s, w := range want.Gene(g) {
				check.Near(name+" "+want.Samples[s], sign*got.Column(j)[s], w)
			}
		}
	}
}

// A probe for each gene: that of the highest mean as limma's users choose it, and that of the highest variance by its definition.
func TestChooseProbesOracle(t *testing.T) {
	m := referenceMatrix(t, "inputs", "probe_to_gene.csv")
	texts, err := table.ReadTexts(oracle.Data(t, "genes", "inputs", "probe_to_gene.csv"), table.Options{Key: "probe"})
	if err != nil {
		t.Fatal(err)
	}
	gene := texts.Column("gene")
	annotation := "ID\tGene Symbol\n"
	best := map[string]string{}
	most := map[string]float64{}
	for g, probe := range m.Genes {
		annotation += probe + "\t" + gene[g] + "\n"
		if v := stat.Variance(m.Gene(g)); v > most[gene[g]] {
			best[gene[g]], most[gene[g]] = probe, v
		}
	}
	path := filepath.Join(t.TempDir(), "gpl.txt")
	if err := os.WriteFile(path, []byte(annotation+"other\tA /// B\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	train := expression(m)
	want := referenceMatrix(t, "expected", "probe_to_gene_maxmean.csv")
	check := oracle.Relative(t, "step choose_probes", "highest mean", "limma 3.54.1", 1e-12)
	for _, rule := range []string{"highest_mean", "highest_variance"} {
		f, err := chain(t, "choose_probes", map[string]any{"annotation": path, "rule": rule}).Fit(context.Background(), train)
		if err != nil {
			t.Fatal(err)
		}
		b, err := f.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if f, err = pipeline.Decode(b); err != nil {
			t.Fatal(err)
		}
		got, err := f.Apply(train.X)
		if err != nil {
			t.Fatal(err)
		}
		for g, name := range want.Genes {
			j := slices.IndexFunc(got.Columns, func(c table.Column) bool { return c.Name == "rna."+name })
			if rule == "highest_mean" {
				for s, w := range want.Gene(g) {
					check.Near(name+" "+want.Samples[s], got.Column(j)[s], w)
				}
			} else if from := got.Columns[j].From; len(from) != 1 || from[0] != "rna."+best[name] {
				t.Errorf("%s: %v, want %s", name, from, best[name])
			}
		}
	}
}

// Genes of training decide; a row of a later patient changes nothing, and is scored by itself.
func TestScoreSetsMechanics(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	m := genes.NewMatrix([]string{"A", "B", "C", "D", "E", "F"}, make([]string, 12))
	r := mixed(1, 1).Seed.Split("sets").Rand()
	for i := range m.Values {
		m.Values[i] = 5 + r.NormFloat64()
	}
	for s := range 12 {
		m.Gene(5)[s] = 3 // does not vary
	}
	train := expression(m)
	good := file("a.gmt", "S1\tx\tA\tB\tQ\nS2\tx\tC\tF\nLOST\tx\tF\nNONE\tx\tQ\n")
	for _, method := range []string{"gsva", "zscore", "plage", "ssgsea"} {
		f, err := chain(t, "score_sets", map[string]any{"sets": good, "method": method, "keep_genes": true}).Fit(context.Background(), train)
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		b, err := f.Encode()
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		g, err := pipeline.Decode(b)
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		one, err := f.Apply(train.X)
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		alone, err := g.Apply(train.X.Select([]int{3}))
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		sameBits(t, method, one.Select([]int{3}), alone)
		names := fmt.Sprint(columnNames(one.Columns))
		want := "[rna.A rna.B rna.C rna.D rna.E rna.F rna.LOST rna.S1 rna.S2]" // ssgsea ranks genes that do not vary as any other
		if method != "ssgsea" {
			want = strings.Replace(want, " rna.LOST", "", 1)
		}
		sorted := slices.Sorted(slices.Values(columnNames(one.Columns)))
		if fmt.Sprint(sorted) != want || !strings.Contains(strings.Join(f.Notes(), " "), "NONE") {
			t.Errorf("%s: %s, notes %v", method, names, f.Notes())
		}
	}
	for _, c := range []struct {
		set  map[string]any
		want string
	}{{map[string]any{"sets": file("none.gmt", "S\tx\tQ\n")}, "none of the 1 gene sets"}, {map[string]any{"sets": good, "min_genes": 3}, "fewer than 3"}} {
		if _, err := chain(t, "score_sets", c.set).Fit(context.Background(), train); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.set, err)
		}
	}
	options, _ := models.Check(pipelineParams("score_sets"), map[string]any{"sets": filepath.Join(dir, "absent.gmt")})
	if _, err := pipeline.New([]pipeline.Spec{{Step: "score_sets", Options: options}}); err == nil || !strings.Contains(err.Error(), "absent.gmt") {
		t.Error(err)
	}
	if _, err := chain(t, "choose_probes", map[string]any{"annotation": file("g.txt", "ID\tGene Symbol\nother\tA\n")}).Fit(context.Background(), train); err == nil || !strings.Contains(err.Error(), "another platform") {
		t.Error(err)
	}
}

func columnNames(columns []table.Column) []string {
	names := make([]string, len(columns))
	for j, c := range columns {
		names[j] = c.Name
	}
	return names
}

// A batch that training had not is learnt from patients without an outcome: it ends where training's are, and nobody else changes.
func TestLearnMechanics(t *testing.T) {
	train := mixed(90, 7)
	local := "patient,clinical.age,clinical.sex,t1.volume,clinical.grade,clinical.site,rna.EGFR,rna.TP53\n"
	r := mixed(1, 1).Seed.Split("local").Rand()
	for i := range 40 {
		local += fmt.Sprintf("p%d,50,F,%v,2,D,%v,%v\n", i, 10+3*r.NormFloat64(), 25+6*r.NormFloat64(), 30+3*r.NormFloat64())
	}
	path := scratch(t, "local.csv", local)
	build := func(set map[string]any) pipeline.Chain {
		set["batch"] = "site"
		options, problems := models.Check(pipelineParams("harmonise"), set)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		c, err := pipeline.New([]pipeline.Spec{{Step: "impute", Options: models.Defaults(pipelineParams("impute"))},
			{Step: "harmonise", On: []string{"rna", "clinical.site"}, Options: options}, {Step: "scale", Options: models.Defaults(pipelineParams("scale"))}})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	plain, err := build(map[string]any{}).Fit(context.Background(), train)
	if err != nil {
		t.Fatal(err)
	}
	f, err := build(map[string]any{"estimate_from": path}).Fit(context.Background(), train)
	if err != nil {
		t.Fatal(err)
	}
	x, err := plain.Apply(train.X)
	if err != nil {
		t.Fatal(err)
	}
	y, err := f.Apply(train.X)
	if err != nil {
		t.Fatal(err)
	}
	sameBits(t, "patients of training", x, y)
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if f, err = pipeline.Decode(b); err != nil {
		t.Fatal(err)
	}
	tab, err := table.Read(path, table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	later, err := plain.Learn(tab) // a bundle that left training without the site
	if err != nil {
		t.Fatal(err)
	}
	if c, err := later.Encode(); err != nil || string(c) != string(b) {
		t.Errorf("learnt later is another chain: %v", err)
	}
	level := slices.Index(f.Inputs()[4].Levels, "D")
	of := models.NewMatrix(f.Inputs(), tab.Rows())
	for j, c := range of.Columns {
		copy(of.Column(j), tab.Values[tab.Find(c.Name)])
		if c.Name == "clinical.site" {
			for i := range of.Rows {
				of.Column(j)[i] = float64(level)
			}
		}
	}
	z, err := f.Apply(of)
	if err != nil {
		t.Fatal(err)
	}
	for j, c := range z.Columns {
		if c.Source != "rna" {
			continue
		}
		// Unharmonised, the site's means stand 4 and more standard deviations away.
		if m, sd := stat.Mean(z.Column(j)), math.Sqrt(stat.Variance(z.Column(j))); m > 0.6 || m < -0.6 || sd < 0.5 || sd > 1.5 {
			t.Errorf("%s: mean %v, deviation %v", c.Name, m, sd)
		}
	}
	if _, err := plain.Apply(of); err == nil {
		t.Error("a batch that nobody taught was taken")
	}
	columns, err := pipeline.Widen([]pipeline.Spec{{Step: "harmonise", Options: func() models.Options {
		o := models.Defaults(pipelineParams("harmonise"))
		o["estimate_from"] = scratch(t, "b.csv", "patient,batch\np1,Z\np2,3\n")
		return o
	}()}}, []table.Column{{Name: "rna.batch", Source: "rna", Group: "batch", Kind: table.Categorical, Levels: []string{"A"}}})
	if err != nil || fmt.Sprint(columns[0].Levels) != "[A 3 Z]" {
		t.Errorf("%v %v", columns, err)
	}
	for text, want := range map[string]string{"patient,rna.EGFR\np1,3\n": "no column of their batch", "patient,clinical.site\np1,A\np2,B\n": "no batch that training had not",
		"patient,clinical.site\np1,D\np2,D\n": "5 are needed"} {
		tab, err := table.Read(scratch(t, "t.csv", text), table.Options{Kinds: map[string]table.Declaration{}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := plain.Learn(tab); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
