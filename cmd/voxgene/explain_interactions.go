package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
)

// interactionRows lays out what pairs of inputs contributed together, a row a pair. Patients for whom the model abstains have none.
func interactionRows(ctx context.Context, b *bundle.Bundle, t *table.Table, x models.Matrix, outcomes []string, e *bundle.Explain) ([][]string, error) {
	answers, err := predictAll(ctx, b, t, x, bundle.Request{Outcomes: outcomes})
	if err != nil {
		return nil, err
	}
	rows := [][]string{{"patient", "outcome", "class", "time", "scale", "method", "feature", "other", "interaction"}}
	for i, p := range answers {
		if p.Abstained != nil {
			continue
		}
		got, err := b.Interact(ctx, x.Select([]int{i}), outcomes, e)
		if wrong := (*bundle.RequestError)(nil); errors.As(err, &wrong) {
			return nil, badInput(err)
		}
		if err != nil {
			return nil, err
		}
		for _, list := range got[0] {
			start := []string{p.ID, list.Outcome, list.Class, number(list.Time), list.Scale, list.Method}
			for _, v := range list.Pairs {
				rows = append(rows, append(slices.Clone(start), v.First, v.Second, number(v.Amount)))
			}
		}
	}
	return rows, nil
}

// tabular is an error where the output is no table, for answers that have no other form.
func (p *prediction) tabular(folder bool) error {
	if p.json || folder || strings.HasSuffix(strings.ToLower(p.output), ".json") {
		return errors.New("--interactions writes CSV or TSV: leave out --json, and name a file with -o")
	}
	return nil
}
