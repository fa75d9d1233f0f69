package train

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/train/report"
)

// honestRows are the comparisons that embarrass a bad model.
func (one *outcomeRun) honestRows() []report.Comparison {
	var ablation, plain []variant
	for _, v := range one.honest.ablation {
		if v.name == withoutHarmonisation {
			plain = append(plain, v)
		} else {
			ablation = append(ablation, v)
		}
	}
	var out []report.Comparison
	if len(plain) > 0 {
		out = append(out, one.harmonisationRows(plain[0]))
	}
	out = append(out, one.variantRows("Baselines", "What a model should beat: the most frequent winner on other columns and the same folds. p: against the procedure, "+one.testName()+".", one.honest.baselines)...)
	caption := "The most frequent winner on some of the columns. A group that gives nothing away alone and costs nothing when left out is not what the model lives on. p: against the procedure."
	if one.honest.noAblation != "" {
		return append(out, report.Comparison{Title: "By source of columns", Caption: one.honest.noAblation})
	}
	return append(out, one.variantRows("By source of columns", caption, ablation)...)
}

// harmonisationRows sets the most frequent winner beside itself without the harmonising steps.
func (one *outcomeRun) harmonisationRows(without variant) report.Comparison {
	best := one.mostFrequent()
	rows := one.variantRows("With and without harmonisation", "The most frequent winner on the same folds, with the experiment's steps and without those that harmonise. p: of the difference, "+one.testName()+".", []variant{without})[0]
	e := one.estimate(one.measures[0], best, one.level)
	with := report.Row{Name: "with harmonisation", Note: one.models[best].Name, P: none,
		Estimates: []report.Estimate{{Title: one.measures[0].Title, Value: e.Value, Low: e.Low, High: e.High}}}
	rows.Rows = append([]report.Row{with}, rows.Rows...)
	return rows
}

// variantRows shows baselines or the ablation below the procedure.
func (one *outcomeRun) variantRows(title, caption string, all []variant) []report.Comparison {
	if len(all) == 0 {
		return nil
	}
	c := report.Comparison{Title: title, Caption: caption}
	stood := false
	for _, v := range all {
		row := report.Row{Name: v.name, P: v.against, Note: fmt.Sprintf("%d columns", v.columns)}
		if v.columns == 1 {
			row.Note = "1 column"
		}
		if v.by != "" {
			row.Note += ", " + v.by
			stood = true
		}
		e := report.Estimate{Title: one.measures[0].Title, Value: v.value.Value, Low: v.value.Low, High: v.value.High}
		if v.skipped != "" {
			row.Note = "not run: " + v.skipped
			e = report.Estimate{Title: e.Title, Value: none, Low: none, High: none}
			row.P = none
		}
		row.Estimates = []report.Estimate{e}
		c.Rows = append(c.Rows, row)
	}
	if stood {
		c.Caption += " Where no image is left for the network to read, the linear model that is named stands in for it."
	}
	return []report.Comparison{c}
}

// nullTable shows what the procedure scores when there is nothing to find.
func (one *outcomeRun) nullTable() (report.Table, bool) {
	n := one.honest.null
	if n == nil {
		return report.Table{}, false
	}
	sorted := slices.Sorted(slices.Values(n.Scores))
	t := report.Table{Title: "When there is nothing to find", Head: []string{"", one.measures[0].Title}}
	t.Caption = fmt.Sprintf("The whole procedure on outcomes shuffled among patients (within site, where the cohort has sites), one repeat each, with hyper-parameters at the run's most frequent choice: p = (%d+1)/(%d+1) = %s.",
		n.AtLeast, len(n.Scores), strconv.FormatFloat(n.P, 'g', 3, 64))
	if n.Settled {
		t.Caption += fmt.Sprintf(" Stopped after %d of %d, because p could no longer become small.", len(n.Scores), n.Asked)
	}
	t.Rows = [][]string{{"observed, one repeat", report.Number(n.Observed)}, {"shuffled, median", report.Number(stat.Quantile(sorted, 0.5))},
		{"shuffled, 95 of 100 lie below", report.Number(stat.Quantile(sorted, 0.95))}, {"permutations", strconv.Itoa(len(n.Scores))}}
	return t, true
}

// cutNote says what the budget or the data left out.
func (h honest) cutNote() []string {
	if h.nullNote == "" {
		return nil
	}
	return []string{h.nullNote}
}
