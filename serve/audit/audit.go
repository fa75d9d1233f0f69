// Package audit keeps who asked what of which bundle and what was answered, in SQLite or PostgreSQL, so that it can be shown later that
// nothing was changed, and so that a patient can be erased.
//
// Rows form a chain: each digest covers the one before and the row's own fields, the payload by a salted hash. The payload (the row
// of inputs and the answer, with its salt) is encrypted under a key of the patient's own, and those keys under a key in a file beside
// the database. Erasing a patient destroys that key and adds a tombstone to the chain: the rows stay, the chain still verifies, and the
// hash cannot be tried out because its salt is gone with the key. A payload that is gone without a tombstone is a fault that Verify
// finds. Patients are stored as a keyed hash alone.
package audit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/voxgene/voxgene/serve/seal"
)

// Entry is one prediction.
type Entry struct {
	Time    time.Time
	Who     string // name of the credentials; empty for nobody in particular
	Route   string
	Model   string
	Version string // of the bundle
	Patient string // as the client named them; stored as a keyed hash
	Inputs  []float64
	Answer  []byte // JSON
}

// Log writes entries. It is safe for concurrent use; entries that arrive together share one commit.
type Log struct {
	store  store
	master seal.Sealer
	pepper []byte // keys the hash of patients
	names  func(patient string) string

	lock    sync.Mutex
	waiting []*pending    // in the order in which they came
	enough  int           // batches for which a commit need not wait
	closing bool          // nothing more is taken
	wake    chan struct{} // for the writer: something waits, enough does, or the log is closing
	closed  chan struct{} // once everything is written

	sealed []byte // of the writer, which fills it anew for each commit
}

// pending is a batch that waits for its commit.
type pending struct {
	entries []Entry
	done    chan error
}

// Open opens the log in an SQLite database file, making it and its key file (path.key) where they are not. A log without its key file
// is refused.
func Open(path string) (*Log, error) {
	secret, err := seal.Secret(path)
	if err != nil {
		return nil, err
	}
	s, err := openSQLite(path)
	if err != nil {
		return nil, fmt.Errorf("audit: %s: %w", path, err)
	}
	return start(s, secret)
}

// OpenPostgres opens the log in a PostgreSQL database, making its tables where they are not. The connection string is a URL
// (postgres://…) or keywords and values; what it leaves out comes from the environment (PGHOST, PGPASSWORD, …) as in psql. The key file is
// made where both it and the tables' rows are not there, and a log that has rows without its key file is refused. No error holds the
// connection string, which may hold a password.
func OpenPostgres(ctx context.Context, connection, keyFile string) (*Log, error) {
	s, err := openPostgres(ctx, connection)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	secret, err := seal.SecretIn(keyFile, "the PostgreSQL database", func() (bool, error) { return s.empty(ctx) })
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return start(s, secret)
}

// start begins writing to a store.
func start(s store, secret []byte) (*Log, error) {
	master, err := seal.New(seal.Derive(secret, "keys of patients"))
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	l := &Log{store: s, master: master, pepper: seal.Derive(secret, "names of patients"), enough: 1, wake: make(chan struct{}, 1), closed: make(chan struct{})}
	go l.write()
	return l, nil
}

// Pseudonyms makes the log hold patients under other names, by which they are then found, shown and erased. It is called before the first entry.
func (l *Log) Pseudonyms(names func(patient string) string) { l.names = names }

// Name is the name under which a patient's entries are to be recorded.
func (l *Log) Name(patient string) string {
	if l.names == nil {
		return patient
	}
	return l.names(patient)
}

// Hash is the keyed hash under which a patient is stored; logs may show it.
func (l *Log) Hash(patient string) []byte { return seal.Derive(l.pepper, patient)[:16] }

// Record writes entries and returns when they are on disk, or an error, after which nothing of them may be answered.
func (l *Log) Record(ctx context.Context, entries []Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p := &pending{entries, make(chan error, 1)}
	l.lock.Lock()
	if l.closing {
		l.lock.Unlock()
		return errors.New("audit: the log is closed")
	}
	l.waiting = append(l.waiting, p)
	n := len(l.waiting)
	tell := n == 1 || n == l.enough
	l.lock.Unlock()
	if tell {
		l.tell()
	}
	return <-p.done
}

// tell wakes the writer, which looks itself what there is.
func (l *Log) tell() {
	select {
	case l.wake <- struct{}{}:
	default: // it is being woken
	}
}

