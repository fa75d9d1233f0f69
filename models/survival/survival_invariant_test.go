package survival_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models/survival"
	"pgregory.net/rapid"
)

// drawn is a cohort with ties in time and risk and, where asked for, late entries.
func drawn(t *rapid.T, truncated bool) (obs []survival.Observation, risk []float64) {
	for range rapid.IntRange(1, 40).Draw(t, "n") {
		o := survival.Observation{Time: float64(rapid.IntRange(1, 12).Draw(t, "time")), Event: rapid.IntRange(0, 1).Draw(t, "event")}
		if truncated {
			o.Entry = float64(rapid.IntRange(0, int(o.Time)-1).Draw(t, "entry"))
		}
		obs = append(obs, o)
		risk = append(risk, float64(rapid.IntRange(0, 5).Draw(t, "risk")))
	}
	return obs, risk
}

// C by the tree is C by the loop over all pairs, with late entries too.
func TestRankIsTheLoopOverPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obs, risk := drawn(t, rapid.Bool().Draw(t, "truncated"))
		until := float64(rapid.IntRange(0, 12).Draw(t, "until"))
		var concordant, discordant, tied float64
		for i, a := range obs {
			for j, b := range obs {
				if i == j || a.Event == 0 || until > 0 && a.Time > until || b.Entry != 0 && b.Entry >= a.Time {
					continue
				}
				if a.Time < b.Time || a.Time == b.Time && b.Event == 0 {
					switch {
					case risk[i] > risk[j]:
						concordant++
					case risk[i] < risk[j]:
						discordant++
					default:
						tied++
					}
				}
			}
		}
		c, err := survival.Rank(obs, risk, survival.ConcordanceOptions{Until: until})
		if err != nil {
			t.Fatal(err)
		}
		if c.Concordant != concordant || c.Discordant != discordant || c.TiedRisk != tied {
			t.Fatalf("%v %v %v, want %v %v %v", c.Concordant, c.Discordant, c.TiedRisk, concordant, discordant, tied)
		}
		sum := 0.0
		for _, f := range c.Influence {
			sum += f
		}
		if concordant+discordant+tied > 0 && math.Abs(sum) > 1e-12 {
			t.Fatalf("influences sum to %g", sum)
		}
	})
}

// A curve starts at 1, never rises, and forgets the order in which patients are listed.
func TestCurveNeverRises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obs, _ := drawn(t, rapid.Bool().Draw(t, "truncated"))
		c, err := survival.KaplanMeier(obs)
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(obs)
		d, _ := survival.KaplanMeier(obs)
		last := c.At(math.Inf(-1))
		if last != 1 {
			t.Fatal("does not start at 1")
		}
		for _, time := range c.Times {
			if s := c.At(time); s > last || s < 0 || s != d.At(time) {
				t.Fatalf("S(%g) = %g after %g, reversed %g", time, s, last, d.At(time))
			}
			last = c.At(time)
		}
	})
}

func TestBadInput(t *testing.T) {
	if _, err := survival.KaplanMeier(nil); err != survival.ErrNoPatients {
		t.Errorf("no patients: %v", err)
	}
	for _, c := range []struct {
		obs  survival.Observation
		want string
	}{
		{survival.Observation{Time: math.NaN()}, "observation 1: time NaN: want a finite time of 0 or more"},
		{survival.Observation{Time: -1}, "observation 1: time -1: want a finite time of 0 or more"},
		{survival.Observation{Time: 3, Entry: 3}, "observation 1: entry 3: want a time before 3, the end of follow-up"},
		{survival.Observation{Time: 3, Event: -1}, "observation 1: event -1: want 0 (censored), 1 or more"},
	} {
		obs := []survival.Observation{{Time: 1, Event: 1}, c.obs}
		_, errKM := survival.KaplanMeier(obs)
		_, errNA := survival.NelsonAalen(obs)
		_, errC := survival.Rank(obs, []float64{1, 2}, survival.ConcordanceOptions{})
		for _, err := range []error{errKM, errNA, errC} {
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		}
	}
	if _, err := survival.KaplanMeier([]survival.Observation{{Time: 1, Event: 2}}); !errors.Is(err, survival.ErrCompeting) {
		t.Errorf("competing event: %v", err)
	}
	if _, err := survival.Rank([]survival.Observation{{Time: 1}}, nil, survival.ConcordanceOptions{}); err == nil {
		t.Error("no risk scores, no error")
	}
	if _, err := survival.Observations(clinical.Outcome{Name: "idh", Kind: clinical.Class}); err == nil {
		t.Error("a class outcome was taken")
	}
	if _, err := survival.Observations(clinical.Outcome{Name: "os", Kind: clinical.Survival, Time: []float64{1}}); err == nil {
		t.Error("a time without event was taken")
	}
}

// With nobody censored, the weights are 1: the Brier score is the mean squared error and the AUC a fraction of pairs.
func TestIPCWWithoutCensoring(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obs, risk := drawn(t, false)
		at := float64(rapid.IntRange(1, 12).Draw(t, "at"))
		s := make([]float64, len(obs))
		mse, wins, pairs := 0.0, 0.0, 0.0
		for i := range obs {
			obs[i].Event, s[i] = 1, risk[i]/5
			y := 0.0
			if obs[i].Time > at {
				y = 1
			}
			mse += (y - s[i]) * (y - s[i]) / float64(len(obs))
		}
		for i, a := range obs {
			for j, b := range obs {
				if a.Time <= at && b.Time > at {
					pairs++
					if risk[i] > risk[j] {
						wins++
					} else if risk[i] == risk[j] {
						wins += 0.5
					}
				}
			}
		}
		w, err := survival.NewIPCW(obs)
		if err != nil {
			t.Fatal(err)
		}
		brier, err := w.Brier(at, s)
		if err != nil {
			t.Fatal(err)
		}
		auc, err := w.AUC(at, risk)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(brier.Value-mse) > 1e-12 || pairs > 0 && math.Abs(auc.Value-wins/pairs) > 1e-12 || pairs == 0 && !math.IsNaN(auc.Value) {
			t.Fatalf("Brier %g, want %g; AUC %g, want %g", brier.Value, mse, auc.Value, wins/pairs)
		}
	})
}

