package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
)

// prediction is the command line of predict, and what explain shares with it.
type prediction struct {
	key, output string
	within      string // column of lesions or visits, where the bundle's rows are those
	outcomes    []string
	times       []string
	json        bool
	local       string
}

func (p *prediction) flags(c *cobra.Command) {
	c.Flags().StringVar(&p.key, "id", "", "header of the patients' column (default: found by its name)")
	c.Flags().StringVar(&p.within, "within", "", "header of the column of lesions or visits, for a bundle that predicts each (default: lesion or visit)")
	c.Flags().StringSliceVar(&p.outcomes, "outcomes", nil, "outcomes to predict (default: all)")
	c.Flags().StringVarP(&p.output, "output", "o", "", "file to write: .csv, .tsv or .json (default: CSV to standard output)")
	c.Flags().StringVar(&p.local, "estimate-from", "", "table of patients of a scanner or centre that training had not, outcomes not needed, from which its batch effect is estimated")
	c.Flags().BoolVar(&p.json, "json", false, "write JSON to standard output, in the shape of the server's answer")
}

func predictCommand() *cobra.Command {
	var p prediction
	c := &cobra.Command{
		Use:   "predict BUNDLE TABLE|COHORT.yaml",
		Short: "Predict the patients of a table with a trained bundle",
		Long: `Predicts each row of a table (CSV, TSV or Parquet). Columns are found by full name (t1.original_shape_Sphericity) or, where one input has
it, by bare name; others are left aside. A source may be absent as a whole. Survival is given at --times, or at whole years within the
follow-up of training; beyond it there is none. Values outside what training saw are named in the last column. A bundle that was trained
on lesions or visits (cohort.unit) predicts each row as one, named by its column lesion or visit.

A cohort file (the cohort and sources of an experiment) in place of the table predicts its patients from their files, images included: what
a network over images wants.`,
		Example: `  voxgene predict runs/glioma/model.voxgene new.csv
  voxgene predict runs/glioma/model.voxgene new.parquet --times 12mo,24mo -o predictions.csv
  voxgene predict runs/glioma/model.voxgene new.csv --outcomes idh --json
  voxgene predict runs/glioma/model.voxgene cohort.yaml
  voxgene predict runs/glioma/model.voxgene new.csv --estimate-from ours.csv`,
		Args: exactly(2, "a bundle and a table or a cohort file"),
		RunE: func(c *cobra.Command, args []string) error {
			b, t, x, err := p.read(c.Context(), args)
			if err != nil {
				return badInput(err)
			}
			r := bundle.Request{Outcomes: p.outcomes}
			if r.Times, err = parseTimes(p.times); err != nil {
				return badInput(err)
			}
			answers, err := predictAll(c.Context(), b, t, x, r)
			if err != nil {
				return err
			}
			return p.write(c.OutOrStdout(), b, answers, predictionRows(answers, r.Times))
		},
	}
	p.flags(c)
	c.Flags().StringSliceVar(&p.times, "times", nil, "times of survival with their units, such as 12mo,2a (units: d, wk, mo, a)")
	return c
}

// read opens the bundle and brings the table to its inputs.
func (p *prediction) read(ctx context.Context, args []string) (*bundle.Bundle, *table.Table, models.Matrix, error) {
	var none models.Matrix
	switch ext := strings.ToLower(filepath.Ext(p.output)); ext {
	case "", ".csv", ".tsv", ".json":
	default:
		return nil, nil, none, fmt.Errorf("%s: the output is written as .csv, .tsv or .json", p.output)
	}
	b, err := bundle.Open(args[0])
	if err != nil {
		return nil, nil, none, err
	}
	if p.local != "" {
		local, err := table.Read(p.local, table.Options{Key: p.key})
		if err != nil {
			return nil, nil, none, err
		}
		if err := b.Learn(local); err != nil {
			return nil, nil, none, fmt.Errorf("--estimate-from %s: %w", p.local, err)
		}
	}
	if ext := strings.ToLower(filepath.Ext(args[1])); ext == ".yaml" || ext == ".yml" {
		return readCohort(ctx, b, args[1])
	}
	t, err := table.Read(args[1], p.options(b, args[1]))
	if err != nil {
		return nil, nil, none, err
	}
	x, err := b.Align(t)
	if err != nil {
		return nil, nil, none, fmt.Errorf("%s: %w", args[1], err)
	}
	return b, t, x, nil
}

