package neural

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/linear"
)

// training is the training of one network.
type training struct {
	n    Network
	a    *Architecture
	d    *dataset
	y    []*learnt // of each head
	seed work.Seed

	learn, watch []int // rows; watch is empty without early stopping
}

// folds deals patients into parts, one of which each member watches; nil without early stopping.
func (n Network) folds(t models.Training) []int {
	if n.Holdout <= 0 {
		return nil
	}
	stratum := make([]int, t.X.Rows)
	y := outcomesOf(t)[0]
	for i := range stratum {
		switch {
		case !y.Known(i): // of a joint network
			stratum[i] = max(2, len(y.Classes))
		case y.Kind == clinical.Class:
			stratum[i] = y.Class[i]
		default:
			stratum[i] = min(y.Event[i], 1)
		}
	}
	return linear.Folds(stratum, t.Groups, max(2, int(math.Round(1/n.Holdout))), t.Seed.Split("holdout"))
}

// split sets aside the part that member k watches.
func (t *training) split(folds []int, k int) {
	parts := 1
	if folds != nil {
		parts = slices.Max(folds) + 1
	}
	for i := range t.d.rows {
		if folds != nil && folds[i] == k%parts {
			t.watch = append(t.watch, i)
		} else {
			t.learn = append(t.learn, i)
		}
	}
	if len(t.watch) == 0 || len(t.learn) == 0 {
		t.learn, t.watch = append(t.learn, t.watch...), nil
		slices.Sort(t.learn)
	}
}

// frozen says which weights keep what they started with.
func (n Network) frozen(name string) bool {
	return slices.ContainsFunc(n.Freeze, func(pattern string) bool {
		ok, _ := path.Match(pattern, name)
		return ok || strings.HasPrefix(name, pattern+".")
	})
}

// state is all that training goes on from.
type state struct {
	weights   Weights
	optimiser *adamW
	epoch     int // finished
	best      Weights
	lowest    float64 // loss of the watched rows, that of best
	since     int     // epochs without a lower one
	bestAt    int
	done      bool // training is over
}

// run trains and returns the weights, with a note on how it went.
func (t *training) run(ctx context.Context) (Weights, string, error) {
	s := &state{weights: t.a.initial(t.seed), lowest: math.Inf(1)}
	began := ""
	if t.n.Start != "" {
		from, err := readWeights(t.n.Start)
		if err != nil {
			return nil, "", fmt.Errorf("start: %w", err)
		}
		anew, err := s.weights.take(from, t.n.frozen)
		if err != nil {
			return nil, "", fmt.Errorf("start: %w", err)
		}
		began = fmt.Sprintf("began with %d of %d tensors of the file that start names", len(s.weights)-len(anew), len(s.weights))
		if len(anew) > 0 {
			began += " and the others drawn anew: " + strings.Join(anew, ", ")
		}
		began += "; "
	}
	if err := t.n.checkFrozen(s.weights); err != nil {
		return nil, "", err
	}
	s.optimiser = newAdamW(s.weights, t.n.Decay)
	kept := t.checkpoint(ctx, s.weights)
	kept.load(s)

	replicas := min(t.n.Replicas, t.n.Batch, len(t.learn))
	each := (min(t.n.Batch, len(t.learn)) + replicas - 1) / replicas
	batch := each * replicas
	steps := (len(t.learn) + batch - 1) / batch
	total := steps * t.n.Epochs
	warmup := int(t.n.Warmup * float64(total))
	p, err := compiled(fmt.Sprintf("train %d %q %s", each, t.n.Freeze, t.a.graph()), t.a.gradients(t.n.frozen))
	if err != nil {
		return nil, "", err
	}
	augment := newAugmentation(t.n.Augment, t.n.Strength)
	for s.epoch < t.n.Epochs && !s.done {
		seed := t.seed.SplitInt("epoch", s.epoch)
		how := &disturb{seed: seed, augment: augment, modality: t.n.ModalityDrop, dropout: t.n.Dropout, width: t.a.lastWidth()}
		order := seed.Split("order").Rand().Perm(len(t.learn))
		for step := range steps {
			if err := ctx.Err(); err != nil {
				return nil, "", err
			}
			rows := make([]int, batch)
			for k := range rows {
				rows[k] = -1
				if at := step*batch + k; at < len(order) {
					rows[k] = t.learn[order[at]]
				}
			}
			gradients, err := t.step(p, s.weights, rows, each, how)
			if err != nil {
				return nil, "", err
			}
			clip(gradients, t.n.Clip)
			s.optimiser.update(s.weights, gradients, rateAt(t.n.Rate, s.epoch*steps+step, warmup, total))
		}
		if !s.weights.finite() {
			return nil, "", errors.New("training diverged in epoch " + strconv.Itoa(s.epoch+1) + ": weights are no longer numbers; lower learning_rate, or set clip")
		}
		s.epoch++
		if len(t.watch) > 0 {
			if err := t.judge(s); err != nil {
				return nil, "", err
			}
			if s.since >= t.n.Patience {
				break
			}
		}
		kept.save(s)
	}
	if len(t.y) > 1 && !s.done { // it will be asked for again, for the next outcome
		s.done = true
		kept.put(s)
	}
	if len(t.watch) == 0 {
		return s.weights, began + fmt.Sprintf("%d weights trained for %d epochs", s.weights.Parameters(), s.epoch), nil
	}
	return s.best, began + fmt.Sprintf("%d weights trained for %d epochs and kept from epoch %d, by the loss of %d patients held out (%.4g)",
		s.weights.Parameters(), s.epoch, s.bestAt, len(t.watch), s.lowest), nil
}