// The incidences and the probability of no event sum to one; of a single kind, the incidence is one minus Kaplan–Meier, and its
// standard error Greenwood's where nobody enters late; the log-rank test of two groups forgets which is which.
func TestIncidencesSumToOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		truncated := rapid.Bool().Draw(t, "truncated")
		obs, _ := drawn(t, truncated)
		single, err := survival.AalenJohansen(obs)
		if err != nil {
			return // nobody had an event
		}
		km, _ := survival.KaplanMeier(obs)
		for i, time := range single.Times {
			if f, _ := single.At(0, time); math.Abs(f+km.At(time)-1) > 1e-12 {
				t.Fatalf("at %g: %g and %g", time, f, km.At(time))
			}
			greenwood := km.Survival[i] * math.Sqrt(km.Variance[i])
			if se := single.StdErr(0, time); !truncated && km.Survival[i] > 0 && math.Abs(se-greenwood) > 1e-9 {
				t.Fatalf("at %g: error %g, Greenwood %g", time, se, greenwood)
			}
		}
		group, mirrored := make([]int, len(obs)), make([]int, len(obs))
		for i := range obs {
			group[i] = rapid.IntRange(0, 1).Draw(t, "group")
			mirrored[i] = 1 - group[i]
		}
		a, errA := survival.CompareGroups(obs, group, 0, nil)
		b, errB := survival.CompareGroups(obs, mirrored, 0, nil)
		if errA != nil || errB != nil || !(math.Abs(a.Statistic-b.Statistic) < 1e-9) {
			t.Fatalf("%g and %g, %v %v", a.Statistic, b.Statistic, errA, errB)
		}
		for i := range obs {
			obs[i].Event *= rapid.IntRange(1, 2).Draw(t, "kind")
		}
		both, err := survival.AalenJohansen(obs)
		if err != nil {
			t.Fatal(err)
		}
		for i, time := range both.Times {
			sum := both.Free[i]
			for k := range both.Kinds {
				f, _ := both.At(k, time)
				sum += f
			}
			if math.Abs(sum-1) > 1e-12 {
				t.Fatalf("at %g the states sum to %g", time, sum)
			}
		}
	})
}

// The bins hold every patient once, and true curves pass.
func TestDCalibration(t *testing.T) {
	var obs []survival.Observation
	var s []float64
	for i := range 1000 {
		u := (float64(i) + 0.5) / 1000 // a patient's quantile is its survival at its own event
		o, p := survival.Observation{Time: -math.Log(u), Event: 1}, u
		if c := -2 * math.Log((float64(i*617%1000)+0.5)/1000); c < o.Time {
			o.Time, o.Event, p = c, 0, math.Exp(-c)
		}
		obs, s = append(obs, o), append(s, p)
	}
	d, err := survival.NewDCalibration(obs, s, 10)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, n := range d.Bins {
		sum += n
	}
	if math.Abs(sum-1000) > 1e-9 || d.P < 0.9 {
		t.Errorf("bins %v sum to %g, p %g", d.Bins, sum, d.P)
	}
	for i := range s {
		s[i] *= s[i] // too pessimistic
	}
	if d, _ := survival.NewDCalibration(obs, s, 10); d.P > 1e-6 {
		t.Errorf("wrong curves pass with p %g", d.P)
	}
	groups, err := survival.CalibrationAt(obs, s, 1, 4, 0.95)
	if err != nil || len(groups) != 4 || groups[0].Predicted > groups[3].Predicted || groups[0].Patients != 250 {
		t.Errorf("%v %v", groups, err)
	}
}

func TestScoresBadInput(t *testing.T) {
	obs := []survival.Observation{{Time: 1, Event: 1}, {Time: 2}}
	w, err := survival.NewIPCW(obs)
	if err != nil {
		t.Fatal(err)
	}
	_, e1 := w.Brier(1, []float64{0.5})
	_, e2 := w.Brier(1, []float64{0.5, 1.5})
	_, e3 := w.AUC(1, []float64{0.5, math.NaN()})
	_, e4 := w.IntegratedBrier(0, nil)
	_, e5 := survival.NewIPCW([]survival.Observation{{Entry: 1, Time: 2}})
	_, e6 := survival.CompareGroups(obs, []int{1}, 0, nil)
	_, e7 := survival.NewDCalibration(obs, []float64{1, 2}, 10)
	_, e8 := survival.CalibrationAt(obs, []float64{1, 1}, 1, 3, 0.95)
	_, e9 := survival.AalenJohansen(obs[1:])
	for i, err := range []error{e1, e2, e3, e4, e5, e6, e7, e8, e9} {
		if err == nil {
			t.Errorf("case %d: no error", i+1)
		}
	}
	if r, err := survival.CompareGroups(obs, []int{1, 1}, 0, nil); err != nil || !math.IsNaN(r.P) {
		t.Errorf("one group: p %g, %v", r.P, err)
	}
}
