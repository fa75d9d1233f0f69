package results

import (
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/voxgene/voxgene/serve/seal"
)

// Store keeps results in an SQLite database with a key file (path.key) beside it. It is safe for concurrent use, also by several
// processes.
type Store struct {
	db     *sql.DB
	master seal.Sealer
	pepper []byte
	now    func() time.Time
	mu     sync.Mutex // of writers here; SQLite has its own between processes
}

const schema = `
CREATE TABLE IF NOT EXISTS keys (patient BLOB PRIMARY KEY, key BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS results (
	id TEXT PRIMARY KEY, time INTEGER NOT NULL, changed INTEGER NOT NULL, model TEXT NOT NULL, version TEXT NOT NULL, purpose TEXT NOT NULL,
	inputs TEXT NOT NULL, patient BLOB NOT NULL, same BLOB NOT NULL UNIQUE, lineage BLOB NOT NULL, study BLOB, state TEXT NOT NULL,
	who TEXT NOT NULL DEFAULT '', reason BLOB, rejection TEXT NOT NULL DEFAULT '', previous TEXT NOT NULL DEFAULT '', next TEXT NOT NULL DEFAULT '', content BLOB NOT NULL, preview BLOB) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS results_patient ON results (patient);
CREATE INDEX IF NOT EXISTS results_lineage ON results (lineage);
CREATE INDEX IF NOT EXISTS results_time ON results (time);
CREATE TABLE IF NOT EXISTS deliveries (
	seq INTEGER PRIMARY KEY, result TEXT NOT NULL, time INTEGER NOT NULL, system TEXT NOT NULL, action TEXT NOT NULL, accepted INTEGER NOT NULL,
	detail TEXT NOT NULL, objects BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS deliveries_result ON deliveries (result);
CREATE TABLE IF NOT EXISTS objects (
	result TEXT NOT NULL, name TEXT NOT NULL, described BLOB NOT NULL, content BLOB NOT NULL, PRIMARY KEY (result, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queue (
	result TEXT NOT NULL, system TEXT NOT NULL, action TEXT NOT NULL, tries INTEGER NOT NULL, due INTEGER NOT NULL, PRIMARY KEY (result, system)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cases (
	id TEXT PRIMARY KEY, time INTEGER NOT NULL, changed INTEGER NOT NULL, source TEXT NOT NULL, model TEXT NOT NULL, patient BLOB NOT NULL,
	same BLOB NOT NULL UNIQUE, status TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', result TEXT NOT NULL DEFAULT '', content BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS cases_time ON cases (time);
CREATE TABLE IF NOT EXISTS spool (name BLOB PRIMARY KEY, patient BLOB NOT NULL, key BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;`

// Open opens the store in a database file, making it and its key file where they are not. A store without its key file is refused.
func Open(path string) (*Store, error) {
	secret, err := seal.Secret(path)
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	master, err := seal.New(seal.Derive(secret, "keys of patients with results"))
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	db, err := sql.Open("sqlite", "file:"+strings.ReplaceAll(path, "?", "%3f")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(ON)&_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(schema); err != nil {
		return nil, errors.Join(fmt.Errorf("results: %s: %w", path, err), db.Close())
	}
	if err := upgrade(db); err != nil {
		return nil, errors.Join(fmt.Errorf("results: %s: %w", path, err), db.Close())
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("results: %w", err), db.Close())
	}
	return &Store{db: db, master: master, pepper: seal.Derive(secret, "names of patients with results"), now: time.Now}, nil
}

// upgrade brings a database of an earlier version to the schema.
func upgrade(db *sql.DB) error {
	var have int
	err := db.QueryRow("SELECT count(*) FROM pragma_table_info('results') WHERE name = 'rejection'").Scan(&have)
	if err != nil || have > 0 {
		return err
	}
	_, err = db.Exec("ALTER TABLE results ADD COLUMN rejection TEXT NOT NULL DEFAULT ''")
	if err != nil && strings.Contains(err.Error(), "duplicate column") { // another process did it meanwhile
		return nil
	}
	return err
}

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// hash is the keyed hash of texts, each with its length, so that none can borrow from its neighbour.
func (s *Store) hash(purpose string, texts ...string) []byte {
	var b strings.Builder
	b.WriteString(purpose)
	for _, t := range texts {
		fmt.Fprintf(&b, "\x00%d:%s", len(t), t)
	}
	return seal.Derive(s.pepper, b.String())[:16]
}

