package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/explain"
	"github.com/voxgene/voxgene/models/figure"
)

func explainCommand() *cobra.Command {
	var p prediction
	var g globalFlags
	var patient, row, method, scale, background, groupBy, sets string
	var at []string
	var interactions bool
	top := 10
	c := &cobra.Command{
		Use:   "explain BUNDLE TABLE|COHORT.yaml",
		Short: "Say how much each input contributed to each prediction",
		Long: `Explains the prediction of each row of a table: Shapley values on the model's own scale (log-odds, log-hazard, …), summed back to the inputs
that were read. Base and contributions sum to the output. Inputs beyond the largest --top are summed as "(other)". With a folder as -o,
figures of all patients and of each (the first fifty) are written there as SVG, with their numbers as CSV. Contributions say what the
model used, not what causes the outcome. Of a network over images, read with a cohort file, the image of each source is one contribution, and
with --patient and a folder the part of each voxel is written there on the grid of the scan, as NIfTI.`,
		Example: `  voxgene explain runs/glioma/model.voxgene new.csv --patient TCGA-CS-4938
  voxgene explain runs/glioma/model.voxgene new.csv --group-by source -o contributions.csv
  voxgene explain runs/glioma/model.voxgene new.csv --group-by family -o figures/
  voxgene explain runs/glioma/model.voxgene cohort.yaml --patient P7 -o p7/
  voxgene explain runs/glioma/model.voxgene new.csv --global --outcome idh=idh_mutant -o what-counts/
  voxgene explain runs/glioma/model.voxgene new.csv --compare elsewhere.csv
  voxgene explain runs/glioma/model.voxgene new.csv --outcomes os --at 12mo --background train.csv --json`,
		Args: exactly(2, "a bundle and a table or a cohort file"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := g.check(patient); err != nil {
				return badInput(err)
			}
			b, t, x, err := p.read(c.Context(), args)
			if err != nil {
				return badInput(err)
			}
			if row != "" && patient == "" {
				return badInput(errors.New("--row goes with --patient"))
			}
			if patient != "" {
				own, err := rowsOf(b, t, patient, row, args[1])
				if err != nil {
					return badInput(err)
				}
				t, x = t.Select(own), x.Select(own)
			}
			e := &bundle.Explain{Top: top, GroupBy: groupBy, Method: method, Scale: scale}
			if e.At, err = parseTimes(at); err != nil {
				return badInput(err)
			}
			if sets != "" {
				if e.Sets, err = genes.ReadGMT(sets); err != nil {
					return badInput(err)
				}
				e.GroupBy = "set"
			}
			folder := p.output != "" && filepath.Ext(p.output) == ""
			if folder || g.asked() {
				e.Top = math.MaxInt
				if g.most = mostFeatures; c.Flags().Changed("top") {
					g.most = max(1, min(top, mostDrawn))
				}
			}
			e.Maps = folder && patient != "" && readsImages(b, x)
			if background != "" {
				rows, err := table.Read(background, table.Options{Key: p.key})
				if err != nil {
					return badInput(err)
				}
				m, err := b.Align(rows)
				if err != nil {
					return badInput(fmt.Errorf("%s: %w", background, err))
				}
				e.Background = &m
			}
			if interactions {
				if err := errors.Join(p.tabular(folder), g.alone()); err != nil {
					return badInput(err)
				}
				rows, err := interactionRows(c.Context(), b, t, x, p.outcomes, e)
				if err != nil {
					return err
				}
				return p.write(c.OutOrStdout(), b, nil, rows)
			}
			answers, err := predictAll(c.Context(), b, t, x, bundle.Request{Outcomes: p.outcomes, Explain: e})
			if err != nil {
				return err
			}
			sayGaps(c.ErrOrStderr(), answers)
			if g.asked() {
				var others []bundle.Prediction
				if g.compare != "" {
					_, t, x, err := p.read(c.Context(), []string{args[0], g.compare})
					if err != nil {
						return badInput(err)
					}
					if others, err = predictAll(c.Context(), b, t, x, bundle.Request{Outcomes: p.outcomes, Explain: e}); err != nil {
						return err
					}
				}
				return g.answer(c, &p, b, args[1], at, answers, others, folder)
			}
			if folder {
				if err := writeFigures(p.output, answers, at, g.most, explanationRows(answers), func(e *explained, feature string) (figure.Figure, error) { return effect(b, x, e, feature) }); err != nil || !e.Maps {
					return err
				}
				if x.Rows != 1 {
					_, err := theRow(b, t, patient, row, args[1])
					return badInput(err)
				}
				scans, err := scansOf(c.Context(), b, args[1], t.Keys[0], x)
				if err != nil {
					return badInput(err)
				}
				return writeMaps(p.output, scans, gather(answers, at))
			}
			return p.write(c.OutOrStdout(), b, answers, explanationRows(answers))
		},
	}
	p.flags(c)
	g.flags(c)
	c.Flags().StringVar(&patient, "patient", "", "explain this patient only")
	c.Flags().StringVar(&row, "row", "", "with --patient, the lesion or visit, of a model whose rows are these")
	c.Flags().StringVar(&method, "method", explain.Auto, "one of "+strings.Join(explain.Methods, ", "))
	c.Flags().BoolVar(&interactions, "interactions", false, "what pairs of inputs contributed together, of models of trees: a row a pair, the --top largest")
	c.Flags().StringVar(&scale, "scale", "", "log-odds, probability, log-hazard, survival or \"cumulative hazard\" (default: the model's own)")
	c.Flags().StringVar(&background, "background", "", "table whose rows stand in for inputs that are left out (default: the bundle's centroids)")
	c.Flags().StringVar(&groupBy, "group-by", "", "sum contributions by "+strings.Join(bundle.Groupings, ", "))
	c.Flags().StringVar(&sets, "sets", "", "gene sets (GMT) to sum contributions by; a gene of several sets is shared among them")
	c.Flags().StringSliceVar(&at, "at", nil, "explain survival at these times, such as 12mo, in place of the risk")
	c.Flags().IntVar(&top, "top", 10, "largest contributions to list, and with a folder to draw (20 there where this is left out, at most 100)")
	return c
}

