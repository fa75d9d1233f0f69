package survival_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/survival"
)

const compared = 19066

var kmSets = []struct{ name, data, group string }{
	{"km_veteran_all", "veteran", ""}, {"km_veteran_trt", "veteran", "trt"}, {"km_lung_sex", "lung", "sex"}, {"km_gbsg_hormon", "gbsg", "hormon"},
}

var scales = []struct {
	name  string
	scale survival.Scale
}{{"log", survival.Log}, {"log-log", survival.LogLog}, {"plain", survival.Plain}}

// group returns the observations of a group such as "trt=0"; "all" is everybody.
func group(t *testing.T, f frame, name string) []survival.Observation {
	all := f.observations(t)
	column, value, ok := strings.Cut(name, "=")
	if !ok {
		return all
	}
	var out []survival.Observation
	for i, v := range f[column] {
		if v == value {
			out = append(out, all[i])
		}
	}
	return out
}

// Values: survfit by group, survival 3.5-3.
func TestKaplanMeierOracle(t *testing.T) {
	for _, set := range kmSets {
		f := readFrame(t, "survival", "inputs", set.data+".csv")
		want := readFrame(t, "survival", "expected", set.name+"_km.csv")
		km := oracle.Absolute(t, "Kaplan–Meier, Nelson–Aalen, intervals", set.name, rSurvival, 1e-9)
		curves, hazards := map[string]survival.Curve{}, map[string]survival.Hazard{}
		limits := map[string][2][]float64{}
		columns := map[string][]float64{}
		for _, c := range []string{"time", "n_risk", "n_event", "n_censor", "surv", "std_err_cumhaz_scale", "nelson_aalen", "nelson_aalen_se",
			"lower_log", "upper_log", "lower_loglog", "upper_loglog", "lower_plain", "upper_plain"} {
			columns[c] = want.numbers(t, c)
		}
		row := map[string]int{}
		for i, g := range want["group"] {
			if _, ok := curves[g]; !ok {
				var err error
				if curves[g], err = survival.KaplanMeier(group(t, f, g)); err != nil {
					t.Fatal(err)
				}
				if hazards[g], err = survival.NelsonAalen(group(t, f, g)); err != nil {
					t.Fatal(err)
				}
				for _, s := range scales {
					low, high := curves[g].Interval(0.95, s.scale)
					limits[g+s.name] = [2][]float64{low, high}
				}
			}
			k := row[g]
			row[g]++
			c, h := curves[g], hazards[g]
			at := g + " at " + want["time"][i] + " "
			km.Near(at+"time", c.Times[k], columns["time"][i])
			km.Near(at+"at risk", c.AtRisk[k], columns["n_risk"][i])
			km.Near(at+"events", c.Events[k], columns["n_event"][i])
			km.Near(at+"censored", c.Censored[k], columns["n_censor"][i])
			km.Near(at+"survival", c.Survival[k], columns["surv"][i])
			if se := columns["std_err_cumhaz_scale"][i]; !math.IsNaN(se) {
				km.Near(at+"standard error", math.Sqrt(c.Variance[k]), se)
			}
			km.Near(at+"hazard", h.Cumulative[k], columns["nelson_aalen"][i])
			km.Near(at+"hazard error", math.Sqrt(h.Variance[k]), columns["nelson_aalen_se"][i])
			for _, s := range scales {
				column := strings.ReplaceAll(s.name, "-", "")
				km.Near(at+"lower "+s.name, limits[g+s.name][0][k], columns["lower_"+column][i])
				km.Near(at+"upper "+s.name, limits[g+s.name][1][k], columns["upper_"+column][i])
			}
		}
		quantiles(t, f, set.name)
		flemingHarrington(t, f, set.name, set.group)
	}
}

// rows returns quantiles by group; R writes those of a single group as a bare list.
func rows(v any) (names []string, values [][]any) {
	g, ok := v.(map[string]any)
	if !ok {
		return []string{"all"}, [][]any{v.([]any)}
	}
	for i, n := range g["groups"].([]any) {
		names = append(names, n.(string))
		values = append(values, g["values"].([]any)[i].([]any))
	}
	return names, values
}

func number(v any) float64 {
	if x, ok := v.(float64); ok {
		return x
	}
	return math.NaN()
}

func quantiles(t *testing.T, f frame, name string) {
	var want struct {
		Quantiles map[string]map[string]any `json:"quantiles_25_50_75"`
		RMST      map[string]struct {
			Groups, Rmean, SE any
		}
	}
	readJSON(t, &want, "survival", "expected", name+".json")
	check := oracle.Absolute(t, "survival quantiles and their limits", name, rSurvival, 1e-9)
	for _, s := range scales {
		for part, g := range want.Quantiles[s.name] {
			names, values := rows(g)
			for i, n := range names {
				c, err := survival.KaplanMeier(group(t, f, n))
				if err != nil {
					t.Fatal(err)
				}
				for k, q := range []float64{0.25, 0.5, 0.75} {
					v, low, high := c.Quantile(q, 0.95, s.scale)
					got := map[string]float64{"quantile": v, "lower": low, "upper": high}[part]
					check.Near(n+" "+s.name+" "+part+" "+strconv.Itoa(k), got, number(values[i][k]))
				}
			}
		}
	}
	mean := oracle.Absolute(t, "restricted mean survival and its error", name, rSurvival, 1e-8)
	for tau, r := range want.RMST {
		limit, err := strconv.ParseFloat(strings.TrimPrefix(tau, "tau"), 64)
		if err != nil {
			t.Fatal(err)
		}
		groups, means, errors := list(r.Groups), list(r.Rmean), list(r.SE)
		for i, g := range groups {
			c, _ := survival.KaplanMeier(group(t, f, g.(string)))
			m, se := c.RestrictedMean(limit)
			mean.Near(g.(string)+" "+tau, m, number(means[i]))
			mean.Near(g.(string)+" "+tau+" error", se, number(errors[i]))
		}
	}
}

// list returns a JSON value as a list; R writes a list of one as its element.
func list(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}

func flemingHarrington(t *testing.T, f frame, name, by string) {
	want := readFrame(t, "survival", "expected", name+"_fh2.csv")
	check := oracle.Absolute(t, "Fleming–Harrington hazard", name, rSurvival, 1e-9)
	var groups []string
	if by == "" {
		groups = []string{"all"}
	} else {
		groups = []string{by + "=0", by + "=1"}
	}
	time, h, s := want.numbers(t, "time"), want.numbers(t, "cumhaz_fh2"), want.numbers(t, "surv_fh2")
	i := 0
	for _, g := range groups {
		got, err := survival.FlemingHarrington(group(t, f, g))
		if err != nil {
			t.Fatal(err)
		}
		for k := range got.Times {
			check.Near(g+" time", got.Times[k], time[i])
			check.Near(g+" hazard", got.Cumulative[k], h[i])
			check.Near(g+" survival", math.Exp(-got.Cumulative[k]), s[i])
			i++
		}
	}
	if i != len(time) {
		t.Errorf("%s: %d times, want %d", name, i, len(time))
	}
}
