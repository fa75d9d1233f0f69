package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"

	"github.com/voxgene/voxgene/features/radiomics/batch"
	"github.com/voxgene/voxgene/features/radiomics/perturb"
	"github.com/voxgene/voxgene/features/work"
)

// perturbed extracts the regions as they are and from changed copies, a row each with its number in the column Perturbation (0 as it is),
// and writes the stability of each feature over the changed copies beside the output.
func (x *extraction) perturbed(ctx context.Context, cases []batch.Case, extra []string, method batch.Method, pool work.Pool, stdout, stderr io.Writer) error {
	if x.draws == 1 || x.draws > 1000 {
		return badInput(fmt.Errorf("--perturb %d: want 2 to 1000 copies", x.draws))
	}
	o, err := perturb.Default().Only(x.changes)
	if err != nil {
		return badInput(fmt.Errorf("--perturb-kinds: %w", err))
	}
	var all []batch.Case
	var outcomes []batch.Outcome
	var draws [][]batch.Outcome
	var failed []error
	for n := range x.draws + 1 {
		m := method
		if n > 0 {
			m = batch.Perturbed(method, o, work.Seed(x.seed), n)
		}
		got, err := batch.Run(ctx, cases, m, pool)
		if err != nil {
			return err
		}
		if err := failures(cases, got); err != nil {
			failed = append(failed, fmt.Errorf("perturbation %d: %w", n, err))
		}
		if n > 0 {
			draws = append(draws, got)
		} else {
			warn(stderr, cases, got)
		}
		for i, c := range cases {
			c.Extra = maps.Clone(c.Extra)
			if c.Extra == nil {
				c.Extra = map[string]string{}
			}
			c.Extra["Perturbation"] = strconv.Itoa(n)
			rows := append([]batch.Row(nil), got[i].Rows...)
			for r := range rows {
				rows[r].Case = len(all)
			}
			all = append(all, c)
			outcomes = append(outcomes, batch.Outcome{Rows: rows})
		}
	}
	if err := x.write(batch.NewSheet(all, append(extra, "Perturbation"), outcomes), stdout); err != nil {
		return err
	}
	if x.output != "" {
		var b bytes.Buffer
		if err := batch.Stability(&b, draws); err != nil {
			return err
		}
		if err := work.WriteFile(x.beside(".stability.csv"), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return errors.Join(failed...)
}
