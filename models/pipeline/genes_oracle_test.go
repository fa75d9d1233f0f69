package pipeline_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/pipeline"
)

// bladder is expression of 57 bladder samples with their batch and, as a covariate, whether they are cancer.
func bladder(t *testing.T) (models.Training, []string) {
	t.Helper()
	m, err := genes.ReadMatrix(oracle.Data(t, "genes", "inputs", "bladder_top1000.csv.gz"), genes.ReadOptions{Orientation: "genes_in_rows"})
	if err != nil {
		t.Fatal(err)
	}
	texts, err := table.ReadTexts(oracle.Data(t, "genes", "inputs", "bladder_samples.csv"), table.Options{Key: "sample"})
	if err != nil {
		t.Fatal(err)
	}
	columns := []table.Column{{Name: "rna.batch", Source: "rna", Group: "batch", Kind: table.Categorical}, {Name: "rna.cancer", Source: "rna", Group: "clinical", Kind: table.Categorical}}
	x := models.NewMatrix(columns, len(m.Samples))
	for j, name := range []string{"batch", "cancer"} {
		cells := texts.Column(name)
		levels := slices.Compact(slices.Sorted(slices.Values(cells)))
		columns[j].Levels = levels
		for i, c := range cells {
			x.Column(j)[i] = float64(slices.Index(levels, c))
		}
	}
	for _, g := range m.Genes {
		columns = append(columns, table.Column{Name: "rna." + g, Source: "rna", Group: "gene"})
	}
	x.Columns = columns
	x.Values = append(x.Values, m.Values...)
	return models.Training{X: x, Y: clinical.Outcome{Kind: clinical.Survival}}, m.Samples
}

