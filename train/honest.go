package train

import (
	"context"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/metrics"
	"github.com/voxgene/voxgene/models/pipeline"
	"github.com/voxgene/voxgene/train/config"
	"github.com/voxgene/voxgene/train/report"
	"github.com/voxgene/voxgene/train/validate"
)

// honest is what a run does so that a headline that could be nothing looks like nothing.
type honest struct {
	baselines []variant
	ablation  []variant
	null      *validate.Null
	nullNote  string   // why there is no null, or what was cut
	said      []string // the plan, as printed
}

// variant is the same kind of model on other columns, judged on the same folds.
type variant struct {
	name    string
	columns int
	scores  []float64
	value   validate.Estimate
	against float64 // p of a paired test against the procedure
	skipped string  // why it was not run
}

// columnSet says on which columns a variant is judged.
type columnSet struct {
	name    string
	columns []int           // of one.x
	random  bool            // random numbers instead
	steps   []pipeline.Spec // instead of the experiment's
	skipped string
}

// batchGroup is the group of the columns that name a source's batch. They come along with their source and are no group to judge.
const batchGroup = "batch"

// withBatches adds the batch columns of the sources that a set has.
func (one *outcomeRun) withBatches(set []int) []int {
	sources := map[string]bool{}
	for _, j := range set {
		sources[one.x.Columns[j].Source] = true
	}
	for j, c := range one.x.Columns {
		if c.Group == batchGroup && sources[c.Source] && !slices.Contains(set, j) {
			set = append(set, j)
		}
	}
	slices.Sort(set)
	return set
}

// sets returns what is run beside the procedure.
func (r *run) sets(one *outcomeRun) (baselines, ablation []columnSet) {
	for _, b := range r.e.Honest.Baselines {
		s := columnSet{name: b + " only"}
		switch b {
		case "volume":
			s.name = "volume alone"
			for j, c := range one.x.Columns {
				if isVolume(c) {
					s.columns = append(s.columns, j)
				}
			}
			s.columns = one.withBatches(s.columns)
			if len(s.columns) == 0 {
				s.skipped = "no source has a tumour volume"
			}
		case "clinical":
			s.name = "clinical columns alone"
			for j, c := range one.x.Columns {
				if c.Group == "clinical" {
					s.columns = append(s.columns, j)
				}
			}
			switch len(s.columns) {
			case 0:
				s.skipped = "no source is of the group clinical"
			case len(one.x.Columns):
				s.skipped = "all columns are clinical"
			}
		case "random":
			s.name, s.random = "random numbers", true
		}
		baselines = append(baselines, s)
	}
	by := func(of func(table.Column) string) (names []string) {
		for _, c := range one.x.Columns {
			if g := of(c); c.Group != batchGroup && !slices.Contains(names, g) {
				names = append(names, g)
			}
		}
		return names
	}
	if plain := slices.DeleteFunc(slices.Clone(r.e.Pipeline), func(s pipeline.Spec) bool { return s.Step == "harmonise" }); len(plain) < len(r.e.Pipeline) {
		s := columnSet{name: "without harmonisation", steps: plain}
		for j, c := range one.x.Columns {
			if c.Group != batchGroup {
				s.columns = append(s.columns, j)
			}
		}
		ablation = append(ablation, s)
	}
	of, what := func(c table.Column) string { return c.Group }, "group"
	groups := by(of)
	if len(groups) < 2 {
		of, what = func(c table.Column) string { return c.Source }, "source"
		groups = by(of)
	}
	if len(groups) < 2 || len(groups) > 20 {
		return baselines, ablation
	}
	for _, without := range []bool{false, true} {
		if without && len(groups) == 2 {
			break // one without the other is the other alone
		}
		for _, g := range groups {
			s := columnSet{name: fmt.Sprintf("%s %s alone", what, g)}
			if without {
				s.name = fmt.Sprintf("without %s %s", what, g)
			}
			for j, c := range one.x.Columns {
				if c.Group != batchGroup && (of(c) == g) != without {
					s.columns = append(s.columns, j)
				}
			}
			s.columns = one.withBatches(s.columns)
			ablation = append(ablation, s)
		}
	}
	return baselines, ablation
}

// isVolume reports whether a column is a volume of the region, by the names of PyRadiomics.
func isVolume(c table.Column) bool {
	name := pipeline.Bare(c)
	return c.Kind == table.Numeric && (strings.HasSuffix(name, "shape_MeshVolume") || strings.HasSuffix(name, "shape_VoxelVolume") || strings.EqualFold(name, "volume"))
}

// maxRandom is the number of random columns past which more say nothing new.
const maxRandom = 200

// linearKinds are kinds whose fits are cheap enough for 99 permutations.
var linearKinds = []string{"logistic", "cox"}

