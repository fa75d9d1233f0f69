package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/figure"
)

const (
	mostFeatures   = 20 // in a figure, where --top does not say
	mostDrawn      = 100
	mostDependence = 3  // features that get a figure of their own
	mostWaterfalls = 50 // patients that get a figure of their own
	mostOverTime   = 6  // features in a figure over time
)

// explained is one number that was explained for every patient: an outcome, a class or a time.
type explained struct {
	outcome string
	class   string
	entry   int    // its place among the explanations of the outcome
	time    string // with its unit
	unit    string
	at      []bundle.Explanation // one a patient
}

// title names the number for people.
func (e *explained) title() string {
	switch {
	case e.class != "":
		return e.outcome + ", class " + e.class
	case e.time != "":
		return e.outcome + " at " + e.time
	}
	return e.outcome
}

// file names it for the file system.
func (e *explained) file() string {
	name := e.outcome
	if e.class != "" {
		name += "-" + e.class
	}
	if e.time != "" {
		name += "-" + e.time
	}
	return fileSafe(name)
}

// fileSafe makes a name that is safe as part of a path.
func fileSafe(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, name)
}

// gather sorts answers by the number that was explained. Times are named as they were asked for.
func gather(answers []bundle.Prediction, at []string) []*explained {
	var out []*explained
	for i, p := range answers {
		n := 0
		for _, a := range p.Outcomes {
			for entry, e := range a.Explanations {
				if i == 0 {
					x := &explained{outcome: a.Name, class: e.Class, entry: entry, unit: a.Unit}
					if !math.IsNaN(e.Time) {
						if x.time = number(e.Time) + a.Unit; entry < len(at) {
							x.time = at[entry]
						}
					}
					out = append(out, x)
				}
				out[n].at = append(out[n].at, e)
				n++
			}
		}
	}
	return out
}

// feature is the contributions of one input or group to every patient's number, with its values.
type feature struct {
	name   string
	swarm  figure.Swarm
	total  float64 // of |contribution|
	levels []string
}

