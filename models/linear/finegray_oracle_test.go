package linear_test

import (
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/linear"
)

// Values: cmprsk::crr.
func TestFineGrayOracle(t *testing.T) {
	var want struct {
		FineGray struct {
			Coef, SE map[string]float64
			LogLik   float64
		} `json:"fine_gray"`
	}
	readJSON(t, &want, "survival", "expected", "competing_mgus2.json")
	f := readFrame(t, "survival", "inputs", "competing_mgus2.csv")
	p := f.problem(t, []string{"age", "sex", "hgb"})
	p.Time = f.numbers(t, "etime")
	event := make([]int, p.Rows)
	for i, v := range f.numbers(t, "event") {
		event[i] = int(v)
	}
	r, err := linear.FineGray(p, event)
	if err != nil {
		t.Fatal(err)
	}
	check := oracle.Absolute(t, "Fine–Gray coefficients and robust errors", "mgus2", "cmprsk 2.2-11 crr", 1e-4)
	check.Near("log-likelihood", r.LogLik, want.FineGray.LogLik)
	for j, name := range p.Names {
		check.Near(name, r.Coefficients[j], want.FineGray.Coef[name])
		check.Near(name+" error", r.StdErrs[j], want.FineGray.SE[name])
	}
}
