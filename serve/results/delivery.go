package results

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// What is done with a result in another system.
const (
	Write     = "write"
	Withdraw  = "retract"
	maxDetail = 500
)

// System is another clinical system, such as a PACS or an EHR. Its methods are safe for concurrent use and idempotent: what was sent may be
// sent again, since an answer can be lost. They say nothing that names a patient, and keep nothing: an Outbox keeps what they return.
type System interface {
	// Name is what the configuration calls the system.
	Name() string
	// Takes reports whether the system is one for a result: a PACS wants a DICOM study, an EHR a patient that it knows.
	Takes(r *Result) bool
	// Follows reports whether the system shows the state of a result, and is written to again when a person has verified it or a later version
	// replaces it: an EHR is, a PACS keeps the report that it has.
	Follows() bool
	// Write writes a result in its present state. The outbox has asked Writeback and Takes.
	Write(ctx context.Context, r Result) Delivery
	// Withdraw takes back a retracted result; written is what the system answered when it was written there.
	Withdraw(ctx context.Context, r Result, written Delivery) Delivery
}

// Delivery says what another system answered when a result was written to it or withdrawn from it.
type Delivery struct {
	Time     time.Time
	System   string // as the configuration names it
	Action   string // Write or Withdraw
	Accepted bool
	Detail   string            // in words; names no patient
	Objects  map[string]string // what was written there, by its part: identifiers, UIDs. Encrypted in the store
	// Retry says of what was not accepted that it may be later: the system is down or busy. It is not kept.
	Retry bool
}

// Delivered notes what another system answered.
func (s *Store) Delivered(id string, d Delivery) error {
	if len(d.Detail) > maxDetail {
		d.Detail = d.Detail[:maxDetail]
	}
	return s.change(func(tx *sql.Tx) error {
		found, err := s.read(tx, "WHERE id = ?", id)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return ErrNotFound
		}
		patient, err := hex.DecodeString(found[0].Subject)
		if err != nil {
			return err
		}
		key, have, err := s.key(tx, patient, false)
		if err != nil {
			return err
		}
		objects := []byte{}
		if have && d.Objects != nil {
			if objects, err = json.Marshal(d.Objects); err != nil {
				return err
			}
			objects = key.Seal(objects)
		}
		_, err = tx.Exec("INSERT INTO deliveries (result, time, system, action, accepted, detail, objects) VALUES (?, ?, ?, ?, ?, ?, ?)",
			id, s.now().UnixMicro(), d.System, d.Action, d.Accepted, d.Detail, objects)
		return err
	})
}

// Deliveries returns what other systems answered about a result, oldest first.
func (s *Store) Deliveries(id string) ([]Delivery, error) {
	r, err := s.Get(id)
	if err != nil {
		return nil, err
	}
	patient, err := hex.DecodeString(r.Subject)
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	key, have, err := s.key(s.db, patient, false)
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	rows, err := s.db.Query("SELECT time, system, action, accepted, detail, objects FROM deliveries WHERE result = ? ORDER BY seq", id)
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	defer rows.Close()
	var out []Delivery
	for rows.Next() {
		var d Delivery
		var at int64
		var objects []byte
		if err := rows.Scan(&at, &d.System, &d.Action, &d.Accepted, &d.Detail, &objects); err != nil {
			return nil, fmt.Errorf("results: %w", err)
		}
		d.Time = time.UnixMicro(at).UTC()
		if have && len(objects) > 0 {
			plain, err := key.Open(objects)
			if err == nil {
				err = json.Unmarshal(plain, &d.Objects)
			}
			if err != nil {
				return nil, fmt.Errorf("results: delivery of %s: %w", id, err)
			}
		}
		out = append(out, d)
	}
	return out, errors.Join(rows.Err())
}

// Standing returns, for each system that accepted a result and has not accepted its withdrawal, what was written there.
func (s *Store) Standing(id string) (map[string]Delivery, error) {
	all, err := s.Deliveries(id)
	if err != nil {
		return nil, err
	}
	out := map[string]Delivery{}
	for _, d := range all {
		switch {
		case d.Accepted && d.Action == Write:
			out[d.System] = d
		case d.Accepted:
			delete(out, d.System)
		}
	}
	return out, nil
}
