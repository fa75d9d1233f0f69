package results

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/voxgene/voxgene/serve/seal"
)

// Filter chooses results; what is empty allows everything.
type Filter struct {
	Patient string // with Issuer
	Issuer  string
	Study   string // StudyInstanceUID
	Model   string
	Models  []string // any of them
	Version string   // of the bundle: all of it, or how it begins
	State   State
	Limit   int // the newest so many; 0 is all
}

// Get returns one result.
func (s *Store) Get(id string) (Result, error) {
	r, err := s.one(s.db, id)
	if err != nil {
		return Result{}, fmt.Errorf("results: %w", err)
	}
	return r, nil
}

// one returns one result, or ErrNotFound.
func (s *Store) one(q querier, id string) (Result, error) {
	found, err := s.read(q, "WHERE id = ?", id)
	if err != nil {
		return Result{}, err
	}
	if len(found) == 0 {
		return Result{}, ErrNotFound
	}
	return found[0], nil
}

// Of returns the results of a patient, newest first. The issuer has to be the one that the results came with: the same number from
// another issuer is another patient.
func (s *Store) Of(patient, issuer string) ([]Result, error) {
	return s.List(Filter{Patient: patient, Issuer: issuer})
}

// List returns the results that a filter chooses, newest first.
func (s *Store) List(f Filter) ([]Result, error) {
	var where []string
	var args []any
	add := func(text string, arg any) { where, args = append(where, text), append(args, arg) }
	if f.Patient != "" {
		add("patient = ?", s.patient(f.Patient, f.Issuer))
	}
	if f.Study != "" {
		add("study = ?", s.study(f.Study))
	}
	if f.Model != "" {
		add("model = ?", f.Model)
	}
	if len(f.Models) > 0 {
		where = append(where, "model IN (?"+strings.Repeat(", ?", len(f.Models)-1)+")")
		for _, m := range f.Models {
			args = append(args, m)
		}
	}
	if f.Version != "" {
		add("substr(version, 1, ?) = ?", len(f.Version))
		args = append(args, f.Version)
	}
	if f.State != "" {
		add("state = ?", f.State)
	}
	text := ""
	if len(where) > 0 {
		text = "WHERE " + strings.Join(where, " AND ")
	}
	text += " ORDER BY time DESC, id"
	if f.Limit > 0 {
		text += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	out, err := s.read(s.db, text, args...)
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	return out, nil
}

// read returns the results that the end of a query chooses.
func (s *Store) read(q querier, where string, args ...any) ([]Result, error) {
	rows, err := q.Query("SELECT id, time, changed, model, version, purpose, inputs, patient, state, who, reason, rejection, previous, next, content FROM results "+where, args...)
	if err != nil {
		return nil, err
	}
	var out []Result
	var sealed, reasons, patients [][]byte
	for rows.Next() {
		var r Result
		var at, changed int64
		var patient, reason, content []byte
		if err := rows.Scan(&r.ID, &at, &changed, &r.Model, &r.Version, &r.Use, &r.Inputs, &patient, &r.State, &r.By, &reason, &r.Rejection, &r.Previous, &r.Next, &content); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		r.Time, r.Changed, r.Subject = time.UnixMicro(at).UTC(), time.UnixMicro(changed).UTC(), hex.EncodeToString(patient)
		out, sealed, reasons, patients = append(out, r), append(sealed, content), append(reasons, reason), append(patients, patient)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	keys := map[string]seal.Sealer{}
	for i := range out {
		key, have := keys[out[i].Subject]
		if !have {
			if key, have, err = s.key(q, patients[i], false); err != nil {
				return nil, err
			}
			if have {
				keys[out[i].Subject] = key
			}
		}
		if out[i].Erased = !have || len(sealed[i]) == 0; out[i].Erased {
			continue
		}
		plain, err := key.Open(sealed[i])
		if err != nil { // written under a key that was erased
			out[i].Erased = true
			continue
		}
		if err := json.Unmarshal(plain, &out[i].Content); err != nil {
			return nil, fmt.Errorf("result %s: %w", out[i].ID, err)
		}
		if len(reasons[i]) > 0 {
			why, err := key.Open(reasons[i])
			if err != nil {
				return nil, fmt.Errorf("result %s: its reason was altered: %w", out[i].ID, err)
			}
			out[i].Reason = string(why)
		}
	}
	return out, nil
}
