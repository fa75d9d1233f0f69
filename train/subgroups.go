package train

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models/pipeline"
	"github.com/voxgene/voxgene/models/survival"
	"github.com/voxgene/voxgene/train/report"
	"github.com/voxgene/voxgene/train/validate"

	"gonum.org/v1/gonum/stat/distuv"
)

// grouping divides the rows of an outcome by one column.
type grouping struct {
	name   string
	labels []string
	of     []int // label of each row; -1 where it is missing
}

// SubgroupMetrics judges the procedure on part of the patients. Numbers of fewer than ten patients are not given.
type SubgroupMetrics struct {
	Column   string   `json:"column"`
	Group    string   `json:"group"`
	Patients *int     `json:"patients"` // null below ten
	Measure  string   `json:"measure,omitempty"`
	Value    *float64 `json:"value"`
	Low      *float64 `json:"low"`
	High     *float64 `json:"high"`
	Note     string   `json:"note,omitempty"`
}

// smallest is the number of patients below which a group is not described.
const smallest = 10

// groupings resolves honest.subgroups: columns of the feature table by full or bare name, or the cohort's site.
func (r *run) groupings(one *outcomeRun) ([]grouping, error) {
	var out []grouping
	for _, name := range r.e.Honest.Subgroups {
		found := slices.IndexFunc(r.all.Columns, func(c table.Column) bool { return c.Name == name || pipeline.Bare(c) == name })
		switch {
		case found >= 0:
			out = append(out, divide(r.all.Columns[found], pickRows(r.all.Column(found), one.rows)))
		case name == r.e.Config.Cohort.Site && r.cohort.Sites != nil:
			g := grouping{name: name}
			sites := pickRows(r.cohort.Sites, one.rows)
			g.labels = slices.Compact(slices.Sorted(slices.Values(sites)))
			for _, s := range sites {
				g.of = append(g.of, slices.Index(g.labels, s))
			}
			out = append(out, g)
		default:
			return nil, fmt.Errorf("honest.subgroups: there is no column %q, and it is not the cohort's site", name)
		}
	}
	return out, nil
}

// divide makes groups of a column: its levels, or thirds of a number with more than five values.
func divide(c table.Column, v []float64) grouping {
	g := grouping{name: c.Name, of: make([]int, len(v)), labels: c.Levels}
	if c.Kind != table.Numeric {
		for i, x := range v {
			g.of[i] = -1
			if x >= 0 && int(x) < len(c.Levels) {
				g.of[i] = int(x)
			}
		}
		return g
	}
	known := slices.Sorted(slices.Values(slices.DeleteFunc(slices.Clone(v), math.IsNaN)))
	distinct := slices.Compact(slices.Clone(known))
	if len(distinct) <= 5 {
		for _, x := range distinct {
			g.labels = append(g.labels, strconv.FormatFloat(x, 'g', -1, 64))
		}
		for i, x := range v {
			g.of[i] = slices.Index(distinct, x)
		}
		return g
	}
	low, high := stat.Quantile(known, 1.0/3), stat.Quantile(known, 2.0/3)
	g.labels = []string{fmt.Sprintf("to %.4g", low), fmt.Sprintf("%.4g to %.4g", low, high), fmt.Sprintf("above %.4g", high)}
	for i, x := range v {
		switch {
		case math.IsNaN(x):
			g.of[i] = -1
		case x > high:
			g.of[i] = 2
		case x > low:
			g.of[i] = 1
		}
	}
	return g
}

// bySubgroup judges out-of-fold predictions, averaged over repeats, within each group: AUC with DeLong's interval, or Harrell's C
// with that of its jackknife.
func (one *outcomeRun) bySubgroup(level float64) []SubgroupMetrics {
	if len(one.groups) == 0 || one.y.Kind == clinical.Class && len(one.y.Classes) != 2 {
		return nil
	}
	p := one.result.Pool(-1, len(one.rows))
	z := distuv.UnitNormal.Quantile((1 + level) / 2)
	var out []SubgroupMetrics
	for _, g := range one.groups {
		for k, label := range g.labels {
			var at, rows []int // in the pool, and of the outcome
			for i, row := range p.Rows {
				if g.of[row] == k {
					at, rows = append(at, i), append(rows, row)
				}
			}
			m := SubgroupMetrics{Column: g.name, Group: label}
			if len(at) < smallest {
				m.Note = "fewer than ten patients"
				out = append(out, m)
				continue
			}
			n := len(at)
			m.Patients = &n
			y := one.y.Select(rows)
			if one.y.Kind == clinical.Class {
				var sub validate.Prediction
				for _, i := range at {
					sub.Probabilities = append(sub.Probabilities, p.Probabilities[2*i], p.Probabilities[2*i+1])
				}
				m.Measure = "auc"
				b, err := validate.Binary(y, sub)
				if err != nil || b.Positives() < 2 || b.Negatives() < 2 {
					m.Note = "too few of a class"
				} else {
					low, high := b.AUCInterval(level)
					m.Value, m.Low, m.High = finite(b.AUC()), finite(low), finite(high)
				}
			} else {
				var risk []float64
				for _, i := range at {
					risk = append(risk, p.Risk[i])
				}
				m.Measure = "c_index"
				obs, err := survival.Observations(y)
				if err == nil {
					var c survival.Concordance
					if c, err = survival.Rank(survival.Cause(obs, 1), risk, survival.ConcordanceOptions{}); err == nil {
						m.Value, m.Low, m.High = finite(c.C), finite(max(0, c.C-z*c.StdErr)), finite(min(1, c.C+z*c.StdErr))
					}
				}
				if m.Value == nil {
					m.Note = "no comparable pair"
				}
			}
			out = append(out, m)
		}
	}
	return out
}

func (one *outcomeRun) subgroupTable() (report.Table, bool) {
	if len(one.subgroups) == 0 {
		return report.Table{}, false
	}
	t := report.Table{Title: "By subgroup", Caption: "Out-of-fold predictions, averaged over repeats, within each group; interval by DeLong (AUC) or jackknife (C). Groups of fewer than ten patients are not described.",
		Head: []string{"column", "group", "patients", "estimate", "interval"}}
	for _, m := range one.subgroups {
		row := []string{m.Column, m.Group, "< 10", m.Note, ""}
		if m.Patients != nil {
			row[2] = strconv.Itoa(*m.Patients)
		}
		if m.Value != nil {
			row[3] = report.Number(*m.Value)
			if m.Low != nil && m.High != nil {
				row[4] = report.Number(*m.Low) + " to " + report.Number(*m.High)
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t, true
}
