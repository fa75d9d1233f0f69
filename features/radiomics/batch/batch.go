// Package batch extracts radiomics features from files: one pair of image and mask or a list of them, each with one or more labels.
//
// A case is read once for all of its labels, and of its image only what the parameters need. Results come back in the order of the
// cases, are the same whatever the number of jobs, and are kept under the content of image and mask and the parameters when there is
// a store. A case that cannot be read or measured is reported and the others go on.
package batch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/features/work"
)

// Case is an image with a mask.
type Case struct {
	Image, Mask string
	Labels      []int             // none means every label of the mask
	Series      *dicom.Rules      // which series of a DICOM folder; nil takes the only one
	SUV         dicom.SUV         // how PET is normalised
	Layer       int               // of a mask whose voxels hold several (label_channel)
	Extra       map[string]string // columns that are passed through
}

// Row is what was extracted from one label of a case.
type Row struct {
	Case  int // index in the list
	Label int
	radiomics.Result
}

// Outcome is what became of one case. Errors are of single labels; Err is of the whole case.
type Outcome struct {
	Rows   []Row
	Errors []error
	Err    error
	Stored bool // found in the store
}

// version is raised when the same input gives other results.
const version = 6

// Method is how features are computed: by PyRadiomics' definitions or by the standard's.
type Method struct {
	name       string
	parameters any // all that determines the result, for the key
	reach      func(m *image.Mask, labels []int) image.Selection
	extract    func(in image.Reading, m *image.Mask, label int) (radiomics.Result, error)
}

// PyRadiomics is the method of a PyRadiomics parameter file.
func PyRadiomics(p radiomics.Params) Method {
	return Method{"pyradiomics", p,
		func(m *image.Mask, labels []int) image.Selection { return radiomics.Reach(m, labels, p) },
		func(in image.Reading, m *image.Mask, label int) (radiomics.Result, error) {
			return radiomics.ExtractReading(in, m, label, p)
		}}
}

// Standard is the method of the Image Biomarker Standardisation Initiative.
func Standard(s radiomics.Standard) Method {
	return Method{"ibsi", s,
		func(m *image.Mask, labels []int) image.Selection { return radiomics.ReachStandard(m, labels, s) },
		func(in image.Reading, m *image.Mask, label int) (radiomics.Result, error) {
			f, err := radiomics.ExtractStandardReading(in, m, label, s)
			return radiomics.Result{Features: f}, err
		}}
}

// Conventional is the method of the measures of radiology reports.
func Conventional() Method {
	return Method{"conventional", nil, radiomics.ReachConventional,
		func(in image.Reading, m *image.Mask, label int) (radiomics.Result, error) {
			f, err := radiomics.Conventional(in, m, label)
			return radiomics.Result{Features: f}, err
		}}
}

// Notes are what the user should know of a case, each once for all of its labels.
func (o Outcome) Notes() []string {
	var all []string
	for _, r := range o.Rows {
		for _, n := range r.Notes {
			if !slices.Contains(all, n) {
				all = append(all, n)
			}
		}
	}
	return all
}

// Run extracts all cases. The error is not nil only when ctx ends; what is wrong with a case is in its outcome.
func Run(ctx context.Context, cases []Case, method Method, pool work.Pool) ([]Outcome, error) {
	parameters, err := json.Marshal(method.parameters)
	if err != nil {
		return nil, err
	}
	items := make([]work.Item, len(cases))
	broken := make([]error, len(cases))
	for i, c := range cases {
		items[i] = work.Item{Name: c.Image, Do: func(context.Context) ([]byte, error) {
			return encode(extract(c, method))
		}}
		if pool.Store != nil {
			items[i].Key, broken[i] = key(c, method.name, parameters)
		}
	}
	results, err := pool.Run(ctx, items)
	if err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(cases))
	for i, r := range results {
		o := &outcomes[i]
		switch {
		case broken[i] != nil && r.Err == nil:
			o.Err = broken[i]
		case r.Err != nil:
			o.Err = r.Err
		default:
			o.Err = o.decode(r.Bytes, i)
			o.Stored = r.Stored
		}
	}
	return outcomes, nil
}

// read is the image of the case.
func (c Case) read() open.Image {
	return open.Image{Path: c.Image, Series: c.Series, SUV: c.SUV, Layer: max(c.Layer, 0)}
}

// key is of all that determines the rows of a case: the content of its files, its labels and the parameters.
func key(c Case, name string, parameters []byte) (work.Key, error) {
	i, err := open.Hash(c.Image)
	if err != nil {
		return work.Key{}, err
	}
	m, err := open.Hash(c.Mask)
	if err != nil {
		return work.Key{}, err
	}
	which, err := json.Marshal(c.Series)
	if err != nil {
		return work.Key{}, err
	}
	return work.NewKey("radiomics "+name, version, i, m, fmt.Append(nil, c.Labels, c.Layer), which, []byte(c.SUV), parameters), nil
}

