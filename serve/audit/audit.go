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

	queue  chan *pending
	closed chan struct{}
	once   sync.Once
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
	l := &Log{store: s, master: master, pepper: seal.Derive(secret, "names of patients"), queue: make(chan *pending, 1024), closed: make(chan struct{})}
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
	p := &pending{entries, make(chan error, 1)}
	select {
	case l.queue <- p:
	case <-l.closed:
		return errors.New("audit: the log is closed")
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-p.done:
		return err
	case <-l.closed:
		return errors.New("audit: the log is closed")
	}
}

// Close writes what waits and closes the database.
func (l *Log) Close() error {
	l.once.Do(func() { l.queue <- nil })
	<-l.closed
	return l.store.close()
}

// together bounds the batches of one commit.
const together = 256

// write commits batches until the log is closed. All that wait at one moment share a commit, because a commit waits for the disk.
func (l *Log) write() {
	defer close(l.closed)
	for p := range l.queue {
		if p == nil {
			return
		}
		batch, stop := []*pending{p}, false
		for len(batch) < together && !stop {
			select {
			case p := <-l.queue:
				if p == nil {
					stop = true
				} else {
					batch = append(batch, p)
				}
				continue
			default:
			}
			break
		}
		err := l.commit(batch)
		for _, p := range batch {
			p.done <- err
		}
		if stop {
			return
		}
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
			rows = append(rows, row{time: e.Time.UnixMicro(), who: e.Who, route: e.Route, model: e.Model, version: e.Version, patient: l.Hash(e.Patient), plain: payload(e)})
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

// seal continues the chain with rows, encrypted under their patients' keys; those of new patients are made.
func (l *Log) seal(rows []row, end end, keys map[string][]byte) (addition, error) {
	var add addition
	open := make(map[string]seal.Sealer, len(keys))
	for i := range rows {
		r := &rows[i]
		name := string(r.patient)
		key, ok := open[name]
		if !ok {
			plain, err := l.key(r.patient, keys, &add)
			if err != nil {
				return add, err
			}
			if key, err = seal.New(plain); err != nil {
				return add, err
			}
			open[name] = key
		}
		r.hash = sha256.Sum256(r.plain)
		r.payload = key.Seal(r.plain)
		end.continueWith(r)
	}
	add.rows = rows
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
