package survival_test

import (
	"math"
	"testing"

	"github.com/voxgene/voxgene/models/metrics"
	"github.com/voxgene/voxgene/models/survival"
	"pgregory.net/rapid"
)

// Without censoring the net benefit is that of a binary outcome: the event by the time.
func TestNetBenefitWithoutCensoring(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "n")
		obs, is, risk := make([]survival.Observation, n), make([]bool, n), make([]float64, n)
		for i := range n {
			obs[i] = survival.Observation{Time: float64(rapid.IntRange(1, 20).Draw(t, "time")), Event: 1}
			is[i], risk[i] = obs[i].Time <= 10, float64(rapid.IntRange(0, 10).Draw(t, "risk"))/10
		}
		at := float64(rapid.IntRange(1, 9).Draw(t, "threshold")) / 10
		model, all, err := survival.NetBenefit(obs, risk, 10, at)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := metrics.NewBinary(is, risk)
		wantModel, wantAll := b.NetBenefit(at)
		if math.Abs(model-wantModel) > 1e-12 || math.Abs(all-wantAll) > 1e-12 {
			t.Fatalf("net benefit %v and %v, want %v and %v", model, all, wantModel, wantAll)
		}
	})
}

func TestNetBenefitBadInput(t *testing.T) {
	obs := []survival.Observation{{Time: 1, Event: 1}}
	for _, c := range []struct {
		risk []float64
		at   float64
	}{{nil, 0.5}, {[]float64{0.5}, 0}, {[]float64{0.5}, 1}, {[]float64{math.NaN()}, 0.5}, {[]float64{1.5}, 0.5}} {
		if _, _, err := survival.NetBenefit(obs, c.risk, 1, c.at); err == nil {
			t.Errorf("risk %v at %v is taken", c.risk, c.at)
		}
	}
}

// Nobody has the event, everybody has it at once, risks tie or are infinite: measures are within their bounds, not defined, or refused.
func TestMeasuresOfExtremeFollowUps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "n")
		share := rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(t, "share")
		times := rapid.SampledFrom([]int{1, 3, 1000}).Draw(t, "times")
		obs, risk, s := make([]survival.Observation, n), make([]float64, n), make([]float64, n)
		for i := range n {
			obs[i].Time = float64(rapid.IntRange(1, times).Draw(t, "time"))
			if rapid.Float64Range(0, 1).Draw(t, "u") < share {
				obs[i].Event = 1
			}
			risk[i] = rapid.SampledFrom([]float64{math.Inf(-1), -1, 0, 0, 1, math.Inf(1)}).Draw(t, "risk")
			s[i] = rapid.SampledFrom([]float64{0, 0.3, 0.3, 1}).Draw(t, "survival")
		}
		within := func(what string, v float64, err error) {
			if err == nil && !math.IsNaN(v) && (v < -1e-12 || v > 1+1e-12) {
				t.Fatalf("%s is %v", what, v)
			}
		}
		for _, w := range []survival.TimeWeight{survival.Harrell, survival.Uno} {
			c, err := survival.Rank(obs, risk, survival.ConcordanceOptions{Weight: w})
			within("C", c.C, err)
			if err == nil && share == 0 && !math.IsNaN(c.C) {
				t.Fatalf("C is %v where nobody had the event", c.C)
			}
		}
		w, err := survival.NewIPCW(obs)
		if err != nil {
			return
		}
		at := float64(rapid.IntRange(1, times).Draw(t, "at"))
		a, err := w.AUC(at, risk)
		within("AUC(t)", a.Value, err)
		b, err := w.Brier(at, s)
		if err == nil && b.Value < 0 { // weights can take it above 1
			t.Fatalf("Brier(t) is %v", b.Value)
		}
		groups, err := survival.CalibrationAt(obs, s, at, 2, 0.95)
		if err != nil {
			return
		}
		for _, g := range groups {
			within("observed survival", g.Observed, nil)
			within("its lower limit", g.Low, nil)
			within("its upper limit", g.High, nil)
		}
	})
}
