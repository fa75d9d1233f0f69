package extraction

import (
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/radiomics"
)

// Result is what was extracted from one patient.
type Result struct {
	// Crop is what Plan.Volume asks for: values channel by channel, x fastest, on Grid. Nil where the plan asks for none.
	Crop []float32
	Grid image.Grid

	Features []radiomics.Feature
	// Lesions are the lesions one by one, in place of Features and Crop, where the plan takes regions apart and does not aggregate.
	Lesions  []Lesion
	Notes    []string // what the user should know; no patient is named
	Acquired Acquired
}

// Extract computes the features of every region of one patient, from the paths of an image and a mask (files, or DICOM folders). The
// names of a region's features begin with its name and a dot. A region without a voxel, and an image and a mask that are not on one
// grid where the plan does not ask for resampling, are errors.
func (plan *Plan) Extract(img, mask string) (Result, error) {
	in := plan.open(img)
	regions := plan.regions()
	from := &source{image: in, path: mask, move: plan.Transform}
	parts, err := from.parts(regions)
	if err != nil {
		return Result{}, err
	}
	parameters := plan.Parameters
	parameters.AdditionalInfo = false // diagnostics are no features
	parameters.CorrectMask = parameters.CorrectMask || plan.Grid == "mask_to_image"
	parameters.SameGrid = true // where correctMask does not say otherwise
	reading, notes, err := plan.read(from, parts, parameters)
	if err != nil {
		return Result{}, err
	}
	out := Result{Notes: notes, Acquired: acquired(reading.Made, regions, parts)}
	var lesions apart
	if plan.EachLesion() { // there is one region
		region := parts[0].alone()
		if lesions, err = plan.Lesions.of(region); err != nil {
			return Result{}, fmt.Errorf("%s: %s: %w", mask, regions[0].describe(), err)
		}
		out.Lesions = lesions.named(region, parts[0].drawn)
	}
	if plan.Deep != nil {
		err := plan.deep(&out, from, parts, lesions)
		return out, err
	}
	for i, r := range regions {
		if plan.EachLesion() {
			if err := plan.each(&out, reading, lesions, r.prefix, parameters); err != nil {
				return Result{}, fmt.Errorf("%s: %s: %w", mask, r.describe(), err)
			}
			break // there is one region
		}
		made, err := plan.region(reading, parts[i], parameters)
		if err != nil {
			return Result{}, fmt.Errorf("%s: %s: %w", mask, r.describe(), err)
		}
		out.note(made.Notes)
		for _, f := range made.Features {
			out.Features = append(out.Features, radiomics.Feature{Name: r.prefix + f.Name, Value: f.Value})
		}
	}
	if plan.Volume != nil {
		if err := plan.crops(&out, plan.Volume, from, parts, lesions); err != nil {
			return Result{}, err
		}
	}
	return out, nil
}

// note adds notes that are not there yet.
func (r *Result) note(notes []string) {
	for _, n := range notes {
		if !slices.Contains(r.Notes, n) {
			r.Notes = append(r.Notes, n)
		}
	}
}

// Scan is a patient's image as the plan opens it, and all regions of the plan at once as label 1, on the grid of the mask. Of a plan of which each
// lesion is a row it is the lesions, each under its place in Result.Lesions counted from one.
func (plan *Plan) Scan(img, mask string) (open.Image, *image.Mask, error) {
	in := plan.open(img)
	parts, err := (&source{image: in, path: mask, move: plan.Transform}).parts(plan.regions())
	if err != nil {
		return in, nil, err
	}
	if plan.EachLesion() {
		lesions, err := plan.Lesions.of(parts[0].alone())
		if err != nil {
			return in, nil, err
		}
		return in, lesions.numbered(), nil
	}
	all := together(parts)
	if all.label == 1 {
		return in, all.alone(), nil
	}
	return in, all.mask.Union(uint16(all.label)), nil
}

// open is the image that a path stands for.
func (plan *Plan) open(img string) open.Image {
	return open.Image{Path: img, Series: plan.Series, SUV: plan.SUV, Stack: plan.Stack, Layer: plan.Parameters.LabelChannel}
}

// describe names a region in an error.
func (r named) describe() string {
	switch {
	case r.Of != "":
		return fmt.Sprintf("ring of %g mm around %s", r.Dilate, r.Of)
	case len(r.Labels) == 1:
		return "label " + r.Labels[0].String()
	}
	return fmt.Sprintf("labels %v", r.Labels)
}

