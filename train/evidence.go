package train

import (
	"fmt"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/train/config"
	"github.com/voxgene/voxgene/train/report"
)

// evidence is what a run can show for the items of one checklist.
type evidence map[int]report.Evidence

// show sets the evidence for an item: words, and the part of the page that shows it.
func (e evidence) show(item int, anchor, format string, args ...any) {
	e[item] = report.Evidence{Text: fmt.Sprintf(format, args...), Anchor: anchor}
}

// outside says that an item does not apply, and why.
func (e evidence) outside(item int, reason string) {
	e[item] = report.Evidence{Text: reason, Outside: true}
}

// open sets evidence that people have to complete.
func (e evidence) open(item int, anchor, format string, args ...any) {
	e[item] = report.Evidence{Text: fmt.Sprintf(format, args...), Anchor: anchor, Open: true}
}

// words sets the authors' own, from the block study, for items by the key.
func (e evidence) words(study map[string]string, items map[int]string) {
	for n, key := range items {
		if text := study[key]; text != "" {
			e.show(n, "methods", "%s", text)
		}
	}
}

// part is the anchor of a part of the first outcome that has it, or of the first outcome.
func (r *run) part(title string) string { return report.Anchor(0, title) }

// facts are what several checklists ask for, gathered once.
type facts struct {
	sizes, perVariable, splits, measures, intervals, kept, kinds, chosen, definitions, counts string

	outcomes, survival, compared, ablated, baselines, calibrated, utility, explained, permuted, groups, audited, confounded, conformal int

	sites    int
	clinical []string // names of columns
	other    bool     // columns that are no radiomics
	images   []extraction.Source
	volumes  bool // a network reads images
	tabular  bool // columns are extracted or given
	linear   bool
	again    bool // several segmentations, or stability measured elsewhere
}

// gather reads the facts off the run.
func (r *run) gather() facts {
	var f facts
	var sizes, per, splits, measures, intervals, kept, chosen []string
	for _, one := range r.results {
		f.outcomes++
		name := one.y.Name + ": "
		sizes = append(sizes, name+one.counts())
		per = append(per, name+strings.TrimSuffix(one.perVariable().text(), "."))
		splits = append(splits, name+r.describe(one))
		var titles []string
		for _, m := range one.measures {
			titles = append(titles, m.Title)
		}
		measures = append(measures, name+strings.Join(titles, ", "))
		intervals = append(intervals, name+one.interval)
		kept = append(kept, name+one.models[one.result.Final.Winner].Name)
		if t, ok := one.chosenTable(); ok {
			chosen = append(chosen, name+t.Caption)
		}
		f.read(one)
	}
	join := func(s []string) string { return strings.Join(s, "; ") }
	f.sizes, f.perVariable, f.splits, f.measures, f.intervals, f.kept, f.chosen = join(sizes), join(per), join(splits), join(measures), join(intervals), join(kept), strings.Join(chosen, " ")
	f.definitions, f.counts = r.definitions(), r.sourceCounts()
	var kinds []string
	for _, m := range r.e.Models {
		kinds = append(kinds, fmt.Sprintf("%s (%s)", m.Name, m.Kind))
		if k, ok := models.Lookup(m.Kind); ok && k.Volumes {
			f.volumes = true
		}
	}
	if f.kinds = strings.Join(kinds, ", "); r.foreign {
		f.kinds = "a model made elsewhere"
	}
	f.linear = slices.ContainsFunc(r.e.Models, func(m config.Model) bool { return slices.Contains(linearKinds, m.Kind) }) && !r.foreign
	if r.cohort.Sites != nil {
		f.sites = len(slices.Compact(slices.Sorted(slices.Values(r.cohort.Sites))))
	}
	f.tabular, f.again = len(r.all.Columns) > 0, len(r.cohort.Again) > 0 || len(r.cohort.Lower) > 0
	for _, c := range r.all.Columns {
		if c.Group == "clinical" {
			f.clinical = append(f.clinical, c.Name)
		}
		if c.Group != batchGroup && family(c) == "other" {
			f.other = true
		}
	}
	if images, err := r.e.Config.ImageSources(r.e.Dir); err == nil {
		f.images = images
	}
	return f
}

// scarcity says how many patients or events there are, and for each column where the columns of the model are known.
func (f facts) scarcity(foreign bool) string {
	if foreign {
		return f.sizes
	}
	return f.perVariable
}

// read counts what there is of an outcome.
func (f *facts) read(one *outcomeRun) {
	count := func(n *int, there bool) {
		if there {
			*n++
		}
	}
	count(&f.survival, one.y.Kind == clinical.Survival)
	count(&f.calibrated, len(one.calibrated) > 0 || one.overtime != nil && one.overtime.Calibration != nil)
	count(&f.explained, len(one.importance.columns) > 0)
	count(&f.permuted, one.honest.null != nil)
	count(&f.conformal, one.kept.Conformal != nil)
	if u, err := one.utilities(); err == nil {
		count(&f.utility, len(u) > 0)
	}
	f.compared += len(one.compare())
	for _, v := range one.honest.ablation {
		count(&f.ablated, v.skipped == "")
	}
	for _, v := range one.honest.baselines {
		count(&f.baselines, v.skipped == "")
	}
	for _, g := range one.subgroups {
		count(&f.groups, g.Value != nil)
	}
	for _, a := range one.audit {
		f.audited++
		count(&f.confounded, strings.HasPrefix(a.Check, "site"))
	}
}

