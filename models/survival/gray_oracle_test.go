package survival_test

import (
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/survival"
)

// Values: cmprsk 2.2-11 cuminc, Tests; by sex from the stored file, by age (cut at 65 and 75) and in whole years, so that times tie
// between kinds and groups, run for this test.
func TestGrayOracle(t *testing.T) {
	f := readFrame(t, "survival", "inputs", "competing_mgus2.csv")
	time, event, age := f.numbers(t, "etime"), f.numbers(t, "event"), f.numbers(t, "age")
	var months, years []survival.Observation
	var sex, ages []int
	for i := range time {
		months = append(months, survival.Observation{Time: time[i], Event: int(event[i])})
		years = append(years, survival.Observation{Time: math.RoundToEven(time[i] / 12), Event: int(event[i])})
		s, err := strconv.Atoi(f["sex"][i])
		if err != nil {
			t.Fatal(err)
		}
		sex = append(sex, s)
		g := 0
		if age[i] > 65 {
			g++
		}
		if age[i] > 75 {
			g++
		}
		ages = append(ages, g)
	}
	var want struct {
		Gray struct{ Stat, P, DF []float64 }
	}
	readJSON(t, &want, "survival", "expected", "competing_mgus2.json")
	check := oracle.Absolute(t, "Gray's test", "mgus2", "cmprsk 2.2-11 cuminc", 1e-6)
	for _, c := range []struct {
		name    string
		o       []survival.Observation
		group   []int
		rho     float64
		stratum []int
		stat, p []float64
	}{
		{"sex", months, sex, 0, nil, want.Gray.Stat, want.Gray.P},
		{"age", months, ages, 0, nil, []float64{2.87090629608802, 256.728617299465}, []float64{0.238007486947222, 0}},
		{"age, rho 1", months, ages, 1, nil, []float64{2.53253941771746, 202.655976363761}, []float64{0.281881161817207, 0}},
		{"age, years", years, ages, 0, nil, []float64{2.79292839617463, 263.868163314832}, []float64{0.247470425241447, 0}},
		{"age, years, by sex, rho -1", years, ages, -1, sex, []float64{3.48499791973087, 263.341892308606}, []float64{0.175082329768995, 0}},
	} {
		for k := range 2 {
			r, err := survival.CompareIncidence(c.o, c.group, k+1, c.rho, c.stratum)
			if err != nil {
				t.Fatal(err)
			}
			what := fmt.Sprintf("%s, kind %d, ", c.name, k+1)
			check.Near(what+"statistic", r.Statistic, c.stat[k])
			check.Near(what+"p", r.P, c.p[k])
		}
	}
}

func TestCompareIncidenceBadInput(t *testing.T) {
	two := []survival.Observation{{Time: 1, Event: 1}, {Time: 2, Event: 2}}
	for what, f := range map[string]func() (survival.Gray, error){
		"a kind without an event": func() (survival.Gray, error) { return survival.CompareIncidence(two, []int{0, 1}, 3, 0, nil) },
		"groups of other rows":    func() (survival.Gray, error) { return survival.CompareIncidence(two, []int{0}, 1, 0, nil) },
		"late entry": func() (survival.Gray, error) {
			return survival.CompareIncidence([]survival.Observation{{Entry: 0.5, Time: 1, Event: 1}, {Time: 2}}, []int{0, 1}, 1, 0, nil)
		},
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if r, err := survival.CompareIncidence(two, []int{7, 7}, 1, 0, nil); err != nil || !math.IsNaN(r.P) {
		t.Errorf("one group: %v, %v", r, err)
	}
}
