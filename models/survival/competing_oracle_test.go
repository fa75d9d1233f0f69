package survival_test

import (
	"fmt"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/survival"
)

// Values: cmprsk::cuminc by sex, and the Aalen–Johansen curves of survfit with their infinitesimal jackknife errors.
func TestIncidenceOracle(t *testing.T) {
	f := readFrame(t, "survival", "inputs", "competing_mgus2.csv")
	time, event := f.numbers(t, "etime"), f.numbers(t, "event")
	observations := func(sex string) (out []survival.Observation) {
		for i := range time {
			if sex == "" || f["sex"][i] == sex {
				out = append(out, survival.Observation{Time: time[i], Event: int(event[i])})
			}
		}
		return out
	}
	var want struct {
		Times []float64
		BySex struct {
			Curves []string
			Est    [][]float64
			Var    [][]float64
		} `json:"cuminc_by_sex"`
		All struct {
			States []string
			PState [][]float64
			StdErr [][]float64 `json:"std_err"`
		} `json:"aalen_johansen_all"`
	}
	readJSON(t, &want, "survival", "expected", "competing_mgus2.json")
	incidence := oracle.Absolute(t, "cumulative incidence and its variance", "mgus2 by sex", "cmprsk 2.2-11 cuminc", 1e-9)
	for c, name := range want.BySex.Curves {
		r, err := survival.AalenJohansen(observations(name[:1]))
		if err != nil {
			t.Fatal(err)
		}
		kind := int(name[2] - '1')
		for k, at := range want.Times {
			est, variance := r.At(kind, at)
			incidence.Near(fmt.Sprint(name, " at ", at), est, want.BySex.Est[c][k])
			incidence.Near(fmt.Sprint(name, " variance at ", at), variance, want.BySex.Var[c][k])
		}
	}
	all := oracle.Absolute(t, "Aalen–Johansen and its standard error", "mgus2", rSurvival, 1e-9)
	r, err := survival.AalenJohansen(observations(""))
	if err != nil {
		t.Fatal(err)
	}
	for k, at := range want.Times {
		sum := 0.0
		for kind := range 2 {
			est, _ := r.At(kind, at)
			sum += est
			all.Near(fmt.Sprint("kind ", kind+1, " at ", at), est, want.All.PState[k][kind+1])
			all.Near(fmt.Sprint("kind ", kind+1, " error at ", at), r.StdErr(kind, at), want.All.StdErr[k][kind+1])
		}
		all.Near(fmt.Sprint("no event at ", at), 1-sum, want.All.PState[k][0])
		all.Near(fmt.Sprint("no event, error at ", at), r.StdErr(-1, at), want.All.StdErr[k][0])
	}
}
