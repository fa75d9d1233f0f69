package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/dicomweb/object"
	"github.com/voxgene/voxgene/serve/results"
)

func resultsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "results",
		Short: "List, verify, retract and report the server's results",
		Long: `Works on the SQLite database that results.path of the server's configuration names; its key file (DATABASE.key) lies beside it. What a
retraction needs elsewhere is listed. With the server's configuration (--config), systems are told at once; what a system could not take because it
was down waits in the database, and a running server tries again.`,
		Example: `  voxgene results list results.db
  voxgene results show results.db ID
  voxgene results finalise results.db ID --by "Dr A"
  voxgene results retract results.db ID --by "Dr A" --reason "mask of another lesion" --config serve.yaml
  voxgene results send results.db ID --config serve.yaml
  voxgene results dicom results.db ID --config serve.yaml -o report.dcm`,
		Args: exactly(0, "one of list, show, finalise, retract, send, queue, dicom, erase"),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(resultsList(), resultsShow(), resultsFinalise(), resultsRetract(), resultsSend(), resultsQueue(), resultsDICOM(), resultsErase())
	return c
}

func resultsList() *cobra.Command {
	var f results.Filter
	var state string
	c := &cobra.Command{
		Use: "list DATABASE", Short: "List results, the newest first", Example: "  voxgene results list results.db --state preliminary",
		Args: exactly(1, "a database"),
		RunE: func(c *cobra.Command, args []string) error {
			f.State = results.State(state)
			return withResults(args[0], func(s *results.Store) error {
				list, err := s.List(f)
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "id\ttime\tstate\tmodel\tlesions\tpatient\tissuer\tversion\tnext")
				for _, r := range list {
					patient := r.Identity.Patient
					if r.Erased {
						patient = "erased"
					}
					lesions := "" // where each has a prediction
					if len(r.Lesions) > 0 {
						lesions = strconv.Itoa(len(r.Lesions))
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.19s\t%s\n", r.ID, r.Time.Format(time.DateTime), r.State, r.Model, lesions, patient, r.Identity.Issuer, r.Version, r.Next)
				}
				return w.Flush()
			})
		},
	}
	c.Flags().StringVar(&f.Patient, "patient", "", "only of this patient")
	c.Flags().StringVar(&f.Issuer, "issuer", "", "who gave the patient's identifier")
	c.Flags().StringVar(&f.Model, "model", "", "only of this model")
	c.Flags().StringVar(&f.Version, "bundle", "", "only of this bundle: sha256: and its hash, or how that begins")
	c.Flags().StringVar(&state, "state", "", "only preliminary, final, amended or entered-in-error ones")
	return c
}

func resultsShow() *cobra.Command {
	return &cobra.Command{
		Use: "show DATABASE ID", Short: "Print a result with all that is known of it, as JSON", Example: "  voxgene results show results.db ID",
		Args: exactly(2, "a database and a result"),
		RunE: func(c *cobra.Command, args []string) error {
			return withResults(args[0], func(s *results.Store) error {
				r, err := s.Get(args[1])
				if err != nil {
					return badInput(err)
				}
				deliveries, err := s.Deliveries(r.ID)
				if err != nil {
					return err
				}
				b, err := json.MarshalIndent(map[string]any{"id": r.ID, "time": r.Time, "changed": r.Changed, "state": r.State, "by": r.By, "reason": r.Reason,
					"model": r.Model, "version": r.Version, "use": bundle.Words(r.Use), "inputs": r.Inputs, "previous": r.Previous, "next": r.Next,
					"erased": r.Erased, "content": r.Content, "deliveries": deliveries}, "", "  ")
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n", b)
				return err
			})
		},
	}
}

func resultsFinalise() *cobra.Command {
	var by, config string
	c := &cobra.Command{
		Use: "finalise DATABASE ID", Short: "Make a preliminary result final: a person has verified it",
		Long: `Makes a result final. With the server's configuration (--config) it becomes due at its systems: those that take verified results alone, and those that
have the preliminary result. A running server writes it there.`,
		Example: `  voxgene results finalise results.db ID --by "Dr A" --config serve.yaml`,
		Args:    exactly(2, "a database and a result"),
		RunE: func(c *cobra.Command, args []string) error {
			if by == "" {
				return badInput(errors.New("say who verified it: --by"))
			}
			return withOutbox(args[0], config, func(o *results.Outbox) error {
				r, err := o.Store.Finalise(args[1], by)
				if err != nil {
					return badInput(err)
				}
				if err := o.Verified(r.ID); err != nil {
					return err
				}
				_, err = fmt.Fprintf(c.OutOrStdout(), "%s is %s\n", r.ID, r.State)
				return err
			})
		},
	}
	c.Flags().StringVar(&by, "by", "", "who verified it (required)")
	c.Flags().StringVar(&config, "config", "", "the server's configuration (YAML), for the systems that are told")
	return c
}

