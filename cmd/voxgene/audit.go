package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/serve/audit"
	"github.com/voxgene/voxgene/serve/viewing"
)

func auditCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "audit",
		Short: "Verify and read the server's audit, and erase a patient from it",
		Long: `Works on the SQLite database that audit.path of the server's configuration names, whose key file (DATABASE.key) lies beside it, or on the
PostgreSQL database of audit.postgres with --key. The chain of rows still verifies after a patient was erased.`,
		Example: `  voxgene audit verify audit.db
  voxgene audit show audit.db PATIENT
  voxgene audit views audit.db
  voxgene audit erase audit.db PATIENT
  voxgene audit verify postgres://voxgene@db/voxgene --key audit.key`,
		Args: exactly(0, "one of verify, show, views, erase"),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var key string
	c.PersistentFlags().StringVar(&key, "key", "", "key file of a PostgreSQL database (audit.key)")
	c.AddCommand(&cobra.Command{
		Use: "verify DATABASE", Short: "Check that no row was changed or taken out", Example: "  voxgene audit verify audit.db",
		Args: exactly(1, "a database"),
		RunE: func(c *cobra.Command, args []string) error {
			return withAudit(c.Context(), args[0], key, func(l *audit.Log) error {
				r, err := l.Verify()
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(c.OutOrStdout(), "%d entries, %d of them erased or expired by %d tombstones; the chain holds\nlast digest %s\n",
					r.Entries, r.Erased, r.Tombstones, r.Digest)
				return err
			})
		},
	}, &cobra.Command{
		Use: "show DATABASE PATIENT", Short: "Print a patient's predictions, a JSON line each", Example: "  voxgene audit show audit.db P1",
		Args: exactly(2, "a database and a patient"),
		RunE: func(c *cobra.Command, args []string) error {
			return withAudit(c.Context(), args[0], key, func(l *audit.Log) error {
				entries, err := l.Of(args[1])
				if err != nil {
					return err
				}
				for _, e := range entries {
					line, err := json.Marshal(map[string]any{"time": e.Time, "who": e.Who, "route": e.Route, "model": e.Model, "version": e.Version, "answer": json.RawMessage(e.Answer)})
					if err != nil {
						return err
					}
					if _, err := fmt.Fprintf(c.OutOrStdout(), "%s\n", line); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}, &cobra.Command{
		Use: "views DATABASE [OBJECT]", Short: "Print who looked at what and when, a JSON line each; OBJECT is the identifier of a result or scan", Example: "  voxgene audit views audit.db",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			return withAudit(c.Context(), args[0], key, func(l *audit.Log) error {
				return l.Each(viewing.Route, func(e audit.Entry) error { return printView(c.OutOrStdout(), e, args[1:]) })
			})
		},
	}, &cobra.Command{
		Use: "erase DATABASE PATIENT", Short: "Destroy a patient's key, so that nothing of theirs can be read again", Example: "  voxgene audit erase audit.db P1",
		Args: exactly(2, "a database and a patient"),
		RunE: func(c *cobra.Command, args []string) error {
			return withAudit(c.Context(), args[0], key, func(l *audit.Log) error {
				n, err := l.Erase(c.Context(), args[1], "voxgene audit erase")
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(c.OutOrStdout(), "%d entries erased\n", n)
				return err
			})
		},
	})
	return c
}

// printView prints a view, where it is of the object that is asked for.
func printView(w io.Writer, e audit.Entry, of []string) error {
	var event viewing.Event
	if err := json.Unmarshal(e.Answer, &event); err != nil {
		return err
	}
	if len(of) > 0 && event.Object != of[0] {
		return nil
	}
	line, err := json.Marshal(map[string]any{"time": e.Time, "who": e.Who, "what": strings.TrimPrefix(e.Route, viewing.Route), "model": e.Model, "version": e.Version, "subject": e.Patient, "event": event})
	if err == nil {
		_, err = fmt.Fprintf(w, "%s\n", line)
	}
	return err
}

// withAudit opens a database that is there, since opening one would make it.
func withAudit(ctx context.Context, database, key string, do func(*audit.Log) error) error {
	l, err := openAudit(ctx, database, key)
	if err != nil {
		return badInput(err)
	}
	return errors.Join(do(l), l.Close())
}

func openAudit(ctx context.Context, database, key string) (*audit.Log, error) {
	if strings.HasPrefix(database, "postgres://") || strings.HasPrefix(database, "postgresql://") {
		if _, err := os.Stat(key); err != nil {
			return nil, fmt.Errorf("--key names the key file of a PostgreSQL database: %w", err)
		}
		return audit.OpenPostgres(ctx, database, key)
	}
	info, err := os.Stat(database)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: database, Err: fs.ErrInvalid}
	}
	if err != nil {
		return nil, err
	}
	return audit.Open(database)
}
