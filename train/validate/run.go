package validate

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
)

// codeVersion is raised when the results of a fold fit change for the same key.
const codeVersion = 2

// Study is a procedure to be judged on one outcome of a cohort. Its rows are those whose outcome is known.
type Study struct {
	Rows      Rows
	X         models.Matrix
	Procedure Procedure
	Seed      work.Seed
	// Learned makes columns of X, for all its rows, from what these training rows teach: those of images that are brought to a scale
	// learned from other patients. They stand in for the columns of X of the same names. Inner folds use what the training rows of
	// their outer fold teach, so that the test rows of an outer fold teach nothing. Nil where nothing is learned before the pipeline.
	Learned func(ctx context.Context, train []int) (models.Matrix, error)
	// Again and Lower are those of models.Training: other measurements of the rows of X.
	Again []models.Matrix
	Lower map[string]float64
	// Joint is what models of several outcomes learn from; nil where there is none.
	Joint *Joint
	// Times at which survival curves are kept.
	Times []float64
	// Score judges predictions of test rows; higher is better, NaN where they cannot be judged. It decides between candidates.
	Score func(clinical.Outcome, models.Prediction) float64
	// Once makes choices on the first of the inner folds alone, a hold-out, where fits take long.
	Once bool
	// Backend names what networks are fitted on, where it is not Go: what was finished on one is not taken for another's.
	Backend string
	// Explain asks for the contributions of columns in every outer fold.
	Explain bool

	matrix, data, joint []byte // hashes
}

// Result is what became of a study's folds.
type Result struct {
	Folds []FoldResult // one an outer fold
	// Final is the choice made by inner folds of all rows; the model that is kept is this one, fitted to all rows.
	Final Choice
	// Fits is how many models were fitted, and Seconds the processor time that it took, now or in the run that stored them.
	Fits    int
	Seconds float64
}

// Choice is what the inner folds decided.
type Choice struct {
	Inner  []float64 // mean inner score of each candidate of each model in turn; nil where there was nothing to choose
	Chosen []int     // candidate of each model
	Winner int       // model
	Notes  []string
}

// FoldResult is what the procedure did in one outer fold.
type FoldResult struct {
	Fold    Fold
	Choice  Choice
	Columns []string     // that reached the models
	Models  []Prediction // one a model, over the test rows
	// Contributions are, for each of Columns, the mean absolute SHAP value in the winner's estimates of the test rows, over classes where
	// there are several; nil where it was not asked for, or the winner has none that is exact without a background.
	Contributions []float64
}

// Prediction is what one model said of the test rows of a fold, with what was fixed on its training rows.
type Prediction struct {
	models.Prediction
	Prevalence float64   // share of the last class among the training rows of a class outcome
	Cuts       []float64 // of risk, fixed on the training rows; survival outcomes
	Notes      []string
	Tuned      []Tuned // what the fit chose by itself, by name

	training *training // set where test rows are judged by it
}

// Tuned is a hyper-parameter that a fit chose.
type Tuned struct {
	Option string
	Value  float64
}

// Run judges the procedure on the outer folds and makes the final choice. inner is the number of inner folds, used where there is
// something to choose. Fits that fail stop the run, except candidates in inner folds: those are out of the race, with a note.
func (s *Study) Run(ctx context.Context, outer []Fold, inner int, pool work.Pool) (Result, error) {
	all := Fold{Name: "all rows", Train: make([]int, s.Rows.Len())}
	for i := range all.Train {
		all.Train[i] = i
	}
	if s.Joint != nil {
		all.Extra = s.Joint.extra()
	}
	r, err := s.Judge(ctx, outer, inner, pool)
	if err != nil {
		return Result{}, err
	}
	final, err := s.choose(ctx, []Fold{all}, inner, pool, &r)
	if err != nil {
		return Result{}, err
	}
	r.Final = final[0]
	return r, nil
}

// Judge runs the outer folds alone, without the final choice.
func (s *Study) Judge(ctx context.Context, outer []Fold, inner int, pool work.Pool) (Result, error) {
	s.identify()
	var r Result
	choices, err := s.choose(ctx, outer, inner, pool, &r)
	if err != nil {
		return Result{}, err
	}
	items := make([]work.Item, len(outer))
	for i, f := range outer {
		items[i] = s.outerItem(f, choices[i])
	}
	results, err := pool.Run(ctx, items)
	if err != nil {
		return Result{}, err
	}
	if err := work.Errors(results); err != nil {
		return Result{}, err
	}
	for i, res := range results {
		var f outerFit
		if err := gob.NewDecoder(bytes.NewReader(res.Bytes)).Decode(&f); err != nil {
			return Result{}, fmt.Errorf("%s: stored result: %w", outer[i].Label(), err)
		}
		r.Seconds += f.Seconds
		r.Fits += len(s.Procedure.Models)
		r.Folds = append(r.Folds, FoldResult{Fold: outer[i], Choice: choices[i], Columns: f.Columns, Models: f.Models, Contributions: f.Contributions})
	}
	return r, nil
}

