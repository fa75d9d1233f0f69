package extraction

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/features/image/open"
)

// source reads the labels of one patient's mask.
type source struct {
	image  open.Image
	path   string
	labels []open.Label // what the mask has, asked for once
	move   []float64    // an affine map of the mask, where the plan has one
}

// number is the number of a label that may be given by name.
func (s *source) number(l Label) (int, error) {
	if l.Name == "" {
		return l.Number, nil
	}
	if s.labels == nil {
		var err error
		if s.labels, err = open.Labels(s.path); err != nil {
			return 0, err
		}
	}
	found, names := 0, make([]string, len(s.labels))
	for i, have := range s.labels {
		names[i] = fmt.Sprintf("%d %q", have.Number, have.Name)
		if have.Name == l.Name {
			if found != 0 {
				return 0, fmt.Errorf("%s: %d and %d are both called %q: give the number", s.path, found, have.Number, l.Name)
			}
			found = have.Number
		}
	}
	if found == 0 {
		return 0, fmt.Errorf("%s: nothing is called %q; there are %s", s.path, l.Name, strings.Join(names, ", "))
	}
	return found, nil
}

// read reads labels, moved where the plan says so.
func (s *source) read(numbers ...int) (*image.Mask, error) {
	m, err := s.image.MaskFor(s.path, numbers...)
	if err != nil || s.move == nil {
		return m, err
	}
	if len(s.move) != 12 {
		return nil, fmt.Errorf("%s: a transform of %d numbers: want 12", s.path, len(s.move))
	}
	if m.Grid, err = m.Transform([12]float64(s.move)); err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	return m, nil
}

// numbers are the numbers of labels.
func (s *source) numbers(labels []Label) ([]int, error) {
	out := make([]int, len(labels))
	for i, l := range labels {
		n, err := s.number(l)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

// part is one region: the voxels of a label of a mask, or of any label where it is 0. Regions may share a mask, which is as large as the scan.
type part struct {
	mask  *image.Mask
	label int
	// drawn is how many voxels each label has in the file, where labels share voxels and a voxel of the mask is of one alone; else nil.
	drawn map[int]int
}

// alone is the region as a mask that holds nothing else.
func (p part) alone() *image.Mask {
	if p.label == 0 {
		return p.mask
	}
	return only(p.mask, []int{p.label})
}

// parts reads the regions, in order. A region made of several labels keeps them, for lesions; a ring is 1.
func (s *source) parts(regions []named) ([]part, error) {
	wanted := make([][]int, len(regions))
	var all []int
	for i, r := range regions {
		var err error
		if wanted[i], err = s.numbers(r.Labels); err != nil {
			return nil, err
		}
		all = append(all, wanted[i]...)
	}
	slices.Sort(all)
	parts := make([]part, len(regions))
	whole, err := s.read(slices.Compact(all)...)
	overlap := errors.Is(err, dicom.ErrOverlap)
	if err != nil && !overlap {
		return nil, err
	}
	for i, r := range regions {
		if r.Of != "" {
			continue
		}
		if !overlap {
			if parts[i] = (part{mask: whole, label: wanted[i][0]}); len(wanted[i]) > 1 {
				parts[i] = part{mask: only(whole, wanted[i])}
			}
			continue
		}
		// Segments share voxels: one at a time. Where two of one region do, the voxel counts once.
		for _, n := range wanted[i] {
			one, err := s.read(n)
			if err != nil {
				return nil, err
			}
			if parts[i].mask == nil {
				parts[i] = part{mask: &image.Mask{Grid: one.Grid, Labels: make([]uint16, len(one.Labels))}, drawn: map[int]int{}}
			}
			for v, l := range one.Labels {
				if l != 0 {
					parts[i].mask.Labels[v] = l
					parts[i].drawn[n]++
				}
			}
		}
	}
	for i, r := range regions {
		if r.Of == "" {
			continue
		}
		base := slices.IndexFunc(regions, func(o named) bool { return o.prefix == r.Of+"." })
		if parts[i].mask, err = parts[base].alone().Ring(r.Dilate); err != nil {
			return nil, fmt.Errorf("%s: %w", s.path, err)
		}
	}
	return parts, nil
}

// only is m with some of its labels.
func only(m *image.Mask, labels []int) *image.Mask {
	var keep [1 << 16]bool
	for _, l := range labels {
		keep[l] = true
	}
	out := &image.Mask{Grid: m.Grid, Labels: make([]uint16, len(m.Labels))}
	for i, l := range m.Labels {
		if keep[l] {
			out.Labels[i] = l
		}
	}
	return out
}
