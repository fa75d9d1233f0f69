package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/voxgene/voxgene/features/cohort"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/train"
)

// readCohort reads the patients of a cohort file from their files and brings them to the bundle's inputs, crops of images included.
func readCohort(ctx context.Context, b *bundle.Bundle, path string) (*bundle.Bundle, *table.Table, models.Matrix, error) {
	var none models.Matrix
	n, err := settings.ReadFile(path)
	if err != nil {
		return nil, nil, none, err
	}
	var p settings.Problems
	cfg := cohort.Decode(n, &p)
	if err := p.Err(); err != nil {
		return nil, nil, none, err
	}
	cfg.Outcomes = nil // not known of those who are predicted
	cfg.UseScales(b.Sources)
	c, err := cohort.Load(ctx, cfg, filepath.Dir(path), work.Pool{})
	if err != nil {
		return nil, nil, none, err
	}
	if c.Unit != b.Unit {
		return nil, nil, none, fmt.Errorf("%s: the bundle predicts %s and the cohort has a row a %s: say cohort: {unit: %s}", path, b.Unit.Plural(), c.Unit, b.Unit)
	}
	if len(c.Failures) > 0 {
		return nil, nil, none, fmt.Errorf("patient %s: %s", c.Failures[0].Patient, c.Failures[0].Reason)
	}
	x, err := b.Align(c.Table)
	if err != nil {
		return nil, nil, none, fmt.Errorf("%s: %w", path, err)
	}
	x.Volumes = train.Volumes(c)
	return b, c.Table, x, nil
}
