package validate

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models"
)

// Procedure is all that is fitted inside a fold.
type Procedure struct {
	// Key is the canonical form of the pipeline: what Prepare depends on beside its training rows.
	Key []byte
	// Prepare fits the pipeline on training rows and returns what it does to any row; nil leaves rows as they are.
	Prepare func(ctx context.Context, t models.Training) (Apply, error)
	// Others are pipelines beside that one, among which candidates choose; see Candidate.Pipeline.
	Others []Pipeline
	// Models compete. Each has one candidate or, where hyper-parameters are searched, several.
	Models []Entry
}

// Apply takes rows through a fitted pipeline.
type Apply func(models.Matrix) (models.Matrix, error)

// Pipeline is one at another point of a search over its steps' options.
type Pipeline struct {
	Key     []byte
	Prepare func(ctx context.Context, t models.Training) (Apply, error)
}

// pipeline returns how the pipeline of a candidate is fitted.
func (p Procedure) pipeline(number int) func(ctx context.Context, t models.Training) (Apply, error) {
	if number > 0 && number <= len(p.Others) {
		return p.Others[number-1].Prepare
	}
	return p.Prepare
}

// Entry is one model of a procedure.
type Entry struct {
	Name       string
	Candidates []Candidate
	// Halving chooses by successive halving: all candidates on a part of the inner training rows, the best third on three times as many,
	// and so on until few are left for all rows.
	Halving bool
}

// Candidate is a model at one point of its search.
type Candidate struct {
	Settings string // "alpha=0.5", for the report; empty where nothing is searched
	Key      []byte // canonical form of kind and hyper-parameters
	Learner  models.Learner
	// Point is the part of Settings that is the model's own.
	Point string
	// Pipeline is the pipeline that goes before the model: 0 the procedure's own, n the nth of its others.
	Pipeline int
	// Joint are the weights of the outcomes that the model learns together, in the order of Study.Joint; nil for a model of one outcome.
	Joint []float64
}

// Choices is the number of candidates of all models together.
func (p Procedure) Choices() int {
	n := 0
	for _, m := range p.Models {
		n += len(m.Candidates)
	}
	return n
}

// key covers the pipeline and every candidate.
func (p Procedure) key() []byte {
	h := sha256.New()
	part(h, p.Key)
	for _, o := range p.Others {
		part(h, o.Key)
	}
	for _, m := range p.Models {
		part(h, []byte(m.Name))
		for _, c := range m.Candidates {
			part(h, c.Key)
			if len(p.Others) > 0 {
				part(h, integers([]int{c.Pipeline}))
			}
		}
	}
	return h.Sum(nil)
}

func part(h hash.Hash, b []byte) {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], uint64(len(b)))
	h.Write(n[:])
	h.Write(b)
}

// matrixKey hashes columns and values. Keys of patients are not part of it.
func matrixKey(x models.Matrix) []byte {
	h := sha256.New()
	for _, c := range x.Columns {
		part(h, []byte(c.Name))
		part(h, []byte(c.Source))
		part(h, []byte(c.Group))
		part(h, []byte(c.Kind.String()))
		for _, l := range c.Levels {
			part(h, []byte(l))
		}
	}
	floats(h, x.Values)
	for i := range x.Volumes {
		crops(h, &x.Volumes[i])
	}
	return h.Sum(nil)
}

// dataKey hashes all that fits depend on beside the procedure and the seed.
func dataKey(matrix []byte, y clinical.Outcome, patients []int) []byte {
	h := sha256.New()
	part(h, matrix)
	part(h, []byte(y.Name))
	part(h, []byte(y.Kind))
	for _, c := range y.Classes {
		part(h, []byte(c))
	}
	floats(h, y.Time)
	floats(h, y.Entry)
	part(h, integers(y.Class))
	part(h, integers(y.Event))
	part(h, integers(patients))
	return h.Sum(nil)
}

// floats hashes values by their bits, a block at a time.
func floats(h hash.Hash, v []float64) {
	var b [8 * 512]byte
	binary.LittleEndian.PutUint64(b[:8], uint64(len(v)))
	h.Write(b[:8])
	for len(v) > 0 {
		n := min(len(v), 512)
		for i, f := range v[:n] {
			binary.LittleEndian.PutUint64(b[8*i:], math.Float64bits(f))
		}
		h.Write(b[:8*n])
		v = v[n:]
	}
}

func integers(v []int) []byte {
	b := make([]byte, 0, len(v)+8)
	for _, i := range v {
		b = binary.AppendVarint(b, int64(i))
	}
	return b
}

// crops hashes volumes and which row has which.
func crops(h hash.Hash, v *models.Volumes) {
	part(h, []byte(v.Source))
	for _, c := range v.Channels {
		part(h, []byte(c))
	}
	part(h, integers(v.Size[:]))
	floats(h, v.Spacing[:])
	part(h, integers(v.Crop))
	b := make([]byte, 0, 4*len(v.Values))
	for _, x := range v.Values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	part(h, b)
}
