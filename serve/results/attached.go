package results

import (
	"database/sql"
	"encoding/json"
	"fmt"
)

// Object is a DICOM object that was made of a result while its images were at hand, for the systems that it is written to.
type Object struct {
	Kind     string   `json:"kind"`             // seg, map or capture
	Name     string   `json:"name"`             // with its kind, unique within the result
	Source   string   `json:"source,omitempty"` // of the model
	Series   string   `json:"series,omitempty"` // of the images that it was made over
	Instance Instance `json:"instance"`
	Content  []byte   `json:"-"` // the file; empty once it was dropped
}

// Attach keeps the objects of a result, encrypted, until Drop. Objects of the same kind and name are replaced.
func (s *Store) Attach(id string, objects []Object) error {
	return s.change(func(tx *sql.Tx) error {
		r, err := s.one(tx, id)
		if err != nil {
			return err
		}
		key, have, err := s.sealer(tx, &r)
		if err != nil || !have {
			return err
		}
		for _, o := range objects {
			described, err := json.Marshal(o)
			if err != nil {
				return err
			}
			if _, err := tx.Exec("INSERT INTO objects (result, name, described, content) VALUES (?, ?, ?, ?) ON CONFLICT (result, name) DO UPDATE SET described = excluded.described, content = excluded.content",
				id, o.Kind+" "+o.Name, key.Seal(described), key.Seal(o.Content)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Attached returns the objects of a result, by kind and name. Those that were dropped come without content.
func (s *Store) Attached(id string) ([]Object, error) {
	r, err := s.Get(id)
	if err != nil {
		return nil, err
	}
	key, have, err := s.sealer(s.db, &r)
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	if !have {
		return nil, nil
	}
	rows, err := s.db.Query("SELECT described, content FROM objects WHERE result = ? ORDER BY name", id)
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	defer rows.Close()
	var out []Object
	for rows.Next() {
		var described, content []byte
		if err := rows.Scan(&described, &content); err != nil {
			return nil, fmt.Errorf("results: %w", err)
		}
		plain, err := key.Open(described)
		if err != nil {
			continue // erased, and the patient came again
		}
		var o Object
		if err := json.Unmarshal(plain, &o); err != nil {
			return nil, fmt.Errorf("results: object of %s: %w", id, err)
		}
		if len(content) > 0 {
			if o.Content, err = key.Open(content); err != nil {
				return nil, fmt.Errorf("results: object of %s: %w", id, err)
			}
		}
		out = append(out, o)
	}
	return out, rows.Err()
}

// Drop removes the content of a result's objects: pixels are not kept longer than they are needed. What there was stays known.
func (s *Store) Drop(id string) error {
	return s.change(func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE objects SET content = x'' WHERE result = ?", id)
		return err
	})
}