func resultsDICOM() *cobra.Command {
	var output, note, config string
	c := &cobra.Command{
		Use: "dicom DATABASE ID", Short: "Write a result, or its retraction, as a structured report of its study",
		Long: `Writes a Comprehensive 3D SR (TID 1500) with the patient and study of the source, to be sent with storescu or a DICOMweb client. The
configuration has to permit writing to other systems (writeback) for the result's model. A retraction is always written: its report replaces those before. With --note
the note that rejects all objects which were written of the result is written too (a Key Object Selection Document, IHE IOCM).`,
		Example: `  voxgene results dicom results.db ID --config serve.yaml -o report.dcm
  voxgene results dicom results.db ID -o retraction.dcm --note rejection.dcm`,
		Args: exactly(2, "a database and a result"),
		RunE: func(c *cobra.Command, args []string) error {
			if output == "" {
				return badInput(errors.New("name the file: -o report.dcm"))
			}
			s, err := serve.ReadConfig(config)
			if err != nil {
				return badInput(err)
			}
			return withResults(args[0], func(store *results.Store) error {
				r, err := store.Get(args[1])
				if err != nil {
					return badInput(err)
				}
				action := results.Withdraw
				if r.State != results.EnteredInError {
					action = results.Write
					if err := s.Writeback.Permits(r.Model, time.Now()); err != nil {
						return badInput(err)
					}
				}
				before, err := object.Predecessors(store, &r)
				if err != nil {
					return err
				}
				b, err := object.Report(&r, object.Document{Program: version(), Predecessors: before})
				if err != nil {
					return badInput(err)
				}
				if note != "" {
					if err := writeNote(store, &r, note); err != nil {
						return err
					}
				}
				if err := work.WriteFile(output, b, 0o600); err != nil {
					return err
				}
				return store.Delivered(r.ID, results.Delivery{System: results.File, Action: action, Accepted: true, Detail: "written as a structured report", Objects: map[string]string{object.Listed(&r): object.ReportUID(&r)}})
			})
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "file to write (required)")
	c.Flags().StringVar(&note, "note", "", "file to write the rejection note of a retracted result to")
	c.Flags().StringVar(&config, "config", "", "the server's configuration (YAML), for its writeback")
	return c
}

// writeNote writes the note that rejects every object which was ever written of a retracted result.
func writeNote(store *results.Store, r *results.Result, path string) error {
	all, err := store.Deliveries(r.ID)
	if err != nil {
		return err
	}
	var rejected []results.Instance
	for _, d := range all {
		if d.Action == results.Write {
			rejected = append(rejected, object.Stored(r, d.Objects)...)
		}
	}
	slices.SortFunc(rejected, func(a, b results.Instance) int { return cmp.Compare(a.Instance, b.Instance) })
	b, err := object.Rejection(r, version(), slices.Compact(rejected))
	if err != nil {
		return badInput(err)
	}
	return work.WriteFile(path, b, 0o600)
}

func resultsErase() *cobra.Command {
	var issuer string
	c := &cobra.Command{
		Use: "erase DATABASE PATIENT", Short: "Destroy a patient's key, so that nothing of theirs can be read again", Example: "  voxgene results erase results.db P1 --issuer HOSPITAL",
		Args: exactly(2, "a database and a patient"),
		RunE: func(c *cobra.Command, args []string) error {
			return withResults(args[0], func(s *results.Store) error {
				n, err := s.Erase(args[1], issuer)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(c.OutOrStdout(), "%d results and cases erased\n", n)
				return err
			})
		},
	}
	c.Flags().StringVar(&issuer, "issuer", "", "who gave the patient's identifier")
	return c
}

// withResults opens a database that is there, since opening one would make it.
func withResults(path string, do func(*results.Store) error) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: fs.ErrInvalid}
	}
	if err != nil {
		return badInput(err)
	}
	s, err := results.Open(path)
	if err != nil {
		return badInput(err)
	}
	return errors.Join(do(s), s.Close())
}