// Close writes what waits and closes the database.
func (l *Log) Close() error {
	l.lock.Lock()
	l.closing = true
	l.lock.Unlock()
	l.tell()
	<-l.closed
	return l.store.close()
}

const (
	// together bounds the batches of one commit.
	together = 256
	// patience is how long a commit waits at most for batches that are likely under way: about as long as a commit takes.
	patience = time.Millisecond
)

// write commits batches until the log is closed. All that wait at one moment share a commit, because a commit waits for the disk; and as many
// as were under way when the last one ended are waited for, because their clients, who were answered together, come back together.
func (l *Log) write() {
	defer close(l.closed)
	late := time.NewTimer(patience)
	for range l.wake {
		l.lock.Lock()
		wait := len(l.waiting) > 0 && len(l.waiting) < l.enough && !l.closing
		l.lock.Unlock()
		if wait {
			late.Reset(patience)
			select {
			case <-l.wake:
			case <-late.C:
			}
		}
		for {
			l.lock.Lock()
			n, closing := min(len(l.waiting), together), l.closing
			batch := l.waiting[:n:n]
			if l.waiting = l.waiting[n:]; len(l.waiting) == 0 {
				l.waiting = nil // the batch keeps its memory
			}
			l.lock.Unlock()
			if n > 0 {
				l.finish(batch, l.commit(batch))
			}
			if closing && n == 0 {
				return
			}
			if !closing && n < together {
				break
			}
		}
	}
}

// finish tells those who wait for a batch that it is written, or why it is not.
func (l *Log) finish(batch []*pending, err error) {
	l.lock.Lock()
	l.enough = min(len(batch)+len(l.waiting), together)
	more := len(l.waiting) > 0
	l.lock.Unlock()
	if more {
		l.tell()
	}
	for _, p := range batch {
		p.done <- err
	}
}

// commitTime bounds how long one commit may take: a database that hangs must not hold every answer for ever.
const commitTime = 20 * time.Second

// commit writes batches in one transaction.
func (l *Log) commit(batch []*pending) error {
	ctx, cancel := context.WithTimeout(context.Background(), commitTime)
	defer cancel()
	var rows []row
	for _, p := range batch {
		for i := range p.entries {
			e := &p.entries[i]
			rows = append(rows, row{time: e.Time.UnixMicro(), who: e.Who, route: e.Route, model: e.Model, version: e.Version, patient: l.Hash(e.Patient), entry: e})
		}
	}
	if err := l.store.append(ctx, patients(rows), func(end end, keys map[string][]byte) (addition, error) { return l.seal(rows, end, keys) }); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// patients are those of the rows, each once.
func patients(rows []row) [][]byte {
	var out [][]byte
	seen := map[string]bool{}
	for i := range rows {
		if name := string(rows[i].patient); !seen[name] {
			seen[name] = true
			out = append(out, rows[i].patient)
		}
	}
	return out
}

// keepSealed is the largest buffer of payloads that is kept for the next commit.
const keepSealed = 1 << 20

// seal continues the chain with rows, encrypted under their patients' keys; those of new patients are made.
func (l *Log) seal(rows []row, end end, keys map[string][]byte) (addition, error) {
	var add addition
	open := make(map[string]seal.Sealer, len(keys))
	var plain, sealed []byte
	if cap(l.sealed) <= keepSealed {
		sealed = l.sealed[:0]
	}
	for i := range rows {
		r := &rows[i]
		name := string(r.patient)
		key, ok := open[name]
		if !ok {
			secret, err := l.key(r.patient, keys, &add)
			if err != nil {
				return add, err
			}
			if key, err = seal.New(secret); err != nil {
				return add, err
			}
			open[name] = key
		}
		plain = appendPayload(plain[:0], r.entry)
		r.hash = sha256.Sum256(plain)
		from := len(sealed)
		sealed = key.AppendSeal(sealed, plain)
		r.payload = sealed[from:len(sealed):len(sealed)]
		end.continueWith(r)
	}
	add.rows, l.sealed = rows, sealed
	return add, nil
}

// key opens a patient's key, or makes one that is added.
func (l *Log) key(patient []byte, keys map[string][]byte, add *addition) ([]byte, error) {
	if sealed, ok := keys[string(patient)]; ok {
		plain, err := l.master.Open(sealed)
		if err != nil {
			return nil, errWrongKey
		}
		return plain, nil
	}
	plain := seal.Random(seal.KeySize)
	add.keys = append(add.keys, patientKey{patient, l.master.Seal(plain)})
	return plain, nil
}

var errWrongKey = errors.New("the key file is not the one of this log")
