package results

import (
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/voxgene/voxgene/serve/seal"
)

// Status is where a case stands in the worklist.
type Status string

// The statuses.
const (
	Waiting   Status = "waiting"    // for series that the model needs, or for its turn
	NeedsMask Status = "needs_mask" // everything but a segmentation is there
	Refused   Status = "refused"    // with the reason
	Done      Status = "done"       // with its result
)

// Case is something that came to be predicted: an entry of the worklist.
type Case struct {
	ID      string
	Time    time.Time
	Changed time.Time
	Source  string // where it came from: a poller's name, upload, stow
	Model   string
	Subject string // keyed hash of patient and issuer
	Status  Status
	Reason  string // why it waits or was refused; names no patient
	Result  string // ID of its result
	Content CaseContent
}

// CaseContent is what names the patient in a case; it is encrypted.
type CaseContent struct {
	Identity Identity `json:"identity"`
	// Where is how its source finds it again.
	Where string `json:"where,omitempty"`
	// Seen is the state of what was looked at: where it has not changed there is nothing to do.
	Seen string `json:"seen,omitempty"`
}

// PutCase brings a case up to date: one of the same source, model, patient and study is the same case.
func (s *Store) PutCase(c Case) (Case, error) {
	id := c.Content.Identity
	patient := s.patient(id.Patient, id.Issuer)
	same := s.sameCase(&c)
	err := s.change(func(tx *sql.Tx) error {
		key, _, err := s.key(tx, patient, true)
		if err != nil {
			return err
		}
		content, err := json.Marshal(c.Content)
		if err != nil {
			return err
		}
		at := s.now().UTC()
		c.Subject, c.Changed = hex.EncodeToString(patient), at
		var made int64
		switch err := tx.QueryRow("SELECT id, time FROM cases WHERE same = ?", same).Scan(&c.ID, &made); {
		case errors.Is(err, sql.ErrNoRows):
			c.ID, c.Time = hex.EncodeToString(seal.Random(16)), at
		case err != nil:
			return err
		default:
			c.Time = time.UnixMicro(made).UTC()
		}
		_, err = tx.Exec(`INSERT INTO cases (id, time, changed, source, model, patient, same, status, reason, result, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET changed = excluded.changed, status = excluded.status, reason = excluded.reason, result = excluded.result, content = excluded.content`,
			c.ID, c.Time.UnixMicro(), at.UnixMicro(), c.Source, c.Model, patient, same, c.Status, c.Reason, c.Result, key.Seal(content))
		return err
	})
	return c, err
}

// sameCase is the keyed hash by which a case is the same: of source, model, patient and study.
func (s *Store) sameCase(c *Case) []byte {
	id := &c.Content.Identity
	return s.hash("case", c.Source, c.Model, id.Patient, id.Issuer, id.Study, c.Content.Where)
}

// Cases returns the newest cases, of one source where it is named.
func (s *Store) Cases(source string, limit int) ([]Case, error) {
	return s.Worklist(CaseFilter{Source: source, Limit: limit})
}

// CaseFilter chooses cases; what is empty allows everything.
type CaseFilter struct {
	Source  string
	Models  []string // any of them
	Patient string   // with Issuer
	Issuer  string
	Limit   int // the newest so many; 0 is all
}

// Worklist returns the cases that a filter chooses, the last changed first.
func (s *Store) Worklist(f CaseFilter) ([]Case, error) {
	var conditions []string
	var args []any
	if f.Source != "" {
		conditions, args = append(conditions, "source = ?"), append(args, f.Source)
	}
	if len(f.Models) > 0 {
		conditions = append(conditions, "model IN (?"+strings.Repeat(", ?", len(f.Models)-1)+")")
		for _, m := range f.Models {
			args = append(args, m)
		}
	}
	if f.Patient != "" {
		conditions, args = append(conditions, "patient = ?"), append(args, s.patient(f.Patient, f.Issuer))
	}
	where := ""
	if len(conditions) > 0 {
		where = "WHERE " + strings.Join(conditions, " AND ")
	}
	where += " ORDER BY changed DESC, id"
	if f.Limit > 0 {
		where += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	rows, err := s.db.Query("SELECT id, time, changed, source, model, patient, status, reason, result, content FROM cases "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	var out []Case
	var sealed, patients [][]byte
	for rows.Next() {
		var c Case
		var at, changed int64
		var patient, content []byte
		if err := rows.Scan(&c.ID, &at, &changed, &c.Source, &c.Model, &patient, &c.Status, &c.Reason, &c.Result, &content); err != nil {
			return nil, errors.Join(fmt.Errorf("results: %w", err), rows.Close())
		}
		c.Time, c.Changed, c.Subject = time.UnixMicro(at).UTC(), time.UnixMicro(changed).UTC(), hex.EncodeToString(patient)
		out, sealed, patients = append(out, c), append(sealed, content), append(patients, patient)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	for i := range out {
		key, have, err := s.key(s.db, patients[i], false)
		if err != nil {
			return nil, fmt.Errorf("results: %w", err)
		}
		if !have || len(sealed[i]) == 0 {
			continue // erased
		}
		if plain, err := key.Open(sealed[i]); err == nil {
			if err := json.Unmarshal(plain, &out[i].Content); err != nil {
				return nil, fmt.Errorf("results: case %s: %w", out[i].ID, err)
			}
		}
	}
	return out, nil
}
