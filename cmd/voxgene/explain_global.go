package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/explain"
	"github.com/voxgene/voxgene/models/figure"
	"github.com/voxgene/voxgene/train"
)

// globalFlags ask what counts over all patients of a table, in place of for each.
type globalFlags struct {
	on       bool
	compare  string
	repeats  int
	most     int // features in a figure
	outcomes []string
	survival []string
}

func (g *globalFlags) flags(c *cobra.Command) {
	c.Flags().BoolVar(&g.on, "global", false, "a row a feature: its mean contribution over the patients, and with --outcome or --survival its permutation importance")
	c.Flags().StringVar(&g.compare, "compare", "", "table of another cohort: how the contributions differ between the two")
	c.Flags().IntVar(&g.repeats, "repeats", 10, "shuffles of each input for permutation importance")
	c.Flags().StringArrayVar(&g.outcomes, "outcome", nil, "what happened, for permutation importance: NAME=COLUMN; may be repeated")
	c.Flags().StringArrayVar(&g.survival, "survival", nil, "the same of survival: NAME=TIME,EVENT,UNIT (d, wk, mo, a); may be repeated")
}

func (g *globalFlags) asked() bool { return g.on || g.compare != "" }

// alone is an error where what counts over all patients is asked for beside another question.
func (g *globalFlags) alone() error {
	if g.asked() {
		return errors.New("--interactions are of each patient: leave out --global and --compare")
	}
	return nil
}

func (g *globalFlags) check(patient string) error {
	switch known := len(g.outcomes)+len(g.survival) > 0; {
	case g.on && g.compare != "":
		return errors.New("--global and --compare are two questions: ask one at a time")
	case g.asked() && patient != "":
		return errors.New("--global and --compare are about all patients: leave out --patient")
	case known && !g.on:
		return errors.New("--outcome and --survival are for --global")
	case g.repeats < 1 || g.repeats > 10000:
		return fmt.Errorf("--repeats %d: want 1 to 10000", g.repeats)
	}
	return nil
}

// permuted is the importance of inputs by outcome.
func (g *globalFlags) permuted(c *cobra.Command, b *bundle.Bundle, path, key string) (map[string]train.Permuted, error) {
	out := map[string]train.Permuted{}
	if len(g.outcomes)+len(g.survival) == 0 {
		return out, nil
	}
	cfg, dir, err := evaluateCohort(b, path, evaluateFlags{outcomes: g.outcomes, survival: g.survival, id: key}, &train.ExternalOptions{})
	if err != nil {
		return nil, badInput(err)
	}
	list, err := train.PermutationImportance(c.Context(), b, cfg, dir, g.repeats, 1)
	var wrong *train.InputError
	if errors.As(err, &wrong) {
		return nil, badInput(err)
	}
	for _, p := range list {
		out[p.Outcome] = p
	}
	return out, err
}

// globalRows lays out what counts over all patients: a row a feature, most first, for each number that was explained.
func globalRows(numbers []*explained, permuted map[string]train.Permuted) [][]string {
	rows := [][]string{{"outcome", "class", "time", "scale", "method", "exact", "patients", "rank", "feature", "mean_absolute", "standard_error", "mean", "direction",
		"permutation", "permutation_sd", "measure"}}
	for _, e := range numbers {
		first := e.at[0]
		n := float64(len(e.at))
		p, judged := permuted[e.outcome]
		left := map[string]bool{}
		for _, name := range p.Inputs {
			left[name] = true
		}
		line := func(rank int, name string, numbers ...float64) {
			row := []string{e.outcome, e.class, e.time, first.Scale, first.Method, strconv.FormatBool(first.Exact), strconv.Itoa(len(e.at)), strconv.Itoa(rank), name}
			for _, v := range numbers {
				row = append(row, number(v))
			}
			row = append(row, "", "", "")
			if k := slices.Index(p.Inputs, name); judged && k >= 0 {
				row[13], row[14], row[15] = number(p.Importance[k].Drop), number(p.Importance[k].StdDev), p.Measure
				delete(left, name)
			}
			rows = append(rows, row)
		}
		list := e.features()
		all := make([]int, len(e.at))
		for i := range all {
			all[i] = i
		}
		for k, f := range list {
			mean, squares := 0.0, 0.0
			for _, v := range f.swarm.Contributions {
				mean += v / n
				squares += (math.Abs(v) - f.total/n) * (math.Abs(v) - f.total/n)
			}
			direction := correlation(all, f.swarm.Values, f.swarm.Contributions)
			if len(f.levels) > 0 || !slices.ContainsFunc(f.swarm.Values, func(v float64) bool { return !math.IsNaN(v) }) {
				direction = math.NaN()
			}
			line(k+1, f.name, f.total/n, math.Sqrt(squares/max(1, n-1)/n), mean, direction)
		}
		// Inputs that contributed to nobody were shuffled too.
		for _, name := range p.Inputs {
			if left[name] {
				line(len(list)+1, name, 0, 0, 0, math.NaN())
			}
		}
	}
	return rows
}

