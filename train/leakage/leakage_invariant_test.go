package leakage_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/train/leakage"
)

// clean is a cohort of noise: numeric columns of two sources, a category, two sites.
func clean(n, columns int, seed work.Seed) leakage.Input {
	rng := seed.Rand()
	var c []table.Column
	for j := range columns {
		c = append(c, table.Column{Name: fmt.Sprintf("t1.c%d", j), Source: "t1"})
	}
	c = append(c, table.Column{Name: "clinical.sex", Source: "clinical", Kind: table.Categorical, Levels: []string{"f", "m"}})
	in := leakage.Input{X: models.NewMatrix(c, n), Y: clinical.Outcome{Name: "y", Kind: clinical.Class, Classes: []string{"a", "b"}, Class: make([]int, n)}}
	for i := range n {
		in.Y.Class[i] = rng.IntN(2)
		in.Site = append(in.Site, []string{"x", "y"}[rng.IntN(2)])
		for j := range columns {
			in.X.Column(j)[i] = 10 + 3*rng.NormFloat64()
		}
		in.X.Column(columns)[i] = float64(rng.IntN(2))
	}
	return in
}

func checks(t *testing.T, in leakage.Input) map[string]leakage.Finding {
	t.Helper()
	all, err := leakage.Audit(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]leakage.Finding{}
	for _, f := range all {
		if _, ok := out[f.Check]; !ok {
			out[f.Check] = f
		}
	}
	return out
}

// Noise raises no warning.
func TestNoiseIsClean(t *testing.T) {
	warned := 0
	for seed := range 40 {
		for _, f := range checks(t, clean(60, 200, work.Seed(seed))) {
			if f.Level == leakage.Warning {
				warned++
				t.Log(f.Text)
			}
		}
	}
	// Each check allows one false warning in a hundred tables.
	if warned > 4 {
		t.Errorf("%d warnings in 40 tables of noise", warned)
	}
}

// Each kind of leak that is planted is found, by its check and at its column.
func TestPlantedLeaksAreFound(t *testing.T) {
	for name, plant := range map[string]struct {
		plant         func(in *leakage.Input)
		check, column string
		level         string
	}{
		"a column made from the outcome": {func(in *leakage.Input) {
			for i, c := range in.Y.Class {
				in.X.Column(3)[i] += 40 * float64(c)
			}
		}, "perfect_column", "t1.c3", leakage.Warning},
		"the same, upside down": {func(in *leakage.Input) {
			for i, c := range in.Y.Class {
				in.X.Column(3)[i] -= 40 * float64(c)
			}
		}, "perfect_column", "t1.c3", leakage.Warning},
		"a category made from the outcome": {func(in *leakage.Input) {
			for i, c := range in.Y.Class {
				in.X.Column(20)[i] = float64(c)
			}
		}, "pure_category", "clinical.sex", leakage.Warning},
		"a test that one class was given": {func(in *leakage.Input) {
			for i, c := range in.Y.Class {
				if c == 1 {
					in.X.Column(5)[i] = math.NaN()
				}
			}
		}, "missing_by_outcome", "t1.c5", leakage.Warning},
		"a row listed twice": {func(in *leakage.Input) {
			for j := range in.X.Columns {
				in.X.Column(j)[9] = in.X.Column(j)[4]
			}
		}, "duplicate_rows", "", leakage.Warning},
		"a site of one class": {func(in *leakage.Input) {
			for i, c := range in.Y.Class {
				in.Site[i] = []string{"x", "y"}[c]
			}
		}, "site_of_one_class", "", leakage.Warning},
		"an outcome that differs by site": {func(in *leakage.Input) {
			for i, c := range in.Y.Class {
				if i%4 > 0 {
					in.Site[i] = []string{"x", "y"}[c]
				}
			}
		}, "site_confounded", "", leakage.Warning},
		"columns standardised with all rows": {func(in *leakage.Input) {
			for j := range 20 {
				v := in.X.Column(j)
				m, s := 0.0, 0.0
				for _, x := range v {
					m += x / float64(len(v))
				}
				for _, x := range v {
					s += (x - m) * (x - m) / float64(len(v)-1)
				}
				for i := range v {
					v[i] = (v[i] - m) / math.Sqrt(s)
				}
			}
		}, "normalised", "", leakage.Warning},
		"columns ranged with all rows": {func(in *leakage.Input) {
			for j := range 20 {
				v := in.X.Column(j)
				low, high := slices.Min(v), slices.Max(v)
				for i := range v {
					v[i] = (v[i] - low) / (high - low)
				}
			}
		}, "normalised", "", leakage.Warning},
		"an identifier": {func(in *leakage.Input) {
			in.X.Columns = slices.Clone(in.X.Columns)
			in.X.Columns[20].Levels = nil
			for i := range in.X.Rows {
				in.X.Columns[20].Levels = append(in.X.Columns[20].Levels, fmt.Sprint("scan", i))
				in.X.Column(20)[i] = float64(i)
			}
		}, "identifier", "clinical.sex", leakage.Warning},
		"several rows a patient": {func(in *leakage.Input) {
			for i := range in.X.Rows {
				in.Patient = append(in.Patient, i/2)
			}
		}, "several_rows", "", leakage.Note},
	} {
		t.Run(name, func(t *testing.T) {
			in := clean(80, 20, 77)
			plant.plant(&in)
			found := checks(t, in)
			f, ok := found[plant.check]
			if !ok || f.Column != plant.column || f.Level != plant.level {
				t.Errorf("found %v, want %s at %q", found, plant.check, plant.column)
			}
			if plant.check == "duplicate_rows" && !slices.Equal(f.Rows, []int{4, 9}) {
				t.Errorf("rows %v", f.Rows)
			}
		})
	}
}

