package train

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models/pipeline"
	"github.com/voxgene/voxgene/train/config"
	"github.com/voxgene/voxgene/train/report"
	"github.com/voxgene/voxgene/train/validate"
)

// checklists fills CLEAR and METRICS with what this run found.
func (r *run) checklists() []report.Checklist {
	c, m := map[int]report.Evidence{}, map[int]report.Evidence{}
	set := func(to map[int]report.Evidence, n int, anchor, format string, args ...any) {
		to[n] = report.Evidence{Text: fmt.Sprintf(format, args...), Anchor: anchor}
	}
	outcome := "outcome-1"
	// The authors' words.
	for n, key := range map[int]string{6: "aim", 8: "ethics", 10: "design", 11: "eligibility", 53: "data_url"} {
		if text := r.e.Study[key]; text != "" {
			set(c, n, "methods", "%s", text)
		}
	}
	for n, key := range map[int]string{2: "eligibility", 3: "reference_standard", 28: "data_url"} {
		if text := r.e.Study[key]; text != "" {
			set(m, n, "methods", "%s", text)
		}
	}
	set(c, 7, "checklists", "This page holds CLEAR and METRICS as far as software can fill them; %s.", Version())
	set(m, 1, "checklists", "CLEAR, as far as software can fill it.")
	var sizes, splits, measures, intervals, best []string
	var chosen []string
	var ablated, compared, baseline, calibrated, audited, confounded int
	for _, one := range r.results {
		scarce := events(one.y)
		if one.y.Kind == clinical.Class {
			scarce = len(one.rows)
			for _, n := range classCounts(one.y) {
				scarce = min(scarce, n)
			}
		}
		sizes = append(sizes, fmt.Sprintf("%s: %s; %.2g of the scarcer outcome per candidate column", one.y.Name, one.counts(), float64(scarce)/float64(len(one.x.Columns))))
		splits = append(splits, one.y.Name+": "+r.describe(one))
		var names []string
		for _, measure := range one.measures {
			names = append(names, measure.Title)
		}
		measures = append(measures, one.y.Name+": "+strings.Join(names, ", "))
		intervals = append(intervals, one.y.Name+": "+one.interval)
		best = append(best, fmt.Sprintf("%s: %s", one.y.Name, one.models[one.result.Final.Winner].Name))
		ablated += len(one.honest.ablation)
		baseline += len(one.honest.baselines)
		compared += len(one.compare())
		if one.calibration() != nil {
			calibrated++
		}
		if t, ok := one.chosenTable(); ok {
			chosen = append(chosen, one.y.Name+": "+t.Caption)
		}
		for _, f := range one.audit {
			audited++
			if strings.HasPrefix(f.Check, "site") {
				confounded++
			}
		}
	}
	set(c, 9, outcome, "%s. The justification is the authors'.", strings.Join(sizes, "; "))
	set(c, 12, "methods", "%d sources, %d steps, %d models; listed under Methods.", len(r.e.Sources), len(r.e.Pipeline), len(r.e.Models))
	set(c, 13, "reproduce", "Sources %s; hashes under Reproduce. Public links are the authors'.", strings.Join(r.sourceNames(), ", "))
	set(c, 15, outcome, "%s. Patients, not rows, are divided; seed %d; fold table with counts.", strings.Join(splits, "; "), r.e.Seed)
	if names := r.columnsOf(func(col table.Column) bool { return col.Group == "clinical" }); len(names) > 0 {
		set(c, 17, "cohort", "%d clinical columns: %s.", len(names), short(names, 10))
	}
	var definitions []string
	for i, o := range r.e.Config.Outcomes {
		text := fmt.Sprintf("%s (%s)", o.Name, o.Kind)
		if o.Kind == clinical.Survival {
			text += fmt.Sprintf(", in %s from %s", o.Unit, o.Origin)
		}
		if i < len(r.cohort.KnownFrom) && len(r.cohort.KnownFrom[i]) > 0 {
			text += fmt.Sprintf(", %d columns kept out", len(r.cohort.KnownFrom[i]))
		}
		definitions = append(definitions, text)
	}
	set(c, 18, outcome, "%s.", strings.Join(definitions, "; "))
	images := 0
	for _, s := range r.e.Sources {
		if s.Kind == "images" {
			images++
		}
	}
	if images > 0 {
		for _, n := range []int{22, 23, 24, 28} {
			set(c, n, "reproduce", "%d sources of images were extracted in this run by %s; their parameters are in the experiment.", images, Version())
		}
		set(c, 21, "reproduce", "%s; parameters of extraction in the experiment, steps under Methods.", Version())
		set(c, 25, "reproduce", "%s; agreement with the IBSI reference values in docs/validation.md.", Version())
		set(m, 11, "methods", "Extraction by %s with the parameters of the experiment.", Version())
		set(m, 12, "reproduce", "%s; agreement with the IBSI reference values in docs/validation.md.", Version())
		set(m, 13, "reproduce", "The experiment under Reproduce.")
	}
	if families := r.families(); families != "" {
		set(c, 26, "cohort", "%s.", families)
	}
	var counts []string
	for _, s := range r.sources() {
		counts = append(counts, fmt.Sprintf("%s %d columns, %.1f %% missing", s.Name, s.Columns, 100*s.Missing))
	}
	set(c, 27, "cohort", "%s.", strings.Join(counts, "; "))
	set(c, 29, "cohort", "%s; handled by %s.", strings.Join(counts, "; "), r.stepsNamed("impute", "drop"))
	set(c, 30, outcome, "%s; counts for each fold in the fold table.", strings.Join(sizes, "; "))
	if s := r.stepsNamed("scale", "transform", "harmonise"); s != noStep {
		set(c, 32, "methods", "%s, fitted on the training rows of each fold.", s)
	}
	if s := r.stepsNamed("drop", "drop_correlated", "drop_redundant", "select", "reduce"); s != noStep || len(chosen) > 0 {
		set(c, 33, outcome, "%s. %s", s, strings.Join(chosen, " "))
		set(m, 15, outcome, "%s.", s)
	}
	var kinds []string
	searched := 0
	for _, model := range r.e.Models {
		kinds = append(kinds, fmt.Sprintf("%s (%s)", model.Name, model.Kind))
		if model.Search != nil {
			searched++
		}
	}
	set(c, 34, "reproduce", "%s; %s.", strings.Join(kinds, ", "), Version())
	set(c, 35, outcome, "%d of %d models have searched hyper-parameters; what was chosen in each fold is in the fold table; seed %d.", searched, len(r.e.Models), r.e.Seed)
	if r.cohort.Sites != nil {
		set(c, 36, "audit", "Outcome against site was tested: %d findings.", confounded)
		set(m, 19, "audit", "Outcome against site was tested: %d findings.", confounded)
		if n := len(slices.Compact(slices.Sorted(slices.Values(r.cohort.Sites)))); n > 1 {
			set(m, 4, "cohort", "%d sites.", n)
		}
	}
	set(c, 37, outcome, "Kept: %s, by inner folds of all rows.", strings.Join(best, "; "))
	set(c, 38, outcome, "Internal: %s. No test by another institution in this run.", strings.Join(splits, "; "))
	set(c, 39, outcome, "%s.", strings.Join(measures, "; "))
	set(c, 40, outcome, "%s; calibration of %d outcomes.", strings.Join(intervals, "; "), calibrated)
	if compared > 0 {
		set(c, 41, outcome, "%d paired tests, %s, adjusted by Holm.", compared, r.results[0].testName())
	}
	if ablated+baseline > 0 {
		set(c, 42, outcome, "%d comparisons by group of columns, %d baselines.", ablated, baseline)
		set(c, 48, outcome, "%d comparisons by group of columns, %d baselines.", ablated, baseline)
		set(m, 24, outcome, "%d comparisons by group of columns, %d baselines.", ablated, baseline)
	}
	explained := 0
	for _, one := range r.results {
		if len(one.importance.columns) > 0 {
			explained++
		}
	}
	if explained > 0 {
		set(c, 43, outcome, "SHAP values of %d models that are kept.", explained)
		set(c, 46, outcome, "Mean |SHAP value| of the kept models. %s", strings.Join(chosen, " "))
	}
	set(c, 44, "cohort", "Table one, by class or event.")
	set(c, 45, "cohort", "%d listed, %d left out with reasons, %d in the table. What happened before the table of patients is the authors'.", r.cohort.Flow.Listed, len(r.cohort.Flow.Excluded), r.cohort.Flow.Patients)
	set(c, 47, outcome, "Estimates with intervals for each outcome, with figures.")
	set(c, 54, "reproduce", "features.parquet, SHA-256 %s. Whether it may be shared is the authors'.", r.hashes[FeaturesFile])
	set(c, 55, "reproduce", "The complete experiment is on this page.")
	set(c, 56, "reproduce", "The complete experiment and %s.", Version())
	set(c, 57, "reproduce", "model.voxgene, SHA-256 %s.", r.hashes[BundleFile])
	set(c, 58, "reproduce", "voxgene serve model.voxgene.")
	set(m, 16, outcome, "%s.", strings.Join(sizes, "; "))
	set(m, 18, outcome, "%s; %d findings of the audit.", strings.Join(splits, "; "), audited)
	set(m, 20, outcome, "%s.", strings.Join(measures, "; "))
	set(m, 21, outcome, "%s.", strings.Join(intervals, "; "))
	if calibrated > 0 {
		set(m, 22, outcome, "Calibration slope, intercept and curve of %d outcomes.", calibrated)
	}
	if len(r.e.Sources) == 1 || ablated > 0 {
		set(m, 23, outcome, "%d sources; %d comparisons by group or source.", len(r.e.Sources), ablated)
	}
	simple := slices.ContainsFunc(r.e.Models, func(m config.Model) bool { return slices.Contains(linearKinds, m.Kind) })
	if simple || baseline > 0 {
		set(m, 25, outcome, "%s; %d baselines.", strings.Join(kinds, ", "), baseline)
	}
	if r.e.Validation.Scheme == string(validate.Holdout) || r.e.Validation.Scheme == string(validate.TimeSplit) {
		set(m, 26, outcome, "%s.", strings.Join(splits, "; "))
	}
	set(m, 29, "reproduce", "The complete experiment; a public link is the authors'.")
	set(m, 30, "reproduce", "model.voxgene; a public link is the authors'.")
	return []report.Checklist{report.CLEAR(c), report.METRICS(m)}
}

