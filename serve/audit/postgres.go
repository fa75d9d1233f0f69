package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgres is a store in a PostgreSQL database, in the schema voxgene_audit.
type postgres struct{ pool *pgxpool.Pool }

const postgresSchema = `
CREATE SCHEMA IF NOT EXISTS voxgene_audit;
CREATE TABLE IF NOT EXISTS voxgene_audit.keys (patient bytea PRIMARY KEY, key bytea NOT NULL);
CREATE TABLE IF NOT EXISTS voxgene_audit.entries (
	seq bigint PRIMARY KEY, time bigint NOT NULL, who text NOT NULL, route text NOT NULL, model text NOT NULL, version text NOT NULL,
	patient bytea NOT NULL, hash bytea NOT NULL, payload bytea, digest bytea NOT NULL);
ALTER TABLE voxgene_audit.entries ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE INDEX IF NOT EXISTS entries_patient ON voxgene_audit.entries (patient);
CREATE INDEX IF NOT EXISTS entries_tombstone ON voxgene_audit.entries (seq) WHERE route IN ('` + erasure + `', '` + expiry + `');`

// lock is the number of the advisory lock that whoever writes holds: two writers would continue the chain from the same row.
const lock = 0x766f7867656e65 // "voxgene"

func openPostgres(ctx context.Context, connection string) (*postgres, error) {
	config, err := pgxpool.ParseConfig(connection)
	if err != nil {
		return nil, errors.New("the connection string of PostgreSQL cannot be read; it is like postgres://user@host:5432/database")
	}
	// An answer is given when its row is on disk, whatever the server's own setting.
	config.ConnConfig.RuntimeParams["synchronous_commit"] = "on"
	config.ConnConfig.RuntimeParams["application_name"] = "voxgene audit"
	config.MaxConns = 4
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, reason(err)
	}
	s := &postgres{pool}
	err = s.transact(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, postgresSchema)
		return err
	})
	if err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

// reason is an error of the server, or what failed in reaching it, without the connection string.
func reason(err error) error {
	var refused *pgconn.PgError
	var connect *pgconn.ConnectError
	switch {
	case errors.As(err, &refused):
		return fmt.Errorf("PostgreSQL: %s (SQLSTATE %s)", refused.Message, refused.Code)
	case errors.As(err, &connect):
		return fmt.Errorf("PostgreSQL at %s:%d cannot be reached", connect.Config.Host, connect.Config.Port)
	}
	return err
}

func (s *postgres) close() error {
	s.pool.Close()
	return nil
}

// empty reports whether nothing was ever written.
func (s *postgres) empty(ctx context.Context) (bool, error) {
	var n int
	err := s.pool.QueryRow(ctx, "SELECT count(*) FROM (SELECT 1 FROM voxgene_audit.entries LIMIT 1) e").Scan(&n)
	return n == 0, err
}

// transact runs a transaction that excludes other writers.
func (s *postgres) transact(ctx context.Context, do func(pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(lock)); err != nil {
			return err
		}
		return do(tx)
	})
	if err != nil {
		return reason(err)
	}
	return nil
}

func (s *postgres) last(ctx context.Context, tx pgx.Tx) (end, error) {
	var e end
	var digest []byte
	err := tx.QueryRow(ctx, "SELECT seq, digest FROM voxgene_audit.entries ORDER BY seq DESC LIMIT 1").Scan(&e.seq, &digest)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return e, err
	}
	copy(e.digest[:], digest)
	return e, nil
}

const postgresInsertion = "INSERT INTO voxgene_audit.entries (" + columns + ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"

func (r *row) arguments() []any {
	patient := r.patient
	if patient == nil {
		patient = []byte{} // of nobody, which is not NULL
	}
	return []any{r.seq, r.time, r.who, r.route, r.model, r.version, patient, r.hash[:], r.payload, r.digest[:]}
}

// append takes a transaction's beginning, a query of keys, one batch of insertions and a commit: the round trips of a batch do not grow
// with its rows.
func (s *postgres) append(ctx context.Context, patients [][]byte, build func(end, map[string][]byte) (addition, error)) error {
	return s.transact(ctx, func(tx pgx.Tx) error {
		last, err := s.last(ctx, tx)
		if err != nil {
			return err
		}
		keys := make(map[string][]byte, len(patients))
		rows, err := tx.Query(ctx, "SELECT patient, key FROM voxgene_audit.keys WHERE patient = ANY($1)", patients)
		if err != nil {
			return err
		}
		err = eachKey(rows, func(k patientKey) error {
			keys[string(k.patient)] = k.sealed
			return nil
		})
		if err != nil {
			return err
		}
		add, err := build(last, keys)
		if err != nil {
			return err
		}
		var b pgx.Batch
		for _, k := range add.keys {
			b.Queue("INSERT INTO voxgene_audit.keys (patient, key) VALUES ($1, $2)", k.patient, k.sealed)
		}
		for i := range add.rows {
			b.Queue(postgresInsertion, add.rows[i].arguments()...)
		}
		return tx.SendBatch(ctx, &b).Close()
	})
}

func (s *postgres) bury(ctx context.Context, patient []byte, before int64, stone func(end) row) (int, error) {
	n := 0
	err := s.transact(ctx, func(tx pgx.Tx) error {
		remove, key, what := "time < $1", "NOT EXISTS (SELECT 1 FROM voxgene_audit.entries e WHERE e.patient = keys.patient AND e.payload IS NOT NULL)", any(before)
		var args []any
		if patient != nil {
			remove, key, what, args = "patient = $1", "patient = $1", patient, []any{patient}
		}
		done, err := tx.Exec(ctx, "UPDATE voxgene_audit.entries SET payload = NULL WHERE payload IS NOT NULL AND "+remove, what)
		if err != nil {
			return err
		}
		if n = int(done.RowsAffected()); n == 0 {
			return nil
		}
		if _, err := tx.Exec(ctx, "DELETE FROM voxgene_audit.keys WHERE "+key, args...); err != nil {
			return err
		}
		last, err := s.last(ctx, tx)
		if err != nil {
			return err
		}
		r := stone(last)
		_, err = tx.Exec(ctx, postgresInsertion, r.arguments()...)
		return err
	})
	if err != nil {
		return 0, err
	}
	// A deleted row stays in its page until that is used again; rewriting the small table of keys leaves no copy of one in it.
	if _, err := s.pool.Exec(ctx, "VACUUM FULL voxgene_audit.keys"); err != nil {
		return n, fmt.Errorf("the key is deleted, and the table that held it could not be rewritten: %w", reason(err))
	}
	return n, nil
}

func (s *postgres) scan(which selection, patient []byte, each func(*row) error) error {
	where, args := "", []any(nil)
	switch which {
	case tombstones:
		where, args = "WHERE route IN ($1, $2)", []any{erasure, expiry}
	case ofPatient:
		where, args = "WHERE patient = $1", []any{patient}
	}
	rows, err := s.pool.Query(context.Background(), "SELECT "+columns+" FROM voxgene_audit.entries "+where+" ORDER BY seq", args...)
	if err != nil {
		return reason(err)
	}
	defer rows.Close()
	return eachRow(rows, each)
}

func (s *postgres) keys(patient []byte, each func(patientKey) error) error {
	text, args := "SELECT patient, key FROM voxgene_audit.keys", []any(nil)
	if patient != nil {
		text, args = text+" WHERE patient = $1", []any{patient}
	}
	rows, err := s.pool.Query(context.Background(), text, args...)
	if err != nil {
		return reason(err)
	}
	defer rows.Close()
	return eachKey(rows, each)
}
