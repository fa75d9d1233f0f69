package audit

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/voxgene/voxgene/serve/seal"
)

// Report is what Verify found.
type Report struct {
	Entries int
	Erased  int    // whose payload or key is gone; their place in the chain is not
	Digest  string // of the last row: noted elsewhere, it shows later that no row was cut off the end
}

// Verify walks the chain and checks every payload that can still be read. The error names the first row that does not fit.
func (l *Log) Verify() (Report, error) {
	var r Report
	keys, err := l.loadKeys()
	if err != nil {
		return r, err
	}
	rows, err := l.db.Query("SELECT seq, time, who, route, model, version, patient, hash, payload, digest FROM entries ORDER BY seq")
	if err != nil {
		return r, fmt.Errorf("audit: %w", err)
	}
	defer rows.Close()
	var before [sha256.Size]byte
	next := int64(1)
	for rows.Next() {
		var seq int64
		var e row
		var hash, sealed, digest []byte
		if err := rows.Scan(&seq, &e.time, &e.who, &e.route, &e.model, &e.version, &e.patient, &hash, &sealed, &digest); err != nil {
			return r, fmt.Errorf("audit: %w", err)
		}
		if seq != next {
			return r, fmt.Errorf("audit: row %d is missing", next)
		}
		copy(e.hash[:], hash)
		if want := e.digest(before); string(want[:]) != string(digest) {
			return r, fmt.Errorf("audit: row %d was altered, or the one before it: its digest does not continue the chain", seq)
		}
		copy(before[:], digest)
		key, have := keys[string(e.patient)]
		if !have || sealed == nil {
			r.Erased++
		} else if plain, err := key.Open(sealed); err != nil || sha256.Sum256(plain) != e.hash {
			return r, fmt.Errorf("audit: the payload of row %d was altered", seq)
		}
		next++
		r.Entries++
	}
	r.Digest = hex.EncodeToString(before[:])
	return r, rows.Err()
}

// loadKeys reads the keys of all patients.
func (l *Log) loadKeys() (map[string]seal.Sealer, error) {
	rows, err := l.db.Query("SELECT patient, key FROM keys")
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	defer rows.Close()
	keys := map[string]seal.Sealer{}
	for rows.Next() {
		var patient, sealed []byte
		if err := rows.Scan(&patient, &sealed); err != nil {
			return nil, fmt.Errorf("audit: %w", err)
		}
		plain, err := l.master.Open(sealed)
		if err != nil {
			return nil, errors.New("audit: the key file is not the one of this log")
		}
		if keys[string(patient)], err = seal.New(plain); err != nil {
			return nil, err
		}
	}
	return keys, rows.Err()
}

// Of returns a patient's entries, oldest first. Those that were erased are not among them.
func (l *Log) Of(patient string) ([]Entry, error) {
	var sealedKey []byte
	switch err := l.db.QueryRow("SELECT key FROM keys WHERE patient = ?", l.Hash(patient)).Scan(&sealedKey); {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("audit: %w", err)
	}
	plain, err := l.master.Open(sealedKey)
	if err != nil {
		return nil, errors.New("audit: the key file is not the one of this log")
	}
	key, err := seal.New(plain)
	if err != nil {
		return nil, err
	}
	rows, err := l.db.Query("SELECT time, who, route, model, version, payload FROM entries WHERE patient = ? AND payload IS NOT NULL ORDER BY seq", l.Hash(patient))
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	defer rows.Close()
	var out []Entry
	for rows.Next() {
		e := Entry{Patient: patient}
		var at int64
		var sealed []byte
		if err := rows.Scan(&at, &e.Who, &e.Route, &e.Model, &e.Version, &sealed); err != nil {
			return nil, fmt.Errorf("audit: %w", err)
		}
		b, err := key.Open(sealed)
		if err != nil {
			continue // written under a key that was erased
		}
		e.Time = time.UnixMicro(at).UTC()
		if len(b) < 20 || len(b)-20 < 8*int(binary.LittleEndian.Uint32(b[16:])) {
			return nil, errors.New("audit: a payload is cut off")
		}
		n := int(binary.LittleEndian.Uint32(b[16:]))
		for i := range n {
			e.Inputs = append(e.Inputs, math.Float64frombits(binary.LittleEndian.Uint64(b[20+8*i:])))
		}
		e.Answer = b[20+8*n:]
		out = append(out, e)
	}
	return out, rows.Err()
}

// Erase destroys a patient's key and returns how many entries can no longer be read. A server may be writing meanwhile.
func (l *Log) Erase(patient string) (int, error) {
	var n int
	if err := l.db.QueryRow("SELECT COUNT(*) FROM entries WHERE patient = ? AND payload IS NOT NULL", l.Hash(patient)).Scan(&n); err != nil {
		return 0, fmt.Errorf("audit: %w", err)
	}
	for _, statement := range []string{"DELETE FROM keys WHERE patient = ?", "UPDATE entries SET payload = NULL WHERE patient = ?"} {
		if _, err := l.db.Exec(statement, l.Hash(patient)); err != nil {
			return 0, fmt.Errorf("audit: %w", err)
		}
	}
	return n, l.truncate()
}

// Expire removes the payloads of entries before a time, and the keys that are then of no use, and returns how many entries it emptied.
func (l *Log) Expire(before time.Time) (int, error) {
	r, err := l.db.Exec("UPDATE entries SET payload = NULL WHERE time < ? AND payload IS NOT NULL", before.UnixMicro())
	if err != nil {
		return 0, fmt.Errorf("audit: %w", err)
	}
	n, err := r.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("audit: %w", err)
	}
	if _, err := l.db.Exec("DELETE FROM keys WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.patient = keys.patient AND e.payload IS NOT NULL)"); err != nil {
		return 0, fmt.Errorf("audit: %w", err)
	}
	return int(n), l.truncate()
}

// truncate empties the write-ahead log, in which what was deleted would otherwise still stand.
func (l *Log) truncate() error {
	var busy, log, moved int
	if err := l.db.QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &moved); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if busy != 0 {
		return errors.New("audit: another process reads the log, so what was erased still stands in its journal; stop it and erase again")
	}
	return nil
}
