package results

import (
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// Pending is a delivery that waits for its turn, or for its system.
type Pending struct {
	Result string
	System string
	Action string    // Write or Withdraw
	Tries  int       // that failed
	Due    time.Time // of the next try
}

// done takes away a delivery that was leased, unless the same became due anew while it was under way: the result's state may have changed since.
func (s *Store) done(p Pending) error {
	return s.change(func(tx *sql.Tx) error {
		_, err := tx.Exec("DELETE FROM queue WHERE result = ? AND system = ? AND action = ? AND due = ?", p.Result, p.System, p.Action, p.Due.UnixMicro())
		return err
	})
}

// enqueue makes a delivery due now, in place of what waited for the same result and system.
func (s *Store) enqueue(result, system, action string) error {
	return s.change(func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO queue (result, system, action, tries, due) VALUES (?, ?, ?, 0, ?)
			ON CONFLICT (result, system) DO UPDATE SET action = excluded.action, tries = 0, due = excluded.due`, result, system, action, s.now().UnixMicro())
		return err
	})
}

// dequeue takes a delivery away, unless another action has come in its place.
func (s *Store) dequeue(result, system, action string) error {
	return s.change(func(tx *sql.Tx) error {
		_, err := tx.Exec("DELETE FROM queue WHERE result = ? AND system = ? AND action = ?", result, system, action)
		return err
	})
}

// delay puts a delivery off after a try that failed.
func (s *Store) delay(p Pending, by time.Duration) error {
	return s.change(func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE queue SET tries = ?, due = ? WHERE result = ? AND system = ? AND action = ?", p.Tries+1, s.now().Add(by).UnixMicro(), p.Result, p.System, p.Action)
		return err
	})
}

// lease returns the deliveries that are due, or all of those of one result where it is named, and puts them off so that no other process tries
// them at the same time. Due is when the lease ends.
func (s *Store) lease(result string, by time.Duration) ([]Pending, error) {
	var out []Pending
	return out, s.change(func(tx *sql.Tx) error {
		where, arg := "due <= ?", any(s.now().UnixMicro())
		if result != "" {
			where, arg = "result = ?", result
		}
		var err error
		if out, err = pending(tx, "WHERE "+where+" ORDER BY due LIMIT 100", arg); err != nil {
			return err
		}
		until := s.now().Add(by)
		for i, p := range out {
			if _, err := tx.Exec("UPDATE queue SET due = ? WHERE result = ? AND system = ?", until.UnixMicro(), p.Result, p.System); err != nil {
				return err
			}
			out[i].Due = until
		}
		return nil
	})
}

// Queue lists the deliveries that wait: of one result where it is named, else all.
func (s *Store) Queue(result string) ([]Pending, error) {
	where, args := "", []any(nil)
	if result != "" {
		where, args = "WHERE result = ? ", []any{result}
	}
	out, err := pending(s.db, where+"ORDER BY due", args...)
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	return out, nil
}

// pending returns the deliveries that the end of a query chooses.
func pending(q querier, where string, args ...any) ([]Pending, error) {
	rows, err := q.Query("SELECT result, system, action, tries, due FROM queue "+strings.TrimSpace(where), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Pending
	for rows.Next() {
		var p Pending
		var due int64
		if err := rows.Scan(&p.Result, &p.System, &p.Action, &p.Tries, &due); err != nil {
			return nil, err
		}
		p.Due = time.UnixMicro(due).UTC()
		out = append(out, p)
	}
	return out, rows.Err()
}