func (r *run) sourceNames() []string {
	var out []string
	for _, s := range r.e.Sources {
		out = append(out, s.Name)
	}
	return out
}

// columnsOf returns the names of the columns of a group.
func (r *run) columnsOf(in func(table.Column) bool) []string {
	var out []string
	for _, c := range r.all.Columns {
		if in(c) {
			out = append(out, c.Name)
		}
	}
	return out
}

const noStep = "no step"

// stepsNamed lists the steps of these kinds.
func (r *run) stepsNamed(kinds ...string) string {
	var out []string
	for _, s := range r.e.Pipeline {
		if slices.Contains(kinds, s.Step) {
			out = append(out, s.Step)
		}
	}
	if len(out) == 0 {
		return noStep
	}
	return strings.Join(out, ", ")
}

// families counts radiomics columns by family, as PyRadiomics names them: image type, family, feature.
func (r *run) families() string {
	n := map[string]int{}
	for _, c := range r.all.Columns {
		parts := strings.Split(pipeline.Bare(c), "_")
		if len(parts) >= 3 && slices.Contains([]string{"shape", "shape2D", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm", "gldzm"}, parts[len(parts)-2]) {
			n[parts[len(parts)-2]]++
		}
	}
	var out []string
	for _, k := range sortedKeys(n) {
		out = append(out, fmt.Sprintf("%s %d", k, n[k]))
	}
	return strings.Join(out, ", ")
}

// tableOne describes the clinical columns by class, or by event, of each outcome.
func (r *run) tableOne() []report.Table {
	var out []report.Table
	for _, one := range r.results {
		groups := one.y.Classes
		of := one.y.Class
		if one.y.Kind == clinical.Survival {
			groups = []string{"censored", "event"}
			of = make([]int, len(one.y.Event))
			for i, e := range one.y.Event {
				of[i] = min(e, 1)
			}
		}
		t := report.Table{Title: "Table one: " + one.y.Name, Caption: "Clinical columns: median (quartiles) or number of patients; numbers below ten are not given. p: Kruskal–Wallis or χ².", Head: []string{"column"}}
		count := make([]int, len(groups))
		for _, g := range of {
			count[g]++
		}
		for g, name := range groups {
			t.Head = append(t.Head, fmt.Sprintf("%s (%s)", name, few(count[g])))
		}
		t.Head = append(t.Head, "p")
		for j, c := range r.all.Columns {
			if c.Group == "clinical" && len(t.Rows) < 40 {
				t.Rows = append(t.Rows, describeColumn(c, pickRows(r.all.Column(j), one.rows), of, len(groups))...)
			}
		}
		if len(t.Rows) > 0 {
			out = append(out, t)
		}
	}
	return out
}

// few prints a number of patients, unless it is so small that it could point at one.
func few(n int) string {
	if n < smallest && n > 0 {
		return "< 10"
	}
	return fmt.Sprint(n)
}

// describeColumn is one line for a number, and one a level for a category.
func describeColumn(c table.Column, v []float64, of []int, groups int) [][]string {
	if c.Kind == table.Numeric {
		line := []string{c.Name}
		parts := make([][]float64, groups)
		for i, x := range v {
			if !math.IsNaN(x) {
				parts[of[i]] = append(parts[of[i]], x)
			}
		}
		for _, p := range parts {
			if len(p) < smallest {
				line = append(line, "–")
				continue
			}
			s := slices.Sorted(slices.Values(p))
			line = append(line, fmt.Sprintf("%.4g (%.4g to %.4g)", stat.Quantile(s, 0.5), stat.Quantile(s, 0.25), stat.Quantile(s, 0.75)))
		}
		p := none
		if !slices.ContainsFunc(parts, func(p []float64) bool { return len(p) == 0 }) {
			p = stat.KruskalWallis(parts).P
		}
		return [][]string{append(line, report.PValue(p))}
	}
	n := make([][]float64, len(c.Levels))
	for k := range n {
		n[k] = make([]float64, groups)
	}
	for i, x := range v {
		if x >= 0 && int(x) < len(c.Levels) {
			n[int(x)][of[i]]++
		}
	}
	var used [][]float64
	var names []string
	for k, row := range n {
		if slices.Max(row) > 0 {
			used, names = append(used, row), append(names, c.Levels[k])
		}
	}
	p := none
	if len(used) > 1 {
		p = stat.PearsonChiSquared(used, false).P
	}
	var out [][]string
	for k, row := range used {
		if k >= 10 {
			break
		}
		line := []string{c.Name + " = " + names[k]}
		for _, m := range row {
			line = append(line, few(int(m)))
		}
		text := ""
		if k == 0 {
			text = report.PValue(p)
		}
		out = append(out, append(line, text))
	}
	return out
}