// checkFrozen refuses patterns that freeze nothing, or all.
func (n Network) checkFrozen(w Weights) error {
	var faults []error
	for _, pattern := range n.Freeze {
		one := Network{Freeze: []string{pattern}}
		if !slices.ContainsFunc(w, func(x Weight) bool { return one.frozen(x.Name) }) {
			faults = append(faults, fault("freeze", "no layer has the form %q; there are %s", pattern, strings.Join(w.layers(), ", ")))
		}
	}
	if !slices.ContainsFunc(w, func(x Weight) bool { return !n.frozen(x.Name) }) {
		faults = append(faults, fault("freeze", "every layer is frozen; nothing would be learnt"))
	}
	return errors.Join(faults...)
}

// layers are the first parts of the weights' names, which are what freeze names as a rule: image.level0, table.layer0, head0.
func (w Weights) layers() []string {
	var out []string
	for _, x := range w {
		name := strings.SplitN(x.Name, ".", 3)
		layer := name[0]
		if len(name) == 3 && (name[0] == "image" || name[0] == "table") {
			layer += "." + name[1]
		}
		if !slices.Contains(out, layer) {
			out = append(out, layer)
		}
	}
	return out
}

// step returns the gradient of each weight, nil where frozen: the replicas, each of so many rows, run at once and are summed in order. Where a
// program is run whole they are parts of one batch, with the same loss.
func (t *training) step(p *program, w Weights, rows []int, each int, how *disturb) ([][]float32, error) {
	size := each
	if p.whole {
		size = len(rows)
	}
	parts := len(rows) / size
	results, errs := make([][][]float32, parts), make([]error, parts)
	scales := make([]float64, len(t.y))
	for h, y := range t.y {
		scales[h] = y.scaleOf(rows)
	}
	var group sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for r := range parts {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			mine := rows[r*size : (r+1)*size]
			inputs := append(w.arrays(), t.d.batch(t.a, mine, how)...)
			for h, y := range t.y {
				inputs = append(inputs, y.targets(mine, scales[h], each)...)
			}
			results[r], errs[r] = p.run(inputs...)
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	out := make([][]float32, len(w))
	k := 0
	for i := range w {
		if t.n.frozen(w[i].Name) {
			continue
		}
		k++ // behind the loss
		out[i] = results[0][k]
		for _, other := range results[1:] {
			for at, v := range other[k] {
				out[i][at] += v
			}
		}
	}
	return out, nil
}

// judge watches the rows held out and keeps the best weights.
func (t *training) judge(s *state) error {
	out, err := t.a.evaluate(s.weights, t.d, t.watch)
	if err != nil {
		return err
	}
	at := map[int]int{}
	for k, i := range t.watch {
		at[i] = k
	}
	sum, from := 0.0, 0
	for h, y := range t.y {
		width := t.a.Heads[h].width()
		sum += t.a.Heads[h].Weight * y.loss(t.watch, func(i int) []float64 { return out[at[i]][from : from+width] })
		from += width
	}
	s.since++
	if sum < s.lowest {
		s.lowest, s.best, s.bestAt, s.since = sum, s.weights.clone(), s.epoch, 0
	}
	if s.best == nil { // not a number from the first
		s.best, s.bestAt = s.weights.clone(), s.epoch
	}
	return nil
}
