package train

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"

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
	columns       []contribution // most first
	swarm         []figure.Swarm // of the first columns, for the last class or time explained
	// overTime are the mean absolute contributions to survival at several times of the columns that count most there.
	overTime   []figure.Curve
	overMethod string
	overExact  bool
	overRows   int
}

type contribution struct {
	name string
	mean float64 // of |SHAP value| over rows, and over classes where there are several
}

// Rows that the report explains: exact methods are fast, sampled ones are not.
const (
	explainExact   = 500
	explainSampled = 40
	swarmColumns   = 10
)

// explain measures contributions on the training rows of the model that is kept. x are its columns.
func (one *outcomeRun) explain(x models.Matrix) error {
	r := explain.Request{Background: one.kept.Background}
	first, err := explain.Explain(one.kept.Model, x.Select([]int{0}), r)
	if err != nil {
		return err
	}
	limit := explainSampled
	if len(first[0]) > 0 && first[0][0].Exact {
		limit = explainExact
	}
	rows := seq(x.Rows)
	if x.Rows > limit {
		for k := range limit {
			rows[k] = k * x.Rows / limit
		}
		rows = rows[:limit]
	}
	all, err := explain.Explain(one.kept.Model, x.Select(rows), r)
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
	for _, j := range order[:min(swarmColumns, len(order))] {
		s := figure.Swarm{Name: x.Columns[j].Name}
		if one.importance.columns[j].mean == 0 {
			break
		}
		for i, row := range all {
			if len(row) > 0 {
				s.Contributions, s.Values = append(s.Contributions, row[len(row)-1].Values[j]), append(s.Values, x.Column(j)[rows[i]])
			}
		}
		one.importance.swarm = append(one.importance.swarm, s)
	}
	slices.SortStableFunc(one.importance.columns, func(a, b contribution) int { return cmp.Compare(b.mean, a.mean) })
	return nil
}

const (
	overTimePoints  = 5
	overTimeRows    = 20
	overTimeColumns = 6
)

// explainOverTime measures contributions to survival at times spread over the follow-up, on some of the training rows.
func (one *outcomeRun) explainOverTime(x models.Matrix) error {
	n := len(one.study.Times)
	if one.y.Kind != clinical.Survival || n < overTimePoints || one.kept.Background == nil {
		return nil
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
	all, err := explain.Explain(one.kept.Model, x.Select(rows), r)
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
	f, err := figure.Bars("", "mean |SHAP value|, "+im.scale, bars)
	exact := "exact"
	if !im.exact {
		exact = "sampled"
	}
	return report.Figure{Title: "What contributed to its estimates", SVG: template.HTML(f.SVG), Wide: true,
		Caption: fmt.Sprintf("The model that is kept, on %d of its own training rows; SHAP values by the method %s (%s). %d of %d columns contribute. A contribution is to the estimate; it is not a cause.",
			im.rows, im.method, exact, used, len(im.columns))}, true, err
}

// swarmFigure draws the contributions of the strongest columns patient by patient.
func (one *outcomeRun) swarmFigure() (report.Figure, bool, error) {
	if len(one.importance.swarm) == 0 {
		return report.Figure{}, false, nil
	}
	f, err := figure.Beeswarm("", "SHAP value, "+one.importance.scale, one.importance.swarm)
	caption := "A point a training patient, shaded by the value that reached the model, dark for low."
	if one.y.Kind == clinical.Class && len(one.y.Classes) > 2 {
		caption += " For class " + one.y.Classes[len(one.y.Classes)-1] + "."
	}
	return report.Figure{Title: "Contributions, patient by patient", Caption: caption, SVG: template.HTML(f.SVG), Wide: true}, true, err
}
