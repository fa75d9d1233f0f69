// Package pipeline holds the steps between a feature table and a model: impute, encode, scale, drop and those that follow.
//
// A Step holds settings; its Fit sees training rows only and returns a Fitted, whose Apply takes any rows. A Fitted is never
// changed, holds no row, and is stored in a bundle exactly to the bit. A Chain applies steps in order, each to the columns that
// its `on:` names and that the step may touch; every column that leaves a chain says which raw columns it came from.
//
// NaN is missing. Steps are given finite numbers otherwise; Chain.Fit refuses an infinite value with its column.
package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// Step is a fold-safe transformation that has not been fitted. It is never changed by Fit and is safe for concurrent use.
type Step interface {
	// Fit learns from training rows. The columns it is given are the ones it will be given by Apply, in order.
	Fit(ctx context.Context, t models.Training) (Fitted, error)
}

// Fitted is a step that has been fitted. It is safe for concurrent use.
type Fitted interface {
	// Kind is the name under which the step's kind is registered.
	Kind() string
	// Columns describes what Apply returns. From names input columns; a column without From is the input column of its name.
	Columns() []table.Column
	// Apply returns a new matrix of the same rows with Columns; x, whose columns are those of Fit, is not written to.
	Apply(x models.Matrix) (models.Matrix, error)
	// Encode returns the state as JSON, from which the kind's Decode makes the same step to the bit. It holds no row.
	Encode() ([]byte, error)
}

// Kind says how one kind of step is built from a configuration and decoded from a bundle.
type Kind struct {
	Name   string // as configurations write it: impute, scale, …
	Doc    string // one line
	Params []models.Param
	// Touches are the kinds of column that the step is given; others pass it by.
	Touches []table.Kind
	// New returns a step. An error names the option that is wrong in combination; single values were checked against Params.
	New func(models.Options) (Step, error)
	// Decode is the inverse of Encode for a step fitted on these columns. It never panics, whatever state holds.
	Decode func(columns []table.Column, state []byte) (Fitted, error)
}

var kinds = map[string]Kind{}

// Register adds a kind of step; packages do so when they are initialised. A name taken twice is a fault of the program.
func Register(k Kind) {
	if _, ok := kinds[k.Name]; ok {
		panic("pipeline: step " + k.Name + " is registered twice")
	}
	kinds[k.Name] = k
}

// Lookup returns the kind of step of that name.
func Lookup(name string) (Kind, bool) {
	k, ok := kinds[name]
	return k, ok
}

// Kinds returns all kinds of step, sorted by name.
func Kinds() []Kind {
	out := make([]Kind, 0, len(kinds))
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		out = append(out, kinds[name])
	}
	return out
}

// names of all kinds, sorted.
func names() []string { return slices.Sorted(maps.Keys(kinds)) }

// checkLength is the common check of a decoded state: a value a column.
func checkLength(what string, got, columns int) error {
	if got != columns {
		return fmt.Errorf("the stored state has %d %s for %d columns", got, what, columns)
	}
	return nil
}
