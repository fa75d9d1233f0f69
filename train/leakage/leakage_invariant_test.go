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

// What has no place on both sides of a fold is found by its name or by the folds; numbered patients are not taken for parts of one.
func TestPartsOfPatientsInvariant(t *testing.T) {
	for name, c := range map[string]struct {
		id   func(i int) string
		want bool
	}{
		"numbered":         {func(i int) string { return fmt.Sprintf("p%03d", i) }, false},
		"site and number":  {func(i int) string { return fmt.Sprintf("site%d_%02d", i%3, i) }, false},
		"study and number": {func(i int) string { return fmt.Sprintf("LUNG1-%03d", i) }, false},
		"one aliquot each": {func(i int) string { return fmt.Sprintf("TCGA-AB-%04d-01A", 1000+i) }, false},
		"two aliquots":     {func(i int) string { return fmt.Sprintf("TCGA-AB-%04d-0%dA", 1000+i/2, 1+i%2) }, true},
		"slices":           {func(i int) string { return fmt.Sprintf("p%03d_slice%d", i/4, i%4) }, true},
		"lesions":          {func(i int) string { return fmt.Sprintf("p%03d-lesion-%d", i/2, i%2) }, true},
		"visits":           {func(i int) string { return fmt.Sprintf("p%03d.visit%d", i/2, i%2) }, true},
		"one visit each":   {func(i int) string { return fmt.Sprintf("p%03d_baseline", i) }, false},
	} {
		in := clean(60, 20, 4)
		for i := range 60 {
			in.ID = append(in.ID, c.id(i))
		}
		if _, found := checks(t, in)["parts_of_patients"]; found != c.want {
			t.Errorf("%s: found %v", name, found)
		}
	}
}

// A patient whose rows are tested in two folds is found; one whose rows are in one fold is not.
func TestPatientInTwoFoldsInvariant(t *testing.T) {
	in := clean(60, 20, 4)
	for i := range 60 {
		in.Patient, in.Fold = append(in.Patient, i/3), append(in.Fold, fmt.Sprint(i/3%5))
	}
	if f, ok := checks(t, in)["patient_in_two_folds"]; ok {
		t.Errorf("whole patients: %s", f.Text)
	}
	in.Fold[10] = "4"
	if f, ok := checks(t, in)["patient_in_two_folds"]; !ok || f.Level != leakage.Warning || len(f.Rows) != 2 || in.Patient[f.Rows[0]] != 3 {
		t.Errorf("found %+v", f)
	}
}

// A category that nearly gives the outcome is found by the AUC of its shares; one that does not is left alone, and so is an identifier's.
func TestCategoriesThatTellInvariant(t *testing.T) {
	in := clean(120, 20, 12)
	column := in.X.Column(20)
	for i, c := range in.Y.Class {
		column[i] = float64(c)
	}
	column[0], column[1] = 1-column[0], 1-column[1] // neither category is pure
	if f, ok := checks(t, in)["perfect_column"]; !ok || f.Column != "clinical.sex" || f.Level != leakage.Warning {
		t.Errorf("found %+v", f)
	}
	for i := range column {
		column[i] = float64(i % 2)
	}
	if f, ok := checks(t, in)["perfect_column"]; ok {
		t.Errorf("found %+v", f)
	}
}

// Sites whose patients live longer are found, and sites that are alike are not.
func TestSitesOfSurvivalInvariant(t *testing.T) {
	warned := map[bool]int{}
	for seed := range 20 {
		for _, confounded := range []bool{false, true} {
			in := clean(120, 20, work.Seed(seed))
			rng := work.Seed(seed).Split("times").Rand()
			in.Y = clinical.Outcome{Name: "os", Kind: clinical.Survival}
			for _, s := range in.Site {
				days := 100 * rng.ExpFloat64()
				if confounded && s == "x" {
					days *= 4
				}
				in.Y.Time, in.Y.Event = append(in.Y.Time, days+1), append(in.Y.Event, 1)
			}
			if _, ok := checks(t, in)["site_confounded"]; ok {
				warned[confounded]++
			}
		}
	}
	if warned[true] < 19 || warned[false] > 1 {
		t.Errorf("warned of %d of 20 confounded tables and of %d of 20 others", warned[true], warned[false])
	}
}

// A few standardised columns among raw ones, robust scaling and quantile normalisation are told; raw numbers, also of few digits, are not.
func TestWaysOfNormalisingInvariant(t *testing.T) {
	standardise := func(v []float64) {
		m, s := stat.Mean(v), math.Sqrt(stat.Variance(v))
		for i := range v {
			v[i] = (v[i] - m) / s
		}
	}
	for name, c := range map[string]struct {
		change func(in *leakage.Input)
		check  string // empty: nothing is found
	}{
		"raw": {func(*leakage.Input) {}, ""},
		"standard normal by themselves": {func(in *leakage.Input) {
			for j := range 60 {
				for i, v := range in.X.Column(j) {
					in.X.Column(j)[i] = math.Round((v-10)/3*1000) / 1000
				}
			}
		}, ""},
		"four of sixty standardised": {func(in *leakage.Input) {
			for j := range 4 {
				standardise(in.X.Column(j))
			}
		}, "normalised"},
		"median and quartiles": {func(in *leakage.Input) {
			for j := range 60 {
				v := in.X.Column(j)
				s := slices.Sorted(slices.Values(v))
				m, iqr := stat.Quantile(s, 0.5), stat.Quantile(s, 0.75)-stat.Quantile(s, 0.25)
				for i := range v {
					v[i] = (v[i] - m) / iqr
				}
			}
		}, "normalised"},
		"quantiles": {func(in *leakage.Input) {
			for i := range in.X.Rows {
				order := make([]int, 60)
				for j := range order {
					order[j] = j
				}
				slices.SortFunc(order, func(a, b int) int {
					if in.X.Column(a)[i] < in.X.Column(b)[i] {
						return -1
					}
					return 1
				})
				for rank, j := range order {
					in.X.Column(j)[i] = 5 + math.Sqrt(float64(rank))
				}
			}
		}, "quantile_normalised"},
	} {
		in := clean(80, 60, 21)
		c.change(&in)
		found := checks(t, in)
		_, n := found["normalised"]
		_, q := found["quantile_normalised"]
		if n != (c.check == "normalised") || q != (c.check == "quantile_normalised") {
			t.Errorf("%s: found %v", name, found)
		}
	}
}

// Patients who lack the same source are not alike by that.
func TestAbsentSourcesAreNotDuplicatesInvariant(t *testing.T) {
	in := clean(60, 300, 31)
	for j := 3; j < 300; j++ {
		for i := range 30 {
			in.X.Column(j)[i] = math.NaN()
		}
	}
	if f, ok := checks(t, in)["near_duplicates"]; ok {
		t.Errorf("found %s", f.Text)
	}
	rng := work.Seed(2).Rand()
	for j := range 300 {
		in.X.Column(j)[41] = in.X.Column(j)[50] + 0.01*rng.NormFloat64()
	}
	for j := range 10 { // each lacks some
		in.X.Column(j)[41], in.X.Column(100 + j)[50] = math.NaN(), math.NaN()
	}
	f, ok := checks(t, in)["near_duplicates"]
	if !ok || !slices.Equal(f.Rows, []int{41, 50}) {
		t.Errorf("found %v", f.Rows)
	}
}
