package train

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models/figure"
	"github.com/voxgene/voxgene/train/leakage"
	"github.com/voxgene/voxgene/train/report"
	"github.com/voxgene/voxgene/train/validate"
)

// page renders report.html.
func (r *run) page() ([]byte, error) {
	p := report.Report{Kind: "training", Name: r.e.Name, Made: r.started, Seconds: time.Since(r.started).Seconds(), Config: string(r.canon), Level: r.e.Validation.Level}
	p.Flow = r.flow()
	p.Sources = r.sources()
	for _, s := range r.e.Pipeline {
		text := s.Step
		if len(s.On) > 0 {
			text += " on " + strings.Join(s.On, ", ")
		}
		options, err := json.Marshal(s.Options)
		if err != nil {
			return nil, err
		}
		p.Pipeline = append(p.Pipeline, text+" "+string(options))
	}
	if r.locked != nil {
		level := leakage.Note
		if r.lockedWarn {
			level = leakage.Warning
		}
		p.Audit = append(p.Audit, report.Finding{Level: level, Text: r.lockedNote})
	}
	for _, n := range r.cohort.Notes {
		p.Audit = append(p.Audit, report.Finding{Level: leakage.Note, Text: n})
	}
	for _, one := range r.results {
		for _, f := range one.audit {
			p.Audit = append(p.Audit, report.Finding{Level: f.Level, Text: one.y.Name + ": " + f.Text})
		}
		o, err := r.section(one)
		if err != nil {
			return nil, fmt.Errorf("report of outcome %s: %w", one.y.Name, err)
		}
		p.Outcomes = append(p.Outcomes, o)
		if len(one.known) > 0 {
			p.Audit = append(p.Audit, report.Finding{Level: leakage.Note, Text: fmt.Sprintf("%s: %d columns were kept out because the outcome can be told from them: %s.",
				one.y.Name, len(one.known), short(one.known, 12))})
		}
	}
	for _, one := range r.results {
		slices.SortStableFunc(p.Audit, func(a, b report.Finding) int { return strings.Compare(b.Level, a.Level) }) // warnings before notes
		p.Plan = append(p.Plan, one.honest.said...)
	}
	p.Plan = append(p.Plan, fmt.Sprintf("%d fits of a model in all; those of the estimates took %s", r.fits, report.Seconds(r.work())))
	for _, k := range sortedKeys(r.e.Study) {
		p.Study = append(p.Study, report.Pair{Name: k, Value: r.e.Study[k]})
	}
	p.Versions = []report.Pair{{Name: "program", Value: Version()}, {Name: "seed", Value: fmt.Sprint(r.e.Seed)}}
	for _, name := range sortedKeys(r.hashes) {
		p.Hashes = append(p.Hashes, report.Pair{Name: name, Value: r.hashes[name]})
	}
	p.Tables = r.tableOne()
	p.Checklists = r.checklists()
	p.Card = r.card()
	var b bytes.Buffer
	err := p.Write(&b)
	return b.Bytes(), err
}

// card is the model card (Mitchell and others 2019) as far as the run knows it.
func (r *run) card() []report.Pair {
	use := r.e.Study["use"]
	if use == "" {
		use = "Research only. Not for decisions on patients."
	}
	pairs := []report.Pair{{Name: "Model", Value: fmt.Sprintf("%s, trained by %s", r.e.Name, Version())}, {Name: "Intended use", Value: use}}
	var data, judged, caveats []string
	for _, one := range r.results {
		data = append(data, one.y.Name+": "+one.counts())
		if len(one.measures) > 0 {
			e := one.estimate(one.measures[0], -1, r.e.Validation.Level)
			judged = append(judged, fmt.Sprintf("%s: %s %s (%s to %s)", one.y.Name, one.measures[0].Title, report.Number(e.Value), report.Number(e.Low), report.Number(e.High)))
		}
		caveats = append(caveats, one.warnings(r.e.Validation.Level)...)
	}
	factors := "none were asked for (honest.subgroups)"
	if len(r.e.Honest.Subgroups) > 0 {
		factors = strings.Join(r.e.Honest.Subgroups, ", ")
	}
	pairs = append(pairs, report.Pair{Name: "Training data", Value: strings.Join(data, "; ")}, report.Pair{Name: "Evaluation", Value: strings.Join(judged, "; ")},
		report.Pair{Name: "Groups looked at", Value: factors}, report.Pair{Name: "Ethical considerations", Value: "the authors'"})
	if len(caveats) > 0 {
		pairs = append(pairs, report.Pair{Name: "Caveats", Value: strings.Join(caveats, " ")})
	}
	return pairs
}