// globalFigures draws, for each number, mean absolute contributions with their intervals over patients and, where it was asked, the
// permutation importance with the spread of its shuffles.
func globalFigures(folder string, most int, numbers []*explained, permuted map[string]train.Permuted, rows [][]string) error {
	save, err := openFolder(folder, "global.csv", rows)
	if err != nil {
		return err
	}
	drawn := map[string]bool{}
	for _, e := range numbers {
		list := e.features()
		if len(list) == 0 {
			continue
		}
		n := float64(len(e.at))
		var bars []figure.Bar
		for _, f := range list[:min(len(list), most)] {
			mean, squares := f.total/n, 0.0
			for _, v := range f.swarm.Contributions {
				squares += (math.Abs(v) - mean) * (math.Abs(v) - mean)
			}
			half := 1.96 * math.Sqrt(squares/max(1, n-1)/n)
			bars = append(bars, figure.Bar{Name: f.name, Value: mean, Low: max(0, mean-half), High: mean + half})
		}
		f, err := figure.Bars(fmt.Sprintf("%s, %d patients", e.title(), len(e.at)), "Mean absolute contribution ("+e.at[0].Scale+") with 95 % interval", bars)
		if err := save(e.file()+"-global", f, err); err != nil {
			return err
		}
		p, ok := permuted[e.outcome]
		if !ok || drawn[e.outcome] {
			continue
		}
		drawn[e.outcome] = true
		order := make([]int, len(p.Inputs))
		for k := range order {
			order[k] = k
		}
		slices.SortStableFunc(order, func(a, b int) int {
			switch x, y := p.Importance[a].Drop, p.Importance[b].Drop; {
			case x > y:
				return -1
			case x < y:
				return 1
			}
			return 0
		})
		bars = nil
		for _, k := range order[:min(len(order), most)] {
			v := p.Importance[k]
			bars = append(bars, figure.Bar{Name: p.Inputs[k], Value: v.Drop, Low: v.Drop - v.StdDev, High: v.Drop + v.StdDev})
		}
		f, err = figure.Bars(fmt.Sprintf("%s, %d patients, %s %.3f", e.outcome, p.Patients, p.Measure, p.Score), "Fall of the "+p.Measure+" when shuffled, ± 1 SD of shuffles", bars)
		if err := save(fileSafe(e.outcome)+"-permutation", f, err); err != nil {
			return err
		}
	}
	return nil
}

// compared is how the contributions to one number differ between two cohorts.
type compared struct {
	of    *explained
	names []string
	list  []explain.Difference
	a, b  int // patients
}