// labelled is the result of one label, or what was wrong with it.
type labelled struct {
	label  int
	result radiomics.Result
	err    error
}

// extract reads a case and measures its labels. An error of every label is the error of the case, so that it is not stored.
func extract(c Case, method Method) ([]labelled, error) {
	m, err := c.read().MaskFor(c.Mask, c.Labels...)
	if errors.Is(err, dicom.ErrOverlap) {
		return extractEach(c, method)
	}
	if err != nil {
		return nil, fmt.Errorf("mask: %w", err)
	}
	labels := c.Labels
	if len(labels) == 0 {
		if labels = Labels(m); len(labels) == 0 {
			return nil, fmt.Errorf("mask %s: %w", c.Mask, radiomics.ErrEmptyMask)
		}
	}
	keep := method.reach(m, labels)
	if keep.Hash {
		m.Hash = m.VoxelHash() // once for all labels
	}
	in, err := c.read().Region(keep)
	if errors.Is(err, radiomics.ErrEmptyMask) || errors.Is(err, radiomics.ErrNoLabel) {
		if _, fault := keep.Region(m.Grid); fault != nil { // of the mask, though found while reading the image
			return nil, fmt.Errorf("mask %s: %w", c.Mask, fault)
		}
	}
	if err != nil {
		return nil, err // readers name the image
	}
	out := make([]labelled, len(labels))
	var all []error
	for i, l := range labels {
		r, err := method.extract(in, m, l)
		if err != nil {
			err = fmt.Errorf("mask %s: label %d: %w", c.Mask, l, err)
			all = append(all, err)
		}
		out[i] = labelled{l, r, err}
	}
	if len(all) == len(labels) {
		return nil, errors.Join(all...)
	}
	return out, nil
}

// extractEach measures a case one label at a time, because segments of its mask share voxels.
func extractEach(c Case, method Method) ([]labelled, error) {
	labels := c.Labels
	if len(labels) == 0 {
		segments, err := open.Labels(c.Mask)
		if err != nil {
			return nil, fmt.Errorf("mask: %w", err)
		}
		for _, s := range segments {
			labels = append(labels, s.Number)
		}
	}
	var out []labelled
	var all []error
	for _, l := range labels {
		one := c
		one.Labels = []int{l}
		r, err := extract(one, method)
		if err != nil {
			all = append(all, err)
			r = []labelled{{label: l, err: err}}
		}
		out = append(out, r...)
	}
	if len(all) == len(labels) {
		return nil, errors.Join(all...)
	}
	return out, nil
}

// Labels are the labels of a mask, ascending.
func Labels(m *image.Mask) []int {
	var seen [1 << 16]bool
	for _, l := range m.Labels {
		seen[l] = true
	}
	var out []int
	for l, s := range seen[1:] {
		if s {
			out = append(out, l+1)
		}
	}
	return out
}

// stored is a labelled result as it is kept. Numbers are texts, because JSON has no NaN.
type stored struct {
	Label       int
	Error       string                 `json:",omitempty"`
	Diagnostics []radiomics.Diagnostic `json:",omitempty"`
	Names       []string
	Values      []string
	Notes       []string `json:",omitempty"`
}

func encode(rows []labelled, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	all := make([]stored, len(rows))
	for i, r := range rows {
		s := stored{Label: r.label, Diagnostics: r.result.Diagnostics, Notes: r.result.Notes}
		if r.err != nil {
			s.Error = r.err.Error()
		}
		for _, f := range r.result.Features {
			s.Names = append(s.Names, f.Name)
			s.Values = append(s.Values, strconv.FormatFloat(f.Value, 'g', -1, 64))
		}
		all[i] = s
	}
	return json.Marshal(all)
}

func (o *Outcome) decode(b []byte, index int) error {
	var all []stored
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	for _, s := range all {
		if s.Error != "" {
			o.Errors = append(o.Errors, errors.New(s.Error))
			continue
		}
		r := Row{Case: index, Label: s.Label}
		r.Diagnostics, r.Notes = s.Diagnostics, s.Notes
		for k, n := range s.Names {
			v, err := strconv.ParseFloat(s.Values[k], 64)
			if err != nil {
				return err
			}
			r.Features = append(r.Features, radiomics.Feature{Name: n, Value: v})
		}
		o.Rows = append(o.Rows, r)
	}
	return nil
}