// gapsSaid is how many warnings of gaps are printed by themselves.
const gapsSaid = 3

// sayGaps warns of contributions that do not sum to the output.
func sayGaps(w io.Writer, answers []bundle.Prediction) {
	said := 0
	for _, p := range answers {
		for _, one := range p.Warnings {
			if one.Code != bundle.ExplanationGap {
				continue
			}
			if said++; said <= gapsSaid {
				fmt.Fprintf(w, "warning: %s, %s: %s\n", p.ID, one.Outcome, one.Message)
			}
		}
	}
	if said > gapsSaid {
		fmt.Fprintf(w, "warning: the same of %d other explanations; each has its (gap)\n", said-gapsSaid)
	}
}

// explanationRows lays explanations out as a table: a row a contribution.
func explanationRows(answers []bundle.Prediction) [][]string {
	rows := [][]string{{"outcome", "class", "time", "scale", "method", "base", "output", "feature", "value", "contribution", "error", "exact"}}
	if len(answers) > 0 {
		rows[0] = append(rowName(answers[0], "patient", string(answers[0].Unit)), rows[0]...)
	}
	for _, p := range answers {
		for _, a := range p.Outcomes {
			for _, e := range a.Explanations {
				start := append(rowName(p, p.ID, p.Within), a.Name, e.Class, number(e.Time), e.Scale, e.Method, number(e.Base), number(e.Output))
				for _, v := range e.Values {
					value := v.Text
					if value == "" {
						value = number(v.Value)
					}
					rows = append(rows, append(slices.Clone(start), v.Feature, value, number(v.Amount), sampling(e, v.Error), strconv.FormatBool(e.Exact)))
				}
				if !e.Exact && math.Abs(e.Gap) > 1e-9*(math.Abs(e.Base)+math.Abs(e.Output)) {
					rows = append(rows, append(slices.Clone(start), "(gap)", "", number(e.Gap), "", "false"))
				}
				if e.Other != 0 {
					rows = append(rows, append(slices.Clone(start), "(other)", "", number(e.Other), "", strconv.FormatBool(e.Exact)))
				}
			}
		}
	}
	return rows
}

// sampling is the standard error of a contribution, blank where nothing was sampled.
func sampling(e bundle.Explanation, err float64) string {
	if e.Exact || err == 0 {
		return ""
	}
	return number(err)
}
