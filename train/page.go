package train

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/train/leakage"
	"github.com/voxgene/voxgene/train/report"
	"github.com/voxgene/voxgene/train/validate"
)

// page renders report.html.
func (r *run) page() ([]byte, error) {
	p := report.Report{Kind: "training", Name: r.e.Name, Made: r.started, Seconds: time.Since(r.started).Seconds(), Config: string(r.canon), Level: r.e.Validation.Level, Whole: true}
	p.Flow, p.Sources, p.Tables = r.flow(), r.sources(), r.tableOne()
	var err error
	if r.foreign {
		p.Kind = "predictions made elsewhere"
	} else if p.Pipeline, err = r.steps(); err != nil {
		return nil, err
	}
	for _, one := range r.results {
		o, err := r.section(one)
		if err != nil {
			return nil, fmt.Errorf("report of outcome %s: %w", one.y.Name, err)
		}
		p.Outcomes = append(p.Outcomes, o)
		p.Plan = append(p.Plan, one.honest.said...)
	}
	p.Audit = r.findings()
	if !r.foreign {
		p.Plan = append(p.Plan, fmt.Sprintf("%d fits of a model in all; those of the estimates took %s", r.fits, report.Seconds(r.work())))
	}
	for _, k := range sortedKeys(r.e.Study) {
		p.Study = append(p.Study, report.Pair{Name: k, Value: r.e.Study[k]})
	}
	r.reproduce(&p)
	p.Checklists, p.Card = r.checklists(), r.card()
	var b bytes.Buffer
	err = p.Write(&b)
	return b.Bytes(), err
}

// steps are those of the pipeline, with their options.
func (r *run) steps() ([]string, error) {
	var out []string
	for _, s := range r.e.Pipeline {
		text := s.Step
		if len(s.On) > 0 {
			text += " on " + strings.Join(s.On, ", ")
		}
		options, err := json.Marshal(s.Options)
		if err != nil {
			return nil, err
		}
		out = append(out, text+" "+string(options))
	}
	return out, nil
}

// findings are those of the audit of every outcome and what else to know before any number, warnings first.
func (r *run) findings() []report.Finding {
	var out []report.Finding
	if r.locked != nil {
		level := leakage.Note
		if r.lockedWarn {
			level = leakage.Warning
		}
		out = append(out, report.Finding{Level: level, Text: r.lockedNote})
	}
	for _, w := range r.cohort.Warnings {
		out = append(out, report.Finding{Level: leakage.Warning, Text: w})
	}
	for _, n := range r.cohort.Notes {
		out = append(out, report.Finding{Level: leakage.Note, Text: n})
	}
	for _, one := range r.results {
		for _, f := range one.audit {
			out = append(out, report.Finding{Level: f.Level, Text: one.y.Name + ": " + f.Text})
		}
		if len(one.known) > 0 {
			out = append(out, report.Finding{Level: leakage.Note, Text: fmt.Sprintf("%s: kept out, because the outcome can be told from them: %s (%d in all).",
				one.y.Name, short(one.known, 12), len(one.known))})
		}
	}
	slices.SortStableFunc(out, func(a, b report.Finding) int { return strings.Compare(b.Level, a.Level) })
	return out
}

// work is the time that fits took, over all processors.
func (r *run) work() float64 {
	s := 0.0
	for _, one := range r.results {
		s += one.result.Seconds
	}
	return s
}

