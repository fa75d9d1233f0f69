package extraction

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/radiomics"
)

// Lesion is one lesion of a patient: a component under its rank by volume, 1 the largest, or a label.
type Lesion struct {
	Name     string
	Features []radiomics.Feature
	// Crop is about the lesion alone, as Result.Crop is about all regions.
	Crop []float32
	Grid image.Grid
	// Label is the label of the mask that the lesion lies in, 0 where it lies in several; Whole says that it is all of that label.
	Label  int
	Whole  bool
	Volume float64 // mm³
}

// Lesion returns the lesion of a name.
func (r *Result) Lesion(name string) (*Lesion, error) {
	var names []string
	for i := range r.Lesions {
		if r.Lesions[i].Name == name {
			return &r.Lesions[i], nil
		}
		names = append(names, r.Lesions[i].Name)
	}
	return nil, fmt.Errorf("there is no lesion %q; there are %s", name, strings.Join(names, ", "))
}

// each computes the features of every lesion.
func (plan *Plan) each(out *Result, in image.Reading, lesions apart, prefix string, parameters radiomics.Params) error {
	for i, l := range lesions.parts {
		r, err := radiomics.ExtractReading(in, lesions.mask, int(l.Label), parameters)
		if err != nil {
			return fmt.Errorf("lesion %d, of %.4g mm³ (min_mm3 leaves small ones out): %w", l.Label, l.Volume, err)
		}
		out.note(r.Notes)
		for _, f := range r.Features {
			out.Lesions[i].Features = append(out.Lesions[i].Features, radiomics.Feature{Name: prefix + f.Name, Value: f.Value})
		}
	}
	return nil
}

// apart is a mask of lesions, each under a label of its own, the largest first.
type apart struct {
	mask  *image.Mask
	parts []image.Component
}

// named are the lesions by name and place, with nothing measured yet. drawn is that of the part that region, which was taken apart, is of.
func (a *apart) named(region *image.Mask, drawn map[int]int) []Lesion {
	out := make([]Lesion, len(a.parts))
	for i, l := range a.parts {
		out[i].Name, out[i].Volume = strconv.Itoa(int(l.Label)), l.Volume
	}
	a.within(region, drawn, out)
	return out
}

// of takes a region apart.
func (l *Lesions) of(m *image.Mask) (apart, error) {
	if l.From == "labels" {
		return l.byLabel(m)
	}
	mask, parts, err := m.Components(l.Min)
	if err != nil || len(parts) > 0 {
		return apart{mask, parts}, err
	}
	_, all, err := m.Components(0)
	return apart{}, errors.Join(err, l.none(all))
}

// none is the error of a region whose lesions are all too small, or that has none.
func (l *Lesions) none(all []image.Component) error {
	if len(all) == 0 {
		return radiomics.ErrEmptyMask
	}
	return fmt.Errorf("no lesion of at least %g mm³: the largest of %d is of %.4g mm³", l.Min, len(all), all[0].Volume)
}

// byLabel takes each label as a lesion.
func (l *Lesions) byLabel(m *image.Mask) (apart, error) {
	counts := make([]int, 1<<16)
	for _, label := range m.Labels {
		counts[label]++
	}
	var all []image.Component
	for label := 1; label < len(counts); label++ {
		if n := counts[label]; n > 0 {
			all = append(all, image.Component{Label: uint16(label), Voxels: n, Volume: float64(n) * m.VoxelVolume()})
		}
	}
	largest(all)
	kept := all
	for i := range all {
		if all[i].Volume < l.Min {
			kept = all[:i]
			break
		}
	}
	if len(kept) == 0 {
		return apart{}, l.none(all)
	}
	return apart{m, kept}, nil
}

// largest sorts lesions by volume, those of one volume by label.
func largest(all []image.Component) {
	slices.SortStableFunc(all, func(a, b image.Component) int { return cmp.Compare(b.Voxels, a.Voxels) })
}

// numbered is the mask with each lesion under its place among the parts, counted from one; what is too small to be one is background.
func (a apart) numbered() *image.Mask {
	var places [1 << 16]uint16
	for i, l := range a.parts {
		places[l.Label] = uint16(i + 1)
	}
	out := &image.Mask{Grid: a.mask.Grid, Labels: make([]uint16, len(a.mask.Labels))}
	for v, l := range a.mask.Labels {
		out.Labels[v] = places[l]
	}
	return out
}

// within notes in which label of the region that was taken apart each lesion lies. drawn is that of its part.
func (a apart) within(region *image.Mask, drawn map[int]int, lesions []Lesion) {
	place := make([]int, 1<<16) // of a lesion, counted from one
	for i, l := range a.parts {
		place[l.Label] = i + 1
	}
	voxels := make([]int, 1<<16)
	labels := make([]int, len(lesions)+1) // −1 for several
	box := region.Bounds(0)
	for k := box.Min[2]; k < box.Max[2]; k++ {
		for j := box.Min[1]; j < box.Max[1]; j++ {
			first, last := region.Index(box.Min[0], j, k), region.Index(box.Max[0], j, k)
			for v := first; v < last; v++ {
				label := int(region.Labels[v])
				if label == 0 {
					continue
				}
				voxels[label]++
				if at := place[a.mask.Labels[v]]; labels[at] == 0 {
					labels[at] = label
				} else if labels[at] != label {
					labels[at] = -1
				}
			}
		}
	}
	for i, l := range a.parts {
		if label := labels[i+1]; label > 0 {
			lesions[i].Label, lesions[i].Whole = label, max(voxels[label], drawn[label]) == l.Voxels
		}
	}
}
