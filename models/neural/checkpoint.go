package neural

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/work"
)

// checkpoint is where a training leaves its state as it goes, in the store of the work that it is part of.
type checkpoint struct {
	store *work.Store
	key   work.Key
	every int // epochs
}

// checkpointVersion is part of the key; raise it when training the same rows gives other weights.
const checkpointVersion = 3

// checkpoint returns the one of this training, which begins with these weights; it does nothing where the context has no store.
func (t *training) checkpoint(ctx context.Context, begin Weights) *checkpoint {
	store := work.StoreOf(ctx)
	if store == nil {
		return &checkpoint{}
	}
	n := t.n
	n.Start = "" // what the file holds counts, not where it lies
	options, err := json.Marshal(n)
	if err != nil {
		return &checkpoint{}
	}
	arch, err := json.Marshal(t.a)
	if err != nil {
		return &checkpoint{}
	}
	return &checkpoint{store: store, every: max(1, t.n.Epochs/10),
		key: work.NewKey("neural checkpoint", checkpointVersion, []byte(engineName()), options, arch, t.digest(begin), fmt.Append(nil, t.learn, t.watch, uint64(t.seed)))}
}

// digest hashes what training looks at.
func (t *training) digest(begin Weights) []byte {
	h := sha256.New()
	var b [8]byte
	floats := func(v []float32) {
		for _, x := range v {
			binary.LittleEndian.PutUint32(b[:4], math.Float32bits(x))
			h.Write(b[:4])
		}
	}
	doubles := func(v []float64) {
		for _, x := range v {
			binary.LittleEndian.PutUint64(b[:], math.Float64bits(x))
			h.Write(b[:])
		}
	}
	for i := range begin {
		floats(begin[i].Values)
	}
	floats(t.d.table)
	doubles(t.d.levels.Means)
	doubles(t.d.levels.SDs)
	for _, v := range t.d.volumes {
		if v == nil {
			continue
		}
		fmt.Fprint(h, v.Source)
		for i := range t.d.rows {
			fmt.Fprint(h, v.Crop[i] >= 0)
			floats(v.Of(i))
		}
	}
	for _, y := range t.y {
		fmt.Fprint(h, y.head, y.y.Class, y.y.Event)
		doubles(y.y.Time)
		doubles(y.y.Entry)
		doubles(y.weights)
	}
	return h.Sum(nil)
}

// progress is the part of a checkpoint that is no tensor.
type progress struct {
	Epoch, Step, Since, BestAt int
	Lowest                     uint64 // its bits: it may be infinite
	Best, Done                 bool
}

// save stores the state now and then. What cannot be stored is not worth stopping for.
func (c *checkpoint) save(s *state) {
	if c.store != nil && s.epoch%c.every == 0 {
		c.put(s)
	}
}

// put stores the state.
func (c *checkpoint) put(s *state) {
	if c.store == nil {
		return
	}
	groups := []Weights{s.weights, like(s.weights, s.optimiser.first), like(s.weights, s.optimiser.second)}
	if s.best != nil {
		groups = append(groups, s.best)
	}
	tensors, err := encodeTensors(groups, memberName)
	if err != nil {
		return
	}
	head, err := json.Marshal(progress{s.epoch, s.optimiser.step, s.since, s.bestAt, math.Float64bits(s.lowest), s.best != nil, s.done})
	if err != nil {
		return
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(head)))
	_ = c.store.Put(c.key, append(append(b, head...), tensors...))
}

// like gives values the names and shapes of weights.
func like(w Weights, values [][]float32) Weights {
	out := make(Weights, len(w))
	for i := range w {
		out[i] = w[i]
		out[i].Values = values[i]
	}
	return out
}

// load goes on from a stored state, where there is one that is whole.
func (c *checkpoint) load(s *state) {
	if c.store == nil {
		return
	}
	b, ok := c.store.Get(c.key)
	if !ok || len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
		return
	}
	n := int(binary.LittleEndian.Uint32(b))
	var p progress
	if json.Unmarshal(b[4:4+n], &p) != nil {
		return
	}
	tensors, err := decodeTensors(b[4+n:])
	if err != nil {
		return
	}
	groups := []Weights{s.weights.clone(), s.weights.clone(), s.weights.clone(), nil}
	if p.Best {
		groups[3] = s.weights.clone()
	}
	for g, all := range groups {
		for i := range all {
			a := tensors[memberName(g)+all[i].Name]
			if len(a.values) != len(all[i].Values) {
				return
			}
			all[i].Values = a.values
		}
	}
	s.weights, s.best, s.lowest = groups[0], groups[3], math.Float64frombits(p.Lowest)
	for i := range s.weights {
		s.optimiser.first[i], s.optimiser.second[i] = groups[1][i].Values, groups[2][i].Values
	}
	s.epoch, s.optimiser.step, s.since, s.bestAt, s.done = p.Epoch, p.Step, p.Since, p.BestAt, p.Done
}