// definitions says what each outcome is.
func (r *run) definitions() string {
	var out []string
	for i, o := range r.e.Config.Outcomes {
		text := fmt.Sprintf("%s (%s)", o.Name, o.Kind)
		if o.Kind == clinical.Survival {
			text += fmt.Sprintf(", in %s from %s", o.Unit, o.Origin)
		}
		if i < len(r.cohort.KnownFrom) && len(r.cohort.KnownFrom[i]) > 0 {
			text += fmt.Sprintf(", %d columns kept out", len(r.cohort.KnownFrom[i]))
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

// sourceCounts says how many columns each source has, and how many of their values are missing.
func (r *run) sourceCounts() string {
	var out []string
	for _, s := range r.sources() {
		out = append(out, fmt.Sprintf("%s %d columns, %.1f %% missing", s.Name, s.Columns, 100*s.Missing))
	}
	return strings.Join(out, "; ")
}

// sourceNames lists the sources.
func (r *run) sourceNames() string {
	var out []string
	for _, s := range r.e.Sources {
		out = append(out, s.Name)
	}
	return strings.Join(out, ", ")
}

// stepsNamed lists the steps of these kinds; empty where there are none.
func (r *run) stepsNamed(kinds ...string) string {
	var out []string
	for _, s := range r.e.Pipeline {
		if slices.Contains(kinds, s.Step) && !r.foreign {
			out = append(out, s.Step)
		}
	}
	return strings.Join(out, ", ")
}

// acquired describes the images of a source as their files do; empty where there are none.
func (r *run) acquired(source string) string {
	var made []extraction.Acquired
	for _, a := range r.cohort.Acquired[source] {
		made = append(made, a)
	}
	seen := extraction.NewSeen(made)
	if seen == nil {
		return ""
	}
	var spacing []string
	for i := range seen.Least {
		spacing = append(spacing, fmt.Sprintf("%g to %g", seen.Least[i], seen.Most[i]))
	}
	text := fmt.Sprintf("%s: %d patients, spacing %s mm", source, seen.Patients, strings.Join(spacing, " × "))
	if len(seen.Manufacturers) > 0 {
		text += ", made by " + strings.Join(seen.Manufacturers, ", ")
	} else {
		text += ", maker not in the files"
	}
	if len(seen.Kernels) > 0 {
		text += ", kernels " + strings.Join(seen.Kernels, ", ")
	}
	return text
}

// imaging says one thing of every source of images.
func (f facts) imaging(say func(extraction.Source) string) string {
	var out []string
	for _, s := range f.images {
		if text := say(s); text != "" {
			out = append(out, s.Name+": "+text)
		}
	}
	return strings.Join(out, "; ")
}

func resampling(s extraction.Source) string {
	if len(s.Parameters.ResampledPixelSpacing) == 0 {
		return "not resampled"
	}
	return fmt.Sprintf("resampled to %v mm (0 keeps an axis), %s", s.Parameters.ResampledPixelSpacing, s.Parameters.Interpolator)
}

func discretisation(s extraction.Source) string {
	if s.Parameters.BinCount > 0 {
		return fmt.Sprintf("%d grey levels a region", s.Parameters.BinCount)
	}
	return fmt.Sprintf("grey levels of width %g", s.Parameters.BinWidth)
}

func imageTypes(s extraction.Source) string {
	var out []string
	for _, t := range s.Parameters.Images {
		text := t.Name
		var sigmas []string
		for _, w := range t.Settings.Sigma {
			sigmas = append(sigmas, w.Text)
		}
		if t.Name == "LoG" {
			text += " (sigma " + strings.Join(sigmas, ", ") + " mm)"
		}
		if t.Name == "Wavelet" {
			text += " (" + t.Settings.Wavelet + ")"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func classes(s extraction.Source) string {
	var out []string
	for _, c := range s.Parameters.Classes {
		if len(c.Features) > 0 {
			out = append(out, fmt.Sprintf("%s (%d)", c.Name, len(c.Features)))
			continue
		}
		out = append(out, c.Name)
	}
	return strings.Join(out, ", ")
}

func preparation(s extraction.Source) string {
	text := "intensities as read"
	switch {
	case s.Normalise != nil:
		text = "intensities brought to a scale before extraction"
	case s.Parameters.Normalize:
		text = fmt.Sprintf("normalised to scale %g", s.Parameters.NormalizeScale)
	}
	if s.Prepared != nil {
		text += "; prepared before, as the experiment says"
	}
	return text
}

func masks(s extraction.Source) string {
	text := "one region"
	if n := len(s.Regions); n > 0 {
		text = fmt.Sprintf("%d regions", n)
	}
	if s.Lesions != nil {
		text += ", taken apart into lesions"
	}
	if s.Grid != "" && s.Grid != "same" {
		text += ", " + strings.ReplaceAll(s.Grid, "_", " ")
	}
	return text
}

// checklists fills CLEAR, METRICS, RQS and TRIPOD+AI with what this run found.
func (r *run) checklists() []report.Checklist {
	f := r.gather()
	return []report.Checklist{report.CLEAR(r.clear(f)), report.METRICS(r.metricsScore(f)), report.RQS(r.qualityScore(f)), report.TRIPOD(r.tripod(f))}
}
