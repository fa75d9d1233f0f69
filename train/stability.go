package train

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"

	"github.com/voxgene/voxgene/models/explain"
	"github.com/voxgene/voxgene/models/figure"
	"github.com/voxgene/voxgene/train/report"
)

// Stability is how alike the outer folds' models are in what they use, in metrics.json. Contributions are of test rows, so they are of
// patients whom the models had not seen.
type Stability struct {
	Folds int `json:"folds"` // whose winner can be explained exactly
	// Rank is the mean Spearman correlation of the contributions of two folds, Top how many columns count as the first ones, and Chosen
	// Nogueira's stability of that choice.
	Rank    *float64       `json:"rank"`
	Top     int            `json:"top"`
	Chosen  *float64       `json:"chosen"`
	Columns []StableColumn `json:"columns"` // most first, at most 30
}

// StableColumn is a column's share of all contributions, over folds.
type StableColumn struct {
	Column string  `json:"column"`
	Share  float64 `json:"share"` // mean over folds
	Low    float64 `json:"low"`   // least and greatest
	High   float64 `json:"high"`
	InTop  float64 `json:"in_top"` // share of folds that have it among the first
}

const (
	stableTop     = 10
	stableColumns = 30
)

// stability compares the folds; nil where fewer than two can be explained.
func (one *outcomeRun) stability() *Stability {
	place := map[string]int{}
	var names []string
	var fits [][]float64
	for _, f := range one.result.Folds {
		for _, c := range f.Columns {
			if _, ok := place[c]; f.Contributions != nil && !ok {
				place[c] = len(names)
				names = append(names, c)
			}
		}
	}
	for _, f := range one.result.Folds {
		total := 0.0
		for _, v := range f.Contributions {
			total += v
		}
		if len(f.Contributions) != len(f.Columns) || !(total > 0) {
			continue
		}
		shares := make([]float64, len(names))
		for j, c := range f.Columns {
			shares[place[c]] = f.Contributions[j] / total
		}
		fits = append(fits, shares)
	}
	if len(fits) < 2 || len(names) < 2 {
		return nil
	}
	s, err := explain.MeasureStability(fits, min(stableTop, (len(names)+1)/2))
	if err != nil {
		return nil
	}
	out := &Stability{Folds: len(fits), Rank: finite(s.Rank), Top: s.Top, Chosen: finite(s.Chosen)}
	for j, name := range names {
		c := StableColumn{Column: name, Low: math.Inf(1), InTop: math.Round(s.Frequency[j]*float64(len(fits))) / float64(len(fits))}
		for _, f := range fits {
			c.Share += f[j] / float64(len(fits))
			c.Low, c.High = min(c.Low, f[j]), max(c.High, f[j])
		}
		if c.Share > 0 {
			out.Columns = append(out.Columns, c)
		}
	}
	slices.SortFunc(out.Columns, func(a, b StableColumn) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.Column, b.Column))
	})
	out.Columns = out.Columns[:min(len(out.Columns), stableColumns)]
	return out
}

// stabilityFigure draws the columns' shares with their spread over folds.
func (one *outcomeRun) stabilityFigure() (report.Figure, bool, error) {
	const most = 15
	s := one.stability()
	if s == nil || len(s.Columns) == 0 {
		return report.Figure{}, false, nil
	}
	var bars []figure.Bar
	for _, c := range s.Columns[:min(most, len(s.Columns))] {
		bars = append(bars, figure.Bar{Name: c.Column, Value: c.Share, Low: c.Low, High: c.High})
	}
	f, err := figure.Bars("", "share of all |SHAP values|, mean and range over folds", bars)
	caption := fmt.Sprintf("The winner of each of %d folds on that fold's test patients, whom it had not seen; SHAP values, exact.", s.Folds)
	if s.Rank != nil {
		caption += fmt.Sprintf(" Two folds' contributions have a rank correlation of %.2f on average.", *s.Rank)
	}
	if s.Chosen != nil {
		caption += fmt.Sprintf(" The first %d columns as a choice have a stability of %.2f (Nogueira and others 2018; 1 where every fold agrees, 0 where folds agree by chance).", s.Top, *s.Chosen)
	}
	return report.Figure{Title: "Contributions out of fold, and how stable they are", SVG: template.HTML(f.SVG), Wide: true, Caption: caption}, true, err
}
