package train

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/train/config"
	"github.com/voxgene/voxgene/train/leakage"
	"github.com/voxgene/voxgene/train/validate"
)

// Predictions gives the report for a model made elsewhere, from its predictions of patients whom it had not seen. The file is a CSV
// with the columns patient (and lesion or visit, where that is the cohort's unit), outcome, and probability (of the last class) or risk; repeat and fold where patients were divided more
// than once or into more than one test set; class, with a line for each, where there are more than two; lines where a column selected is not
// true are passed over, so that predictions.csv of a run gives its headline. The cohort and outcomes are
// those of the experiment; its models are not fitted. It leaves metrics.json, predictions.csv, report.html and run.json.
func Predictions(ctx context.Context, e *config.Experiment, file string, o Options) (*Summary, error) {
	canon, err := e.Canonical()
	if err != nil {
		return nil, err
	}
	r, err := newRun(e, o, canon)
	if err != nil {
		return nil, err
	}
	r.foreign = true
	c, err := r.loadCohort(ctx, r.pool)
	if err != nil {
		return nil, err
	}
	if c, err = r.setApart(c, false); err != nil {
		return nil, &InputError{err}
	}
	r.use(c)
	if err := r.hashInputs(); err != nil {
		return nil, err
	}
	r.all = models.FromTable(c.Table)
	given, err := readPredictions(file)
	if err != nil {
		return nil, &InputError{fmt.Errorf("%s: %w", file, err)}
	}
	for i, y := range c.Outcomes {
		lines := given[y.Name]
		delete(given, y.Name)
		if len(lines) == 0 {
			r.logf("outcome %s: the file has no prediction of it", y.Name)
			continue
		}
		one, err := r.elsewhere(i, lines)
		if err == nil {
			err = r.describeElsewhere(ctx, i, one)
		}
		if err != nil {
			return nil, &InputError{fmt.Errorf("%s: outcome %s: %w", file, y.Name, err)}
		}
		r.results = append(r.results, one)
	}
	for _, name := range sortedKeys(given) {
		return nil, &InputError{fmt.Errorf("%s: line %d: the experiment has no outcome %q", file, given[name][0].line, name)}
	}
	if len(r.results) == 0 {
		return nil, &InputError{fmt.Errorf("%s has no prediction of any outcome of the experiment", file)}
	}
	return r.writeElsewhere()
}

// given is a line of a predictions file.
type given struct {
	line                int
	key                 table.Key
	repeat, fold, class string
	value               float64
	risk                bool
}

// maxPredictions bounds a predictions file.
const maxPredictions = 20_000_000

func readPredictions(file string) (map[string][]given, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := csv.NewReader(f)
	in.ReuseRecord = true
	head, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("no header: %w", err)
	}
	at := map[string]int{}
	for j, name := range head {
		at[strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))] = j
	}
	_, hasProbability := at["probability"]
	_, hasRisk := at["risk"]
	for _, name := range []string{"patient", "outcome"} {
		if _, ok := at[name]; !ok || !hasProbability && !hasRisk {
			return nil, fmt.Errorf("line 1: want the columns patient, outcome, and probability or risk (and repeat, fold, class), found %v", head)
		}
	}
	out := map[string][]given{}
	for n := 0; ; n++ {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if n >= maxPredictions {
			return nil, fmt.Errorf("more than %d lines", maxPredictions)
		}
		line, _ := in.FieldPos(0)
		cell := func(name, otherwise string) string {
			if j, ok := at[name]; ok && record[j] != "" {
				return strings.Clone(record[j])
			}
			return otherwise
		}
		if cell("selected", "true") != "true" {
			continue // of a run of several models: the procedure is what each fold selected
		}
		g := given{line: line, key: table.Key{Patient: cell("patient", ""), Lesion: cell("lesion", ""), Visit: cell("visit", "")}, repeat: cell("repeat", "1"), fold: cell("fold", "1"), class: cell("class", "")}
		text := cell("probability", "")
		if text == "" {
			text, g.risk = cell("risk", ""), true
		}
		if g.value, err = strconv.ParseFloat(text, 64); err != nil || math.IsNaN(g.value) || math.IsInf(g.value, 0) {
			return nil, fmt.Errorf("line %d: %q is not a number", line, text)
		}
		name := cell("outcome", "")
		out[name] = append(out[name], g)
	}
}

