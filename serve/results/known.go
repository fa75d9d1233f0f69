package results

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// Known returns what is noted of a case: of the same source, model, patient and study, as PutCase takes it. found is false where nothing is, or the
// patient was erased.
func (s *Store) Known(c Case) (known Case, found bool, err error) {
	known = c
	var sealed []byte
	switch err := s.db.QueryRow("SELECT id, status, reason, result, content FROM cases WHERE same = ?", s.sameCase(&c)).Scan(&known.ID, &known.Status, &known.Reason, &known.Result, &sealed); {
	case errors.Is(err, sql.ErrNoRows):
		return c, false, nil
	case err != nil:
		return c, false, fmt.Errorf("results: %w", err)
	}
	key, have, err := s.key(s.db, s.patient(c.Content.Identity.Patient, c.Content.Identity.Issuer), false)
	if err != nil {
		return c, false, fmt.Errorf("results: %w", err)
	}
	if !have || len(sealed) == 0 {
		return c, false, nil
	}
	plain, err := key.Open(sealed)
	if err != nil { // written under a key that was erased
		return c, false, nil
	}
	if err := json.Unmarshal(plain, &known.Content); err != nil {
		return c, false, fmt.Errorf("results: case %s: %w", known.ID, err)
	}
	return known, true, nil
}