func chain(t *testing.T, step string, set map[string]any) pipeline.Chain {
	t.Helper()
	options, problems := models.Check(pipelineParams(step), set)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	c, err := pipeline.New([]pipeline.Spec{{Step: step, Options: options}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestHarmoniseOracle(t *testing.T) {
	train, samples := bladder(t)
	f, err := chain(t, "harmonise", map[string]any{"covariates": []any{"rna.cancer"}, "smallest": 2}).Fit(context.Background(), train)
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.Apply(train.X)
	if err != nil {
		t.Fatal(err)
	}
	want, err := genes.ReadMatrix(oracle.Data(t, "genes", "expected", "combat_param_cancer.csv"), genes.ReadOptions{Orientation: "genes_in_rows"})
	if err != nil {
		t.Fatal(err)
	}
	c := oracle.Relative(t, "step harmonise", "ComBat, parametric, cancer kept", "sva 3.46.0", 1e-10)
	for g, name := range want.Genes {
		j := slices.IndexFunc(out.Columns, func(c table.Column) bool { return c.Name == "rna."+name })
		for s := range want.Samples {
			c.Near(name+" "+samples[s], out.Column(j)[s], want.Gene(g)[s])
		}
	}
	for _, c := range out.Columns {
		if c.Name == "rna.batch" {
			t.Error("the batch left the chain")
		}
	}
}

// A batch is imputed by nobody: a row without one is refused, and so is a chain that leaves the column over.
func TestBatchIsNotGuessed(t *testing.T) {
	train := mixed(60, 9)
	train.X.Columns = slices.Clone(train.X.Columns)
	train.X.Columns[4].Group = "batch"
	for i, v := range train.X.Column(4) {
		if v != v {
			train.X.Column(4)[i] = 0
		}
	}
	impute := pipeline.Spec{Step: "impute", Options: models.Defaults(pipelineParams("impute"))}
	options, _ := models.Check(pipelineParams("harmonise"), map[string]any{"batch": "site"})
	c, err := pipeline.New([]pipeline.Spec{impute, {Step: "harmonise", On: []string{"rna", "clinical.site"}, Options: options}})
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.Fit(context.Background(), train)
	if err != nil {
		t.Fatal(err)
	}
	x := mixed(3, 2).X
	x.Column(4)[0], x.Column(4)[1], x.Column(4)[2] = 0, 1, math.NaN()
	if _, err := f.Apply(x); err == nil || !strings.Contains(err.Error(), "batch that is missing or unknown was not there") {
		t.Error(err)
	}
	c, err = pipeline.New([]pipeline.Spec{impute})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fit(context.Background(), train); err == nil || !strings.Contains(err.Error(), "no step harmonise takes it") {
		t.Error(err)
	}
}

func TestHarmoniseMechanics(t *testing.T) {
	train := mixed(60, 7)
	impute := pipeline.Spec{Step: "impute", Options: models.Defaults(pipelineParams("impute"))}
	fit := func(on []string, set map[string]any) (*pipeline.FittedChain, error) {
		options, problems := models.Check(pipelineParams("harmonise"), set)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		c, err := pipeline.New([]pipeline.Spec{impute, {Step: "harmonise", On: on, Options: options}})
		if err != nil {
			t.Fatal(err)
		}
		return c.Fit(context.Background(), train)
	}
	f, err := fit([]string{"rna", "clinical.site"}, map[string]any{"batch": "site", "unseen": "pass_with_warning"})
	if err != nil {
		t.Fatal(err)
	}
	x := mixed(4, 8).X
	x.Column(4)[1] = table.Unseen
	plain, err := pipeline.New([]pipeline.Spec{impute})
	if err != nil {
		t.Fatal(err)
	}
	p, err := plain.Fit(context.Background(), train)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Apply(x)
	if err != nil {
		t.Fatal(err)
	}
	before, err := p.Apply(x)
	if err != nil {
		t.Fatal(err)
	}
	at := func(m models.Matrix, name string) []float64 {
		return m.Column(slices.IndexFunc(m.Columns, func(c table.Column) bool { return c.Name == name }))
	}
	if at(got, "rna.EGFR")[1] != at(before, "rna.EGFR")[1] || at(got, "rna.EGFR")[0] == at(before, "rna.EGFR")[0] {
		t.Errorf("%v from %v", at(got, "rna.EGFR"), at(before, "rna.EGFR"))
	}
	if !slices.Equal(at(got, "clinical.age"), at(before, "clinical.age")) {
		t.Error("a clinical column was harmonised")
	}
	strict, err := fit([]string{"rna", "clinical.site"}, map[string]any{"batch": "site"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := strict.Apply(x); err == nil || !strings.Contains(err.Error(), "was not there in training") {
		t.Error(err)
	}
	for _, c := range []struct {
		on   []string
		set  map[string]any
		want string
	}{
		{[]string{"rna"}, map[string]any{}, "no categorical column in the step's scope is the batch"},
		{[]string{"clinical"}, map[string]any{"batch": "site"}, "no column of images or genes"},
		{[]string{"rna", "clinical.site"}, map[string]any{"batch": "site", "covariates": []any{"age"}}, "covariates"},
		{[]string{"rna", "clinical.site"}, map[string]any{"batch": "site", "smallest": 50}, "50 are needed"},
		{[]string{"rna", "clinical.site"}, map[string]any{"batch": "site", "reference": "Z"}, `no batch "Z"`},
	} {
		if _, err := fit(c.on, c.set); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v %v: %v lacks %q", c.on, c.set, err, c.want)
		}
	}
}

// Every method of normalise is stored and read again to the bit on counts.
func TestNormaliseMechanics(t *testing.T) {
	columns := make([]table.Column, 300)
	for j := range columns {
		columns[j] = table.Column{Name: "rna.G" + string(rune('A'+j/26)) + string(rune('A'+j%26)), Source: "rna", Group: "gene"}
	}
	x := models.NewMatrix(columns, 24)
	r := mixed(1, 1).Seed.Split("counts").Rand()
	for j := range columns {
		level := float64(20 + j*j/20)
		for i := range x.Rows {
			x.Column(j)[i] = math.Round(level * math.Exp(r.NormFloat64()*math.Sqrt(0.05+4/level)))
			if j%7 == 0 && i == j%24 {
				x.Column(j)[i] = 0 // most genes of real counts have a zero somewhere
			}
		}
	}
	train := models.Training{X: x, Y: clinical.Outcome{Kind: clinical.Survival}}
	for _, method := range []string{"quantile", "tmm_logcpm", "rle_logcpm", "size_factors", "vst"} {
		f, err := chain(t, "normalise", map[string]any{"method": method}).Fit(context.Background(), train)
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
		one, err := f.Apply(x)
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		two, err := g.Apply(x)
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		sameBits(t, method, one, two)
	}
}
