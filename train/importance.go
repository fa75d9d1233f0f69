package train

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/explain"
	"github.com/voxgene/voxgene/models/figure"
	"github.com/voxgene/voxgene/train/report"
)

// importance is how much the columns contributed to the estimates of the model that is kept.
type importance struct {
	method, scale string
	exact         bool
	rows          int
	columns       []contribution // most first, images behind columns before they are sorted
	images        int            // of columns, those that are images
	swarms        []swarm        // of the first columns
	// overTime are the mean absolute contributions to survival at several times of the columns that count most there.
	overTime   []figure.Curve
	overMethod string
	overExact  bool
	overRows   int
}

// swarm is contributions patient by patient: those to a class where there are more than two.
type swarm struct {
	class string
	rows  []figure.Swarm
}

type contribution struct {
	name string
	mean float64 // of |SHAP value| over rows, and over classes where there are several
}

// Rows that the report explains: exact methods are fast, sampled ones are not, and gradients of images are slow.
const (
	explainExact   = 500
	explainSampled = 40
	explainImages  = 12
	swarmColumns   = 10
	swarmsMost     = 5 // classes drawn, and columns of each
)

// explain measures contributions on the training rows of the model that is kept. x are its columns.
func (one *outcomeRun) explain(ctx context.Context, x models.Matrix) error {
	r := explain.Request{Background: one.kept.Background}
	first, err := explain.Explain(ctx, one.kept.Model, x.Select([]int{0}), r)
	if err != nil {
		return err
	}
	limit := explainSampled
	if len(first[0]) > 0 && first[0][0].Exact {
		limit = explainExact
	} else if len(first[0]) > 0 && len(first[0][0].Images) > 0 {
		limit = explainImages
	}
	rows := seq(x.Rows)
	if x.Rows > limit {
		for k := range limit {
			rows[k] = k * x.Rows / limit
		}
		rows = rows[:limit]
	}
	all, err := explain.Explain(ctx, one.kept.Model, x.Select(rows), r)
	if err != nil {
		return err
	}
	one.importance = importance{rows: len(rows), columns: make([]contribution, len(x.Columns))}
	for j, c := range x.Columns {
		one.importance.columns[j].name = c.Name
	}
	n := 0.0
	for _, row := range all {
		for _, a := range row {
			one.importance.method, one.importance.scale, one.importance.exact = a.Method, a.Scale, a.Exact
			n++
			for j, v := range a.Values {
				one.importance.columns[j].mean += math.Abs(v)
			}
			for k, s := range a.Images {
				if len(one.importance.columns) == len(x.Columns)+k {
					one.importance.columns = append(one.importance.columns, contribution{name: s.Source + imageSuffix})
					one.importance.images++
				}
				one.importance.columns[len(x.Columns)+k].mean += math.Abs(s.Value)
			}
		}
	}
	for j := range one.importance.columns {
		one.importance.columns[j].mean /= max(n, 1)
	}
	order := seq(len(x.Columns))
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(one.importance.columns[b].mean, one.importance.columns[a].mean)
	})
	for _, j := range order {
		c := x.Columns[j]
		if len(one.kept.Strongest) == swarmColumns || one.importance.columns[j].mean == 0 {
			break
		}
		name := c.Name
		if len(c.From) == 1 {
			name = c.From[0]
		}
		if c.Kind == table.Numeric && len(c.From) <= 1 && !slices.Contains(one.kept.Strongest, name) {
			one.kept.Strongest = append(one.kept.Strongest, name)
		}
	}
	one.swarm(x, rows, all)
	slices.SortStableFunc(one.importance.columns, func(a, b contribution) int { return cmp.Compare(b.mean, a.mean) })
	return nil
}

// swarm keeps the contributions of the columns that count most, to the last class or time explained, or to each of several classes.
func (one *outcomeRun) swarm(x models.Matrix, rows []int, all [][]models.Attribution) {
	if len(all) == 0 || len(all[0]) == 0 {
		return
	}
	last, most := len(all[0])-1, swarmColumns
	first := last
	if one.y.Kind == clinical.Class && len(one.y.Classes) > 2 {
		first, last, most = 0, min(last, swarmsMost-1), swarmsMost
	}
	for k := first; k <= last; k++ {
		total := make([]float64, len(x.Columns))
		for _, row := range all {
			for j, v := range row[k].Values {
				total[j] += math.Abs(v)
			}
		}
		order := seq(len(x.Columns))
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(total[b], total[a]) })
		s := swarm{}
		if first < last {
			s.class = all[0][k].Class
		}
		for _, j := range order[:min(most, len(order))] {
			if total[j] == 0 {
				break
			}
			line := figure.Swarm{Name: x.Columns[j].Name}
			for i, row := range all {
				line.Contributions, line.Values = append(line.Contributions, row[k].Values[j]), append(line.Values, x.Column(j)[rows[i]])
			}
			s.rows = append(s.rows, line)
		}
		if len(s.rows) > 0 {
			one.importance.swarms = append(one.importance.swarms, s)
		}
	}
}

const (
	overTimePoints  = 5
	overTimeRows    = 20
	overTimeColumns = 6
)

