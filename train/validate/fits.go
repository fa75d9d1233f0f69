package validate

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/gob"
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

// key identifies a fit: the code, the data, the procedure, the seed and the rows on either side.
func (s *Study) key(kind string, f Fold, more ...[]byte) work.Key {
	parts := [][]byte{s.data, s.Procedure.key(), binary.LittleEndian.AppendUint64(nil, uint64(s.Seed)), []byte(f.Label()), integers(f.Train), integers(f.Test)}
	if s.Learned != nil {
		kind += " learned"
	}
	if s.Joint != nil {
		kind += " joint"
		parts = append(parts, s.joint, integers(f.Extra))
	}
	if s.Backend != "" {
		kind += " on " + s.Backend
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
		var race []Candidate
		at := 0
		for _, m := range s.Procedure.Models {
			for _, c := range m.Candidates {
				if racing[at] {
					race = append(race, c)
				}
				at++
			}
		}
		sides, err := s.sides(ctx, f, race)
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
				p, _, err := s.fit(ctx, c, sides, nil)
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
		var chosen []Candidate
		for m, entry := range s.Procedure.Models {
			chosen = append(chosen, entry.Candidates[choice.Chosen[m]])
		}
		sides, err := s.sides(ctx, f, chosen)
		if err != nil {
			return nil, err
		}
		var out outerFit
		for _, c := range sides.train.X.Columns {
			out.Columns = append(out.Columns, c.Name)
		}
		for m, entry := range s.Procedure.Models {
			candidate := entry.Candidates[choice.Chosen[m]]
			p, model, err := s.fit(ctx, candidate, sides, s.Times)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", entry.Name, err)
			}
			fixed, err := fix(model, sides.of(candidate).known())
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
				own := sides.of(candidate)
				if own != &sides.side {
					out.Columns = nil
					for _, c := range own.train.X.Columns {
						out.Columns = append(out.Columns, c.Name)
					}
				}
				out.Contributions = contributions(ctx, model, own.test)
				if err := ctx.Err(); err != nil {
					return nil, err
				}
			}
		}
		out.Seconds = time.Since(start).Seconds()
		return encode(out)
	}}
}

// side are both sides of a fold behind the pipeline.
type side struct {
	train models.Training
	test  models.Matrix
}

// known are the training rows whose outcome is known: all of them but for a joint model.
func (d *side) known() models.Training {
	if d.train.Joint == nil {
		return d.train
	}
	var rows []int
	for i := range d.train.X.Rows {
		if d.train.Y.Known(i) {
			rows = append(rows, i)
		}
	}
	return d.train.Select(rows)
}

// foldSides are the sides of a fold as the models of one outcome see them, and as each joint model does.
type foldSides struct {
	side
	joint map[string]*side // by the model's weights
	pipes map[int]*side    // by the candidate's pipeline, where it is not the procedure's own
}

// of returns the sides that a candidate learns from.
func (f *foldSides) of(c Candidate) *side {
	if c.Joint == nil {
		if d := f.pipes[c.Pipeline]; d != nil {
			return d
		}
		return &f.side
	}
	return f.joint[fmt.Sprint(c.Joint)]
}

// sides prepares a fold for these candidates, and for every joint model of the procedure.
func (s *Study) sides(ctx context.Context, f Fold, of []Candidate) (*foldSides, error) {
	out := &foldSides{joint: map[string]*side{}, pipes: map[int]*side{}}
	var err error
	first := 0 // what no candidate learns from is not prepared
	if len(s.Procedure.Others) > 0 && len(of) > 0 {
		first = of[0].Pipeline
	}
	if out.train, out.test, err = s.prepare(ctx, f, first); err != nil {
		return nil, err
	}
	out.pipes[first] = &out.side
	for _, c := range of {
		if out.pipes[c.Pipeline] != nil {
			continue
		}
		var d side
		if d.train, d.test, err = s.prepare(ctx, f, c.Pipeline); err != nil {
			return nil, err
		}
		out.pipes[c.Pipeline] = &d
	}
	for _, m := range s.Procedure.Models {
		for i := range m.Candidates {
			c := &m.Candidates[i]
			key := fmt.Sprint(c.Joint)
			if c.Joint == nil || out.joint[key] != nil {
				continue
			}
			if s.Joint == nil {
				out.joint[key] = &out.side
				continue
			}
			var d side
			if d.train, d.test, err = s.prepareJoint(ctx, f, c.Joint); err != nil {
				return nil, err
			}
			out.joint[key] = &d
		}
	}
	return out, nil
}

// prepare fits a pipeline on a fold's training rows and takes both sides through it.
func (s *Study) prepare(ctx context.Context, f Fold, number int) (t models.Training, test models.Matrix, err error) {
	x, err := s.learned(ctx, f)
	if err != nil {
		return t, test, err
	}
	t = models.Training{X: x.Select(f.Train), Y: s.Rows.Outcome.Select(f.Train), Groups: pick(s.Rows.Patient, f.Train), Again: models.SelectEach(s.Again, f.Train), Lower: s.Lower,
		Seed: s.Seed.Split("fit", s.Rows.Outcome.Name, f.Label())}
	test = x.Select(f.Test)
	fit := s.Procedure.pipeline(number)
	if fit == nil {
		return t, test, nil
	}
	apply, err := fit(ctx, t)
	if err != nil {
		return t, test, err
	}
	if t.X, err = apply(t.X); err != nil {
		return t, test, err
	}
	test, err = apply(test)
	return t, test, err
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
	return replaced(s.X, made)
}

// replaced is a matrix with the columns that were made for its rows in place of those of the same names.
func replaced(old, made models.Matrix) (models.Matrix, error) {
	if made.Rows != old.Rows {
		return models.Matrix{}, fmt.Errorf("%d rows were made for %d", made.Rows, old.Rows)
	}
	x := models.NewMatrix(old.Columns, old.Rows)
	x.Volumes = old.Volumes
	copy(x.Values, old.Values)
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
func (s *Study) fit(ctx context.Context, c Candidate, sides *foldSides, times []float64) (models.Prediction, models.Model, error) {
	own := sides.of(c)
	m, err := c.Learner.Fit(ctx, own.train)
	if err != nil {
		return models.Prediction{}, nil, err
	}
	p, err := m.Predict(own.test, times)
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