// section is one outcome's part of the report.
func (r *run) section(one *outcomeRun) (report.Outcome, error) {
	level := r.e.Validation.Level
	o := report.Outcome{Name: one.y.Name, Kind: string(one.y.Kind), Interval: one.interval, Notes: one.notes, Warnings: one.warnings(level)}
	o.Description = fmt.Sprintf("%s, %d candidate columns. %s. %s", one.counts(), len(one.x.Columns), r.describe(one), one.perVariable().text())
	if one.readsNoColumn() {
		o.Description = fmt.Sprintf("%s; the models read crops of images and no column. %s. %s", one.counts(), r.describe(one), one.perVariable().text())
	}
	if r.foreign {
		o.Description = fmt.Sprintf("%s. %s.", one.counts(), r.describe(one))
	}
	if len(one.y.Classes) == 2 {
		o.Description += fmt.Sprintf(" Probabilities, sensitivity and precision are of %s.", one.y.Classes[1])
	}
	for _, m := range one.measures {
		e := one.estimate(m, -1, level)
		o.Headline = append(o.Headline, report.Estimate{Title: m.Title, Value: e.Value, Low: e.Low, High: e.High})
	}
	o.Verdict = r.verdict(one)
	if len(one.models) > 1 {
		o.Comparisons = append(o.Comparisons, r.comparison(one))
	}
	o.Comparisons = append(o.Comparisons, one.honestRows()...)
	o.Warnings = append(o.Warnings, one.honest.cutNote()...)
	var err error
	if o.Figures, err = one.figures(level); err != nil {
		return o, err
	}
	for _, draw := range []func() (report.Figure, bool, error){one.stabilityFigure, one.importanceFigure, one.contributionsOverTime} {
		f, ok, err := draw()
		if err != nil {
			return o, err
		}
		if ok {
			o.Figures = append(o.Figures, f)
		}
	}
	swarms, err := one.swarmFigures()
	if err != nil {
		return o, err
	}
	o.Figures = append(o.Figures, swarms...)
	calibration := func() (report.Table, bool) { return one.calibrationMeasures(level) }
	overTime := func() (report.Table, bool) { return one.overTimeTable(level) }
	for _, table := range []func() (report.Table, bool){calibration, overTime, one.foldTable, one.againstTable, one.nullTable, one.conformalTable, one.subgroupTable, one.chosenTable} {
		if t, ok := table(); ok {
			o.Tables = append(o.Tables, t)
		}
	}
	return o, nil
}

// verdict says what the estimates are of.
func (r *run) verdict(one *outcomeRun) string {
	if r.foreign {
		return "These are predictions of a model that was made elsewhere. Whether it had not seen these patients is its authors' to show."
	}
	final := one.result.Final
	kept := one.study.Procedure.Models[final.Winner]
	text := "The model that is kept is " + kept.Name
	if s := kept.Candidates[final.Chosen[final.Winner]].Settings; s != "" {
		text += " (" + s + ")"
	}
	return text + ", fitted to all patients; the estimates above are of the whole procedure that chose it."
}

// describe says how the outcome was judged.
func (r *run) describe(one *outcomeRun) string {
	v := r.e.Validation
	inner := ""
	if one.study.Procedure.Choices() > 1 {
		inner = fmt.Sprintf("; %d candidates compete inside each, by %d inner folds", one.study.Procedure.Choices(), v.InnerFolds)
		if one.study.Once {
			inner = fmt.Sprintf("; %d candidates compete inside each, on one inner hold-out, because networks are among them; none of their hyper-parameters is searched", one.study.Procedure.Choices())
		}
	}
	switch one.scheme {
	case validate.NestedCV, validate.CV:
		by := "class"
		if one.y.Kind == clinical.Survival {
			by = "event"
		}
		return fmt.Sprintf("%d folds of patients, stratified by %s, repeated %d times%s", v.Folds, by, v.Repeats, inner)
	case validate.LeaveOneSiteOut:
		return fmt.Sprintf("%d sites, each left out once%s", len(one.folds), inner)
	case validate.LeaveOneOut:
		return "Each patient left out once" + inner
	case validate.Bootstrap:
		return fmt.Sprintf("%d bootstrap draws of patients, tested on those not drawn%s", len(one.folds), inner)
	case validate.FoldsFile:
		return fmt.Sprintf("%d folds from the user's file%s", len(one.folds), inner)
	}
	return fmt.Sprintf("One test set of %d rows%s", len(one.folds[0].Test), inner)
}

// short joins names, leaving out those past a limit.
func short(names []string, limit int) string {
	if len(names) <= limit {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:limit], ", ") + fmt.Sprintf(" and %d more", len(names)-limit)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