// compareNumbers compares what was explained of two cohorts, number by number.
func compareNumbers(first, second []*explained) ([]compared, error) {
	var out []compared
	for k, e := range first {
		var names []string
		place := map[string]int{}
		for _, o := range []*explained{e, second[k]} {
			for _, f := range o.features() {
				if _, ok := place[f.name]; !ok {
					place[f.name] = len(names)
					names = append(names, f.name)
				}
			}
		}
		lay := func(o *explained) [][]models.Attribution {
			rows := make([][]models.Attribution, len(o.at))
			for i, x := range o.at {
				v := make([]float64, len(names))
				for _, c := range x.Values {
					v[place[c.Feature]] = c.Amount
				}
				rows[i] = []models.Attribution{{Values: v}}
			}
			return rows
		}
		list, err := explain.CompareCohorts(lay(e), lay(second[k]), 0)
		if err != nil {
			return nil, err
		}
		out = append(out, compared{e, names, list, len(e.at), len(second[k].at)})
	}
	return out, nil
}

func compareRows(all []compared) [][]string {
	rows := [][]string{{"outcome", "class", "time", "scale", "feature", "mean_absolute_first", "mean_absolute_second", "difference", "p", "q", "patients_first", "patients_second"}}
	for _, c := range all {
		for _, d := range c.list {
			rows = append(rows, []string{c.of.outcome, c.of.class, c.of.time, c.of.at[0].Scale, c.names[d.Column], number(d.A), number(d.B), number(d.B - d.A), number(d.P), number(d.Q),
				strconv.Itoa(c.a), strconv.Itoa(c.b)})
		}
	}
	return rows
}

func compareFigures(folder string, most int, all []compared, rows [][]string) error {
	save, err := openFolder(folder, "compare.csv", rows)
	if err != nil {
		return err
	}
	for _, c := range all {
		var bars []figure.Bar
		for _, d := range c.list[:min(len(c.list), most)] {
			name := c.names[d.Column]
			if d.Q < 0.05 {
				name += " *"
			}
			bars = append(bars, figure.Bar{Name: name, Value: d.B - d.A})
		}
		if len(bars) == 0 {
			continue
		}
		f, err := figure.Bars(fmt.Sprintf("%s, %d and %d patients", c.of.title(), c.a, c.b),
			"Mean absolute contribution, second cohort less first ("+c.of.at[0].Scale+"); *: q < 0.05", bars)
		if err := save(c.of.file()+"-compare", f, err); err != nil {
			return err
		}
	}
	return nil
}

// openFolder makes a folder of results with a table in it, and returns how figures are put there.
func openFolder(folder, name string, rows [][]string) (func(string, figure.Figure, error) error, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	var all bytes.Buffer
	if err := csv.NewWriter(&all).WriteAll(rows); err != nil {
		return nil, err
	}
	if err := work.WriteFile(filepath.Join(folder, name), all.Bytes(), 0o600); err != nil {
		return nil, err
	}
	return func(name string, f figure.Figure, err error) error {
		if err != nil {
			return err
		}
		if err := work.WriteFile(filepath.Join(folder, name+".svg"), f.SVG, 0o600); err != nil {
			return err
		}
		return work.WriteFile(filepath.Join(folder, name+".csv"), f.CSV, 0o600)
	}, nil
}

// answer writes what was asked about all patients together.
func (g *globalFlags) answer(c *cobra.Command, p *prediction, b *bundle.Bundle, path string, at []string, answers, others []bundle.Prediction, folder bool) error {
	numbers := gather(answers, at)
	if strings.EqualFold(filepath.Ext(p.output), ".json") || p.json {
		return badInput(errors.New("--global and --compare are written as CSV, TSV or a folder of figures"))
	}
	if g.compare != "" {
		all, err := compareNumbers(numbers, gather(others, at))
		if err != nil {
			return badInput(err)
		}
		if folder {
			return compareFigures(p.output, g.most, all, compareRows(all))
		}
		return p.write(c.OutOrStdout(), b, nil, compareRows(all))
	}
	permuted, err := g.permuted(c, b, path, p.key)
	if err != nil {
		return err
	}
	rows := globalRows(numbers, permuted)
	if folder {
		return globalFigures(p.output, g.most, numbers, permuted, rows)
	}
	return p.write(c.OutOrStdout(), b, nil, rows)
}
