package audit

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/voxgene/voxgene/serve/seal"
)

// openKeys returns the keys of all patients, or of the one whose hash is given.
func (l *Log) openKeys(patient []byte) (map[string]seal.Sealer, error) {
	keys := map[string]seal.Sealer{}
	err := l.store.keys(patient, func(k patientKey) error {
		plain, err := l.master.Open(k.sealed)
		if err != nil {
			return errWrongKey
		}
		keys[string(k.patient)], err = seal.New(plain)
		return err
	})
	return keys, err
}

// Of returns a patient's entries, oldest first. Those that were erased are not among them.
func (l *Log) Of(patient string) ([]Entry, error) {
	hash := l.Hash(patient)
	keys, err := l.openKeys(hash)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	key, ok := keys[string(hash)]
	if !ok {
		return nil, nil
	}
	var out []Entry
	err = l.store.scan(ofPatient, hash, func(r *row) error {
		if r.payload == nil {
			return nil
		}
		plain, err := key.Open(r.payload)
		if err != nil {
			return nil // written under a key that was destroyed
		}
		e := Entry{Time: time.UnixMicro(r.time).UTC(), Who: r.who, Route: r.route, Model: r.model, Version: r.version, Patient: patient}
		if err := e.read(plain); err != nil {
			return err
		}
		out = append(out, e)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return out, nil
}

// Each calls do with every entry of all patients that can still be read and whose route begins with prefix, oldest first. Patient is the keyed hash, in
// hexadecimal digits: the log does not know who it is.
func (l *Log) Each(prefix string, do func(Entry) error) error {
	keys, err := l.openKeys(nil)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	err = l.store.scan(everything, nil, func(r *row) error {
		key, ok := keys[string(r.patient)]
		if !ok || r.payload == nil || !strings.HasPrefix(r.route, prefix) {
			return nil
		}
		plain, err := key.Open(r.payload)
		if err != nil {
			return nil // written under a key that was destroyed
		}
		e := Entry{Time: time.UnixMicro(r.time).UTC(), Who: r.who, Route: r.route, Model: r.model, Version: r.version, Patient: hex.EncodeToString(r.patient)}
		if err := e.read(plain); err != nil {
			return err
		}
		return do(e)
	})
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// Erase destroys a patient's key, adds a tombstone in the name of who asked for it, and returns how many entries can no longer be read.
// A server may be writing meanwhile.
func (l *Log) Erase(ctx context.Context, patient, who string) (int, error) {
	return l.bury(ctx, row{who: who, route: erasure, patient: l.Hash(patient)}, 0)
}

// Expire removes the payloads of entries before a time, and the keys that are then of no use, and returns how many entries it emptied.
// Where there are any, a tombstone says so.
func (l *Log) Expire(ctx context.Context, before time.Time) (int, error) {
	at := before.UnixMicro()
	return l.bury(ctx, row{route: expiry, version: strconv.FormatInt(at, 10)}, at)
}

// bury adds a tombstone and removes what it covers, in one transaction.
func (l *Log) bury(ctx context.Context, stone row, before int64) (int, error) {
	stone.time, stone.hash = time.Now().UnixMicro(), emptyHash
	n, err := l.store.bury(ctx, stone.patient, before, func(end end) row {
		end.continueWith(&stone)
		return stone
	})
	if err != nil {
		return n, fmt.Errorf("audit: %w", err)
	}
	return n, nil
}