// work is the time that fits took, over all processors.
func (r *run) work() float64 {
	s := 0.0
	for _, one := range r.results {
		s += one.result.Seconds
	}
	return s
}

// flow says how many patients there were at each step.
func (r *run) flow() []report.Count {
	f := r.cohort.Flow
	out := []report.Count{{Text: "Patients listed", Patients: f.Listed}}
	reasons := map[string]int{}
	for _, e := range f.Excluded {
		reasons[e.Reason]++
	}
	for _, k := range sortedKeys(reasons) {
		out = append(out, report.Count{Text: "left out: " + k, Patients: -reasons[k]})
	}
	out = append(out, report.Count{Text: "In the feature table", Patients: f.Patients})
	if r.locked != nil {
		out = append(out, report.Count{Text: "set apart, locked", Patients: -r.locked.Patients})
	}
	for _, o := range r.cohort.Outcomes {
		out = append(out, report.Count{Text: "with a known " + o.Name, Patients: patientsIn(pickRows(r.number, known(o)))})
	}
	return out
}

// sources says what each source gave.
func (r *run) sources() []report.Source {
	var out []report.Source
	for _, s := range r.e.Sources {
		line := report.Source{Name: s.Name, Kind: s.Kind, Group: s.Group}
		missing, cells := 0, 0
		for j, c := range r.all.Columns {
			if c.Source != s.Name {
				continue
			}
			line.Columns++
			for _, v := range r.all.Column(j) {
				cells++
				if math.IsNaN(v) {
					missing++
				}
			}
		}
		if cells > 0 {
			line.Missing = float64(missing) / float64(cells)
		}
		for _, p := range r.cohort.Flow.Sources {
			if p.Name == s.Name {
				line.Patients = p.Have
			}
		}
		out = append(out, line)
	}
	return out
}

// section is one outcome's part of the report.
func (r *run) section(one *outcomeRun) (report.Outcome, error) {
	level := r.e.Validation.Level
	o := report.Outcome{Name: one.y.Name, Kind: string(one.y.Kind), Interval: one.interval, Notes: one.notes, Warnings: one.warnings(level)}
	o.Description = fmt.Sprintf("%s, %d candidate columns. %s.", one.counts(), len(one.x.Columns), r.describe(one))
	for _, m := range one.measures {
		e := one.estimate(m, -1, level)
		o.Headline = append(o.Headline, report.Estimate{Title: m.Title, Value: e.Value, Low: e.Low, High: e.High})
	}
	final := one.result.Final
	kept := one.study.Procedure.Models[final.Winner]
	o.Verdict = fmt.Sprintf("The model that is kept is %s", kept.Name)
	if s := kept.Candidates[final.Chosen[final.Winner]].Settings; s != "" {
		o.Verdict += " (" + s + ")"
	}
	o.Verdict += ", fitted to all patients; the estimates above are of the whole procedure that chose it."
	o.Comparisons = append(o.Comparisons, r.comparison(one))
	o.Comparisons = append(o.Comparisons, one.variantRows("Baselines", "What a model should beat: the most frequent winner on other columns and the same folds. p: against the procedure, "+one.testName()+".", one.honest.baselines)...)
	o.Comparisons = append(o.Comparisons, one.variantRows("By source of columns", "The most frequent winner on some of the columns. A group that gives nothing away alone and costs nothing when left out is not what the model lives on. p: against the procedure.", one.honest.ablation)...)
	o.Warnings = append(o.Warnings, one.honest.cutNote()...)
	var err error
	if o.Figures, err = one.figures(level); err != nil {
		return o, err
	}
	for _, draw := range []func() (report.Figure, bool, error){one.stabilityFigure, one.importanceFigure, one.swarmFigure, one.contributionsOverTime} {
		f, ok, err := draw()
		if err != nil {
			return o, err
		}
		if ok {
			o.Figures = append(o.Figures, f)
		}
	}
	if t, ok := one.overTimeTable(level); ok {
		o.Tables = append(o.Tables, t)
	}
	o.Tables = append(o.Tables, one.foldTable())
	if a := one.against; a != nil {
		value := func(v *float64) string {
			if v == nil {
				return "–"
			}
			return report.Number(*v)
		}
		p := none
		if a.P != nil {
			p = *a.P
		}
		o.Tables = append(o.Tables, report.Table{Title: "Against " + a.Run, Caption: strings.TrimSpace("The headlines of two runs; p by " + one.testName() + " on the same folds. " + a.Note),
			Head: []string{one.measures[0].Title, "then", "now", "p"}, Rows: [][]string{{"", value(a.Before), value(a.Now), report.PValue(p)}}})
	}
	if t, ok := one.nullTable(); ok {
		o.Tables = append(o.Tables, t)
	}
	if t, ok := one.conformalTable(); ok {
		o.Tables = append(o.Tables, t)
	}
	if t, ok := one.subgroupTable(); ok {
		o.Tables = append(o.Tables, t)
	}
	if t, ok := one.chosenTable(); ok {
		o.Tables = append(o.Tables, t)
	}
	return o, nil
}