// Two aliquots of one tumour are nearly but not quite the same.
func TestNearDuplicatesAreFound(t *testing.T) {
	in := clean(60, 300, 5)
	rng := work.Seed(6).Rand()
	for j := range 300 {
		in.X.Column(j)[30] = in.X.Column(j)[2] + 0.01*rng.NormFloat64()
	}
	if f, ok := checks(t, in)["near_duplicates"]; !ok || !slices.Equal(f.Rows, []int{2, 30}) {
		t.Errorf("found %+v", f)
	}
	in.Patient = make([]int, 60)
	for i := range in.Patient {
		in.Patient[i] = i
	}
	in.Patient[30] = 2
	if f, ok := checks(t, in)["near_duplicates"]; ok {
		t.Errorf("rows of one patient are reported as two: %+v", f)
	}
}

// A column that is the time itself is found for survival.
func TestSurvivalTimeIsFound(t *testing.T) {
	in := clean(80, 20, 9)
	in.Y = clinical.Outcome{Name: "os", Kind: clinical.Survival}
	for i := range 80 {
		in.Y.Time, in.Y.Event = append(in.Y.Time, float64(1+i)), append(in.Y.Event, i%2)
		in.X.Column(7)[i] = float64(i) / 30
	}
	if f := checks(t, in)["perfect_column"]; f.Column != "t1.c7" {
		t.Errorf("found %+v", f)
	}
}

// In a wide table only some columns are compared; two patients who differ in none of these, but in one of the others, are found too.
func TestDuplicatesBeyondTheSampleAreFound(t *testing.T) {
	in := clean(30, 2500, 8)
	for j := range 2500 {
		in.X.Column(j)[21] = in.X.Column(j)[4]
	}
	in.X.Column(9)[21]++ // among 2,000 of 2,500 columns spread evenly, the tenth is passed over
	if f, ok := checks(t, in)["near_duplicates"]; !ok || !slices.Equal(f.Rows, []int{4, 21}) {
		t.Errorf("found %v", f)
	}
}

// Columns that were standardised together with patients who are not here are told from columns that are standard normal by themselves.
func TestNormalisedWithAbsentRowsInvariant(t *testing.T) {
	for seed := range 10 {
		whole := clean(240, 200, work.Seed(seed))
		var rows []int
		for i := range 160 {
			rows = append(rows, i)
		}
		for name, standardise := range map[string]func(v []float64){
			"raw": func(v []float64) {
				for i := range v {
					v[i] = (v[i] - 10) / 3 // by what generated them, not by these rows
				}
			},
			"together": func(v []float64) {
				m, s := stat.Mean(v), math.Sqrt(stat.Variance(v))
				for i := range v {
					v[i] = (v[i] - m) / s
				}
			},
		} {
			in := clean(240, 200, work.Seed(seed))
			copy(in.X.Values, whole.X.Values)
			for j := range 200 {
				standardise(in.X.Column(j))
			}
			part := leakage.Input{X: in.X.Select(rows), Y: in.Y.Select(rows), Site: in.Site[:160]}
			if _, warned := checks(t, part)["normalised"]; warned != (name == "together") {
				t.Errorf("seed %d: columns standardised %s: warned %v", seed, name, warned)
			}
		}
	}
}