// patient is the keyed hash of a patient of an issuer.
func (s *Store) patient(patient, issuer string) []byte { return s.hash("patient", patient, issuer) }

// Subject is the keyed hash of a patient of an issuer, as results carry it.
func (s *Store) Subject(patient, issuer string) string {
	return hex.EncodeToString(s.patient(patient, issuer))
}

// querier is a database or a transaction.
type querier interface {
	QueryRow(query string, args ...any) *sql.Row
	Query(query string, args ...any) (*sql.Rows, error)
	Exec(query string, args ...any) (sql.Result, error)
}

// key returns the patient's sealer. Where there is none it is made, if create says so; else found is false.
func (s *Store) key(q querier, patient []byte, create bool) (k seal.Sealer, found bool, err error) {
	var sealed, plain []byte
	err = q.QueryRow("SELECT key FROM keys WHERE patient = ?", patient).Scan(&sealed)
	switch {
	case errors.Is(err, sql.ErrNoRows) && !create:
		return k, false, nil
	case errors.Is(err, sql.ErrNoRows):
		plain = seal.Random(seal.KeySize)
		if _, err := q.Exec("INSERT INTO keys (patient, key) VALUES (?, ?)", patient, s.master.Seal(plain)); err != nil {
			return k, false, err
		}
	case err != nil:
		return k, false, err
	default:
		if plain, err = s.master.Open(sealed); err != nil {
			return k, false, fmt.Errorf("the key file is not the one of this store: %w", err)
		}
	}
	k, err = seal.New(plain)
	return k, true, err
}

// sealer returns the sealer of a result's patient. found is false where the patient was erased.
func (s *Store) sealer(q querier, r *Result) (k seal.Sealer, found bool, err error) {
	patient, err := hex.DecodeString(r.Subject)
	if err != nil {
		return k, false, err
	}
	return s.key(q, patient, false)
}

// change runs do in a transaction that holds the database's write lock.
func (s *Store) change(do func(tx *sql.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	tx, err := s.db.Begin()
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	if err := do(tx); err != nil {
		return errors.Join(fmt.Errorf("results: %w", err), tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("results: %w", err)
	}
	return nil
}

// Erase destroys a patient's key and returns how many results and cases can no longer be read. Their rows stay as tombstones. What waits of the patient to
// be predicted can no longer be read either.
func (s *Store) Erase(patient, issuer string) (int, error) {
	n := 0
	return n, s.change(func(tx *sql.Tx) error {
		p := s.patient(patient, issuer)
		if _, err := tx.Exec("DELETE FROM spool WHERE patient = ?", p); err != nil {
			return err
		}
		r, err := tx.Exec("DELETE FROM keys WHERE patient = ?", p)
		if err != nil {
			return err
		}
		if gone, err := r.RowsAffected(); err != nil || gone == 0 {
			return err
		}
		for _, text := range []string{"UPDATE results SET content = x'', preview = NULL, reason = NULL WHERE patient = ?", "UPDATE cases SET content = x'', reason = '' WHERE patient = ?"} {
			r, err := tx.Exec(text, p)
			if err != nil {
				return err
			}
			k, err := r.RowsAffected()
			if err != nil {
				return err
			}
			n += int(k)
		}
		for _, text := range []string{"UPDATE deliveries SET objects = x'' WHERE result", "DELETE FROM objects WHERE result"} {
			if _, err := tx.Exec(text+" IN (SELECT id FROM results WHERE patient = ?)", p); err != nil {
				return err
			}
		}
		return nil
	})
}

// Mark returns a value that was kept under a name, or "": how far a poller came.
func (s *Store) Mark(name string) (string, error) {
	var v string
	err := s.db.QueryRow("SELECT value FROM marks WHERE name = ?", name).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("results: %w", err)
	}
	return v, nil
}

// SetMark keeps a value under a name.
func (s *Store) SetMark(name, value string) error {
	return s.change(func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO marks (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value)
		return err
	})
}