// options say how a table of rows to predict is read: of what a row is named by.
func (p *prediction) options(b *bundle.Bundle, path string) table.Options {
	o := table.Options{Key: p.key}
	column := p.within
	if names, err := table.Header(path); err == nil && column == "" && slices.Contains(names, string(b.Unit)) {
		column = string(b.Unit)
	}
	switch b.Unit {
	case table.PerLesion:
		o.Lesion = column
	case table.PerVisit:
		o.Visit = column
	}
	return o
}

func parseTimes(texts []string) ([]bundle.Time, error) {
	var out []bundle.Time
	for _, text := range texts {
		t, err := bundle.ParseTime(text)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// rowsAtOnce bounds what is in memory while a large table is predicted.
const rowsAtOnce = 2000

// predictAll predicts all rows and names them by their patients.
func predictAll(ctx context.Context, b *bundle.Bundle, t *table.Table, x models.Matrix, r bundle.Request) ([]bundle.Prediction, error) {
	out := make([]bundle.Prediction, 0, x.Rows)
	for from := 0; from < x.Rows; from += rowsAtOnce {
		rows := make([]int, 0, rowsAtOnce)
		for i := from; i < min(x.Rows, from+rowsAtOnce); i++ {
			rows = append(rows, i)
		}
		part, err := b.Predict(ctx, x.Select(rows), r)
		var wrong *bundle.RequestError
		if errors.As(err, &wrong) {
			return nil, badInput(err)
		}
		if err != nil {
			return nil, err
		}
		for i := range part {
			part[i].ID, part[i].Within = t.Keys[rows[i]].Patient, b.Unit.Within(t.Keys[rows[i]])
		}
		out = append(out, part...)
	}
	return out, nil
}

// write writes answers as the server's JSON or as the rows of a table.
func (p *prediction) write(stdout io.Writer, b *bundle.Bundle, answers []bundle.Prediction, rows [][]string) error {
	var out bytes.Buffer
	ext := strings.ToLower(filepath.Ext(p.output))
	if ext == ".json" || p.json && ext == "" {
		e := json.NewEncoder(&out)
		if err := e.Encode(map[string]any{"model": b.Name, "version": b.Version(), "intended_use": b.IntendedUse, "predictions": answers}); err != nil {
			return err
		}
	} else {
		w := csv.NewWriter(&out)
		if ext == ".tsv" {
			w.Comma = '\t'
		}
		if err := w.WriteAll(rows); err != nil {
			return err
		}
	}
	if p.output != "" {
		return work.WriteFile(p.output, out.Bytes(), 0o600)
	}
	_, err := stdout.Write(out.Bytes())
	return err
}

// predictionRows lays answers out as a table: a row a patient.
func predictionRows(answers []bundle.Prediction, times []bundle.Time) [][]string {
	if len(answers) == 0 {
		return nil
	}
	header := rowName(answers[0], "patient", string(answers[0].Unit))
	for _, a := range answers[0].Outcomes {
		if a.Kind == clinical.Class {
			header = append(header, a.Name+".label")
			for _, c := range a.Classes {
				header = append(header, a.Name+".probability."+c)
			}
			if a.Set != nil {
				header = append(header, a.Name+".set")
			}
			continue
		}
		header = append(header, a.Name+".risk", a.Name+".risk_group", a.Name+".median_"+a.Unit)
		for k, t := range a.Times {
			label := number(t) + a.Unit
			if k < len(times) {
				label = times[k].String()
			}
			header = append(header, a.Name+".survival_"+label)
		}
	}
	rows := [][]string{append(header, "warnings")}
	for _, p := range answers {
		row := rowName(p, p.ID, p.Within)
		for _, a := range p.Outcomes {
			if a.Kind == clinical.Class {
				row = append(row, a.Label)
				for _, v := range a.Probabilities {
					row = append(row, number(v))
				}
				if a.Set != nil {
					row = append(row, strings.Join(a.Set, " "))
				}
				continue
			}
			row = append(row, number(a.Risk), a.RiskGroup, number(a.Median))
			for _, v := range a.Survival {
				row = append(row, number(v))
			}
		}
		var warnings []string
		for _, w := range p.Warnings {
			warnings = append(warnings, strings.TrimSuffix(w.Code+":"+w.Feature+w.Source+w.Outcome, ":"))
		}
		rows = append(rows, append(row, strings.Join(warnings, " ")))
	}
	return rows
}

// rowName is what a row of answers begins with: the patient and, where rows are lesions or visits, which of them.
func rowName(p bundle.Prediction, patient, within string) []string {
	if p.Unit == table.PerPatient {
		return []string{patient}
	}
	return []string{patient, within}
}

// number writes a number with the fewest digits that read back as the same; what is not known is blank.
func number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
