package train

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
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

	noAblation string // why there is no ablation by source
}

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

// innerFits is how often a candidate is fitted to make a choice.
func (r *run) innerFits(one *outcomeRun) int {
	if one.study.Once {
		return 1
	}
	return r.e.Validation.InnerFolds
}

// announce prints what is going to be done before it starts: fits, and the measured time of one. For that one outer fold of each
// outcome is fitted, which the run then finds done.
func (r *run) announce(ctx context.Context) error {
	total := 0.0
	for _, one := range r.results {
		first, err := one.study.Judge(ctx, one.folds[:1], r.e.Validation.InnerFolds, r.pool)
		if err != nil {
			return fmt.Errorf("outcome %s: %w", one.y.Name, err)
		}
		each := first.Seconds / float64(max(1, first.Fits))
		models, choices := len(one.models), one.study.Procedure.Choices()
		inner := 0
		if choices > 1 {
			inner = choices * r.innerFits(one)
		}
		estimate := len(one.folds)*(models+inner) + inner + 1
		side, permutations, null := 0, 0, 0
		if len(one.measures) > 0 && one.scheme != validate.LeaveOneOut {
			baselines, ablation := r.sets(one)
			sets := slices.Concat(baselines, ablation)
			r.foreseen(one, sets)
			side = fitsOf(one, sets)
			permutations = r.permutations(one)
			if null = r.nullFolds(one) * models; models > 1 {
				null *= 1 + r.innerFits(one)
			}
		}
		seconds := each * float64(estimate+side+permutations*null)
		total += seconds
		r.logf("plan: %s: %d fits for the estimate, up to %d for baselines and ablation, up to %d permutations of %d fits; one fit takes %s, all of them %s of work",
			one.y.Name, estimate, side, permutations, null, report.Seconds(each), report.Seconds(seconds))
	}
	r.logf("plan: at most about %s on %d processors; what goes beyond the budget of %s is cut, permutations first", report.Seconds(total/float64(r.jobs())), r.jobs(), report.Seconds(r.budget()))
	return nil
}

// fitsOf is how many fits the variants take that are not skipped: one a fold.
func fitsOf(one *outcomeRun, sets []columnSet) int {
	n := 0
	for _, s := range sets {
		if s.skipped == "" {
			n += len(one.folds)
		}
	}
	return n
}

// budget is the time for the whole run, in seconds.
func (r *run) budget() float64 {
	if b := time.Duration(r.e.Honest.Budget).Seconds(); b > 0 {
		return b
	}
	return defaultBudget.Seconds()
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
		fitsOfOne += nullFolds * r.innerFits(one) * len(modal.Models)
	}
	eachSide := 0.0 // of a fold of every variant
	for _, sets := range [][]columnSet{baselines, ablation} {
		seconds, err := r.tried(ctx, one, sets)
		if err != nil {
			return err
		}
		eachSide += seconds
	}
	side := fitsOf(one, slices.Concat(baselines, ablation))
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
	number := r.cut(one, eachSide*float64(len(one.folds)), perNull*float64(fitsOfOne), asked)
	h.said = append(h.said, fmt.Sprintf("%s: %d fits for the estimate; %d for baselines and ablation; %d permutations of %d fits each", one.y.Name, one.result.Fits+1, side, number, fitsOfOne)) // one on all patients
	r.logf("plan: now %s; a fit takes %s (%s in a permutation), so about %s more on %d processors", h.said[0], report.Seconds(perFit), report.Seconds(perNull),
		report.Seconds((eachSide*float64(len(one.folds)-1)+perNull*float64(number*fitsOfOne))/float64(r.jobs())), r.jobs())
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
		if len(chosen) == 0 || model.Calibrate != "" || model.MissingSource != "" {
			continue
		}
		kind, _ := models.Lookup(model.Kind)
		kept := p.Models[m].Candidates[0]
		points := model.Points(work.Seed(r.e.Seed))
		at := slices.IndexFunc(points, func(pt config.Point) bool { return pt.Settings == kept.Point })
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
		key, err := model.Key(o)
		if err != nil {
			return p, err
		}
		p.Models[m].Candidates = []validate.Candidate{{Settings: kept.Settings, Point: kept.Point, Pipeline: kept.Pipeline, Key: key, Learner: l}}
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
	budget := r.budget()
	left := budget*float64(r.jobs())/float64(len(r.results)) - one.result.Seconds - side
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
