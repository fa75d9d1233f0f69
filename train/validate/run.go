package validate

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/stat"
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
	// Times at which survival curves are kept.
	Times []float64
	// Score judges predictions of test rows; higher is better, NaN where they cannot be judged. It decides between candidates.
	Score func(clinical.Outcome, models.Prediction) float64
	// Explain asks for the contributions of columns in every outer fold.
	Explain bool

	matrix, data []byte // hashes
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
	rungs := s.Procedure.rungs()
	alive := make([][]bool, len(outer)) // candidates still in the race
	for i := range alive {
		alive[i] = slices.Repeat([]bool{true}, s.Procedure.Choices())
	}
	for rung := range rungs {
		var items []work.Item
		for i, f := range outer {
			for _, g := range RepeatedKFold(s.Rows.Select(f.Train), inner, 1, s.innerSeed(f)) {
				for _, part := range [][]int{g.Train, g.Test} {
					for i, row := range part {
						part[i] = f.Train[row]
					}
				}
				g.Within = f.Train
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
			fits := make([]innerFit, inner)
			for k := range fits {
				res := results[i*inner+k]
				if err := gob.NewDecoder(bytes.NewReader(res.Bytes)).Decode(&fits[k]); err != nil {
					return nil, fmt.Errorf("%s: stored result: %w", items[i*inner+k].Name, err)
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

// key identifies a fit: the code, the data, the procedure, the seed and the rows on either side.
func (s *Study) key(kind string, f Fold, more ...[]byte) work.Key {
	parts := [][]byte{s.data, s.Procedure.key(), binary.LittleEndian.AppendUint64(nil, uint64(s.Seed)), []byte(f.Label()), integers(f.Train), integers(f.Test)}
	if s.Learned != nil {
		kind += " learned"
	}
	return work.NewKey(kind, codeVersion, append(parts, more...)...)
}

// innerItem judges the candidates of an inner fold that are still in the race. The others score NaN.
func (s *Study) innerItem(f Fold, racing []bool) work.Item {
	var race []byte
	for i, in := range racing {
		if !in {
			race = binary.AppendUvarint(race, uint64(i))
		}
	}
	key := s.key("inner fold", f)
	if len(race) > 0 {
		key = s.key("inner fold", f, race)
	}
	return work.Item{Name: f.Label(), Key: key, Do: func(ctx context.Context) ([]byte, error) {
		start := time.Now()
		t, test, _, err := s.prepare(ctx, f)
		if err != nil {
			return nil, err
		}
		y := s.Rows.Outcome.Select(f.Test)
		var out innerFit
		for _, m := range s.Procedure.Models {
			for _, c := range m.Candidates {
				if !racing[len(out.Scores)] {
					out.Scores = append(out.Scores, math.NaN())
					continue
				}
				p, _, err := s.fit(ctx, c, t, test, nil)
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				if err != nil {
					out.Scores = append(out.Scores, math.Inf(-1))
					out.Notes = append(out.Notes, fmt.Sprintf("%s: %s %s: %v", f.Label(), m.Name, c.Settings, err))
					continue
				}
				out.Scores = append(out.Scores, s.Score(y, p))
			}
		}
		out.Seconds = time.Since(start).Seconds()
		return encode(out)
	}}
}

func (s *Study) outerItem(f Fold, choice Choice) work.Item {
	more := [][]byte{integers(choice.Chosen), floatBytes(s.Times)}
	if s.Explain {
		more = append(more, integers([]int{choice.Winner}))
	}
	key := s.key("outer fold", f, more...)
	return work.Item{Name: f.Label(), Key: key, Do: func(ctx context.Context) ([]byte, error) {
		start := time.Now()
		t, test, columns, err := s.prepare(ctx, f)
		if err != nil {
			return nil, err
		}
		out := outerFit{Columns: columns}
		for m, entry := range s.Procedure.Models {
			p, model, err := s.fit(ctx, entry.Candidates[choice.Chosen[m]], t, test, s.Times)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", entry.Name, err)
			}
			fixed, err := fix(model, t)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", entry.Name, err)
			}
			fixed.Prediction = p
			if noted, ok := model.(models.Noted); ok {
				fixed.Notes = noted.Notes()
			}
			if tuned, ok := model.(models.Tuned); ok {
				chosen := tuned.Chosen()
				for _, name := range slices.Sorted(maps.Keys(chosen)) {
					fixed.Tuned = append(fixed.Tuned, Tuned{name, chosen[name]})
				}
			}
			out.Models = append(out.Models, fixed)
			if s.Explain && m == choice.Winner {
				out.Contributions = contributions(model, test)
			}
		}
		out.Seconds = time.Since(start).Seconds()
		return encode(out)
	}}
}

// prepare fits the pipeline on a fold's training rows and takes both sides through it.
func (s *Study) prepare(ctx context.Context, f Fold) (t models.Training, test models.Matrix, columns []string, err error) {
	x, err := s.learned(ctx, f)
	if err != nil {
		return t, test, nil, err
	}
	t = models.Training{X: x.Select(f.Train), Y: s.Rows.Outcome.Select(f.Train), Groups: pick(s.Rows.Patient, f.Train), Again: models.SelectEach(s.Again, f.Train), Lower: s.Lower,
		Seed: s.Seed.Split("fit", s.Rows.Outcome.Name, f.Label())}
	test = x.Select(f.Test)
	if s.Procedure.Prepare != nil {
		apply, err := s.Procedure.Prepare(ctx, t)
		if err != nil {
			return t, test, nil, err
		}
		if t.X, err = apply(t.X); err != nil {
			return t, test, nil, err
		}
		if test, err = apply(test); err != nil {
			return t, test, nil, err
		}
	}
	for _, c := range t.X.Columns {
		columns = append(columns, c.Name)
	}
	return t, test, columns, nil
}

// learned is X as the training rows of a fold make it.
func (s *Study) learned(ctx context.Context, f Fold) (models.Matrix, error) {
	if s.Learned == nil {
		return s.X, nil
	}
	train := f.Train
	if f.Within != nil {
		train = f.Within
	}
	made, err := s.Learned(ctx, train)
	if err != nil {
		return models.Matrix{}, err
	}
	if made.Rows != s.X.Rows {
		return models.Matrix{}, fmt.Errorf("%d rows were made for %d", made.Rows, s.X.Rows)
	}
	x := models.NewMatrix(s.X.Columns, s.X.Rows)
	x.Volumes = s.X.Volumes
	copy(x.Values, s.X.Values)
	at := make(map[string]int, len(made.Columns))
	for j, c := range made.Columns {
		at[c.Name] = j
	}
	for j, c := range x.Columns {
		if k, ok := at[c.Name]; ok {
			copy(x.Column(j), made.Column(k))
		}
	}
	return x, nil
}

// fit fits a candidate and predicts the test rows.
func (s *Study) fit(ctx context.Context, c Candidate, t models.Training, test models.Matrix, times []float64) (models.Prediction, models.Model, error) {
	m, err := c.Learner.Fit(ctx, t)
	if err != nil {
		return models.Prediction{}, nil, err
	}
	p, err := m.Predict(test, times)
	return p, m, err
}

// fix takes from the training rows what a prediction is later compared with: the prevalence, and the median risk that divides
// patients into groups.
func fix(m models.Model, t models.Training) (Prediction, error) {
	var p Prediction
	if t.Y.Kind == clinical.Class {
		last := 0
		for _, c := range t.Y.Class {
			if c == len(t.Y.Classes)-1 {
				last++
			}
		}
		p.Prevalence = float64(last) / float64(len(t.Y.Class))
		return p, nil
	}
	on, err := m.Predict(t.X, nil)
	if err != nil {
		return p, err
	}
	p.Cuts = []float64{stat.Median(on.Risk)}
	return p, nil
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(v)
	return b.Bytes(), err
}

func floatBytes(v []float64) []byte {
	var b []byte
	for _, f := range v {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
	}
	return b
}
