package survival_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/survival"
)

type wantConcordance struct {
	C, SE float64
	Count map[string]float64
}

func markerOf(t *testing.T, f frame, name string) []float64 {
	sign := 1.0
	if len(name) > 4 && name[:4] == "neg_" {
		sign, name = -1, name[4:]
	}
	out := f.numbers(t, name)
	for i := range out {
		out[i] *= sign
	}
	return out
}

// Values: survival::concordance(reverse = TRUE) with each timewt and with ymax.
func TestConcordanceOracle(t *testing.T) {
	weights := map[string]survival.TimeWeight{"n": survival.Harrell, "S": survival.PetoWilcoxon, "S/G": survival.Uno, "n/G2": survival.Uno, "I": survival.InverseAtRisk}
	for _, data := range []string{"veteran", "lung", "gbsg"} {
		f := readFrame(t, "survival", "inputs", data+".csv")
		obs := f.observations(t)
		var want struct {
			Markers map[string]map[string]json.RawMessage
		}
		readJSON(t, &want, "survival", "expected", "concordance_"+data+".json")
		value := oracle.Absolute(t, "concordance", data, rSurvival, 1e-9)
		stdErr := oracle.Absolute(t, "standard error of concordance", data, rSurvival, 1e-8)
		number := oracle.Relative(t, "numbers of pairs", data, rSurvival, 1e-9)
		for marker, kinds := range want.Markers {
			if marker == "paired_difference" {
				continue
			}
			m := markerOf(t, f, marker)
			for kind, raw := range kinds {
				var w wantConcordance
				if err := json.Unmarshal(raw, &w); err != nil {
					t.Fatal(err)
				}
				o := survival.ConcordanceOptions{Weight: weights[kind]}
				for _, tau := range []struct {
					label string
					value float64
				}{{"tau100", 100}, {"tau365", 365}, {"tau700", 700}, {"tau1095", 1095}, {"tau1825", 1825}} {
					switch kind {
					case "uno_" + tau.label:
						o = survival.ConcordanceOptions{Weight: survival.Uno, Until: tau.value}
					case "harrell_" + tau.label:
						o = survival.ConcordanceOptions{Until: tau.value}
					}
				}
				if _, known := weights[kind]; !known && o.Until == 0 {
					t.Fatalf("unknown kind of concordance %q", kind)
				}
				got, err := survival.Rank(obs, m, o)
				if err != nil {
					t.Fatal(err)
				}
				value.Near(marker+" "+kind, got.C, w.C)
				stdErr.Near(marker+" "+kind, got.StdErr, w.SE)
				if w.Count != nil {
					number.Near(marker+" "+kind+" concordant", got.Concordant, w.Count["concordant"])
					number.Near(marker+" "+kind+" discordant", got.Discordant, w.Count["discordant"])
					number.Near(marker+" "+kind+" tied risk", got.TiedRisk, w.Count["tied.x"])
					number.Near(marker+" "+kind+" tied time", got.TiedTime, w.Count["tied.y"])
					number.Near(marker+" "+kind+" tied both", got.TiedBoth, w.Count["tied.xy"])
				}
			}
		}
		pairedDifference(t, obs, f, data, want.Markers["paired_difference"])
	}
}

// The covariance of two scores on the same patients is the product of their influences. R orients each by a Cox model.
func pairedDifference(t *testing.T, obs []survival.Observation, f frame, data string, raw map[string]json.RawMessage) {
	var models []string
	var c []float64
	var vcov [][]float64
	for name, to := range map[string]any{"models": &models, "C": &c, "vcov": &vcov} {
		if err := json.Unmarshal(raw[name], to); err != nil {
			t.Fatal(err)
		}
	}
	value := oracle.Absolute(t, "paired concordance", data, rSurvival, 1e-9)
	var influence [2][]float64
	for k, m := range models {
		risk := markerOf(t, f, m)
		got, _ := survival.Rank(obs, risk, survival.ConcordanceOptions{})
		if math.Abs(got.C-c[k]) > math.Abs(1-got.C-c[k]) {
			for i := range risk {
				risk[i] = -risk[i]
			}
			got, _ = survival.Rank(obs, risk, survival.ConcordanceOptions{})
		}
		value.Near(m, got.C, c[k])
		influence[k] = got.Influence
	}
	cov := oracle.Absolute(t, "covariance of concordances", data, rSurvival, 1e-9)
	for i := range 2 {
		for j := range 2 {
			sum := 0.0
			for k := range influence[i] {
				sum += influence[i][k] * influence[j][k]
			}
			cov.Near("covariance", sum, vcov[i][j])
		}
	}
}

// Values: a direct loop over pairs in R, which agrees with survival's n/G2.
func TestUnoDefinitionOracle(t *testing.T) {
	var want struct {
		Rows []struct {
			Data, Marker string
			Sign         float64
			Tau          any
			C            float64 `json:"uno_definition"`
		}
	}
	readJSON(t, &want, "survival", "expected", "uno_definition.json")
	check := oracle.Absolute(t, "Uno's C, direct definition", "veteran, lung, gbsg", "R 4.2.2, loop over pairs", 1e-9)
	for _, w := range want.Rows {
		f := readFrame(t, "survival", "inputs", w.Data+".csv")
		risk := f.numbers(t, w.Marker)
		for i := range risk {
			risk[i] *= w.Sign
		}
		o := survival.ConcordanceOptions{Weight: survival.Uno}
		if tau, ok := w.Tau.(float64); ok {
			o.Until = tau
		}
		got, err := survival.Rank(f.observations(t), risk, o)
		if err != nil {
			t.Fatal(err)
		}
		check.Near(w.Data+" "+w.Marker, got.C, w.C)
	}
}