// identify completes the rows and hashes what all fits depend on. The matrix is hashed once, also for studies of other outcomes.
func (s *Study) identify() {
	if s.Rows.Patient == nil {
		s.Rows.Patient = make([]int, s.Rows.Len())
		for i := range s.Rows.Patient {
			s.Rows.Patient[i] = i
		}
	}
	if s.matrix == nil {
		s.matrix = matrixKey(s.X)
		for _, m := range s.Again {
			s.matrix = append(s.matrix, matrixKey(m)...)
		}
		for _, name := range slices.Sorted(maps.Keys(s.Lower)) {
			s.matrix = append(append(s.matrix, name...), floatBytes([]float64{s.Lower[name]})...)
		}
	}
	if s.Joint != nil && s.joint == nil {
		x := matrixKey(s.Joint.X)
		for _, y := range s.Joint.Outcomes {
			s.joint = append(s.joint, dataKey(x, y, s.Joint.Patient)...)
		}
	}
	s.data = dataKey(s.matrix, s.Rows.Outcome, s.Rows.Patient)
}

// innerFit is the stored result of one inner fold: the score of each candidate.
type innerFit struct {
	Scores  []float64
	Notes   []string
	Seconds float64
}

// outerFit is the stored result of one outer fold.
type outerFit struct {
	Columns       []string
	Models        []Prediction
	Contributions []float64
	Seconds       float64
}

// choose makes the choice of each fold by inner folds of its training rows.
func (s *Study) choose(ctx context.Context, outer []Fold, inner int, pool work.Pool, r *Result) ([]Choice, error) {
	choices := make([]Choice, len(outer))
	if s.Procedure.Choices() == 1 {
		for i := range choices {
			choices[i] = Choice{Chosen: []int{0}}
		}
		return choices, nil
	}
	if err := FeasibleInner(s.Rows, outer, inner); err != nil {
		return nil, err
	}
	rungs, judged := s.Procedure.rungs(), inner // inner folds that are fitted
	if s.Once {
		judged = 1
	}
	alive := make([][]bool, len(outer)) // candidates still in the race
	for i := range alive {
		alive[i] = slices.Repeat([]bool{true}, s.Procedure.Choices())
	}
	for rung := range rungs {
		var items []work.Item
		for i, f := range outer {
			for _, g := range RepeatedKFold(s.Rows.Select(f.Train), inner, 1, s.innerSeed(f))[:judged] {
				for _, part := range [][]int{g.Train, g.Test} {
					for i, row := range part {
						part[i] = f.Train[row]
					}
				}
				g.Within, g.Extra = f.Train, f.Extra
				g.Name = fmt.Sprintf("%s inner %d", f.Label(), g.Number+1)
				if rung < rungs-1 {
					g.Name += fmt.Sprintf(" rung %d", rung+1)
					g.Train = s.part(g, math.Pow(halvingFactor, float64(rung-rungs+1)))
				}
				items = append(items, s.innerItem(g, s.Procedure.racing(alive[i], rung, rungs)))
			}
		}
		results, err := pool.Run(ctx, items)
		if err != nil {
			return nil, err
		}
		if err := work.Errors(results); err != nil {
			return nil, err
		}
		for i := range outer {
			fits := make([]innerFit, judged)
			for k := range fits {
				res := results[i*judged+k]
				if err := gob.NewDecoder(bytes.NewReader(res.Bytes)).Decode(&fits[k]); err != nil {
					return nil, fmt.Errorf("%s: stored result: %w", items[i*judged+k].Name, err)
				}
				r.Seconds += fits[k].Seconds
				r.Fits += count(s.Procedure.racing(alive[i], rung, rungs))
			}
			choices[i].Notes = append(choices[i].Notes, notesOf(fits)...)
			if rung < rungs-1 {
				s.Procedure.halve(alive[i], meanScores(fits), rung, rungs)
				continue
			}
			notes := choices[i].Notes
			if choices[i], err = s.decide(fits, notes); err != nil {
				return nil, fmt.Errorf("%s: %w", outer[i].Label(), err)
			}
		}
	}
	return choices, nil
}

func (s *Study) innerSeed(f Fold) work.Seed {
	return s.Seed.Split("inner", s.Rows.Outcome.Name, f.Label())
}

// meanScores averages the scores over inner folds. A fold in which nothing can be judged counts for nobody.
func meanScores(fits []innerFit) []float64 {
	out := make([]float64, len(fits[0].Scores))
	for i := range out {
		sum, n := 0.0, 0
		for _, f := range fits {
			if !math.IsNaN(f.Scores[i]) {
				sum += f.Scores[i]
				n++
			}
		}
		out[i] = math.NaN()
		if n > 0 {
			out[i] = sum / float64(n)
		}
	}
	return out
}

func notesOf(fits []innerFit) []string {
	var out []string
	for _, f := range fits {
		out = append(out, f.Notes...)
	}
	return out
}

// decide takes the best candidate of each model by its mean score over inner folds, and the best of those. Equal scores go to the
// candidate listed first.
func (s *Study) decide(fits []innerFit, notes []string) (Choice, error) {
	c := Choice{Inner: meanScores(fits), Chosen: make([]int, len(s.Procedure.Models)), Winner: -1, Notes: notes}
	best, at := math.Inf(-1), 0
	for m, entry := range s.Procedure.Models {
		mine := math.Inf(-1)
		for k := range entry.Candidates {
			if v := c.Inner[at+k]; v > mine {
				mine, c.Chosen[m] = v, k
			}
		}
		at += len(entry.Candidates)
		if mine > best {
			best, c.Winner = mine, m
		}
	}
	if c.Winner < 0 {
		return c, errors.Join(errors.New("no candidate could be fitted and judged in the inner folds"), errors.New(firstNote(c.Notes)))
	}
	return c, nil
}

func firstNote(notes []string) string {
	if len(notes) == 0 {
		return "its inner test parts lack a class or comparable patients"
	}
	return notes[0]
}