// permutations is the number that the experiment asks for.
func (r *run) permutations(one *outcomeRun) int {
	if !r.e.Honest.Permutations.Auto {
		return r.e.Honest.Permutations.Number
	}
	for _, m := range one.models {
		if !slices.Contains(linearKinds, m.Kind) {
			return 19
		}
	}
	return 99
}

// honest runs baselines, ablation and the null within the budget.
func (r *run) honest(ctx context.Context, one *outcomeRun) error {
	h := &one.honest
	if len(one.measures) == 0 || one.scheme == validate.LeaveOneOut {
		h.nullNote = "this scheme has no discrimination to compare with"
		return nil
	}
	baselines, ablation := r.sets(one)
	perFit := one.result.Seconds / float64(max(1, one.result.Fits))
	asked := r.permutations(one)
	modal, err := r.fixed(one)
	if err != nil {
		return err
	}
	nullFolds := r.nullFolds(one)
	fitsOfOne := nullFolds * len(modal.Models)
	if len(modal.Models) > 1 {
		fitsOfOne += nullFolds * r.e.Validation.InnerFolds * len(modal.Models)
	}
	side := 0
	for _, s := range slices.Concat(baselines, ablation) {
		if s.skipped == "" {
			side += len(one.folds)
		}
	}
	perNull := perFit
	if asked > 0 {
		// One fold of the null is timed, because without a search of their own fits are faster.
		trial := one.study
		trial.Procedure, trial.Times = modal, nil
		first, err := trial.Judge(ctx, one.folds[:1], r.e.Validation.InnerFolds, r.pool)
		if err != nil {
			return err
		}
		perNull = first.Seconds / float64(max(1, first.Fits))
	}
	number := r.cut(one, perFit*float64(side), perNull*float64(fitsOfOne), asked)
	h.said = append(h.said, fmt.Sprintf("%s: %d fits for the estimate; %d for baselines and ablation; %d permutations of %d fits each", one.y.Name, one.result.Fits, side, number, fitsOfOne))
	r.logf("plan: %s; a fit takes %s (%s in a permutation), so about %s more on %d processors", h.said[0], report.Seconds(perFit), report.Seconds(perNull),
		report.Seconds((perFit*float64(side)+perNull*float64(number*fitsOfOne))/float64(r.jobs())), r.jobs())
	if h.baselines, err = r.variants(ctx, one, baselines, "baselines"); err != nil {
		return err
	}
	if h.ablation, err = r.variants(ctx, one, ablation, "ablation"); err != nil {
		return err
	}
	if number == 0 {
		return nil
	}
	s := one.study
	s.Procedure = modal
	null, err := s.Permutations(ctx, number, r.e.Validation.InnerFolds, func(rows validate.Rows, seed work.Seed) ([]validate.Fold, error) {
		if r.refold(one) {
			return validate.RepeatedKFold(rows, r.e.Validation.Folds, 1, seed), nil
		}
		return one.folds, nil
	}, r.on(one.y.Name+" permutations"))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		h.nullNote = "permutations could not be judged: " + err.Error()
		return nil
	}
	h.null = &null
	r.fits += fitsOfOne * (len(null.Scores) + 1)
	return nil
}

// fixed returns the procedure with each model at its most frequent candidate, and at the median of what its fits chose by themselves,
// so that a permutation does not search again.
func (r *run) fixed(one *outcomeRun) (validate.Procedure, error) {
	p := one.study.Procedure.At(one.result)
	for m, model := range one.models {
		chosen := map[string][]float64{}
		for _, f := range one.result.Folds {
			for _, t := range f.Models[m].Tuned {
				chosen[t.Option] = append(chosen[t.Option], t.Value)
			}
		}
		if len(chosen) == 0 || model.Calibrate != "" {
			continue
		}
		kind, _ := models.Lookup(model.Kind)
		settings := p.Models[m].Candidates[0].Settings
		points := model.Points(work.Seed(r.e.Seed))
		at := slices.IndexFunc(points, func(pt config.Point) bool { return pt.Settings == settings })
		o := maps.Clone(points[max(at, 0)].Options)
		for name, values := range chosen {
			if v := stat.Median(values); v > 0 && o[name] == 0.0 { // left to the fit
				o[name] = v
			}
		}
		l, err := kind.New(o)
		if err != nil {
			return p, err
		}
		key, err := config.Key(model.Kind, o)
		if err != nil {
			return p, err
		}
		p.Models[m].Candidates = []validate.Candidate{{Settings: settings, Key: key, Learner: l}}
	}
	return p, nil
}

// refold reports whether permuted outcomes are divided anew, in one repeat; other schemes keep their folds.
func (r *run) refold(one *outcomeRun) bool {
	return one.scheme == validate.NestedCV || one.scheme == validate.CV || one.scheme == validate.Bootstrap
}

func (r *run) nullFolds(one *outcomeRun) int {
	if r.refold(one) {
		return r.e.Validation.Folds
	}
	return len(one.folds)
}

