// Package audit keeps who asked what of which bundle and what was answered, in SQLite, so that it can be shown later that nothing was
// changed, and so that a patient can be erased.
//
// Rows form a chain: each digest covers the one before and the row's own fields, the payload by a salted hash. The payload (the row
// of inputs and the answer, with its salt) is encrypted under a key of the patient's own, and those keys under a key in a file beside
// the database. Erasing a patient destroys that key: the rows stay as tombstones, the chain still verifies, and the hash cannot be
// tried out because its salt is gone with the key. Patients are stored as a keyed hash alone.
package audit

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver

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
	db     *sql.DB
	master seal.Sealer
	pepper []byte // keys the hash of patients

	// Statements are prepared once: SQLite spends longer on reading them than on a row.
	end, find, insertion *sql.Stmt

	queue  chan *pending
	closed chan struct{}
	once   sync.Once
}

// pending is a batch that waits for its commit.
type pending struct {
	entries []Entry
	done    chan error
}

const schema = `
CREATE TABLE IF NOT EXISTS keys (patient BLOB PRIMARY KEY, key BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (
	seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, who TEXT NOT NULL, route TEXT NOT NULL, model TEXT NOT NULL, version TEXT NOT NULL,
	patient BLOB NOT NULL, hash BLOB NOT NULL, payload BLOB, digest BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS entries_patient ON entries (patient);`

// Open opens the log in a database file, making it and its key file (path.key) where they are not. A log without its key file is refused.
func Open(path string) (*Log, error) {
	l, err := open(path)
	if err != nil {
		return nil, err
	}
	go l.write()
	return l, nil
}

// open opens a log without starting its writer.
func open(path string) (*Log, error) {
	secret, err := seal.Secret(path)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	db, err := sql.Open("sqlite", "file:"+strings.ReplaceAll(path, "?", "%3f")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(ON)&_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(schema); err != nil {
		return nil, errors.Join(fmt.Errorf("audit: %s: %w", path, err), db.Close())
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("audit: %w", err), db.Close())
	}
	master, err := seal.New(seal.Derive(secret, "keys of patients"))
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	l := &Log{db: db, master: master, pepper: seal.Derive(secret, "names of patients"), queue: make(chan *pending, 1024), closed: make(chan struct{})}
	for text, into := range map[string]**sql.Stmt{
		"SELECT digest FROM entries ORDER BY seq DESC LIMIT 1": &l.end,
		"SELECT key FROM keys WHERE patient = ?":               &l.find,
		"INSERT INTO entries (time, who, route, model, version, patient, hash, payload, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)": &l.insertion,
	} {
		if *into, err = db.Prepare(text); err != nil {
			return nil, errors.Join(fmt.Errorf("audit: %s: %w", path, err), db.Close())
		}
	}
	return l, nil
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
	return l.db.Close()
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

// commit writes batches in one transaction.
func (l *Log) commit(batch []*pending) error {
	tx, err := l.db.Begin()
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	// The end of the chain and the keys are read in the transaction, which holds the database's only write lock: another process may
	// have written, or erased a patient, since the last.
	var digest [sha256.Size]byte
	var last []byte
	if err := tx.Stmt(l.end).QueryRow().Scan(&last); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return errors.Join(fmt.Errorf("audit: %w", err), tx.Rollback())
	}
	copy(digest[:], last)
	keys := map[string]seal.Sealer{}
	for _, p := range batch {
		for i := range p.entries {
			if digest, err = l.insert(tx, &p.entries[i], digest, keys); err != nil {
				return errors.Join(fmt.Errorf("audit: %w", err), tx.Rollback())
			}
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// insert writes one row and returns its digest.
func (l *Log) insert(tx *sql.Tx, e *Entry, before [sha256.Size]byte, keys map[string]seal.Sealer) ([sha256.Size]byte, error) {
	patient := l.Hash(e.Patient)
	key, err := l.key(tx, patient, keys)
	if err != nil {
		return before, err
	}
	plain := payload(e)
	r := row{time: e.Time.UnixMicro(), who: e.Who, route: e.Route, model: e.Model, version: e.Version, patient: patient, hash: sha256.Sum256(plain)}
	digest := r.digest(before)
	_, err = tx.Stmt(l.insertion).Exec(r.time, r.who, r.route, r.model, r.version, r.patient, r.hash[:], key.Seal(plain), digest[:])
	return digest, err
}

// key returns the patient's key, making it for a first entry; keys holds those of the transaction.
func (l *Log) key(tx *sql.Tx, patient []byte, keys map[string]seal.Sealer) (seal.Sealer, error) {
	name := string(patient)
	if k, ok := keys[name]; ok {
		return k, nil
	}
	var sealed []byte
	err := tx.Stmt(l.find).QueryRow(patient).Scan(&sealed)
	var plain []byte
	switch {
	case errors.Is(err, sql.ErrNoRows):
		plain = seal.Random(seal.KeySize)
		if _, err := tx.Exec("INSERT INTO keys (patient, key) VALUES (?, ?)", patient, l.master.Seal(plain)); err != nil {
			return seal.Sealer{}, err
		}
	case err != nil:
		return seal.Sealer{}, err
	default:
		if plain, err = l.master.Open(sealed); err != nil {
			return seal.Sealer{}, fmt.Errorf("the key file is not the one of this log: %w", err)
		}
	}
	k, err := seal.New(plain)
	if err == nil {
		keys[name] = k
	}
	return k, err
}

// payload is the salt, the inputs and the answer.
func payload(e *Entry) []byte {
	b := make([]byte, 16, 16+4+8*len(e.Inputs)+len(e.Answer))
	rand.Read(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(e.Inputs)))
	for _, v := range e.Inputs {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return append(b, e.Answer...)
}

// row is what the chain covers of an entry.
type row struct {
	time                       int64 // microseconds since 1970
	who, route, model, version string
	patient                    []byte
	hash                       [sha256.Size]byte // of the payload with its salt
}

// digest continues the chain. Fields are length-prefixed, so that none can borrow from its neighbour.
func (r *row) digest(before [sha256.Size]byte) [sha256.Size]byte {
	h := sha256.New()
	h.Write(before[:])
	var n [8]byte
	write := func(b []byte) {
		binary.LittleEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	binary.LittleEndian.PutUint64(n[:], uint64(r.time))
	h.Write(n[:])
	for _, s := range []string{r.who, r.route, r.model, r.version} {
		write([]byte(s))
	}
	write(r.patient)
	write(r.hash[:])
	return [sha256.Size]byte(h.Sum(nil))
}
