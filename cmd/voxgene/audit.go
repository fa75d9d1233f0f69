package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/serve/audit"
)

func auditCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "audit",
		Short: "Verify and read the server's audit, and erase a patient from it",
		Long: `Works on the SQLite database that audit.path of the server's configuration names; its key file (DATABASE.key) lies beside it. The chain of
rows still verifies after a patient was erased.`,
		Example: `  voxgene audit verify audit.db
  voxgene audit show audit.db PATIENT
  voxgene audit erase audit.db PATIENT`,
		Args: exactly(0, "one of verify, show, erase"),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(&cobra.Command{
		Use: "verify DATABASE", Short: "Check that no row was changed or taken out", Example: "  voxgene audit verify audit.db",
		Args: exactly(1, "a database"),
		RunE: func(c *cobra.Command, args []string) error {
			return withAudit(args[0], func(l *audit.Log) error {
				r, err := l.Verify()
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(c.OutOrStdout(), "%d entries, %d of them erased or expired; the chain holds\nlast digest %s\n", r.Entries, r.Erased, r.Digest)
				return err
			})
		},
	}, &cobra.Command{
		Use: "show DATABASE PATIENT", Short: "Print a patient's predictions, a JSON line each", Example: "  voxgene audit show audit.db P1",
		Args: exactly(2, "a database and a patient"),
		RunE: func(c *cobra.Command, args []string) error {
			return withAudit(args[0], func(l *audit.Log) error {
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
		Use: "erase DATABASE PATIENT", Short: "Destroy a patient's key, so that nothing of theirs can be read again", Example: "  voxgene audit erase audit.db P1",
		Args: exactly(2, "a database and a patient"),
		RunE: func(c *cobra.Command, args []string) error {
			return withAudit(args[0], func(l *audit.Log) error {
				n, err := l.Erase(args[1])
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

// withAudit opens a database that is there, since opening one would make it.
func withAudit(path string, do func(*audit.Log) error) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: fs.ErrInvalid}
	}
	if err != nil {
		return badInput(err)
	}
	l, err := audit.Open(path)
	if err != nil {
		return badInput(err)
	}
	if err := do(l); err != nil {
		l.Close()
		return err
	}
	return l.Close()
}
