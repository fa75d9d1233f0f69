package train

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/pipeline"
	"github.com/voxgene/voxgene/train/config"
	"github.com/voxgene/voxgene/train/validate"
)

// variant is the same kind of model on other columns, judged on the same folds.
type variant struct {
	name    string
	columns int
	value   validate.Estimate
	against float64 // p of a paired test against the procedure
	skipped string  // why it was not run
	by      string  // kind of the model that stood in for a network over images, where no image is left; empty for none
}

// columnSet says on which columns a variant is judged.
type columnSet struct {
	name    string
	columns []int           // of one.x
	random  bool            // random numbers instead
	steps   []pipeline.Spec // instead of the experiment's
	skipped string
}

// maxGroups is the number of groups of columns past which they are not left out one by one.
const maxGroups = 20

// volumeAlone names the baseline of how large the region is. It sees no image.
const volumeAlone = "volume alone"

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
			s.name = volumeAlone
			for j, c := range one.x.Columns {
				if isVolume(c) {
					s.columns = append(s.columns, j)
				}
			}
			s.steps = r.plain(one.pipelineSoFar()) // a single column cannot be harmonised with others
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
	if plain := r.plain(one.pipelineSoFar()); len(plain) < len(r.e.Pipeline) {
		s := columnSet{name: withoutHarmonisation, steps: plain}
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
	if len(groups) < 2 {
		of, what = family, "family"
		groups = by(of)
	}
	if len(groups) < 2 {
		one.honest.noAblation = "All columns are of one source and one family: there is nothing to leave out."
		return baselines, ablation
	}
	if len(groups) > maxGroups {
		one.honest.noAblation = fmt.Sprintf("The columns are of %d sources, more than the %d that are left out one by one; give them groups.", len(groups), maxGroups)
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

// withoutHarmonisation is the variant that leaves the harmonising steps out.
const withoutHarmonisation = "without harmonisation"

// plain is the pipeline without the steps that harmonise.
func (r *run) plain(number int) []pipeline.Spec {
	return slices.DeleteFunc(slices.Clone(r.stepsOf(number)), func(s pipeline.Spec) bool { return s.Step == "harmonise" })
}

// isVolume reports whether a column is a volume of the region, by the names of PyRadiomics.
func isVolume(c table.Column) bool {
	name := pipeline.Bare(c)
	return c.Kind == table.Numeric && (strings.HasSuffix(name, "shape_MeshVolume") || strings.HasSuffix(name, "shape_VoxelVolume") || strings.EqualFold(name, "volume"))
}

// maxRandom is the number of random columns past which more say nothing new.
const maxRandom = 200

// variants judges the most frequent winner on other columns, on the same folds.
func (r *run) variants(ctx context.Context, one *outcomeRun, sets []columnSet, stage string) ([]variant, error) {
	measure := one.measures[0]
	var out []variant
	for _, set := range sets {
		v := variant{name: set.name, columns: len(set.columns), skipped: set.skipped, against: math.NaN()}
		if v.skipped != "" {
			out = append(out, v)
			continue
		}
		s, by, err := r.varied(one, set)
		if err != nil {
			return nil, err
		}
		v.columns, v.by = len(s.X.Columns), by
		result, err := s.Judge(ctx, one.folds, r.e.Validation.InnerFolds, r.on(one.y.Name+" "+stage))
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			v.skipped, _, _ = strings.Cut(err.Error(), "\n") // folds fail alike
			out = append(out, v)
			continue
		}
		r.fits += result.Fits
		v.value = one.summarise(result, measure, -1, r.e.Validation.Level)
		beside := -1 // the procedure
		if set.name == withoutHarmonisation {
			beside = one.mostFrequent()
		}
		_, v.against = one.differs(measure, one.result, result, beside, -1)
		out = append(out, v)
	}
	return out, nil
}

// varied is the study of a variant: the most frequent winner on the columns of the set, or the kind that is named, which stands in for it.
func (r *run) varied(one *outcomeRun, set columnSet) (s validate.Study, by string, err error) {
	s = one.study
	steps := r.stepsOf(one.pipelineSoFar())
	if set.random {
		s.X, steps = randomColumns(one, maxRandom), pipeline.Default()
		s.Joint = nil // the same network for this outcome alone
	} else {
		s.X = columns(one.x, set.columns)
		if set.name == volumeAlone {
			s.X.Volumes = nil
		}
		s.Joint = narrowed(s.Joint, s.X)
		if set.steps != nil {
			steps = set.steps
		}
		steps = scoped(steps, s.X.Columns)
	}
	stand := models.Kind{}
	if len(s.X.Volumes) == 0 {
		stand = one.standIn()
	}
	if stand.Name != "" {
		s.Joint, steps = nil, filled(steps)
	}
	if s, err = one.withSteps(s, steps); err == nil && stand.Name != "" {
		err = standFor(&s, stand)
	}
	return s, stand.Name, err
}

// foreseen marks the variants that cannot be fitted, as far as that is known before the first fit: where one model alone may win.
func (r *run) foreseen(one *outcomeRun, sets []columnSet) {
	if len(one.models) > 1 {
		return
	}
	for i := range sets {
		if sets[i].skipped != "" {
			continue
		}
		s, _, err := r.varied(one, sets[i])
		if err != nil {
			continue // which is said when it is run
		}
		if l, ok := s.Procedure.Models[0].Candidates[0].Learner.(models.Foreseeing); ok {
			if err := l.Foresee(s.X); err != nil {
				sets[i].skipped, _, _ = strings.Cut(err.Error(), "\n")
			}
		}
	}
}

// tried fits the first fold of every variant, which the run then finds done, and marks those that fail: folds fail alike. It returns how long one
// fit of the others takes, in seconds each.
func (r *run) tried(ctx context.Context, one *outcomeRun, sets []columnSet) (seconds float64, err error) {
	for i := range sets {
		if sets[i].skipped != "" {
			continue
		}
		s, _, err := r.varied(one, sets[i])
		if err != nil {
			return 0, err
		}
		first, err := s.Judge(ctx, one.folds[:1], r.e.Validation.InnerFolds, r.pool)
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if err != nil {
			sets[i].skipped, _, _ = strings.Cut(err.Error(), "\n")
			continue
		}
		seconds += first.Seconds
	}
	return seconds, nil
}

// standIn is the kind of model that is judged on columns where the most frequent winner is a network over images: logistic regression, or Cox's. It is
// none where the winner reads columns alone.
func (one *outcomeRun) standIn() models.Kind {
	if k, ok := models.Lookup(one.models[one.mostFrequent()].Kind); !ok || !k.Volumes {
		return models.Kind{}
	}
	name := "logistic"
	if one.y.Kind == clinical.Survival {
		name = "cox"
	}
	k, _ := models.Lookup(name)
	return k
}

// filled are steps after which nothing is missing, which networks allow and linear models do not.
func filled(steps []pipeline.Spec) []pipeline.Spec {
	if slices.ContainsFunc(steps, func(s pipeline.Spec) bool { return s.Step == "impute" }) {
		return steps
	}
	return append(slices.Clip(steps), pipeline.Default()...)
}

// standFor puts a model of a kind, with its default options, in the place of the one model of a study.
func standFor(s *validate.Study, k models.Kind) error {
	o := models.Defaults(k.Params)
	l, err := k.New(o)
	if err != nil {
		return err
	}
	key, err := (&config.Model{Kind: k.Name}).Key(o)
	if err != nil {
		return err
	}
	s.Procedure.Models = []validate.Entry{{Name: k.Name, Candidates: []validate.Candidate{{Key: key, Learner: l}}}}
	return nil
}

// mostFrequent is the model that won most outer folds.
func (one *outcomeRun) mostFrequent() int {
	wins := make([]int, len(one.models))
	for _, f := range one.result.Folds {
		wins[f.Choice.Winner]++
	}
	return slices.Index(wins, slices.Max(wins))
}

// pipelineSoFar is usualPipeline, or the first before there is a result.
func (one *outcomeRun) pipelineSoFar() int {
	if len(one.result.Folds) == 0 {
		return 0
	}
	return one.usualPipeline()
}

// usualPipeline is the pipeline of that model's most frequent candidate.
func (one *outcomeRun) usualPipeline() int {
	return one.study.Procedure.At(one.result).Models[one.mostFrequent()].Candidates[0].Pipeline
}

// withSteps returns a study with other steps and the most frequent winner alone.
func (one *outcomeRun) withSteps(s validate.Study, steps []pipeline.Spec) (validate.Study, error) {
	best := one.mostFrequent()
	p, err := prepare(steps)
	if err != nil {
		return s, err
	}
	p.Models = one.study.Procedure.At(one.result).Only(best).Models
	p.Models[0].Candidates = slices.Clone(p.Models[0].Candidates)
	p.Models[0].Candidates[0].Pipeline = 0 // the steps are given
	fresh := validate.Study{Rows: s.Rows, X: s.X, Learned: s.Learned, Again: s.Again, Lower: s.Lower, Joint: s.Joint, Procedure: p, Seed: s.Seed, Score: s.Score, Backend: s.Backend}
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