// read reads what the regions need of an image, on their grid and their scale.
func (plan *Plan) read(from *source, parts []part, parameters radiomics.Params) (image.Reading, []string, error) {
	all := together(parts)
	label := max(all.label, 1)
	keep := radiomics.Reach(all.mask, []int{label}, parameters)
	if plan.Grid != "image_to_mask" && plan.Normalise == nil {
		keep.Statistics = keep.Statistics || parameters.Normalize
		in, err := from.image.Region(keep)
		if err == nil && parameters.Normalize {
			return in, background(in.Statistics), nil
		}
		return in, nil, err
	}
	whole, err := from.image.Region(image.Selection{})
	if err != nil {
		return image.Reading{}, nil, err
	}
	v := whole.Volume
	if plan.Grid == "image_to_mask" {
		v = v.Resample(all.mask.Grid)
		for at, l := range all.mask.Labels {
			if int(l) == label && math.IsNaN(v.Values[at]) {
				return image.Reading{}, nil, fmt.Errorf("%s: the region reaches outside the image: grid: image_to_mask is for a mask and an image in one frame of reference", from.image.Path)
			}
		}
	}
	var notes []string
	if plan.Normalise != nil {
		if v, notes, err = plan.normalised(v, from); err != nil {
			return image.Reading{}, nil, err
		}
	}
	reading := image.Reading{Volume: v, Whole: v.Grid, Region: v.Box(), Made: whole.Made}
	if keep.Statistics {
		reading.Statistics = v.Statistics()
	}
	return reading, notes, nil
}

// together is every region at once, as one label.
func together(parts []part) part {
	if len(parts) == 1 && parts[0].label != 0 {
		return parts[0]
	}
	all := &image.Mask{Grid: parts[0].mask.Grid, Labels: make([]uint16, len(parts[0].mask.Labels))}
	for _, p := range parts {
		for v, l := range p.mask.Labels {
			if l != 0 && (p.label == 0 || int(l) == p.label) {
				all.Labels[v] = 1
			}
		}
	}
	return part{mask: all, label: 1}
}

// region computes the features of one region, or of its lesions.
func (plan *Plan) region(in image.Reading, p part, parameters radiomics.Params) (radiomics.Result, error) {
	if plan.Lesions == nil {
		if p.label == 0 {
			p = part{mask: p.mask.Union(), label: 1}
		}
		return radiomics.ExtractReading(in, p.mask, p.label, parameters)
	}
	lesions, err := plan.Lesions.of(p.alone())
	if err != nil {
		return radiomics.Result{}, err
	}
	volume := 0.0
	for _, l := range lesions.parts {
		volume += l.Volume
	}
	extra := []radiomics.Feature{{Name: "lesions_Count", Value: float64(len(lesions.parts))}, {Name: "lesions_TotalVolume", Value: volume}}
	if plan.Lesions.Aggregate == "largest" {
		r, err := radiomics.ExtractReading(in, lesions.mask, int(lesions.parts[0].Label), parameters)
		r.Features = append(r.Features, extra...)
		return r, err
	}
	out, err := plan.aggregate(in, lesions, parameters)
	out.Features = append(out.Features, extra...)
	return out, err
}

// aggregate computes the mean of each feature over lesions. A feature that some lesion lacks has none.
func (plan *Plan) aggregate(in image.Reading, lesions apart, parameters radiomics.Params) (radiomics.Result, error) {
	var all Result
	var names []string
	total := 0.0
	sum, lesionsWith := map[string]float64{}, map[string]int{}
	for _, l := range lesions.parts {
		r, err := radiomics.ExtractReading(in, lesions.mask, int(l.Label), parameters)
		if err != nil {
			return r, fmt.Errorf("lesion %d, of %.4g mm³: %w", l.Label, l.Volume, err)
		}
		all.note(r.Notes)
		weight := 1.0
		if plan.Lesions.Aggregate == "volume_weighted" {
			weight = l.Volume
		}
		total += weight
		for _, f := range r.Features {
			if lesionsWith[f.Name]++; lesionsWith[f.Name] == 1 {
				names = append(names, f.Name)
			}
			sum[f.Name] += weight * f.Value
		}
	}
	out := radiomics.Result{Notes: all.Notes}
	for _, name := range names {
		if lesionsWith[name] == len(lesions.parts) {
			out.Features = append(out.Features, radiomics.Feature{Name: name, Value: sum[name] / total})
		}
	}
	return out, nil
}
