package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/figure"
)

// mostExamined bounds the patients whose maps are tested.
const mostExamined = 20

// examine tests the maps of the patients of a cohort file.
func (f *camFlags) examine(c *cobra.Command, b *bundle.Bundle, args []string) error {
	if ext := strings.ToLower(filepath.Ext(args[0])); len(args) != 1 || ext != ".yaml" && ext != ".yml" || f.patient != "" {
		return badInput(fmt.Errorf("--sanity looks at the patients of a cohort file (.yaml), not at one image"))
	}
	b, _, x, err := readCohort(c.Context(), b, args[0])
	if err != nil {
		return badInput(err)
	}
	var rows []int
	for i := range x.Rows {
		for _, v := range x.Volumes {
			if v.Crop[i] >= 0 && len(rows) < mostExamined {
				rows = append(rows, i)
				break
			}
		}
	}
	if len(rows) == 0 {
		return badInput(fmt.Errorf("%s has no patient with an image of the bundle's sources", args[0]))
	}
	e, err := b.Examine(c.Context(), x.Select(rows), f.outcome, f.class, f.method, work.Seed(1))
	if err != nil {
		return badInput(err)
	}
	return writeExamination(c, f.output, f.method, e)
}

// writeExamination writes the tables and figures and prints what they come to.
func writeExamination(c *cobra.Command, folder, method string, e models.Examination) error {
	table := [][]string{{"layer randomised", "rank correlation"}}
	layers := figure.Curve{Name: "rank correlation"}
	for i, l := range e.Layers {
		table = append(table, []string{l.Name, number(l.Correlation)})
		layers.X, layers.Y = append(layers.X, float64(i+1)), append(layers.Y, l.Correlation)
	}
	save, err := openFolder(folder, "layers.csv", table)
	if err != nil {
		return err
	}
	drawn, err := figure.Lines(fmt.Sprintf("%s, %d patients", method, e.Rows), "Layers randomised, from the last", "rank correlation with the map", []figure.Curve{layers})
	if err := save("randomised", drawn, err); err != nil {
		return err
	}
	curves := []figure.Curve{{Name: "most important first"}, {Name: "least important first"}, {Name: "any order"}}
	area := 0.0
	for _, r := range e.Removed {
		for k, v := range []float64{r.Most, r.Least, r.Random} {
			curves[k].X, curves[k].Y = append(curves[k].X, 100*r.Share), append(curves[k].Y, v)
		}
		area += (r.Least - r.Most) / float64(len(e.Removed))
	}
	drawn, err = figure.Lines(fmt.Sprintf("%s, %d patients", method, e.Rows), "Voxels removed, %", "change of the number explained", curves)
	if err := save("road", drawn, err); err != nil {
		return err
	}
	last := e.Layers[len(e.Layers)-1]
	_, err = fmt.Fprintf(c.OutOrStdout(), "%d maps by %s\nrandomised down to %s: rank correlation %.3f\nROAD: least minus most important first, mean over shares: %.4g\n", e.Rows, method, last.Name, last.Correlation, area)
	return err
}
