package pipeline_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/pipeline"
)

// readings returns rows of three features by two readers who agree well, hardly and not at all, and one feature that was measured once.
func readings(rows int) models.Training {
	columns := []table.Column{{Name: "ct.good"}, {Name: "ct.fair"}, {Name: "ct.bad"}, {Name: "age"}}
	r := work.Seed(4).Rand()
	a, b := models.NewMatrix(columns, rows), models.NewMatrix(columns[:3], rows)
	y := clinical.Outcome{Kind: clinical.Class, Classes: []string{"0", "1"}, Class: make([]int, rows)}
	for i := range rows {
		y.Class[i] = i % 2
		for j, noise := range []float64{0.05, 0.6, 3} {
			true := r.NormFloat64()
			a.Column(j)[i], b.Column(j)[i] = true+noise*r.NormFloat64(), true+noise*r.NormFloat64()
		}
		a.Column(3)[i] = r.NormFloat64()
	}
	return models.Training{X: a, Y: y, Again: []models.Matrix{a.Select(seq(rows)), b}}
}

func seq(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func dropUnstable(t *testing.T, below float64) pipeline.Chain {
	t.Helper()
	c, err := pipeline.New([]pipeline.Spec{{Step: "scale", Options: models.Defaults(pipelineParams("scale"))},
		{Step: "drop_unstable", Options: models.Options{"below": below}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A column stays when the lower limit of ICC(2,1) between readers on the training rows reaches what is wanted, and when it was measured
// once; steps before do not matter, rows outside training neither.
func TestDropUnstable(t *testing.T) {
	all := readings(80)
	train := seq(60)
	limits := map[string]float64{}
	for j := range 3 {
		var ratings [][]float64
		for _, i := range train {
			ratings = append(ratings, []float64{all.Again[0].Column(j)[i], all.Again[1].Column(j)[i]})
		}
		limits[all.X.Columns[j].Name] = stat.IntraclassCorrelation(ratings, 0.95).Absolute.Low
	}
	if !(limits["ct.good"] > 0.98 && limits["ct.fair"] < 0.75 && limits["ct.bad"] < limits["ct.fair"]) {
		t.Fatalf("the example is not one: %v", limits)
	}
	for below, want := range map[float64]string{0: "ct.good ct.fair age", 0.75: "ct.good age", 0.999: "age", limits["ct.fair"]: "ct.good ct.fair age"} {
		f, err := dropUnstable(t, below).Fit(context.Background(), all.Select(train))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, c := range f.Columns() {
			names = append(names, c.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("below %g stay %s, want %s", below, got, want)
		}
	}
	for i := 60; i < 80; i++ {
		all.Again[1].Column(0)[i] = 1e6
	}
	f, err := dropUnstable(t, 0.75).Fit(context.Background(), all.Select(train))
	if err != nil || len(f.Columns()) != 2 {
		t.Errorf("rows outside training decide: %v (%v)", f.Columns(), err)
	}
}

// Readers who agree wholly lose no column.
func TestDropUnstableSame(t *testing.T) {
	all := readings(20)
	all.Again[1] = all.Again[0]
	f, err := dropUnstable(t, 1).Fit(context.Background(), all)
	if err != nil || len(f.Columns()) != 4 {
		t.Errorf("%v (%v)", f.Columns(), err)
	}
}

// Limits that were measured elsewhere decide as well; a limit that is not known drops its column; no measurement at all is an error.
func TestDropUnstableElsewhere(t *testing.T) {
	all := readings(20)
	all.Again = nil
	all.Lower = map[string]float64{"ct.good": 0.8, "ct.fair": 0.2, "ct.bad": math.NaN()}
	f, err := dropUnstable(t, 0.75).Fit(context.Background(), all)
	if err != nil || len(f.Columns()) != 2 || f.Columns()[0].Name != "ct.good" || f.Columns()[1].Name != "age" {
		t.Errorf("%v (%v)", f.Columns(), err)
	}
	all.Lower = nil
	if _, err := dropUnstable(t, 0.75).Fit(context.Background(), all); !errors.Is(err, pipeline.ErrMeasuredOnce) {
		t.Errorf("nothing measured twice: %v", err)
	}
}