// elsewhere arranges the predictions of outcome i as folds.
func (r *run) elsewhere(i int, lines []given) (*outcomeRun, error) {
	whole := r.cohort.Outcomes[i]
	one := &outcomeRun{unit: r.unit, rows: known(whole), scheme: validate.FoldsFile}
	one.y = whole.Select(one.rows)
	at := map[table.Key]int{}
	for k, row := range one.rows {
		at[r.keys[row]] = k
	}
	classes := max(1, len(one.y.Classes))
	type cell struct{ repeat, fold string }
	members := map[cell]map[int][]float64{}
	var order []cell
	for _, g := range lines {
		key := r.unit.Of(g.key)
		k, ok := at[key]
		if !ok {
			if slices.Contains(r.keys, key) {
				continue // the outcome is not known
			}
			if r.unit != table.PerPatient && r.unit.Within(key) == "" {
				return nil, fmt.Errorf("line %d: patient %q without a %s; the cohort has a row a %[3]s, and so has the file, with a column %[3]s", g.line, key.Patient, r.unit)
			}
			return nil, fmt.Errorf("line %d: patient %s is not in the cohort", g.line, r.quoted(key))
		}
		c := cell{g.repeat, g.fold}
		if members[c] == nil {
			members[c] = map[int][]float64{}
			order = append(order, c)
		}
		values := members[c][k]
		if values == nil {
			values = slices.Repeat([]float64{none}, classes)
			members[c][k] = values
		}
		class := 0
		switch {
		case one.y.Kind == clinical.Survival:
		case g.risk || g.value < 0 || g.value > 1:
			return nil, fmt.Errorf("line %d: a class wants a probability between 0 and 1", g.line)
		case g.class == "" && classes == 2:
			class = 1
		default:
			if class = slices.Index(one.y.Classes, g.class); class < 0 {
				return nil, fmt.Errorf("line %d: class %q is not one of %v", g.line, g.class, one.y.Classes)
			}
		}
		if !math.IsNaN(values[class]) {
			return nil, fmt.Errorf("line %d: patient %s has a prediction in repeat %s, fold %s already", g.line, r.quoted(key), g.repeat, g.fold)
		}
		values[class] = g.value
	}
	slices.SortFunc(order, func(a, b cell) int {
		if a.repeat != b.repeat {
			return compareNumbers(a.repeat, b.repeat)
		}
		return compareNumbers(a.fold, b.fold)
	})
	repeats := map[string]int{}
	for _, c := range order {
		if _, ok := repeats[c.repeat]; !ok {
			repeats[c.repeat] = len(repeats)
		}
		f := validate.Fold{Repeat: repeats[c.repeat], Number: len(one.folds)}
		for k := range one.rows {
			if members[c][k] != nil {
				f.Test = append(f.Test, k)
			} else {
				f.Train = append(f.Train, k)
			}
		}
		p := validate.Prediction{Prediction: models.Prediction{Kind: one.y.Kind, Rows: len(f.Test), Classes: one.y.Classes}, Prevalence: 0.5}
		for _, k := range f.Test {
			v := members[c][k]
			if one.y.Kind == clinical.Survival {
				p.Risk = append(p.Risk, v[0])
				continue
			}
			if classes == 2 {
				if math.IsNaN(v[1]) {
					v[1] = 1 - v[0]
				}
				v[0] = 1 - v[1]
			}
			sum := 0.0
			for class, q := range v {
				if math.IsNaN(q) {
					return nil, fmt.Errorf("patient %s has no probability of class %q in repeat %s, fold %s", r.quoted(r.keys[one.rows[k]]), one.y.Classes[class], c.repeat, c.fold)
				}
				sum += q
			}
			if math.Abs(sum-1) > 1e-3 {
				return nil, fmt.Errorf("patient %s: the probabilities of repeat %s, fold %s sum to %g", r.quoted(r.keys[one.rows[k]]), c.repeat, c.fold, sum)
			}
			p.Probabilities = append(p.Probabilities, v...)
		}
		// What training fixed is not in the file. The rows outside the test set stand for the training rows, as far as they can.
		if len(f.Train) > 0 && one.y.Kind == clinical.Class {
			p.Prevalence = prevalence(one.y.Select(f.Train))
		}
		one.folds = append(one.folds, f)
		one.result.Folds = append(one.result.Folds, validate.FoldResult{Fold: f, Choice: validate.Choice{Chosen: []int{0}}, Models: []validate.Prediction{p}})
	}
	if one.y.Kind == clinical.Survival {
		one.cutAtMedian()
	}
	one.audit, one.foreign, one.level = divided(one.folds), true, r.e.Validation.Level
	one.result.Final = validate.Choice{Chosen: []int{0}}
	one.interval = validate.Interval(r.e.Validation.Design(), len(one.folds))
	if len(one.folds) == 1 {
		one.scheme = validate.Holdout
	}
	return one, nil
}

