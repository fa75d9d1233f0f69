package train

import (
	"fmt"
	"math"
	"strings"

	"github.com/voxgene/voxgene/train/report"
	"github.com/voxgene/voxgene/train/validate"
)

// comparison shows the models one by one, beside the procedure.
func (r *run) comparison(one *outcomeRun) report.Comparison {
	level := r.e.Validation.Level
	measures := one.measures[:min(3, len(one.measures))]
	row := func(name, note string, model int) report.Row {
		out := report.Row{Name: name, Note: note, P: math.NaN()}
		for _, m := range measures {
			e := one.estimate(m, model, level)
			out.Estimates = append(out.Estimates, report.Estimate{Title: m.Title, Value: e.Value, Low: e.Low, High: e.High})
		}
		return out
	}
	c := report.Comparison{Title: "Model by model", Caption: "The same folds. These rows are for comparison: picking the best of them and quoting its number would be optimistic. p: against the first model, " +
		one.testName() + ", adjusted for all pairs (Holm)."}
	tests := one.compare()
	for k, m := range one.models {
		wins := 0
		for _, f := range one.result.Folds {
			if f.Choice.Winner == k {
				wins++
			}
		}
		line := row(m.Name, fmt.Sprintf("chosen in %d of %d folds", wins, len(one.folds)), k)
		for _, t := range tests {
			if t.First == one.models[0].Name && t.Second == m.Name && t.PHolm != nil {
				line.P = *t.PHolm
			}
		}
		c.Rows = append(c.Rows, line)
	}
	if len(one.models) > 1 {
		c.Rows = append(c.Rows, row("the procedure", "chooses in each fold", -1))
	}
	return c
}

// againstTable sets the headline beside that of an earlier run.
func (one *outcomeRun) againstTable() (report.Table, bool) {
	a := one.against
	if a == nil {
		return report.Table{}, false
	}
	p := none
	if a.P != nil {
		p = *a.P
	}
	return report.Table{Title: "Against " + a.Run, Caption: strings.TrimSpace("The headlines of two runs; p by " + one.testName() + " on the same folds. " + a.Note),
		Head: []string{one.measures[0].Title, "then", "now", "p"}, Rows: [][]string{{"", numberOrDash(a.Before), numberOrDash(a.Now), report.PValue(p)}}}, true
}

// numberOrDash prints a number of metrics.json.
func numberOrDash(v *float64) string {
	if v == nil {
		return "–"
	}
	return report.Number(*v)
}

// foldTable counts the patients of each fold of the first repeat.
func (one *outcomeRun) foldTable() (report.Table, bool) {
	t := report.Table{Title: "Folds", Caption: "Patients by class or event on each side; the first repeat.", Head: []string{"fold", "train", "test", "model chosen"}}
	for _, f := range one.result.Folds {
		if f.Fold.Repeat > 0 || len(t.Rows) >= 20 {
			break
		}
		m := one.study.Procedure.Models[f.Choice.Winner]
		name := m.Name
		if s := m.Candidates[f.Choice.Chosen[f.Choice.Winner]].Settings; s != "" {
			name += " (" + s + ")"
		}
		t.Rows = append(t.Rows, []string{f.Fold.Label(), validate.Summary(one.study.Rows, f.Fold.Train), validate.Summary(one.study.Rows, f.Fold.Test), name})
	}
	return t, len(t.Rows) > 0
}

// chosenTable shows how often columns reached the models, where the pipeline chooses.
func (one *outcomeRun) chosenTable() (report.Table, bool) {
	all := one.chosen()
	if len(all) == 0 || all[len(all)-1].folds == len(one.folds) {
		return report.Table{}, false
	}
	t := report.Table{Title: "Columns chosen by the pipeline", Caption: fmt.Sprintf("In how many of %d folds a column reached the models; %d columns did at least once.", len(one.folds), len(all)),
		Head: []string{"column", "folds"}}
	for _, c := range all[:min(20, len(all))] {
		t.Rows = append(t.Rows, []string{c.name, fmt.Sprint(c.folds)})
	}
	return t, true
}
