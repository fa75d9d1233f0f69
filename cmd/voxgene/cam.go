package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/spf13/cobra"

	plan "github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
)

func camCommand() *cobra.Command {
	var source, outcome, class, output string
	var prepared bool
	c := &cobra.Command{
		Use:   "cam BUNDLE IMAGE MASK -o MAP.nii.gz",
		Short: "Show where in a patient's scan a network found what it predicts",
		Long: `Writes the Grad-CAM map of one patient on the grid of the scan, as NIfTI: 0 and up, highest where the network found what speaks for the
class (the last by default) or for risk. The bundle makes the crop from the files as training did. Other sources count as absent. The
map shows where a network looked, not why, and not that it is right.`,
		Example: `  voxgene cam runs/glioma/model.voxgene flair.nii.gz mask.nii.gz -o map.nii.gz
  voxgene cam runs/glioma/model.voxgene flair/ seg.dcm --source flair --outcome idh --class 1 -o map.nii.gz`,
		Args: exactly(3, "a bundle, an image and a mask"),
		RunE: func(c *cobra.Command, args []string) error {
			if output == "" {
				return badInput(fmt.Errorf("name the file to write with -o"))
			}
			b, err := bundle.Open(args[0])
			if err != nil {
				return badInput(err)
			}
			s, err := cropSource(b, source)
			if err != nil {
				return badInput(err)
			}
			r, err := s.Extract(c.Context(), plan.Files{Image: args[1], Mask: args[2], Prepared: prepared})
			if err != nil {
				return badInput(err)
			}
			x, err := oneScan(b, s, r)
			if err != nil {
				return badInput(err)
			}
			maps, err := b.Locate(x, outcome, class)
			if err != nil {
				return badInput(err)
			}
			scan, err := open.Image{Path: args[1], Series: s.Series, SUV: s.SUV, Stack: s.Stack}.Region(image.Selection{})
			if err != nil {
				return badInput(err)
			}
			return writeMap(output, maps[0], r.Grid, scan.Volume.Grid)
		},
	}
	c.Flags().StringVar(&source, "source", "", "source of the bundle that the scan is for (default: the only one with crops)")
	c.Flags().StringVar(&outcome, "outcome", "", "outcome (default: the first)")
	c.Flags().StringVar(&class, "class", "", "class that the map speaks for (default: the last)")
	c.Flags().StringVarP(&output, "output", "o", "", "NIfTI file to write")
	c.Flags().BoolVar(&prepared, "prepared", false, "the files were prepared as the experiment says")
	return c
}

// cropSource is the source of a bundle that makes crops.
func cropSource(b *bundle.Bundle, name string) (*plan.Source, error) {
	var names []string
	found := -1
	for i, s := range b.Sources {
		if s.Volume != nil {
			names = append(names, s.Name)
			if name == "" || s.Name == name {
				found = i
			}
		}
	}
	if found < 0 || name == "" && len(names) > 1 {
		return nil, fmt.Errorf("name one of the sources that make crops with --source: %v", names)
	}
	return &b.Sources[found], nil
}

// oneScan is the row of a patient of whom one scan is known.
func oneScan(b *bundle.Bundle, s *plan.Source, r plan.Result) (models.Matrix, error) {
	t := table.New([]table.Key{{Patient: "patient"}})
	for _, f := range r.Features {
		if err := t.Add(table.Column{Name: f.Name, Source: s.Name}, []float64{f.Value}); err != nil {
			return models.Matrix{}, err
		}
	}
	x, err := b.Align(t)
	if err != nil {
		return x, err
	}
	x.Volumes = []models.Volumes{{Source: s.Name, Channels: s.Volume.Channels(), Size: [3]int(s.Volume.Size), Spacing: [3]float64(s.Volume.Spacing), Values: r.Crop, Crop: []int{0}}}
	return x, nil
}

// writeMap brings a map from the crop to the grid of the scan; outside the crop it is 0.
func writeMap(path string, cam []float32, crop, scan image.Grid) error {
	v := &image.Volume{Grid: crop, Values: make([]float64, len(cam))}
	for i, x := range cam {
		v.Values[i] = float64(x)
	}
	whole := v.Resample(scan)
	for i, x := range whole.Values {
		if math.IsNaN(x) {
			whole.Values[i] = 0
		}
	}
	if !slices.ContainsFunc(whole.Values, func(x float64) bool { return x > 0 }) {
		return fmt.Errorf("the map is 0 everywhere: the network found nothing that speaks for the class; another --class may show what it went by")
	}
	return nifti.Write(path, whole, image.Float32)
}
