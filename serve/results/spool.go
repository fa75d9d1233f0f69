package results

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/voxgene/voxgene/serve/seal"
)

// SpoolKey returns the sealer of what waits under a name until it is predicted, such as a study in the spool of STOW-RS. Where there is none a new key is made,
// for data of a patient: erasing the patient destroys it. DropSpoolKey destroys it when nothing waits any more.
func (s *Store) SpoolKey(name, patient, issuer string) (seal.Sealer, error) {
	k, err := s.OpenSpool(name)
	if !errors.Is(err, ErrNotFound) {
		return k, err
	}
	err = s.change(func(tx *sql.Tx) error {
		plain := seal.Random(seal.KeySize)
		_, err := tx.Exec("INSERT INTO spool (name, patient, key) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING", s.hash("spool", name), s.patient(patient, issuer), s.master.Seal(plain))
		return err
	})
	if err != nil {
		return k, err
	}
	return s.OpenSpool(name) // the one that is kept, if another was quicker
}

// OpenSpool returns the sealer of what waits under a name, or ErrNotFound: its key was destroyed, and nothing can read it.
func (s *Store) OpenSpool(name string) (seal.Sealer, error) {
	var sealed []byte
	err := s.db.QueryRow("SELECT key FROM spool WHERE name = ?", s.hash("spool", name)).Scan(&sealed)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return seal.Sealer{}, ErrNotFound
	case err != nil:
		return seal.Sealer{}, fmt.Errorf("results: %w", err)
	}
	plain, err := s.master.Open(sealed)
	if err != nil {
		return seal.Sealer{}, fmt.Errorf("results: the key file is not the one of this store: %w", err)
	}
	return seal.New(plain)
}

// DropSpoolKey destroys the key of what waited under a name.
func (s *Store) DropSpoolKey(name string) error {
	return s.change(func(tx *sql.Tx) error {
		_, err := tx.Exec("DELETE FROM spool WHERE name = ?", s.hash("spool", name))
		return err
	})
}
