package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/pipeline"
	"github.com/voxgene/voxgene/models/tree"
)

// imported are the flags of import.
type imported struct {
	columns, classes                         []string
	table, outcome, name, unit, origin, into string
}

func importCommand() *cobra.Command {
	var f imported
	c := &cobra.Command{
		Use:   "import MODEL.json -o BUNDLE",
		Short: "Put an XGBoost model into a bundle",
		Long: `Reads the JSON that XGBoost's save_model wrote (gbtree or dart; two classes, several, or survival:cox) and writes a bundle with that model,
which predict, explain, inspect and serve read like any other. Columns come from the model where it names its features, else from --columns,
in the model's order. --table gives the training table, so that the bundle knows the range of each column and can warn of values outside it;
no row of it is kept. A Cox model of XGBoost has no baseline hazard in its file: it gives risks and no survival.`,
		Example: `  voxgene import xgb.json --columns age,volume,grade --classes wildtype,mutant --outcome idh -o idh.voxgene
  voxgene import xgb.json --table training.csv --classes 0,1 -o xgb.voxgene
  voxgene import cox.json --columns age,size --outcome os --unit d --origin surgery -o os.voxgene`,
		Args: exactly(1, "an XGBoost model"),
		RunE: func(c *cobra.Command, args []string) error {
			if f.into == "" {
				return badInput(errors.New("import needs -o BUNDLE, the file to write"))
			}
			b, err := f.bundle(c.Context(), args[0])
			if err != nil {
				return badInput(fmt.Errorf("%s: %w", args[0], err))
			}
			return b.Save(f.into)
		},
	}
	c.Flags().StringSliceVar(&f.columns, "columns", nil, "columns in the model's order; needed where the model does not name its features")
	c.Flags().StringSliceVar(&f.classes, "classes", nil, "names of the classes in the model's order; 0, 1, … where none are given")
	c.Flags().StringVar(&f.table, "table", "", "training table, for the ranges of the columns")
	c.Flags().StringVar(&f.outcome, "outcome", "outcome", "name of what is predicted")
	c.Flags().StringVar(&f.name, "name", "", "name of the bundle; that of the file where none is given")
	c.Flags().StringVar(&f.unit, "unit", "d", "unit of time of a Cox model (d, wk, mo, a)")
	c.Flags().StringVar(&f.origin, "origin", "", "what happened at time zero of a Cox model")
	c.Flags().StringVarP(&f.into, "output", "o", "", "bundle to write")
	return c
}

// bundle reads the model and puts a bundle around it.
func (f *imported) bundle(ctx context.Context, path string) (*bundle.Bundle, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	x, err := tree.ReadXGBoost(file)
	if err != nil {
		return nil, err
	}
	inputs, patients, err := f.inputs(x)
	if err != nil {
		return nil, err
	}
	columns := make([]table.Column, len(inputs))
	for j, in := range inputs {
		columns[j] = in.Column
	}
	o := bundle.Outcome{Name: f.outcome, Kind: clinical.Class}
	if x.Ensemble.Scale == tree.LogHazard {
		if len(f.classes) > 0 {
			return nil, fmt.Errorf("objective %q predicts survival, which has no classes", x.Objective)
		}
		o.Kind, o.Unit, o.Origin = clinical.Survival, f.unit, f.origin
	} else if o.Classes = f.classes; len(o.Classes) == 0 {
		for k := range max(2, x.Ensemble.Outputs()) {
			o.Classes = append(o.Classes, strconv.Itoa(k))
		}
	}
	if o.Model, err = x.Model(columns, o.Classes); err != nil {
		return nil, err
	}
	// The steps of what trained the model are not in its file: numbers reach it as they are.
	if o.Chain, err = (pipeline.Chain{}).Fit(ctx, models.Training{X: models.NewMatrix(columns, 1)}); err != nil {
		return nil, err
	}
	name := f.name
	if name == "" {
		name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	}
	return &bundle.Bundle{Name: name, CreatedBy: "voxgene import (XGBoost, " + x.Objective + ")", Patients: patients, Inputs: inputs, Outcomes: []bundle.Outcome{o}}, nil
}

// inputs describes the columns that the model reads: from the table where there is one, else by their names alone.
func (f *imported) inputs(x *tree.XGBoost) ([]bundle.Input, int, error) {
	names := f.columns
	if len(names) == 0 {
		names = x.Names
	}
	var t *table.Table
	if f.table != "" {
		var err error
		if t, err = table.Read(f.table, table.Options{}); err != nil {
			return nil, 0, err
		}
		if len(names) == 0 && len(t.Columns) == x.Ensemble.Features {
			for _, c := range t.Columns {
				names = append(names, c.Name)
			}
		}
	}
	if len(names) == 0 {
		return nil, 0, fmt.Errorf("the model does not name its %d features: give them with --columns, in its order", x.Ensemble.Features)
	}
	if len(names) != x.Ensemble.Features {
		return nil, 0, fmt.Errorf("the model reads %d columns, %d are given", x.Ensemble.Features, len(names))
	}
	inputs := make([]bundle.Input, len(names))
	for j, name := range names {
		inputs[j].Name = name
	}
	if t == nil {
		return inputs, 0, nil
	}
	m := models.Matrix{Rows: t.Rows()}
	for _, name := range names {
		j := t.Find(name)
		if j < 0 {
			return nil, 0, fmt.Errorf("%s has no column %q, which the model reads", f.table, name)
		}
		if t.Columns[j].Kind != table.Numeric {
			return nil, 0, fmt.Errorf("%s: column %q is not of numbers; XGBoost reads numbers: write categories as the codes it was trained with", f.table, name)
		}
		m.Columns = append(m.Columns, table.Column{Name: name})
		m.Values = append(m.Values, t.Values[j]...)
	}
	return bundle.NewInputs(m), t.Rows(), nil
}
