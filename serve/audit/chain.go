package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/serve/seal"
)

// row is one link of the chain.
type row struct {
	seq                        int64 // from 1, without gaps
	time                       int64 // microseconds since 1970
	who, route, model, version string
	patient                    []byte            // keyed hash; empty on a tombstone of time
	hash                       [sha256.Size]byte // of the payload with its salt
	payload                    []byte            // encrypted; nil where it was erased, and on tombstones
	digest                     [sha256.Size]byte // of the row before and this one

	entry *Entry // that the payload is to hold; nil once it does
}

// end is where the chain ends.
type end struct {
	seq    int64
	digest [sha256.Size]byte
}

// continueWith numbers a row and gives it its digest. Fields are length-prefixed, so that none can borrow from its neighbour.
func (e *end) continueWith(r *row) {
	r.seq, r.digest = e.seq+1, r.chained(e.digest)
	e.seq, e.digest = r.seq, r.digest
}

func (r *row) chained(before [sha256.Size]byte) [sha256.Size]byte {
	b := make([]byte, 0, 512)
	b = append(b, before[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.time))
	for _, s := range [...]string{r.who, r.route, r.model, r.version, string(r.patient), string(r.hash[:])} {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(s)))
		b = append(b, s...)
	}
	return sha256.Sum256(b)
}

// The routes of tombstones: rows without a payload that say whose or which payloads are gone.
const (
	erasure = "erase"  // of the row's patient, up to this row
	expiry  = "expire" // of all rows before the row's version, a time in microseconds since 1970
)

// Report is what Verify found.
type Report struct {
	Entries    int
	Erased     int    // whose payload or key is gone; their place in the chain is not
	Tombstones int    // erasures and expiries among the entries
	Digest     string // of the last row: noted elsewhere, it shows later that no row was cut off the end
}

// gone is what the tombstones of a log say is gone.
type gone struct {
	patients map[string]int64 // rows up to this one
	before   []tombstone
}

// tombstone is an expiry: rows before the one numbered seq, of a time before.
type tombstone struct{ seq, before int64 }

func (g *gone) add(r *row) error {
	switch {
	case r.route == erasure && r.hash == emptyHash:
		g.patients[string(r.patient)] = r.seq
	case r.route == expiry && r.hash == emptyHash:
		var before int64
		if _, err := fmt.Sscan(r.version, &before); err != nil {
			return fmt.Errorf("row %d is a tombstone without its time", r.seq)
		}
		g.before = append(g.before, tombstone{r.seq, before})
	}
	return nil
}

// has reports whether a row's payload is gone by a tombstone.
func (g *gone) has(r *row) bool {
	if g.patients[string(r.patient)] > r.seq {
		return true
	}
	for _, t := range g.before {
		if t.seq > r.seq && r.time < t.before {
			return true
		}
	}
	return false
}

// emptyHash is the hash of the payload that a tombstone does not have. No payload hashes to it: each begins with a salt.
var emptyHash = sha256.Sum256(nil)

func (r *row) isTombstone() bool { return r.hash == emptyHash }

// Verify walks the chain and checks every payload that can still be read, and that those that cannot are gone by a tombstone. The error
// names the first row that does not fit.
func (l *Log) Verify() (Report, error) {
	var r Report
	fault := func(format string, args ...any) (Report, error) { return r, fmt.Errorf("audit: "+format, args...) }
	keys, err := l.openKeys(nil)
	if err != nil {
		return fault("%w", err)
	}
	g := gone{patients: map[string]int64{}}
	if err := l.store.scan(tombstones, nil, g.add); err != nil {
		return fault("%w", err)
	}
	var at end
	err = l.store.scan(everything, nil, func(e *row) error {
		if e.seq != at.seq+1 {
			return fmt.Errorf("row %d is missing", at.seq+1)
		}
		found := e.digest
		if at.continueWith(e); e.digest != found {
			return fmt.Errorf("row %d was altered, or the one before it: its digest does not continue the chain", e.seq)
		}
		r.Entries++
		if e.isTombstone() {
			r.Tombstones++
			return nil
		}
		key, ok := keys[string(e.patient)]
		if !ok || e.payload == nil {
			if r.Erased++; !g.has(e) {
				return fmt.Errorf("the payload of row %d is gone, and no erasure or expiry says why", e.seq)
			}
			return nil
		}
		plain, err := key.Open(e.payload)
		switch {
		case err != nil && g.has(e):
			r.Erased++ // written under a key that was destroyed; the patient came back under another
		case err != nil || sha256.Sum256(plain) != e.hash:
			return fmt.Errorf("the payload of row %d was altered", e.seq)
		}
		return nil
	})
	if err != nil {
		return fault("%w", err)
	}
	r.Digest = hex.EncodeToString(at.digest[:])
	return r, nil
}

// appendPayload appends the salt, the inputs and the answer.
func appendPayload(b []byte, e *Entry) []byte {
	b = slices.Grow(b, 16+4+8*len(e.Inputs)+len(e.Answer))
	b = append(b, seal.Random(16)...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(e.Inputs)))
	for _, v := range e.Inputs {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return append(b, e.Answer...)
}

// read fills an entry from a payload.
func (e *Entry) read(b []byte) error {
	if len(b) < 20 || (len(b)-20)/8 < int(binary.LittleEndian.Uint32(b[16:])) {
		return errors.New("a payload is cut off")
	}
	n := int(binary.LittleEndian.Uint32(b[16:]))
	for i := range n {
		e.Inputs = append(e.Inputs, math.Float64frombits(binary.LittleEndian.Uint64(b[20+8*i:])))
	}
	e.Answer = b[20+8*n:]
	return nil
}
