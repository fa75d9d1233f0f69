package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
)

func inspectCommand() *cobra.Command {
	asJSON, svg := false, ""
	c := &cobra.Command{
		Use:   "inspect BUNDLE",
		Short: "Verify a bundle and say what it holds",
		Long: `Checks the SHA-256 of every part of a bundle and decodes it, then prints what it predicts, from what, and on whose follow-up. A bundle holds
no patient's row or identifier, and what a person can read of each model: its tree, its coefficients, the columns that matter. --json
prints the manifest; --svg draws the model of the first outcome that can be drawn.`,
		Example: `  voxgene inspect runs/glioma/model.voxgene
  voxgene inspect runs/glioma/model.voxgene --json
  voxgene inspect runs/glioma/model.voxgene --svg tree.svg`,
		Args: exactly(1, "a bundle"),
		RunE: func(c *cobra.Command, args []string) error {
			m, err := bundle.Inspect(args[0])
			if err != nil {
				return badInput(err)
			}
			b, err := bundle.Open(args[0])
			if err != nil {
				return badInput(err)
			}
			if asJSON {
				e := json.NewEncoder(c.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(struct {
					Version string `json:"version"`
					bundle.Manifest
					Config string `json:"config"`
				}{b.Version(), m, string(b.Config)})
			}
			if svg != "" {
				if err := draw(svg, b); err != nil {
					return err
				}
			}
			return describe(c.OutOrStdout(), b, m)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the manifest as JSON")
	c.Flags().StringVar(&svg, "svg", "", "draw the first model that can be drawn into this file")
	return c
}

// draw writes the drawing of the first model that has one.
func draw(path string, b *bundle.Bundle) error {
	for _, o := range b.Outcomes {
		m, ok := o.Model.(models.Drawn)
		if !ok {
			continue
		}
		var out bytes.Buffer
		if err := m.WriteSVG(&out); err != nil {
			return badInput(fmt.Errorf("outcome %s: %w", o.Name, err))
		}
		return work.WriteFile(path, out.Bytes(), 0o644)
	}
	return badInput(errors.New("no model of the bundle can be drawn; a decision tree can"))
}

// describe prints a bundle for a reader.
func describe(out io.Writer, b *bundle.Bundle, m bundle.Manifest) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "name\t%s\nversion\t%s\ncreated by\t%s\nintended use\t%s\ntraining patients\t%d\nformat\t%d\n", m.Name, b.Version(), m.CreatedBy, m.IntendedUse, m.Patients, m.Format)
	for i, o := range m.Outcomes {
		fmt.Fprintf(w, "\noutcome\t%s\n  kind\t%s\n  model\t%s\n  columns\t%d\n", o.Name, o.Kind, o.Model, len(b.Outcomes[i].Model.Columns()))
		if o.Kind == clinical.Class {
			fmt.Fprintf(w, "  classes\t%s\n", strings.Join(o.Classes, ", "))
			if o.Threshold != 0 {
				fmt.Fprintf(w, "  threshold\t%.6g\n", o.Threshold)
			}
			if o.Conformal != nil {
				fmt.Fprintf(w, "  set of classes at\t%.6g\n", o.Conformal.Level)
			}
			continue
		}
		fmt.Fprintf(w, "  time\tin %s since %s\n  follow-up\tto %.6g %s, %d patients at risk\n", o.Unit, o.Origin, o.FollowUp.Limit, o.Unit, bundle.MinAtRisk)
		if o.Groups != nil {
			fmt.Fprintf(w, "  risk groups\t%s\n", strings.Join(o.Groups.Names, ", "))
		}
	}
	fmt.Fprintf(w, "\ninputs\t%d\n", len(m.Inputs))
	for _, in := range m.Inputs {
		what := strings.Join(in.Levels, ", ")
		if n := len(in.Quantiles); n > 0 {
			what = fmt.Sprintf("%.6g to %.6g %s", in.Quantiles[0], in.Quantiles[n-1], in.Unit)
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\n", in.Name, in.Kind, what)
	}
	for _, source := range m.Sources {
		how, err := json.Marshal(source)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "\nimages\t%s\n  extracted by\t%s\n", source.Name, how)
		if source.Prepared != nil {
			fmt.Fprintf(w, "  raw files\trefused: they were prepared before training\n")
		}
	}
	fmt.Fprintf(w, "\nparts\t%d\n", len(m.Parts))
	for _, p := range m.Parts {
		fmt.Fprintf(w, "  %s\t%d bytes\tsha256:%s\n", p.Name, p.Bytes, p.SHA256)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, o := range b.Outcomes {
		if r, ok := o.Model.(models.Readable); ok {
			fmt.Fprintf(out, "\n%s\n", o.Name)
			if err := r.WriteText(out); err != nil {
				return err
			}
		}
	}
	return nil
}