// describe says how the outcome was judged.
func (r *run) describe(one *outcomeRun) string {
	v := r.e.Validation
	inner := ""
	if one.study.Procedure.Choices() > 1 {
		inner = fmt.Sprintf("; %d candidates compete inside each, by %d inner folds", one.study.Procedure.Choices(), v.InnerFolds)
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

// figures are drawn from out-of-fold predictions, averaged over repeats.
func (one *outcomeRun) figures(level float64) ([]report.Figure, error) {
	var out []report.Figure
	add := func(f figure.Figure, err error, title, caption string) error {
		if err != nil {
			return fmt.Errorf("%s: %w", title, err)
		}
		out = append(out, report.Figure{Title: title, Caption: caption, SVG: template.HTML(f.SVG)})
		return nil
	}
	if one.y.Kind == clinical.Survival {
		f, caption, err := one.kaplanMeier(level)
		if err != nil {
			return nil, err
		}
		if err := add(f, nil, "Survival by risk group", caption); err != nil {
			return nil, err
		}
		auc, brier, ok, err := one.overTimeFigures(level)
		if err != nil {
			return nil, err
		}
		if ok {
			if err := add(auc, nil, "AUC over time", "Of patients who had the event by each time against those who had not, none of whom the model had seen; with the interval of the scheme."); err != nil {
				return nil, err
			}
			if err := add(brier, nil, "Brier score over time", "Squared error of predicted survival of patients whom the model had not seen, and, where training patients are known, of predicting their Kaplan–Meier estimate for everybody; lower is better."); err != nil {
				return nil, err
			}
		}
		f, caption, ok, err = one.calibrationAt(level)
		if err != nil || !ok {
			return out, err
		}
		return out, add(f, nil, "Calibration of survival", caption)
	}
	roc, err := one.roc(level)
	if err := add(roc, err, "ROC, out of fold", "Probabilities of patients whom the model had not seen, averaged over repeats. The curve of all patients together need not have the AUC of the table, which is a mean over folds."); err != nil {
		return nil, err
	}
	if len(one.y.Classes) == 2 {
		cal, err := one.reliability(level)
		caption := "Groups of equal size by out-of-fold probability; bars are Wilson intervals."
		if c := one.calibration(); c != nil && c.Slope != nil && c.Intercept != nil {
			caption += fmt.Sprintf(" Slope %.2f (1 is ideal, below 1 is too extreme), intercept %.2f.", *c.Slope, *c.Intercept)
		}
		if err := add(cal, err, "Calibration, out of fold", caption); err != nil {
			return nil, err
		}
		pr, err := one.precisionRecall()
		if err := add(pr, err, "Precision and recall, out of fold", "As the ROC, for when one class is rare: precision depends on how common it is."); err != nil {
			return nil, err
		}
		benefit, err := one.decision()
		if err := add(benefit, err, "Decision curve, out of fold", "Net benefit of acting at a threshold, beside acting on everybody and on nobody (Vickers and Elkin 2006)."); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// foldTable counts the patients of each fold of the first repeat.
func (one *outcomeRun) foldTable() report.Table {
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
	return t
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
