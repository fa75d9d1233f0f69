package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/cohort"
	plan "github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
)

// scanned is the image of one source of a patient, and the grid of the crop that a network reads of it.
type scanned struct {
	source *plan.Source
	image  string
	result plan.Result
}

// scanOf makes the crop of one source from a patient's files, of a lesion where each is a row. Nobody needs to name the only one.
func scanOf(ctx context.Context, s *plan.Source, f plan.Files, lesion string) (scanned, error) {
	r, err := s.Extract(ctx, f)
	if err != nil || !s.EachLesion() {
		return scanned{s, f.Image, r}, err
	}
	if lesion == "" && len(r.Lesions) > 1 {
		var names []string
		for _, l := range r.Lesions {
			names = append(names, l.Name)
		}
		return scanned{}, fmt.Errorf("the mask has %d lesions, and a map is of one: name it with --row: %s", len(names), strings.Join(names, ", "))
	}
	own := &r.Lesions[0]
	if lesion != "" {
		if own, err = r.Lesion(lesion); err != nil {
			return scanned{}, fmt.Errorf("source %s: %w", s.Name, err)
		}
	}
	r.Features, r.Crop, r.Grid = own.Features, own.Crop, own.Grid
	return scanned{s, f.Image, r}, nil
}

// scansOf finds, for each source of the bundle that makes crops, the scan of a patient, or of a lesion or visit of one, of a cohort file. A source that the patient lacks has none.
func scansOf(ctx context.Context, b *bundle.Bundle, path string, of table.Key, x models.Matrix) ([]scanned, error) {
	n, err := settings.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var p settings.Problems
	cfg := cohort.Decode(n, &p)
	if err := p.Err(); err != nil {
		return nil, err
	}
	var out []scanned
	for i := range b.Sources {
		s := &b.Sources[i]
		if v := x.FindVolumes(s.Name); s.Volume == nil || v == nil || v.Crop[0] < 0 {
			continue
		}
		files, err := cfg.Scan(filepath.Dir(path), s.Name, of)
		if err != nil {
			return nil, err
		}
		one, err := scanOf(ctx, s, files, of.Lesion)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("patient %s has no image of the bundle's sources", of.Patient)
	}
	return out, nil
}

// write brings a map of the crop to the grid of the scan and writes it; outside the crop it is 0. The contribution of a voxel becomes that of a
// voxel of the scan, so that the map sums to what the image contributed, as far as linear interpolation keeps sums.
func (s *scanned) write(path string, values []float32, contributions bool) error {
	scan, err := open.Image{Path: s.image, Series: s.source.Series, SUV: s.source.SUV, Stack: s.source.Stack}.Region(image.Selection{})
	if err != nil {
		return err
	}
	to := scan.Volume.Grid
	factor := 1.0
	if contributions {
		for a := range 3 {
			factor *= to.Spacing[a] / s.result.Grid.Spacing[a]
		}
	}
	v := &image.Volume{Grid: s.result.Grid, Values: make([]float64, len(values))}
	for i, x := range values {
		v.Values[i] = factor * float64(x)
	}
	whole := v.Resample(to)
	for i, x := range whole.Values {
		if math.IsNaN(x) {
			whole.Values[i] = 0
		}
	}
	return nifti.Write(path, whole, image.Float32)
}

// writeParts writes the maps of an explanation: to the path itself where there is one, else beside one another in a folder of that name.
func writeParts(path string, scans []scanned, parts []models.ImagePart) ([]string, error) {
	var paths []string
	for _, part := range parts {
		i := slices.IndexFunc(scans, func(s scanned) bool { return s.source.Name == part.Source })
		if i < 0 {
			return nil, fmt.Errorf("there is no scan of source %s", part.Source)
		}
		to := path
		if folder := !isNIfTI(path); folder {
			if err := os.MkdirAll(path, 0o700); err != nil {
				return nil, err
			}
			to = filepath.Join(path, fileSafe(part.Source)+".nii.gz")
		} else if len(parts) > 1 {
			return nil, fmt.Errorf("there are maps of %d sources: name one with --source, or a folder with -o", len(parts))
		}
		if err := scans[i].write(to, part.Map, true); err != nil {
			return nil, err
		}
		paths = append(paths, to)
	}
	if len(paths) == 0 {
		return nil, errors.New("the explanation has no map of an image")
	}
	return paths, nil
}

func isNIfTI(path string) bool {
	ext := filepath.Ext(path)
	return ext == ".nii" || ext == ".gz"
}

// readsImages says whether a row has an image that explanations have maps of.
func readsImages(b *bundle.Bundle, x models.Matrix) bool {
	return slices.ContainsFunc(b.Sources, func(s plan.Source) bool {
		v := x.FindVolumes(s.Name)
		return s.Volume != nil && v != nil && v.Crop[0] >= 0
	})
}

// writeMaps writes the maps of one patient's explanations to the folder that has their figures.
func writeMaps(folder string, scans []scanned, numbers []*explained) error {
	for _, e := range numbers {
		for _, part := range e.at[0].Images {
			i := slices.IndexFunc(scans, func(s scanned) bool { return s.source.Name == part.Source })
			if i < 0 {
				continue
			}
			if err := scans[i].write(filepath.Join(folder, e.file()+"-"+fileSafe(part.Source)+".nii.gz"), part.Map, true); err != nil {
				return err
			}
		}
	}
	return nil
}
