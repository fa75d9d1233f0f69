package audit

import "context"

// store keeps rows and the keys of patients. Another process may use the same database: what is read and written in one method is one
// transaction that excludes other writers.
type store interface {
	// append reads the end of the chain and the keys of patients, hands them to build, and writes what that returns. It returns when
	// that is on disk.
	append(ctx context.Context, patients [][]byte, build func(end, map[string][]byte) (addition, error)) error
	// bury writes the tombstone that stone returns for the end of the chain, and removes the key and payloads of a patient, or, without
	// one, the payloads of rows before a time (in microseconds) and the keys that then open nothing. It returns how many payloads; where
	// there are none it writes nothing.
	bury(ctx context.Context, patient []byte, before int64, stone func(end) row) (int, error)
	// scan calls each with rows in the order of the chain. The row is the callee's to keep.
	scan(which selection, patient []byte, each func(*row) error) error
	// keys calls each with all keys, or the patient's where one is given.
	keys(patient []byte, each func(patientKey) error) error
	close() error
}

// selection is which rows scan reads.
type selection int

const (
	everything selection = iota
	tombstones           // without a payload, and not a prediction
	ofPatient
)

// addition is what a commit writes.
type addition struct {
	keys []patientKey
	rows []row
}

// patientKey is a patient's key, encrypted.
type patientKey struct{ patient, sealed []byte }

// columns of a row, in the order in which scan reads them.
const columns = "seq, time, who, route, model, version, patient, hash, payload, digest"

// cursor is an answer of either database.
type cursor interface {
	Next() bool
	Scan(...any) error
	Err() error
}

// eachRow reads what a query of columns found.
func eachRow(rows cursor, each func(*row) error) error {
	for rows.Next() {
		var r row
		var hash, digest []byte
		if err := rows.Scan(&r.seq, &r.time, &r.who, &r.route, &r.model, &r.version, &r.patient, &hash, &r.payload, &digest); err != nil {
			return err
		}
		if err := r.digests(hash, digest); err != nil {
			return err
		}
		if err := each(&r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// eachKey reads what a query of patients and their sealed keys found.
func eachKey(rows cursor, each func(patientKey) error) error {
	for rows.Next() {
		var k patientKey
		if err := rows.Scan(&k.patient, &k.sealed); err != nil {
			return err
		}
		if err := each(k); err != nil {
			return err
		}
	}
	return rows.Err()
}