// quoted names a row in an error.
func (r *run) quoted(k table.Key) string {
	text := strconv.Quote(k.Patient)
	if within := r.unit.Within(k); within != "" {
		text += fmt.Sprintf(", %s %q", r.unit, within)
	}
	return text
}

// cutAtMedian divides risk at the median of what the other folds of a repeat were given, so that no patient helps to cut its own.
func (one *outcomeRun) cutAtMedian() {
	for k := range one.result.Folds {
		var others []float64
		for j, f := range one.result.Folds {
			if j != k && f.Fold.Repeat == one.result.Folds[k].Fold.Repeat {
				others = append(others, f.Models[0].Risk...)
			}
		}
		if len(others) == 0 {
			others = one.result.Folds[k].Models[0].Risk
		}
		one.result.Folds[k].Models[0].Cuts = []float64{stat.Median(others)}
	}
}

// describeElsewhere fills what the report needs beside predictions.
func (r *run) describeElsewhere(ctx context.Context, i int, one *outcomeRun) error {
	one.x = r.all.Select(one.rows)
	one.study.Rows = validate.Rows{Outcome: one.y, Patient: pickRows(r.number, one.rows)}
	if r.cohort.Sites != nil {
		one.study.Rows.Site = pickRows(r.cohort.Sites, one.rows)
	}
	one.known = r.cohort.KnownFrom[i]
	one.models = []config.Model{{Name: "elsewhere"}}
	one.study.Procedure = validate.Procedure{Models: []validate.Entry{{Name: "elsewhere", Candidates: make([]validate.Candidate, 1)}}}
	for _, m := range validate.Measures(one.y, one.scheme) {
		if one.y.Kind == clinical.Class || strings.HasPrefix(m.Name, "c_index") { // a file of risks has no survival curves
			one.measures = append(one.measures, m)
		}
	}
	var err error
	if one.groups, err = r.groupings(one); err != nil {
		return err
	}
	one.subgroups = one.bySubgroup(r.e.Validation.Level)
	found, err := leakage.Audit(ctx, leakage.Input{X: one.x, Y: one.y, Patient: one.study.Rows.Patient, Site: one.study.Rows.Site, ID: r.patientNames(one.rows)})
	one.audit = append(one.audit, found...)
	return err
}

// divided reports patients who are tested in several folds of one repeat.
func divided(folds []validate.Fold) []leakage.Finding {
	type cell struct{ repeat, row int }
	tested, several := map[cell]bool{}, map[int]bool{}
	for _, f := range folds {
		for _, row := range f.Test {
			c := cell{f.Repeat, row}
			if tested[c] {
				several[row] = true
			}
			tested[c] = true
		}
	}
	if len(several) == 0 {
		return nil
	}
	return []leakage.Finding{{Level: leakage.Warning, Check: "patient_in_two_folds",
		Text: fmt.Sprintf("%d patients are predicted in more than one fold of the same repeat: either draws were called folds, or a patient was on both sides of one.", len(several))}}
}

// compareNumbers orders numbers as numbers and other texts after them.
func compareNumbers(a, b string) int {
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	switch {
	case errX == nil && errY == nil && x != y:
		return x - y
	case errX == nil && errY != nil:
		return -1
	case errX != nil && errY == nil:
		return 1
	}
	return strings.Compare(a, b)
}

// writeElsewhere writes the files of a report on predictions.
func (r *run) writeElsewhere() (*Summary, error) {
	text, err := r.metrics()
	if err != nil {
		return nil, err
	}
	if err := r.saveResults(text); err != nil {
		return nil, err
	}
	page, err := r.page()
	if err != nil {
		return nil, err
	}
	return r.summary(), r.saveReport(page)
}
