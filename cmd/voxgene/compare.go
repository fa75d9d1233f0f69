package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/features/agreement"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
)

func compareCommand() *cobra.Command {
	var key, output string
	var tolerance float64
	var byRow bool
	c := &cobra.Command{
		Use:   "compare A B",
		Short: "Two feature tables of the same patients, column by column",
		Long: `Matches the rows of two tables by patient (and by label, where both have a column Label) and compares the columns they have in
common: the largest relative difference and where it is, Bland and Altman's limits of agreement, Lin's concordance and ICC(2,1) with its
interval, as CSV. Columns and rows of one table alone are listed. It exits with 1 when a column differs by more than the tolerance.`,
		Example: `  voxgene compare before.csv after.csv
  voxgene compare reader1.csv reader2.csv --tolerance 0.1 -o agreement.csv`,
		Args: exactly(2, "two feature tables"),
		RunE: func(c *cobra.Command, args []string) error {
			a, err := readCompared(args[0], key, byRow)
			if err != nil {
				return badInput(err)
			}
			b, err := readCompared(args[1], key, byRow)
			if err != nil {
				return badInput(err)
			}
			r, err := agreement.Compare(a, b, tolerance, byRow)
			if err != nil {
				return badInput(err)
			}
			var text bytes.Buffer
			if err := writeAgreement(&text, r); err != nil {
				return err
			}
			if output != "" {
				err = work.WriteFile(output, text.Bytes(), 0o644)
			} else {
				_, err = c.OutOrStdout().Write(text.Bytes())
			}
			if err != nil {
				return err
			}
			summarise(c.ErrOrStderr(), args, r)
			if r.Differing > 0 {
				return fmt.Errorf("%d of %d columns differ by more than %g", r.Differing, len(r.Columns), tolerance)
			}
			return nil
		},
	}
	c.Flags().StringVar(&key, "key", "", "column that holds patients in both tables (default: found by name)")
	c.Flags().BoolVar(&byRow, "by-row", false, "match rows by their place")
	c.Flags().Float64Var(&tolerance, "tolerance", 1e-6, "relative difference that counts as none")
	c.Flags().StringVarP(&output, "output", "o", "", "file to write (default: standard output)")
	return c
}

// readCompared reads a table. One of extracted features without a column of patients is keyed by its image and label.
func readCompared(path, key string, byRow bool) (*table.Table, error) {
	if strings.EqualFold(filepath.Ext(path), ".parquet") {
		// What extract wrote has the label as region; what train wrote has none.
		if t, err := table.Read(path, table.Options{Key: key, Region: "region"}); err == nil {
			return t, nil
		}
		return table.Read(path, table.Options{Key: key})
	}
	header, err := table.Header(path)
	if err != nil {
		return nil, err
	}
	o := table.Options{Key: key, Drop: []string{"Image", "Mask", "diagnostics_*"}}
	if slices.Contains(header, "Label") {
		o.Region = "Label"
	}
	t, err := table.Read(path, o)
	if err != nil && key == "" && slices.Contains(header, "Image") {
		o.Key = "Image"
		if u, again := table.Read(path, o); again == nil {
			return u, nil
		}
	}
	if err != nil && byRow && len(header) > 0 {
		return nil, errors.Join(err, errors.New("--by-row needs a key column all the same: name one with --key"))
	}
	return t, err
}

func writeAgreement(w io.Writer, r agreement.Report) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"column", "rows", "only_a", "only_b", "worst", "at", "bias", "limit_low", "limit_high", "concordance", "icc", "icc_low", "icc_high", "differs"}); err != nil {
		return err
	}
	n := func(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
	for _, c := range r.Columns {
		if err := out.Write([]string{c.Name, strconv.Itoa(c.Rows), strconv.Itoa(c.OnlyA), strconv.Itoa(c.OnlyB), n(c.Worst), c.Describe(),
			n(c.Differences.Mean), n(c.Differences.Low), n(c.Differences.High), n(c.Concordance), n(c.ICC.Value), n(c.ICC.Low), n(c.ICC.High),
			strconv.FormatBool(c.AboveTolerance)}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// summarise says on the terminal what the table does not.
func summarise(w io.Writer, names []string, r agreement.Report) {
	fmt.Fprintf(w, "%d rows and %d columns in both; %d columns differ\n", r.Rows, len(r.Columns), r.Differing)
	for i, only := range [][]string{r.OnlyA, r.OnlyB} {
		if len(only) > 0 {
			fmt.Fprintf(w, "only %s has the columns %v\n", names[i], only)
		}
	}
	for i, rows := range []int{len(r.RowsA), len(r.RowsB)} {
		if rows > 0 {
			fmt.Fprintf(w, "only %s has %d rows\n", names[i], rows)
		}
	}
}