// explainOverTime measures contributions to survival at times spread over the follow-up, on some of the training rows.
func (one *outcomeRun) explainOverTime(ctx context.Context, x models.Matrix) error {
	n := len(one.study.Times)
	if one.y.Kind != clinical.Survival || n < overTimePoints || one.kept.Background == nil {
		return nil
	}
	if len(one.importance.columns) > len(x.Columns) {
		return nil // images are explained: gradients at every time take minutes, which voxgene explain --at is for
	}
	r := explain.Request{Background: one.kept.Background, Scale: explain.Survival}
	for k := range overTimePoints {
		r.Times = append(r.Times, one.study.Times[(k+1)*n/overTimePoints-1])
	}
	if _, err := explain.New(one.kept.Model, r); err != nil {
		return nil // curves that end earlier, or a model without any
	}
	rows := seq(x.Rows)
	if x.Rows > overTimeRows {
		for k := range overTimeRows {
			rows[k] = k * x.Rows / overTimeRows
		}
		rows = rows[:overTimeRows]
	}
	all, err := explain.Explain(ctx, one.kept.Model, x.Select(rows), r)
	if err != nil {
		return err
	}
	means, total := make([][]float64, len(x.Columns)), make([]float64, len(x.Columns))
	for j := range means {
		means[j] = make([]float64, len(r.Times))
		for _, list := range all {
			for k, a := range list {
				means[j][k] += math.Abs(a.Values[j]) / float64(len(all))
			}
		}
		for _, v := range means[j] {
			total[j] += v
		}
	}
	order := seq(len(x.Columns))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(total[b], total[a]) })
	im := &one.importance
	im.overMethod, im.overExact, im.overRows = all[0][0].Method, all[0][0].Exact, len(rows)
	for _, j := range order[:min(overTimeColumns, len(order))] {
		if total[j] > 0 {
			im.overTime = append(im.overTime, figure.Curve{Name: x.Columns[j].Name, X: r.Times, Y: means[j]})
		}
	}
	return nil
}

// contributionsOverTime draws them.
func (one *outcomeRun) contributionsOverTime() (report.Figure, bool, error) {
	im := one.importance
	if len(im.overTime) == 0 {
		return report.Figure{}, false, nil
	}
	exact := "exact"
	if !im.overExact {
		exact = "sampled"
	}
	f, err := figure.Lines("", "Time ("+one.y.Unit+")", "mean |SHAP value|, survival", im.overTime)
	return report.Figure{Title: "Contributions over time", SVG: template.HTML(f.SVG),
		Caption: fmt.Sprintf("To the estimated survival at each time: the model that is kept, on %d of its own training rows; SHAP values by the method %s (%s).", im.overRows, im.overMethod, exact)}, true, err
}

// importanceFigure draws the strongest columns.
func (one *outcomeRun) importanceFigure() (report.Figure, bool, error) {
	const most = 15
	im := one.importance
	var bars []figure.Bar
	used := 0
	for _, c := range im.columns {
		if c.mean > 0 {
			used++
			if len(bars) < most {
				bars = append(bars, figure.Bar{Name: c.name, Value: c.mean})
			}
		}
	}
	if len(bars) == 0 {
		return report.Figure{}, false, nil
	}
	f, err := figure.Bars("", "mean |"+im.value()+"|, "+im.scale, bars)
	return report.Figure{Title: "What contributed to its estimates", SVG: template.HTML(f.SVG), Wide: true,
		Caption: fmt.Sprintf("The model that is kept, on %d of its own training rows; %s. %s contribute. A contribution is to the estimate; it is not a cause.",
			im.rows, im.how(), im.count(used))}, true, err
}

// value names a contribution: by gradients it is no Shapley value of columns that are left out, but of a straight way.
func (im *importance) value() string {
	if im.gradients() {
		return "contribution"
	}
	return "SHAP value"
}

func (im *importance) gradients() bool {
	return im.method == explain.ExpectedGradients || im.method == explain.IntegratedGradients
}

// how says by which method contributions were found.
func (im *importance) how() string {
	switch {
	case im.gradients():
		return fmt.Sprintf("contributions by %s, which sum to the output but for a gap of rounding and steps", strings.ReplaceAll(im.method, "_", " "))
	case im.exact:
		return fmt.Sprintf("SHAP values by the method %s (exact)", im.method)
	}
	return fmt.Sprintf("SHAP values by the method %s (sampled)", im.method)
}

// count says how many columns and images contribute.
func (im *importance) count(used int) string {
	if im.images == 0 {
		return fmt.Sprintf("%d of %d columns", used, len(im.columns))
	}
	seen := 0
	for _, c := range im.columns {
		if c.mean > 0 && strings.HasSuffix(c.name, imageSuffix) {
			seen++
		}
	}
	columns := len(im.columns) - im.images
	if used == seen { // a network over images alone
		columns = 0
	}
	text := fmt.Sprintf("%d of %d images", seen, im.images)
	if columns > 0 {
		text += fmt.Sprintf(" and %d of %d columns", used-seen, columns)
	}
	return text
}

// imageSuffix follows a source's name where its image is meant.
const imageSuffix = " (image)"

// swarmFigures draw the contributions of the strongest columns patient by patient.
func (one *outcomeRun) swarmFigures() ([]report.Figure, error) {
	var out []report.Figure
	for _, s := range one.importance.swarms {
		f, err := figure.Beeswarm("", one.importance.value()+", "+one.importance.scale, s.rows)
		if err != nil {
			return nil, err
		}
		title := "Contributions, patient by patient"
		if s.class != "" {
			title += ": " + s.class
		}
		out = append(out, report.Figure{Title: title, Caption: "A point a training patient, shaded by the value that reached the model, dark for low.", SVG: template.HTML(f.SVG), Wide: true})
	}
	return out, nil
}
