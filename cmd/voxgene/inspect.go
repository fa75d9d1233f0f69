package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
)

func inspectCommand() *cobra.Command {
	asJSON, svg, export := false, "", ""
	var outcomes []string
	c := &cobra.Command{
		Use:   "inspect BUNDLE",
		Short: "Verify a bundle and say what it holds",
		Long: `Checks the SHA-256 of every part of a bundle and decodes it, then prints what it predicts, from what, and on whose follow-up. A bundle holds
no patient's row or identifier, and what a person can read of each model: its tree, its coefficients, the columns that matter. --json
prints the manifest; --svg draws the model of the first outcome that can be drawn: a tree, or a linear model as a nomogram. --export writes
the fitted steps and coefficients of linear models as JSON, which docs/readers/ reads in Python and in R.`,
		Example: `  voxgene inspect runs/glioma/model.voxgene
  voxgene inspect runs/glioma/model.voxgene --json
  voxgene inspect runs/glioma/model.voxgene --svg tree.svg
  voxgene inspect runs/glioma/model.voxgene --export model.json --outcomes idh,os`,
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
				if err := draw(svg, b, outcomes); err != nil {
					return err
				}
			}
			if export != "" {
				text, err := b.Export(outcomes)
				if err != nil {
					return badInput(err)
				}
				if err := work.WriteFile(export, text, 0o644); err != nil {
					return err
				}
			}
			return describe(c.OutOrStdout(), b, m)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the manifest as JSON")
	c.Flags().StringVar(&svg, "svg", "", "draw the first model that can be drawn into this file")
	c.Flags().StringVar(&export, "export", "", "write fitted steps and coefficients of linear models as JSON into this file")
	c.Flags().StringSliceVar(&outcomes, "outcomes", nil, "outcomes to draw or export, by name; all where none is named")
	return c
}

// draw writes the drawing of the first model, of the outcomes named or of all, that has one.
func draw(path string, b *bundle.Bundle, outcomes []string) error {
	var why []error
	for _, o := range b.Outcomes {
		if len(outcomes) > 0 && !slices.Contains(outcomes, o.Name) {
			continue
		}
		m, ok := o.Model.(models.Drawn)
		if !ok {
			why = append(why, fmt.Errorf("outcome %s: a %s cannot be drawn; decision_tree, logistic and cox can", o.Name, o.Model.Kind()))
			continue
		}
		var out bytes.Buffer
		if err := m.WriteSVG(&out); err != nil {
			why = append(why, fmt.Errorf("outcome %s: %w", o.Name, err))
			continue
		}
		return work.WriteFile(path, out.Bytes(), 0o644)
	}
	if why == nil {
		return badInput(fmt.Errorf("the bundle has no outcome %s", strings.Join(outcomes, ", ")))
	}
	return badInput(errors.Join(why...))
}

// describe prints a bundle for a reader.
func describe(out io.Writer, b *bundle.Bundle, m bundle.Manifest) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "name\t%s\nversion\t%s\ncreated by\t%s\nintended use\t%s\ntraining patients\t%d\nformat\t%d\n", m.Name, b.Version(), m.CreatedBy, m.IntendedUse, m.Patients, m.Format)
	if b.Unit != table.PerPatient {
		fmt.Fprintf(w, "a row is\ta %s of a patient\n", b.Unit)
	}
	for i, o := range m.Outcomes {
		fmt.Fprintf(w, "\noutcome\t%s\n  kind\t%s\n  model\t%s\n  columns\t%d\n", o.Name, o.Kind, o.Model, len(b.Outcomes[i].Model.Columns()))
		if o.HoldsRows > 0 {
			fmt.Fprintf(w, "  holds\tthe values of %d training rows (impute, method knn, keep_rows): treat the file as patient data\n", o.HoldsRows)
		}
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
