package extraction

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/image"
)

// Acquired is how the images of one patient were made, as far as their files say.
type Acquired struct {
	Spacing      []float64 `json:"spacing"`                // of the image's file, mm
	Manufacturer string    `json:"manufacturer,omitempty"` // of DICOM, in capitals
	Kernel       string    `json:"kernel,omitempty"`       // ConvolutionKernel of CT, in capitals
	Volume       float64   `json:"volume"`                 // of the smallest region that was drawn, mm³
}

// acquired describes an image and its regions.
func acquired(a image.Acquisition, regions []named, parts []part) Acquired {
	out := Acquired{Spacing: a.Spacing[:], Manufacturer: tidy(a.Manufacturer), Kernel: tidy(a.Kernel), Volume: math.Inf(1)}
	counts := map[*image.Mask][]int{}
	for i, r := range regions {
		if r.Of != "" {
			continue
		}
		m := parts[i].mask
		if counts[m] == nil {
			counts[m] = make([]int, math.MaxUint16+1)
			for _, l := range m.Labels {
				counts[m][l]++
			}
		}
		voxels := counts[m][parts[i].label]
		if parts[i].label == 0 {
			voxels = len(m.Labels) - counts[m][0]
		}
		out.Volume = min(out.Volume, float64(voxels)*m.VoxelVolume())
	}
	if math.IsInf(out.Volume, 1) {
		out.Volume = 0
	}
	return out
}

// tidy makes texts of one meaning one text.
func tidy(s string) string { return strings.ToUpper(strings.Join(strings.Fields(s), " ")) }

// Seen is how the images of the training patients were made: ranges and names, and no patient. A name counts when five patients have it.
type Seen struct {
	Patients      int       `yaml:"patients" json:"patients"`
	Least         []float64 `yaml:"least" json:"least"` // spacing of each axis, mm, rounded down to a hundredth
	Most          []float64 `yaml:"most" json:"most"`   // rounded up
	Manufacturers []string  `yaml:"manufacturers" json:"manufacturers,omitempty"`
	Kernels       []string  `yaml:"kernels" json:"kernels,omitempty"`
	Volume        float64   `yaml:"volume" json:"volume"` // of the smallest region, mm³, rounded down to two digits
}

// seenBy is the number of patients from which on a name counts as seen.
const seenBy = 5

// NewSeen describes the images of training patients; nil where there are none.
func NewSeen(all []Acquired) *Seen {
	if len(all) == 0 {
		return nil
	}
	s := &Seen{Patients: len(all), Volume: math.Inf(1)}
	makers, kernels := map[string]int{}, map[string]int{}
	for _, a := range all {
		for axis, mm := range a.Spacing {
			if len(s.Least) <= axis {
				s.Least, s.Most = append(s.Least, mm), append(s.Most, mm)
			}
			s.Least[axis], s.Most[axis] = min(s.Least[axis], mm), max(s.Most[axis], mm)
		}
		makers[a.Manufacturer]++
		kernels[a.Kernel]++
		s.Volume = min(s.Volume, a.Volume)
	}
	for axis := range s.Least {
		s.Least[axis], s.Most[axis] = math.Floor(100*s.Least[axis])/100, math.Ceil(100*s.Most[axis])/100
	}
	if s.Volume > 0 {
		unit := math.Pow(10, math.Floor(math.Log10(s.Volume))-1)
		s.Volume = math.Floor(s.Volume/unit) * unit
	}
	s.Manufacturers, s.Kernels = usual(makers), usual(kernels)
	return s
}

// usual are the names that enough patients have, sorted.
func usual(counts map[string]int) []string {
	var out []string
	for name, n := range counts {
		if name != "" && n >= seenBy {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Unlike are the ways in which an image differs from all of training. Texts quote training and never the image, whose tags may name
// anybody.
type Unlike struct{ Spacing, Manufacturer, Kernel, Volume string }

// Compare says in what an image differs from all that training saw; empty texts where it does not, or where nothing is known.
func (s *Seen) Compare(a Acquired) Unlike {
	var u Unlike
	if s == nil {
		return u
	}
	for axis, mm := range a.Spacing {
		if axis < len(s.Least) && axis < len(s.Most) && (mm < s.Least[axis] || mm > s.Most[axis]) {
			u.Spacing = fmt.Sprintf("voxels are %.4g mm apart along %c; in training they were from %.4g to %.4g mm", mm, 'x'+rune(axis), s.Least[axis], s.Most[axis])
			break
		}
	}
	if a.Manufacturer != "" && len(s.Manufacturers) > 0 && !slices.Contains(s.Manufacturers, a.Manufacturer) {
		u.Manufacturer = "the manufacturer of the scanner is not among those of training: " + strings.Join(s.Manufacturers, ", ")
	}
	if a.Kernel != "" && len(s.Kernels) > 0 && !slices.Contains(s.Kernels, a.Kernel) {
		u.Kernel = "the convolution kernel is not among those of training: " + strings.Join(s.Kernels, ", ")
	}
	if a.Volume < s.Volume {
		u.Volume = fmt.Sprintf("a region is of %.4g mm³; the smallest in training was of at least %.0f mm³", a.Volume, s.Volume)
	}
	return u
}
