package results

import (
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/serve/seal"
)

// Kept is a prediction to be kept.
type Kept struct {
	Model   string
	Version string // of the bundle
	Use     string // what the bundle may be used for
	Inputs  string // sha256: and the hash of all that the prediction was made from
	// Formerly are other names of the same inputs, under which a result may be kept from before they had this one.
	Formerly []Former
	Content  Content
}

// Former is how inputs were named before, and their mask.
type Former struct{ Inputs, Mask string }

// Keep keeps a prediction as a preliminary result. Where one with the same identity, inputs and bundle is there, that one is returned and
// nothing is written: made is false, and its state may be any, entered-in-error too. A result of the same patient, study and model that
// was current becomes its previous version: final turns to amended.
func (s *Store) Keep(k Kept) (r Result, made bool, err error) {
	id := &k.Content.Identity
	if id.Patient == "" {
		return r, false, errors.New("results: a result without a patient")
	}
	if len(k.Content.Lesions) > 0 && len(k.Content.Prediction) > 0 {
		return r, false, errors.New("results: a prediction of the patient beside one a lesion")
	}
	for _, p := range k.Content.Predictions() {
		if !json.Valid(p.JSON) {
			return r, false, errors.New("results: the prediction is not JSON")
		}
	}
	id.Series = slices.Clone(id.Series)
	slices.Sort(id.Series)
	patient := s.patient(id.Patient, id.Issuer)
	named := func(inputs, mask string) []byte {
		return s.hash("same", id.Patient, id.Issuer, id.Study, strings.Join(id.Series, "\\"), mask, k.Version, inputs)
	}
	same := named(k.Inputs, id.Mask)
	lineage := s.hash("lineage", id.Patient, id.Issuer, id.Study, k.Model)
	err = s.change(func(tx *sql.Tx) error {
		found, err := s.read(tx, "WHERE same = ?", same)
		if err != nil {
			return err
		}
		if len(found) > 0 && !found[0].Erased {
			r = found[0]
			return nil
		}
		for _, was := range k.Formerly {
			old, err := s.read(tx, "WHERE same = ?", named(was.Inputs, was.Mask))
			if err != nil {
				return err
			}
			if len(old) > 0 && !old[0].Erased {
				r = old[0]
				return nil
			}
		}
		key, _, err := s.key(tx, patient, true)
		if err != nil {
			return err
		}
		if len(found) > 0 { // of a patient who was erased and came again: the tombstone keeps its id, and gives up its place
			if _, err := tx.Exec("UPDATE results SET same = ?, lineage = ? WHERE id = ?", seal.Random(16), seal.Random(16), found[0].ID); err != nil {
				return err
			}
		}
		before, err := s.read(tx, "WHERE lineage = ? AND next = '' AND state IN ('preliminary', 'final')", lineage)
		if err != nil {
			return err
		}
		content, err := json.Marshal(k.Content)
		if err != nil {
			return err
		}
		at := s.now().UTC()
		r = Result{ID: hex.EncodeToString(seal.Random(16)), Time: at, Changed: at, Model: k.Model, Version: k.Version, Use: k.Use, Inputs: k.Inputs,
			Subject: hex.EncodeToString(patient), State: Preliminary, Content: k.Content}
		for _, b := range before {
			r.Previous = b.ID
			state := b.State
			if state == Final {
				state = Amended
			}
			if _, err := tx.Exec("UPDATE results SET next = ?, state = ?, changed = ? WHERE id = ?", r.ID, state, at.UnixMicro(), b.ID); err != nil {
				return err
			}
		}
		made = true
		_, err = tx.Exec("INSERT INTO results (id, time, changed, model, version, purpose, inputs, patient, same, lineage, study, state, previous, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			r.ID, at.UnixMicro(), at.UnixMicro(), r.Model, r.Version, r.Use, r.Inputs, patient, same, lineage, s.study(id.Study), r.State, r.Previous, key.Seal(content))
		return err
	})
	return r, made, err
}

// study is the keyed hash of a study, nil where there is none.
func (s *Store) study(uid string) []byte {
	if uid == "" {
		return nil
	}
	return s.hash("study", uid)
}

// Finalise makes a preliminary result final: a person, by, has verified it. A result that was replaced stays as it is.
func (s *Store) Finalise(id, by string) (Result, error) {
	if by == "" {
		return Result{}, errors.New("results: say who verified it")
	}
	return s.move(id, by, "", func(r *Result) error {
		if r.State != Preliminary || r.Next != "" {
			return fmt.Errorf("%w: it is %s%s", ErrState, r.State, map[bool]string{true: " and was replaced"}[r.Next != ""])
		}
		r.State = Final
		return nil
	})
}

// Retract makes a result entered-in-error, with who did it, why, and what archives are told to do with its objects. It cannot be undone. A
// result that is so already is returned as it is.
func (s *Store) Retract(id, by, reason string, as Rejection) (Result, error) {
	if strings.TrimSpace(reason) == "" {
		return Result{}, errors.New("results: a retraction needs its reason")
	}
	if as == "" {
		as = PatientSafety
	}
	if as != PatientSafety && as != Quality {
		return Result{}, fmt.Errorf("results: a rejection is for %s or %s, not %q", PatientSafety, Quality, as)
	}
	return s.move(id, by, reason, func(r *Result) error {
		if r.State != EnteredInError {
			r.State, r.Rejection = EnteredInError, as
		}
		return nil
	})
}

// move changes a result's state.
func (s *Store) move(id, by, reason string, to func(*Result) error) (Result, error) {
	var r Result
	err := s.change(func(tx *sql.Tx) error {
		var err error
		if r, err = s.one(tx, id); err != nil {
			return err
		}
		was := r.State
		if err := to(&r); err != nil || r.State == was {
			return err
		}
		r.Changed, r.By, r.Reason = s.now().UTC(), by, reason
		var sealed []byte
		if key, found, err := s.sealer(tx, &r); err != nil {
			return err
		} else if found { // a reason may quote what names a patient
			sealed = key.Seal([]byte(reason))
		}
		_, err = tx.Exec("UPDATE results SET state = ?, changed = ?, who = ?, reason = ?, rejection = ? WHERE id = ?", r.State, r.Changed.UnixMicro(), by, sealed, r.Rejection, id)
		return err
	})
	return r, err
}
