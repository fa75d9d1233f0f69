package train

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models/pipeline"
	"github.com/voxgene/voxgene/models/survival"
	"github.com/voxgene/voxgene/train/config"
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
	Events   *int     `json:"events"`   // or patients of the last of two classes; null below ten
	Measure  string   `json:"measure,omitempty"`
	Value    *float64 `json:"value"`
	Low      *float64 `json:"low"`
	High     *float64 `json:"high"`
	Note     string   `json:"note,omitempty"`
}

// smallest is the number of patients below which a group is not described.
const smallest = 10

// usualGroups are the bare names of the columns that subgroups: auto takes.
var usualGroups = []string{"sex", "gender", "age", "age_at_diagnosis", "age_years"}

// subgroupNames are those of honest.subgroups, with auto spelt out.
func (r *run) subgroupNames() []string {
	var out []string
	for _, name := range r.e.Honest.Subgroups {
		if name != config.AutoSubgroups {
			out = append(out, name)
			continue
		}
		for _, c := range r.all.Columns {
			if c.Group == "clinical" && slices.Contains(usualGroups, strings.ToLower(pipeline.Bare(c))) {
				out = append(out, c.Name)
			}
		}
		if r.cohort.Sites != nil {
			out = append(out, r.e.Config.Cohort.Site)
		}
	}
	return out
}

// groupings resolves honest.subgroups: columns of the feature table by full or bare name, or the cohort's site.
func (r *run) groupings(one *outcomeRun) ([]grouping, error) {
	var out []grouping
	for _, name := range r.subgroupNames() {
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

// bySubgroup judges out-of-fold predictions, averaged over repeats, within each group: AUC with DeLong's interval (samples of patients where
// there are more than two classes), or Harrell's C with that of its jackknife; where patients have several rows, with percentiles of
// samples of patients.
func (one *outcomeRun) bySubgroup(level float64) []SubgroupMetrics {
	if len(one.groups) == 0 {
		return nil
	}
	p := one.result.Pool(-1, len(one.rows))
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
			n := patientsIn(pickRows(one.study.Rows.Patient, rows))
			if n < smallest {
				m.Note = "fewer than ten patients"
				out = append(out, m)
				continue
			}
			m.Patients = &n
			y, part := one.y.Select(rows), p.Prediction.Select(at)
			switch {
			case one.y.Kind == clinical.Survival:
				m.judgeSurvival(y, part, level)
			case len(one.y.Classes) == 2:
				m.judgeBinary(y, part, level)
			default:
				m.judgeClasses(y, part, level, one.study.Seed.Split("subgroup", one.y.Name, g.name, label))
			}
			if m.Events != nil && *m.Events < smallest {
				m.Events = nil
			}
			if m.Value != nil && n < len(rows) { // formulas would count every row as a patient of its own
				m.Events = nil // of rows
				m.Low, m.High = one.groupInterval(y, part, pickRows(one.study.Rows.Patient, rows), level, one.study.Seed.Split("subgroup patients", one.y.Name, g.name, label))
			}
			out = append(out, m)
		}
	}
	return out
}

func (m *SubgroupMetrics) judgeSurvival(y clinical.Outcome, p validate.Prediction, level float64) {
	m.Measure = "c_index"
	n := 0
	for _, e := range y.Event {
		if e > 0 {
			n++
		}
	}
	m.Events, m.Note = &n, "no comparable pair"
	obs, err := survival.Observations(y)
	if err != nil {
		return
	}
	c, err := survival.Rank(survival.Cause(obs, 1), p.Risk, survival.ConcordanceOptions{})
	if err != nil || math.IsNaN(c.C) {
		return
	}
	half := distuv.UnitNormal.Quantile((1+level)/2) * c.StdErr
	m.Value, m.Low, m.High, m.Note = finite(c.C), finite(max(0, c.C-half)), finite(min(1, c.C+half)), ""
}

func (m *SubgroupMetrics) judgeBinary(y clinical.Outcome, p validate.Prediction, level float64) {
	m.Measure, m.Note = "auc", "too few of a class"
	b, err := validate.Binary(y, p)
	if err != nil {
		return
	}
	n := b.Positives()
	m.Events = &n
	if b.Positives() < 2 || b.Negatives() < 2 {
		return
	}
	low, high := b.AUCInterval(level)
	m.Value, m.Low, m.High, m.Note = finite(b.AUC()), finite(low), finite(high), ""
}

func (m *SubgroupMetrics) judgeClasses(y clinical.Outcome, p validate.Prediction, level float64, seed work.Seed) {
	m.Measure, m.Note = "auc", "a class is missing"
	measure := validate.Score(y)
	value := measure.Of(y, p)
	if math.IsNaN(value) {
		return
	}
	m.Value, m.Note = finite(value), ""
	rng := seed.Rand()
	var drawn []float64
	rows := make([]int, len(y.Class))
	for range resamples {
		for i := range rows {
			rows[i] = rng.IntN(len(rows))
		}
		if v := measure.Of(y.Select(rows), p.Select(rows)); !math.IsNaN(v) {
			drawn = append(drawn, v)
		}
	}
	m.Low, m.High = percentileLimits(drawn, level)
}

// groupInterval is that of samples of a group's patients, each with all rows; patient has that of each row.
func (one *outcomeRun) groupInterval(y clinical.Outcome, p validate.Prediction, patient []int, level float64, seed work.Seed) (low, high *float64) {
	of := map[int][]int{}
	var patients []int
	for i, id := range patient {
		if of[id] == nil {
			patients = append(patients, id)
		}
		of[id] = append(of[id], i)
	}
	measure := validate.Score(y)
	rng := seed.Rand()
	var drawn []float64
	for range resamples {
		var at []int
		for range patients {
			at = append(at, of[patients[rng.IntN(len(patients))]]...)
		}
		if v := measure.Of(y.Select(at), p.Select(at)); !math.IsNaN(v) {
			drawn = append(drawn, v)
		}
	}
	return percentileLimits(drawn, level)
}

func (one *outcomeRun) subgroupTable() (report.Table, bool) {
	if len(one.subgroups) == 0 {
		return report.Table{}, false
	}
	t := report.Table{Title: "By subgroup", Caption: "Out-of-fold predictions, averaged over repeats, within each group; interval by DeLong (AUC of two classes), jackknife (C), or 1,000 bootstrap samples of patients (AUC of more classes). Numbers below ten are not given.",
		Head: []string{"column", "group", "patients", "events", "estimate", "interval"}}
	if one.y.Kind == clinical.Class {
		t.Head[3] = one.y.Classes[len(one.y.Classes)-1]
		if len(one.y.Classes) > 2 {
			t.Head = slices.Delete(t.Head, 3, 4)
		}
	}
	for _, m := range one.subgroups {
		row := []string{m.Column, m.Group, "< 10", "< 10", m.Note, ""}
		if m.Patients != nil {
			row[2] = strconv.Itoa(*m.Patients)
		}
		if m.Events != nil {
			row[3] = strconv.Itoa(*m.Events)
		}
		if m.Value != nil {
			row[4] = report.Number(*m.Value)
			if m.Low != nil && m.High != nil {
				row[5] = report.Number(*m.Low) + " to " + report.Number(*m.High)
			}
		}
		if len(t.Head) == 5 {
			row = slices.Delete(row, 3, 4)
		}
		t.Rows = append(t.Rows, row)
	}
	return t, true
}