// jobs is how many fits run at once.
func (r *run) jobs() int {
	if r.e.Jobs > 0 {
		return min(r.e.Jobs, runtime.GOMAXPROCS(0))
	}
	return runtime.GOMAXPROCS(0)
}

// cut returns how many permutations the budget leaves after the seconds of work on the side, each taking so many. The time of a fit
// is the one kept in the store with the fit, so that a resumed run comes to the same number.
func (r *run) cut(one *outcomeRun, side, each float64, asked int) int {
	budget := time.Duration(r.e.Honest.Budget).Seconds()
	if budget <= 0 {
		budget = defaultBudget.Seconds()
	}
	left := budget*float64(r.jobs())/float64(len(r.results)) - side
	fits := int(left / max(each, 1e-9))
	if left > 0 && fits >= asked+1 {
		return asked
	}
	number := max(0, fits-1)
	if number < minPermutations {
		number = 0
	}
	one.honest.nullNote = fmt.Sprintf("The budget of %s left %d of %d permutations.", report.Seconds(budget), number, asked)
	return number
}

const (
	defaultBudget   = 2 * time.Hour
	minPermutations = 9 // fewer cannot give a p of 0.1
)

// variants judges the most frequent winner on other columns, on the same folds.
func (r *run) variants(ctx context.Context, one *outcomeRun, sets []columnSet, stage string) ([]variant, error) {
	measure := one.measures[0]
	headline := one.result.Scores(measure, one.y, -1)
	test, train := 0.0, 0.0
	for _, f := range one.folds {
		test, train = test+float64(len(f.Test)), train+float64(len(f.Train))
	}
	var out []variant
	for _, set := range sets {
		v := variant{name: set.name, columns: len(set.columns), skipped: set.skipped, against: math.NaN()}
		if v.skipped != "" {
			out = append(out, v)
			continue
		}
		s := one.study
		steps := r.e.Pipeline
		if set.random {
			s.X, steps = randomColumns(one, maxRandom), pipeline.Default()
		} else {
			s.X = columns(one.x, set.columns)
			if set.steps != nil {
				steps = set.steps
			}
			steps = scoped(steps, s.X.Columns)
		}
		v.columns = len(s.X.Columns)
		var err error
		if s, err = one.withSteps(s, steps); err != nil {
			return nil, err
		}
		result, err := s.Judge(ctx, one.folds, r.e.Validation.InnerFolds, r.on(one.y.Name+" "+stage))
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			v.skipped = err.Error()
			out = append(out, v)
			continue
		}
		r.fits += result.Fits
		v.scores = result.Scores(measure, one.y, -1)
		v.value = validate.Summarise(one.scheme, one.folds, v.scores, r.e.Validation.Level, measure.Bounds)
		if _, p, err := metrics.CorrectedResampledTest(headline, v.scores, test/float64(len(one.folds)), train/float64(len(one.folds))); err == nil {
			v.against = p
		}
		out = append(out, v)
	}
	return out, nil
}

// withSteps returns a study with other steps and the most frequent winner alone.
func (one *outcomeRun) withSteps(s validate.Study, steps []pipeline.Spec) (validate.Study, error) {
	wins := make([]int, len(one.models))
	for _, f := range one.result.Folds {
		wins[f.Choice.Winner]++
	}
	best := slices.Index(wins, slices.Max(wins))
	p, err := prepare(steps)
	if err != nil {
		return s, err
	}
	p.Models = one.study.Procedure.At(one.result).Only(best).Models
	fresh := validate.Study{Rows: s.Rows, X: s.X, Procedure: p, Seed: s.Seed, Score: s.Score}
	return fresh, nil
}

// scoped leaves out patterns, and steps, that name none of the columns.
func scoped(steps []pipeline.Spec, columns []table.Column) []pipeline.Spec {
	var out []pipeline.Spec
	for _, s := range steps {
		if len(s.On) > 0 {
			on := slices.DeleteFunc(slices.Clone(s.On), func(p string) bool {
				return !slices.ContainsFunc(columns, func(c table.Column) bool { return pipeline.Matches(p, c) })
			})
			if len(on) == 0 {
				continue
			}
			s.On = on
		}
		out = append(out, s)
	}
	return out
}

// randomColumns are standard normal numbers, as many columns as there are, up to a limit.
func randomColumns(one *outcomeRun, limit int) models.Matrix {
	c := make([]table.Column, min(limit, len(one.x.Columns)))
	for j := range c {
		c[j] = table.Column{Name: fmt.Sprintf("random.c%d", j+1), Source: "random", Group: "random"}
	}
	x := models.NewMatrix(c, one.x.Rows)
	for j := range c {
		rng := one.study.Seed.Split("random columns", one.y.Name).SplitInt("column", j).Rand()
		for i := range x.Column(j) {
			x.Column(j)[i] = rng.NormFloat64()
		}
	}
	return x
}
