package results

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
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
	// replaces it.
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
	Detail   string // in words; names no patient
	// Objects is what was written there, by its part: identifiers, UIDs. Of a delivery that was not accepted it is what is there all the same, or may
	// be: a part that was stored, all where the answer was lost. It is encrypted in the store.
	Objects map[string]string
	// Retry says of what was not accepted that it may be later: the system is down or busy. It is not kept.
	Retry bool
}

// Delivered notes what another system answered.
func (s *Store) Delivered(id string, d Delivery) error {
	if len(d.Detail) > maxDetail {
		d.Detail = d.Detail[:maxDetail]
	}
	return s.change(func(tx *sql.Tx) error {
		r, err := s.one(tx, id)
		if err != nil {
			return err
		}
		key, have, err := s.sealer(tx, &r)
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
	key, have, err := s.sealer(s.db, &r)
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
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	return out, nil
}

// Standing returns, for each system in which a result or a part of it stands or may stand, the last delivery to it, with all objects that were ever
// written there. A system that accepted the withdrawal is none of them.
func (s *Store) Standing(id string) (map[string]Delivery, error) {
	all, err := s.Deliveries(id)
	if err != nil {
		return nil, err
	}
	out := map[string]Delivery{}
	for _, d := range all {
		switch before, there := out[d.System]; {
		case d.Action != Write && d.Accepted:
			delete(out, d.System)
		case d.Action == Write && (d.Accepted || len(d.Objects) > 0):
			if there {
				d.Objects = joined(before.Objects, d.Objects)
				d.Accepted = d.Accepted || before.Accepted
			}
			out[d.System] = d
		}
	}
	return out, nil
}

// joined is two sets of objects as one; the later name wins.
func joined(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, b)
	return out
}
