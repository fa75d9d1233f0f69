package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/results"
)

func resultsRetract() *cobra.Command {
	var by, reason, rejection, version, config string
	c := &cobra.Command{
		Use: "retract DATABASE [ID]", Short: "Retract a result, or all of a bundle, for good",
		Long: `Marks results as entered in error and lists every system in which they stand. With --config each of these is told at once, and the list says
which accepted; the others wait, and a running server tries again. Without it all wait for the server. A retraction needs no permission.

A PACS is sent a report that replaces those before, and a note that rejects every object which was written there (IHE IOCM). --rejection says why: patient_safety, and
archives neither show nor give out what was rejected; or quality, and they may still show it to those who look after quality.`,
		Example: `  voxgene results retract results.db ID --by "Dr A" --reason "mask of another lesion" --config serve.yaml
  voxgene results retract results.db --bundle sha256:0123456789ab --by "Dr A" --reason "bundle withdrawn"`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			if reason == "" || by == "" {
				return badInput(errors.New("a retraction needs --by and --reason"))
			}
			if (len(args) == 2) == (version != "") {
				return badInput(errors.New("give the ID of a result behind the database, or --bundle, and not both"))
			}
			if version != "" && len(version) < len("sha256:")+8 {
				return badInput(errors.New("--bundle wants sha256: and eight digits of the hash or more"))
			}
			return withOutbox(args[0], config, func(o *results.Outbox) error {
				ids := args[1:]
				if version != "" {
					list, err := o.Store.List(results.Filter{Version: version})
					if err != nil {
						return err
					}
					if len(list) == 0 {
						return badInput(fmt.Errorf("no result of bundle %s", version))
					}
					for _, r := range list {
						ids = append(ids, r.ID)
					}
				}
				return retract(c.Context(), c.OutOrStdout(), o, ids, by, reason, results.Rejection(rejection), config != "")
			})
		},
	}
	c.Flags().StringVar(&by, "by", "", "who retracts it (required)")
	c.Flags().StringVar(&reason, "reason", "", "why (required)")
	c.Flags().StringVar(&rejection, "rejection", string(results.PatientSafety), "what archives are told: patient_safety or quality")
	c.Flags().StringVar(&version, "bundle", "", "all results of this bundle: sha256: and its hash, or how that begins")
	c.Flags().StringVar(&config, "config", "", "the server's configuration (YAML), for the systems that are told at once")
	return c
}

// retract retracts results and lists the systems in which they stand, and which of these accepted that. All are marked first: a result of which
// nothing more may be written is worth more than one system that was told.
func retract(ctx context.Context, w io.Writer, o *results.Outbox, ids []string, by, reason string, rejection results.Rejection, now bool) error {
	for _, id := range ids {
		if _, err := o.Store.Retract(id, by, reason, rejection); err != nil {
			return badInput(fmt.Errorf("%s: %w", id, err))
		}
		if _, err := o.Withdraw(id); err != nil {
			return err
		}
	}
	var open int
	for _, id := range ids {
		standing, err := o.Store.Standing(id)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s is %s; it stands in %d other systems\n", id, results.EnteredInError, len(standing))
		said := map[string]string{}
		if now {
			tried, err := o.Deliver(ctx, id)
			if err != nil {
				return err
			}
			for _, d := range tried {
				said[d.System] = ": " + outcome(d)
				if d.Accepted {
					said[d.System] = ": accepted the retraction"
					if d.Detail != "" {
						said[d.System] += " (" + d.Detail + ")"
					}
				}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(standing)) {
			how := "written"
			if !standing[name].Accepted {
				how = "written in part"
			}
			fmt.Fprintf(w, "  %s, %s %s%s\n", name, how, standing[name].Time.Format(time.DateTime), said[name])
		}
		left, err := o.Store.Queue(id)
		if err != nil {
			return err
		}
		open += len(left)
	}
	if open > 0 {
		fmt.Fprintf(w, "%d retractions wait for their systems; a running server tries again\n", open)
	}
	return nil
}

// outcome says in words what came of a try.
func outcome(d results.Delivery) string {
	switch {
	case d.Accepted:
		return "accepted: " + d.Detail
	case d.Retry:
		return "waits: " + d.Detail
	}
	return "refused: " + d.Detail
}

func resultsSend() *cobra.Command {
	var config string
	c := &cobra.Command{
		Use: "send DATABASE ID", Short: "Write a result to the systems of the configuration",
		Long: `Writes a result to every system that it is for, as the server does by itself with new results: for those that were made before the
systems were connected, or that a system refused. The configuration has to permit it (writeback). What a system cannot take because it is down waits, and a
running server tries again. Exits 1 where a system refused.`,
		Example: "  voxgene results send results.db ID --config serve.yaml",
		Args:    exactly(2, "a database and a result"),
		RunE: func(c *cobra.Command, args []string) error {
			if config == "" {
				return badInput(errors.New("name the server's configuration, which has the systems: --config serve.yaml"))
			}
			return withOutbox(args[0], config, func(o *results.Outbox) error {
				names, err := o.Write(args[1])
				if err != nil {
					return badInput(err)
				}
				if len(names) == 0 {
					return badInput(errors.New("the configuration has no system that takes this result"))
				}
				tried, err := o.Deliver(c.Context(), args[1])
				if err != nil {
					return err
				}
				var refused []string
				for _, d := range tried {
					fmt.Fprintf(c.OutOrStdout(), "%s %s\n", d.System, outcome(d))
					if !d.Accepted && !d.Retry {
						refused = append(refused, d.System)
					}
				}
				if refused != nil {
					return fmt.Errorf("refused by %s", strings.Join(refused, ", "))
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&config, "config", "", "the server's configuration (YAML) (required)")
	return c
}

func resultsQueue() *cobra.Command {
	return &cobra.Command{
		Use: "queue DATABASE", Short: "List what waits to be written or withdrawn elsewhere", Example: "  voxgene results queue results.db",
		Args: exactly(1, "a database"),
		RunE: func(c *cobra.Command, args []string) error {
			return withResults(args[0], func(s *results.Store) error {
				list, err := s.Queue("")
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "result\tsystem\taction\ttries\tnext")
				for _, p := range list {
					fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", p.Result, p.System, p.Action, p.Tries, p.Due.Format(time.DateTime))
				}
				return w.Flush()
			})
		},
	}
}

// withOutbox opens a database that is there, with the systems of a configuration; none where no file is named.
func withOutbox(path, config string, do func(*results.Outbox) error) error {
	var c serve.Config
	if config != "" {
		var err error
		if c, err = serve.ReadConfig(config); err != nil {
			return badInput(err)
		}
		if err := c.CheckSystems(); err != nil {
			return badInput(err)
		}
	}
	return withResults(path, func(s *results.Store) error {
		o, err := serve.NewOutbox(c, s, slog.New(slog.DiscardHandler), version())
		if err != nil {
			return badInput(err)
		}
		return do(o)
	})
}
