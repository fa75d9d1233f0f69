package train

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/train/report"
)

// variantRows shows baselines or the ablation below the procedure.
func (one *outcomeRun) variantRows(title, caption string, all []variant) []report.Comparison {
	if len(all) == 0 {
		return nil
	}
	c := report.Comparison{Title: title, Caption: caption}
	for _, v := range all {
		row := report.Row{Name: v.name, P: v.against, Note: fmt.Sprintf("%d columns", v.columns)}
		if v.columns == 1 {
			row.Note = "1 column"
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
