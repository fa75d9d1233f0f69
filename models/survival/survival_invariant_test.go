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
