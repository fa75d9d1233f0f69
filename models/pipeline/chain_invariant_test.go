package pipeline_test

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/pipeline"
)

// mixed returns training rows with every kind of column, missing values in each, and an outcome.
func mixed(rows int, seed work.Seed) models.Training {
	columns := []table.Column{
		{Name: "clinical.age", Source: "clinical", Group: "clinical", Unit: "a"},
		{Name: "clinical.sex", Source: "clinical", Group: "clinical", Kind: table.Categorical, Levels: []string{"F", "M"}},
		{Name: "t1.volume", Source: "t1", Group: "imaging", Unit: "mm3"},
		{Name: "clinical.grade", Source: "clinical", Group: "clinical", Kind: table.Ordinal, Levels: []string{"2", "3", "4"}},
		{Name: "clinical.site", Source: "clinical", Group: "clinical", Kind: table.Categorical, Levels: []string{"A", "B", "C"}},
		{Name: "rna.EGFR", Source: "rna", Group: "gene"},
		{Name: "rna.TP53", Source: "rna", Group: "gene"},
	}
	m := models.NewMatrix(columns, rows)
	r := seed.Rand()
	y := clinical.Outcome{Name: "y", Kind: clinical.Class, Classes: []string{"0", "1"}, Class: make([]int, rows)}
	for i := range rows {
		y.Class[i] = r.IntN(2)
		for j, c := range columns {
			switch {
			case r.Float64() < 0.1:
				m.Column(j)[i] = math.NaN()
			case c.Kind == table.Numeric:
				m.Column(j)[i] = r.NormFloat64()*3 + 10 + float64(y.Class[i])
			default:
				m.Column(j)[i] = float64(r.IntN(len(c.Levels)))
			}
		}
	}
	return models.Training{X: m, Y: y, Seed: seed, Lower: map[string]float64{"t1.volume": 0.9, "rna.EGFR": 0.3}}
}

// chains are all steps, alone with their defaults and together.
func chains(t testing.TB) map[string]pipeline.Chain {
	t.Helper()
	all := map[string]pipeline.Chain{"empty": {}}
	for _, k := range pipeline.Kinds() {
		options := models.Defaults(k.Params)
		if k.Name == "harmonise" { // batches are of the data, so there is no default
			options["batch"], options["smallest"] = "clinical.site", 2
		}
		var on []string
		switch k.Name { // these have no default for the file that they read
		case "score_sets":
			options["sets"], on = scratch(t, "sets.gmt", "S1\tx\tEGFR\nS2\tx\tTP53\n"), []string{"rna"}
		case "choose_probes":
			options["annotation"], on = scratch(t, "gpl.txt", "ID\tGene Symbol\nEGFR\tG1\nTP53\tG1\n"), []string{"rna"}
		}
		specs := []pipeline.Spec{{Step: "impute", Options: models.Defaults(pipelineParams("impute"))}, {Step: k.Name, On: on, Options: options}}
		c, err := pipeline.New(specs)
		if err != nil {
			t.Fatal(err)
		}
		all[k.Name] = c
	}
	c, err := pipeline.New(pipeline.Default())
	if err != nil {
		t.Fatal(err)
	}
	all["default"] = c
	return all
}

// scratch writes a file that a step reads.
func scratch(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func pipelineParams(step string) []models.Param {
	k, _ := pipeline.Lookup(step)
	return k.Params
}

func sameBits(t *testing.T, what string, a, b models.Matrix) {
	t.Helper()
	if len(a.Columns) != len(b.Columns) || a.Rows != b.Rows {
		t.Fatalf("%s: %d×%d and %d×%d", what, a.Rows, len(a.Columns), b.Rows, len(b.Columns))
	}
	for i, v := range a.Values {
		if math.Float64bits(v) != math.Float64bits(b.Values[i]) {
			t.Fatalf("%s: value %d is %v and %v", what, i, v, b.Values[i])
		}
	}
}

// A chain that was stored and read again gives the same values to the bit and the same bytes.
func TestDecodeInvariant(t *testing.T) {
	train, use := mixed(60, 1), mixed(40, 2).X
	for name, c := range chains(t) {
		f, err := c.Fit(context.Background(), train)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		b, err := f.Encode()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		g, err := pipeline.Decode(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, _ := g.Encode()
		if !bytes.Equal(b, again) {
			t.Errorf("%s: stored as other bytes the second time", name)
		}
		first, err := f.Apply(use)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		second, err := g.Apply(use)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sameBits(t, name, first, second)
		for j, c := range first.Columns {
			if d := second.Columns[j]; c.Name != d.Name || !slices.Equal(c.From, d.From) || c.Kind != d.Kind {
				t.Errorf("%s: column %v came back as %v", name, c, d)
			}
		}
	}
}

// Fitting looks at training rows only and changes none of them; a row's result does not depend on the rows beside it.
func TestFitInvariant(t *testing.T) {
	all := mixed(90, 3)
	train := make([]int, 60)
	for i := range train {
		train[i] = i
	}
	for name, c := range chains(t) {
		part := all.Select(train)
		before := slices.Clone(part.X.Values)
		f, err := c.Fit(context.Background(), part)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !slices.EqualFunc(before, part.X.Values, func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }) {
			t.Errorf("%s: the training rows were written to", name)
		}
		altered := all
		altered.X.Values = slices.Clone(all.X.Values)
		for j := range altered.X.Columns {
			for i := 60; i < 90; i++ {
				altered.X.Column(j)[i] = 0
			}
		}
		g, err := c.Fit(context.Background(), altered.Select(train))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		a, _ := f.Encode()
		b, _ := g.Encode()
		if !bytes.Equal(a, b) {
			t.Errorf("%s: altering test rows changed the fitted state", name)
		}
		whole, err := f.Apply(all.X)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i := range all.X.Rows {
			alone, err := f.Apply(all.X.Select([]int{i}))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			sameBits(t, name, whole.Select([]int{i}), alone)
		}
	}
}

// Every column that leaves a chain is made of raw columns, and the order is that of the raw columns.
func TestColumnsInvariant(t *testing.T) {
	train := mixed(60, 4)
	c, _ := pipeline.New(pipeline.Default())
	f, err := c.Fit(context.Background(), train)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range f.Columns() {
		got = append(got, c.Name)
		for _, from := range c.From {
			if !slices.ContainsFunc(f.Inputs(), func(in table.Column) bool { return in.Name == from }) {
				t.Errorf("%s comes from %s, which was not read", c.Name, from)
			}
		}
	}
	want := []string{"clinical.age", "clinical.sex=M", "t1.volume", "clinical.grade", "clinical.site=A", "clinical.site=B", "clinical.site=C", "rna.EGFR", "rna.TP53"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
