package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/radiomics"
)

// writeMap writes where in a region one feature comes from, as NIfTI on the grid of the image.
func (x *extraction) writeMap(args []string, labels []int, stderr io.Writer) error {
	name := strings.ToLower(x.output)
	switch {
	case x.profile != "pyradiomics":
		return badInput(errors.New("--map knows PyRadiomics' features; leave --profile out"))
	case len(args) != 2:
		return badInput(errors.New("--map wants an image and a mask, not a batch"))
	case len(labels) != 1:
		return badInput(errors.New("--map is of one region: give one --label"))
	case !strings.HasSuffix(name, ".nii") && !strings.HasSuffix(name, ".nii.gz"):
		return badInput(fmt.Errorf("-o %s: a map is written as .nii or .nii.gz", x.output))
	}
	p, err := readParams(x.params)
	if err != nil {
		return badInput(err)
	}
	rules, suv, err := x.choice()
	if err != nil {
		return badInput(err)
	}
	in := open.Image{Path: args[0], Series: rules, SUV: suv, Layer: p.LabelChannel}
	m, err := in.MaskFor(args[1], labels...)
	if err != nil {
		return badInput(err)
	}
	keep := radiomics.Reach(m, labels, p)
	if x.voxelwise && !p.MaskedKernel {
		keep.Region = nil // kernels reach out of the region
	}
	reading, err := in.Region(keep)
	if err != nil {
		return badInput(err)
	}
	var f radiomics.FeatureMap
	if x.voxelwise {
		f, err = radiomics.Voxelwise(reading, m, labels[0], p, x.mapped)
	} else {
		f, err = radiomics.Map(reading, m, labels[0], p, x.mapped, radiomics.MapOptions{})
	}
	if err != nil {
		return badInput(err)
	}
	on, err := f.On(reading.Whole)
	if err != nil {
		return err
	}
	if err := nifti.Write(x.output, on, image.Float32); err != nil {
		return err
	}
	what := "what the feature loses when the neighbourhood of a voxel is left out"
	if f.Exact {
		what = "each voxel's part of the feature; the parts sum to it"
	}
	if f.Resampled {
		what += "; made on the resampled grid and laid back by nearest neighbour"
	}
	if x.voxelwise {
		fmt.Fprintf(stderr, "%s in a cube of %d voxels a side around each voxel\n", f.Feature.Name, 2*p.KernelRadius+1)
		return nil
	}
	fmt.Fprintf(stderr, "%s = %v: %s\n", f.Feature.Name, f.Feature.Value, what)
	return nil
}