// features returns what contributed, by falling mean absolute contribution. Levels of an input are numbered in order of their names.
func (e *explained) features() []*feature {
	by := map[string]*feature{}
	var out []*feature
	n := len(e.at)
	texts := map[*feature][]string{}
	for i, x := range e.at {
		for _, v := range x.Values {
			f, ok := by[v.Feature]
			if !ok {
				f = &feature{name: v.Feature, swarm: figure.Swarm{Name: v.Feature, Contributions: make([]float64, n), Values: make([]float64, n)}}
				for k := range f.swarm.Values {
					f.swarm.Values[k] = math.NaN()
				}
				by[v.Feature], texts[f] = f, make([]string, n)
				out = append(out, f)
			}
			f.swarm.Contributions[i], f.swarm.Values[i] = v.Amount, v.Value
			f.total += math.Abs(v.Amount)
			if v.Text != "" && !slices.Contains(f.levels, v.Text) {
				f.levels = append(f.levels, v.Text)
			}
			texts[f][i] = v.Text
		}
	}
	for _, f := range out {
		slices.Sort(f.levels)
		for i, text := range texts[f] {
			if text != "" {
				f.swarm.Values[i] = float64(slices.Index(f.levels, text))
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *feature) int { return cmp.Compare(b.total, a.total) })
	return out
}

// writeFigures fills a folder, with so many features in a figure: contributions.csv, and for each number that was explained a bar chart of mean absolute contributions,
// a beeswarm, a heat map, dependences and effects of the first features and a waterfall for each patient (the first fifty); over several
// times, a patient's contributions as lines. Each figure is an SVG and the numbers in it a CSV. An effect of no picture is passed over.
func writeFigures(folder string, answers []bundle.Prediction, at []string, most int, rows [][]string, effect func(*explained, string) (figure.Figure, error)) error {
	save, err := openFolder(folder, "contributions.csv", rows)
	if err != nil {
		return err
	}
	numbers := gather(answers, at)
	for _, e := range numbers {
		list := e.features()
		if len(list) == 0 {
			continue // no input counted for anyone
		}
		if err := e.ofAll(list[:min(len(list), most)], save, effect); err != nil {
			return err
		}
		for i := range e.at[:min(len(e.at), mostWaterfalls)] {
			f, err := e.waterfall(i, answers[i].ID, most)
			if err := save(fmt.Sprintf("%s-patient-%03d-%s", e.file(), i+1, fileSafe(answers[i].ID)), f, err); err != nil {
				return err
			}
		}
	}
	return overTime(answers, numbers, save)
}

// ofAll writes the figures of all patients together.
func (e *explained) ofAll(list []*feature, save func(string, figure.Figure, error) error, effect func(*explained, string) (figure.Figure, error)) error {
	if len(e.at) < 2 {
		return nil
	}
	scale := e.at[0].Scale
	bars := make([]figure.Bar, len(list))
	swarms := make([]figure.Swarm, len(list))
	for k, f := range list {
		bars[k] = figure.Bar{Name: f.name, Value: f.total / float64(len(e.at))}
		swarms[k] = f.swarm
	}
	f, err := figure.Bars(e.title(), "Mean absolute contribution ("+scale+")", bars)
	if err := save(e.file()+"-bars", f, err); err != nil {
		return err
	}
	f, err = figure.Beeswarm(fmt.Sprintf("%s, %d patients", e.title(), len(e.at)), "Contributed to the estimates ("+scale+")", swarms)
	if err := save(e.file()+"-beeswarm", f, err); err != nil {
		return err
	}
	order := make([]int, len(e.at)) // by output
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(e.at[a].Output, e.at[b].Output) })
	names, cells, outputs := make([]string, len(list)), make([][]float64, len(list)), make([]float64, len(order))
	for c, i := range order {
		outputs[c] = e.at[i].Output
	}
	for k, f := range list {
		names[k], cells[k] = f.name, make([]float64, len(order))
		for c, i := range order {
			cells[k][c] = f.swarm.Contributions[i]
		}
	}
	f, err = figure.Heatmap(fmt.Sprintf("%s, %d patients by output", e.title(), len(e.at)), scale, names, cells, outputs)
	if err := save(e.file()+"-heatmap", f, err); err != nil {
		return err
	}
	for k, x := range list[:min(len(list), mostDependence)] {
		if !slices.ContainsFunc(x.swarm.Values, func(v float64) bool { return !math.IsNaN(v) }) {
			continue // a group has no value
		}
		other, values := "", []float64(nil)
		if o := strongest(x, list); o != nil {
			other, values = o.name, o.swarm.Values
		}
		f, err := figure.Dependence(e.title(), x.name, "Contribution ("+scale+")", x.levels, x.swarm.Values, x.swarm.Contributions, other, values)
		if err := save(fmt.Sprintf("%s-dependence-%d", e.file(), k+1), f, err); err != nil {
			return err
		}
		if f, err = effect(e, x.name); err != nil || f.SVG != nil {
			if err := save(fmt.Sprintf("%s-effect-%d", e.file(), k+1), f, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// strongest returns the feature by whose values the contributions of x, among patients with like values of x, are ordered most: the
// one that it seems to interact with. Patients are taken in order of x's value in windows of ten, as shap does, and in each the
// correlation of the other's values with x's contributions is taken without its sign.
func strongest(x *feature, list []*feature) *feature {
	var order []int
	for i, v := range x.swarm.Values {
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(x.swarm.Values[a], x.swarm.Values[b]) })
	window := min(max(10, len(order)/10), 50)
	var best *feature
	most := 0.0
	for _, other := range list {
		if other == x {
			continue
		}
		total := 0.0
		for from := 0; from+window <= len(order); from += window {
			total += math.Abs(correlation(order[from:from+window], other.swarm.Values, x.swarm.Contributions))
		}
		if total > most {
			best, most = other, total
		}
	}
	return best
}

// correlation is Pearson's over these patients, 0 where it has none.
func correlation(rows []int, x, y []float64) float64 {
	n, mx, my := 0.0, 0.0, 0.0
	for _, i := range rows {
		if !math.IsNaN(x[i]) {
			n++
			mx += x[i]
			my += y[i]
		}
	}
	if n < 3 {
		return 0
	}
	mx /= n
	my /= n
	xx, yy, xy := 0.0, 0.0, 0.0
	for _, i := range rows {
		if !math.IsNaN(x[i]) {
			dx, dy := x[i]-mx, y[i]-my
			xx += dx * dx
			yy += dy * dy
			xy += dx * dy
		}
	}
	if !(xx > 0 && yy > 0) {
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}

// waterfall draws one patient's number, its most largest contributions and the rest in one step.
func (e *explained) waterfall(i int, patient string, most int) (figure.Figure, error) {
	x := e.at[i]
	var steps []figure.Step
	rest := x.Other
	for k, v := range x.Values {
		if k >= most {
			rest += v.Amount
			continue
		}
		s := figure.Step{Name: v.Feature, Shown: v.Text, Contribution: v.Amount}
		if s.Shown == "" {
			s.Shown = rounded(v.Value)
		}
		steps = append(steps, s)
	}
	small := 1e-9 * (math.Abs(x.Base) + math.Abs(x.Output))
	others := max(0, len(x.Values)-most)
	if math.Abs(x.Gap) <= small { // rounding
		rest += x.Gap
	}
	if others > 0 || len(steps) == 0 || math.Abs(rest) > small {
		steps = append(steps, figure.Step{Name: fmt.Sprintf("%d others", others), Contribution: rest})
	}
	if math.Abs(x.Gap) > small {
		steps = append(steps, figure.Step{Name: "gap of the method", Contribution: x.Gap})
	}
	return figure.Waterfall(e.title()+", "+patient, x.Scale, x.Base, x.Output, steps)
}

// rounded is a value with at most four significant digits; empty where there is none.
func rounded(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return fmt.Sprintf("%.4g", v)
}

// overTime draws, for each patient and survival outcome that was explained at three times or more, how the largest contributions move.
func overTime(answers []bundle.Prediction, numbers []*explained, save func(string, figure.Figure, error) error) error {
	byOutcome := map[string][]*explained{}
	var order []string
	for _, e := range numbers {
		if e.time == "" {
			continue
		}
		if byOutcome[e.outcome] == nil {
			order = append(order, e.outcome)
		}
		byOutcome[e.outcome] = append(byOutcome[e.outcome], e)
	}
	for _, outcome := range order {
		list := byOutcome[outcome]
		if len(list) < 3 {
			continue
		}
		for i := range answers[:min(len(answers), mostWaterfalls)] {
			curves := curvesOf(list, i)
			if len(curves) == 0 {
				continue
			}
			f, err := figure.Lines(outcome+", "+answers[i].ID, "Time ("+list[0].unit+")", "Contribution ("+list[0].at[i].Scale+")", curves)
			if err := save(fmt.Sprintf("%s-patient-%03d-%s-over-time", fileSafe(outcome), i+1, fileSafe(answers[i].ID)), f, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// curvesOf returns the contributions over time of the features that count most for a patient, over all times together.
func curvesOf(list []*explained, patient int) []figure.Curve {
	total := map[string]float64{}
	var names []string
	for _, e := range list {
		for _, v := range e.at[patient].Values {
			if _, ok := total[v.Feature]; !ok {
				names = append(names, v.Feature)
			}
			total[v.Feature] += math.Abs(v.Amount)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(total[b], total[a]) })
	curves := make([]figure.Curve, min(len(names), mostOverTime))
	for k := range curves {
		curves[k].Name = names[k]
		for _, e := range list {
			x := e.at[patient]
			amount := 0.0
			for _, v := range x.Values {
				if v.Feature == names[k] {
					amount = v.Amount
				}
			}
			curves[k].X, curves[k].Y = append(curves[k].X, x.Time), append(curves[k].Y, amount)
		}
	}
	return curves
}
