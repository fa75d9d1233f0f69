package linear_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/linear"
)

// Diagnostics of other fits are refused, and residuals of a Cox fit sum to nothing.
func TestCoxDiagnostics(t *testing.T) {
	_, time := cohort(60, 3, 2)
	p := linear.Problem{Family: linear.CoxModel, Rows: 60, Columns: 3, X: time.X.Values, Time: time.Y.Time}
	for _, e := range time.Y.Event {
		p.Event = append(p.Event, e == 1)
	}
	r, err := linear.Regress(p)
	if err != nil {
		t.Fatal(err)
	}
	res, err := r.Residuals()
	if err != nil {
		t.Fatal(err)
	}
	sum, columns, changes := 0.0, make([]float64, 3), make([]float64, 3)
	for i, m := range res.Martingale {
		sum += m
		for j, v := range res.DFBeta[i] {
			changes[j] += v
		}
	}
	for _, s := range res.Schoenfeld {
		for j, v := range s {
			columns[j] += v
		}
	}
	for j := range 3 {
		if math.Abs(sum) > 1e-9 || math.Abs(columns[j]) > 1e-8 || math.Abs(changes[j]) > 1e-9 {
			t.Errorf("martingale residuals sum to %g, Schoenfeld's of column %d to %g, dfbeta to %g", sum, j, columns[j], changes[j])
		}
	}
	base, err := r.Baseline()
	if err != nil {
		t.Fatal(err)
	}
	last := 1.0
	for at := 0.0; at < 500; at += 10 {
		s, se := base.At(at, []float64{0, 1, 0}, 0)
		if !(s >= 0 && s <= last && se >= 0) {
			t.Fatalf("S(%g) = %g ± %g after %g", at, s, se, last)
		}
		last = s
	}
	p.Family, p.Y = linear.Gaussian, p.Time
	other, err := linear.Regress(p)
	if err != nil {
		t.Fatal(err)
	}
	_, e1 := other.Residuals()
	_, e2 := other.ProportionalHazards(linear.Identity)
	_, e3 := other.Baseline()
	for _, err := range []error{e1, e2, e3} {
		if err == nil {
			t.Error("a diagnostic of Cox models was given for another")
		}
	}
}

// What a path cannot read is named.
func TestPathBadInput(t *testing.T) {
	good := func() linear.Problem {
		return linear.Problem{Family: linear.Binomial, Rows: 4, Columns: 2, X: []float64{1, 2, 3, 4, 4, 3, 1, 2}, Class: []int{0, 1, 0, 1}, Classes: 2}
	}
	for _, c := range []struct {
		change func(*linear.Problem, *linear.Options)
		want   string
	}{
		{func(p *linear.Problem, _ *linear.Options) { p.X = p.X[:5] }, "5 values for 4 rows of 2 columns"},
		{func(p *linear.Problem, _ *linear.Options) { p.Weights = []float64{1, -1, 1, 1} }, "the weight of row 1 is -1"},
		{func(p *linear.Problem, _ *linear.Options) { p.Weights = make([]float64, 4) }, "every row has the weight 0"},
		{func(p *linear.Problem, _ *linear.Options) { p.Offset = []float64{1} }, "1 offsets for 4 rows"},
		{func(p *linear.Problem, _ *linear.Options) { p.Class[2] = 2 }, "row 2 has class 2 of 2"},
		{func(p *linear.Problem, _ *linear.Options) { p.Class = []int{1, 1, 1, 1} }, "every row has the same class"},
		{func(p *linear.Problem, _ *linear.Options) { p.Family = 9 }, "unknown family 9"},
		{func(p *linear.Problem, _ *linear.Options) { p.Family, p.Y = linear.Gaussian, make([]float64, 4) }, "the response is the same in every row"},
		{func(p *linear.Problem, _ *linear.Options) { p.Family = linear.CoxModel }, "0 times and 0 events for 4 rows"},
		{func(_ *linear.Problem, o *linear.Options) { o.Alpha = 2 }, "alpha 2"},
		{func(_ *linear.Problem, o *linear.Options) { o.Lambda = []float64{1, 2} }, "lambda 1 is 2"},
		{func(_ *linear.Problem, o *linear.Options) { o.PenaltyFactors = []float64{0, 0} }, "every penalty factor is 0"},
		{func(_ *linear.Problem, o *linear.Options) { o.PenaltyFactors = []float64{1} }, "1 penalty factors for 2 columns"},
		{func(_ *linear.Problem, o *linear.Options) { o.Ratio = 1 }, "ratio 1"},
	} {
		p, o := good(), linear.Options{}
		c.change(&p, &o)
		if _, err := linear.FitPath(t.Context(), p, o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	if _, err := linear.CrossValidate(t.Context(), good(), linear.Options{}, []int{0, 0, 0, 0}, linear.Deviance); err == nil {
		t.Error("one fold was taken")
	}
	_, err := linear.CrossValidate(t.Context(), good(), linear.Options{}, []int{0, 1, 0, 1}, linear.Deviance)
	if !errors.Is(err, linear.ErrOneClass) {
		t.Errorf("folds of one class: %v", err)
	}
}

// With no competing event a Fine–Gray regression is a Cox regression with Breslow's ties.
func TestFineGrayWithoutCompetition(t *testing.T) {
	_, time := cohort(60, 3, 2)
	p := linear.Problem{Family: linear.CoxModel, Rows: 60, Columns: 3, X: time.X.Values, Time: time.Y.Time, Ties: linear.Breslow}
	for _, e := range time.Y.Event {
		p.Event = append(p.Event, e == 1)
	}
	cox, err := linear.Regress(p)
	if err != nil {
		t.Fatal(err)
	}
	fg, err := linear.FineGray(p, time.Y.Event)
	if err != nil {
		t.Fatal(err)
	}
	for j, b := range fg.Coefficients {
		if math.Abs(b-cox.Coefficients[0][j]) > 1e-8 {
			t.Errorf("column %d: %g, Cox %g", j, b, cox.Coefficients[0][j])
		}
	}
	if _, err := linear.FineGray(p, time.Y.Event[:3]); err == nil {
		t.Error("too few events were taken")
	}
	if _, err := linear.FineGray(p, make([]int, 60)); !errors.Is(err, linear.ErrNoEvents) {
		t.Errorf("no events: %v", err)
	}
	p.Weights = make([]float64, 60)
	if _, err := linear.FineGray(p, time.Y.Event); err == nil {
		t.Error("weights were taken")
	}
}
