package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"

	_ "modernc.org/sqlite" // the driver
)

// sqlite is a store in one file.
type sqlite struct {
	db *sql.DB
	// Statements are prepared once: SQLite spends longer on reading them than on a row.
	end, find, insertion *sql.Stmt
}

const sqliteSchema = `
CREATE TABLE IF NOT EXISTS keys (patient BLOB PRIMARY KEY, key BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (
	seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, who TEXT NOT NULL, route TEXT NOT NULL, model TEXT NOT NULL, version TEXT NOT NULL,
	patient BLOB NOT NULL, hash BLOB NOT NULL, payload BLOB, digest BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS entries_patient ON entries (patient);`

func openSQLite(path string) (*sqlite, error) {
	db, err := sql.Open("sqlite", "file:"+strings.ReplaceAll(path, "?", "%3f")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(ON)&_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(sqliteSchema); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s := &sqlite{db: db}
	for text, into := range map[string]**sql.Stmt{
		"SELECT seq, digest FROM entries ORDER BY seq DESC LIMIT 1":                   &s.end,
		"SELECT key FROM keys WHERE patient = ?":                                      &s.find,
		"INSERT INTO entries (" + columns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)": &s.insertion,
	} {
		if *into, err = db.Prepare(text); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return s, nil
}

func (s *sqlite) close() error { return s.db.Close() }

// transact runs a transaction, which holds the database's only write lock from its beginning.
func (s *sqlite) transact(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// last reads the end of the chain in the transaction: another process may have written since.
func (s *sqlite) last(tx *sql.Tx) (end, error) {
	var e end
	var digest []byte
	err := tx.Stmt(s.end).QueryRow().Scan(&e.seq, &digest)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return e, err
	}
	copy(e.digest[:], digest)
	return e, nil
}

// append takes no heed of the context: a file's locks are waited for no longer than busy_timeout, and a disk that hangs cannot be interrupted. The driver
// would watch the context from a goroutine a statement, which costs more than a row.
func (s *sqlite) append(_ context.Context, patients [][]byte, build func(end, map[string][]byte) (addition, error)) error {
	return s.transact(context.Background(), func(tx *sql.Tx) error {
		last, err := s.last(tx)
		if err != nil {
			return err
		}
		keys := make(map[string][]byte, len(patients))
		find := tx.Stmt(s.find)
		for _, p := range patients {
			var sealed []byte
			switch err := find.QueryRow(p).Scan(&sealed); {
			case err == nil:
				keys[string(p)] = sealed
			case !errors.Is(err, sql.ErrNoRows):
				return err
			}
		}
		add, err := build(last, keys)
		if err != nil {
			return err
		}
		for _, k := range add.keys {
			if _, err := tx.Exec("INSERT INTO keys (patient, key) VALUES (?, ?)", k.patient, k.sealed); err != nil {
				return err
			}
		}
		insertion := tx.Stmt(s.insertion)
		for i := range add.rows {
			if err := s.insert(insertion, &add.rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *sqlite) insert(insertion *sql.Stmt, r *row) error {
	patient := r.patient
	if patient == nil {
		patient = []byte{} // of nobody, which is not NULL
	}
	_, err := insertion.Exec(r.seq, r.time, r.who, r.route, r.model, r.version, patient, r.hash[:], r.payload, r.digest[:])
	return err
}

func (s *sqlite) bury(ctx context.Context, patient []byte, before int64, stone func(end) row) (int, error) {
	var n int64
	err := s.transact(ctx, func(tx *sql.Tx) error {
		remove, key, what := "time < ?", "NOT EXISTS (SELECT 1 FROM entries e WHERE e.patient = keys.patient AND e.payload IS NOT NULL)", any(before)
		if patient != nil {
			remove, key, what = "patient = ?", "patient = ?", patient
		}
		done, err := tx.Exec("UPDATE entries SET payload = NULL WHERE payload IS NOT NULL AND "+remove, what)
		if err != nil {
			return err
		}
		if n, err = done.RowsAffected(); err != nil || n == 0 {
			return err
		}
		var args []any
		if patient != nil {
			args = append(args, patient)
		}
		if _, err := tx.Exec("DELETE FROM keys WHERE "+key, args...); err != nil {
			return err
		}
		last, err := s.last(tx)
		if err != nil {
			return err
		}
		r := stone(last)
		return s.insert(tx.Stmt(s.insertion), &r)
	})
	if err != nil {
		return 0, err
	}
	return int(n), s.truncate()
}

// truncate empties the write-ahead log, in which what was deleted would otherwise still stand.
func (s *sqlite) truncate() error {
	var busy, log, moved int
	if err := s.db.QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &moved); err != nil {
		return err
	}
	if busy != 0 {
		return errors.New("another process reads the log, so what was erased still stands in its journal; stop it and erase again")
	}
	return nil
}

func (s *sqlite) scan(which selection, patient []byte, each func(*row) error) error {
	where, args := "", []any(nil)
	switch which {
	case tombstones:
		where, args = "WHERE route IN (?, ?)", []any{erasure, expiry}
	case ofPatient:
		where, args = "WHERE patient = ?", []any{patient}
	}
	rows, err := s.db.Query("SELECT "+columns+" FROM entries "+where+" ORDER BY seq", args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	return eachRow(rows, each)
}

// digests takes the row's hashes as they were stored.
func (r *row) digests(hash, digest []byte) error {
	if len(hash) != len(r.hash) || len(digest) != len(r.digest) {
		return fmt.Errorf("row %d was altered: its hashes have %d and %d bytes", r.seq, len(hash), len(digest))
	}
	copy(r.hash[:], hash)
	copy(r.digest[:], digest)
	return nil
}

func (s *sqlite) keys(patient []byte, each func(patientKey) error) error {
	text, args := "SELECT patient, key FROM keys", []any(nil)
	if patient != nil {
		text, args = text+" WHERE patient = ?", []any{patient}
	}
	rows, err := s.db.Query(text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	return eachKey(rows, each)
}
