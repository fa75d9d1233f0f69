package radiomics

import (
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/settings"
)

// Standard are the parameters of an extraction by the Image Biomarker Standardisation Initiative's definitions [Zwanenburg2020]: what
// the manual says a report must state. The zero value with a discretisation is a valid one: no interpolation, no re-segmentation,
// textures by slice and in the volume.
//
// [Zwanenburg2020]: https://doi.org/10.1148/radiol.2020191145
type Standard struct {
	Spacing       [3]float64 // mm along x, y, z; 0 keeps that of the image
	Interpolation string
	// MaskInterpolation is linear, a voxel being inside from 0.5 on, or nearest.
	MaskInterpolation string
	Round             bool      // intensities to whole numbers before and after interpolation, for CT
	Range             []float64 // intensities kept, borders included; empty keeps all
	Outliers          float64   // intensities further from the mean than so many SD are left out; 0 keeps all
	Bins              Bins
	IVH               Bins     // discretisation for the intensity-volume histogram; none takes whole numbers
	Dimensions        []string // 2D, 2.5D, 3D
	Families          []string // none means all
	Filters           []Filter
	Diagnostics       bool
}

// Bins is a discretisation: of a width, the first bin starting at the lower end of the range, or at the region's minimum without one;
// or a count between the region's minimum and maximum.
type Bins struct {
	Width float64 `yaml:"width"`
	Count int     `yaml:"count"`
}

// standardFamilies are the families of features, in the order of the manual.
var standardFamilies = []string{"morphology", "local_intensity", "statistics", "histogram", "ivh", "glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm"}

// DefaultStandard is an extraction in 3D on the image as it is, with 32 bins.
func DefaultStandard() Standard {
	return Standard{
		Interpolation: "cubic", MaskInterpolation: "linear", Bins: Bins{Count: 32}, Dimensions: []string{"3D"},
	}
}

// ReadStandard reads the parameters from a file: spacing, interpolation, mask_interpolation, round, range, outliers, bins, ivh,
// dimensions, families, filters, diagnostics. The error lists every problem with its line.
func ReadStandard(path string) (Standard, error) {
	n, err := settings.ReadFile(path)
	if err != nil {
		return Standard{}, err
	}
	return decodeStandard(n)
}

// ParseStandard reads the content of such a file; the name is used in messages.
func ParseStandard(name string, b []byte) (Standard, error) {
	n, err := settings.Parse(name, b)
	if err != nil {
		return Standard{}, err
	}
	return decodeStandard(n)
}

func decodeStandard(n *settings.Node) (Standard, error) {
	var p settings.Problems
	var spacing []float64
	s := DefaultStandard()
	fields := map[string]field{
		"spacing": {&spacing, false, func() string {
			if len(spacing) != 3 || slices.Min(spacing) < 0 {
				return "want 3 numbers (x, y, z in mm) of 0 (keep) or more"
			}
			return ""
		}},
		"interpolation":      {&s.Interpolation, false, oneOf(&s.Interpolation, "nearest", "linear", "cubic")},
		"mask_interpolation": {&s.MaskInterpolation, false, oneOf(&s.MaskInterpolation, "nearest", "linear")},
		"round":              {&s.Round, false, nil},
		"range": {&s.Range, true, func() string {
			if len(s.Range) != 2 || s.Range[0] >= s.Range[1] {
				return "want 2 numbers, the lower first"
			}
			return ""
		}},
		"outliers":   {&s.Outliers, true, positive(&s.Outliers)},
		"bins":       {&s.Bins, false, s.Bins.wrong},
		"ivh":        {&s.IVH, false, s.IVH.wrong},
		"dimensions": {&s.Dimensions, false, allOf(&s.Dimensions, "2D", "2.5D", "3D")},
		"families":   {&s.Families, true, allOf(&s.Families, standardFamilies...)},
		"filters": {&s.Filters, true, func() string {
			for i, f := range s.Filters {
				if slices.ContainsFunc(s.Filters[:i], func(g Filter) bool { return g.Name == f.Name }) {
					return fmt.Sprintf("two filters are named %q: give each a name of its own", f.Name)
				}
			}
			return ""
		}},
		"diagnostics": {&s.Diagnostics, false, nil},
	}
	if b := n.Get("bins"); b != nil {
		s.Bins = Bins{}
	}
	decodeSettings(n, fields, &p)
	if len(spacing) == 3 {
		s.Spacing = [3]float64(spacing)
	}
	return s, p.Err()
}

func (b *Bins) wrong() string {
	if (b.Width > 0) == (b.Count > 0) || b.Width < 0 || b.Count < 0 || b.Count > maxLevels {
		return "want either a width or a count, above 0"
	}
	return ""
}

func allOf(v *[]string, names ...string) func() string {
	return func() string {
		if len(*v) == 0 {
			return fmt.Sprintf("want at least one of %v", names)
		}
		for i := range *v {
			if text := oneOf(&(*v)[i], names...)(); text != "" {
				return text
			}
		}
		return ""
	}
}

// wants says whether a family is asked for.
func (s Standard) wants(family string) bool {
	return len(s.Families) == 0 || slices.Contains(s.Families, family)
}

// ExtractStandard computes features by the standard's definitions for the voxels of m that have the label. Columns are named by the
// tags of the reference values, such as morph_volume and cm_joint_max_3D_avg; Dictionary has the codes.
func ExtractStandard(v *image.Volume, m *image.Mask, label int, s Standard) ([]Feature, error) {
	return ExtractStandardReading(image.Reading{Volume: v, Whole: v.Grid, Region: v.Box()}, m, label, s)
}

// ReachStandard says which part of an image the extraction of some labels needs.
func ReachStandard(m *image.Mask, labels []int, s Standard) image.Selection {
	return image.Selection{Region: func(whole image.Grid) (image.Box, error) {
		if err := image.SameGrid(whole, m.Grid, image.GridTolerance); err != nil || s.Diagnostics {
			return whole.Box(), err
		}
		var all image.Box
		for _, l := range labels {
			if l < 1 || l > math.MaxUint16 {
				continue // refused later, by name
			}
			if b := m.Bounds(uint16(l)); !b.Empty() {
				all = union(all, s.reach(whole, b))
			}
		}
		if all.Empty() {
			return all, absent(m, slices.Max(append(labels, 1)))
		}
		return all, nil
	}}
}

// reach is the part of an image that a region with these bounds needs: the sphere of the peaks, and what interpolation looks at.
func (s Standard) reach(g image.Grid, b image.Box) image.Box {
	spacing := g.Spacing
	for a := range 3 {
		if s.Spacing[a] > 0 {
			spacing[a] = s.Spacing[a]
		}
	}
	margin := s.margin(spacing)
	if margin[0] < 0 {
		return g.Box()
	}
	for a := range 3 {
		margin[a] = int(float64(margin[a]+4)*max(spacing[a]/g.Spacing[a], 1)) + splineReach + 4
	}
	return b.Grow(margin, g.Size)
}

// ExtractStandardReading is ExtractStandard of an image of which a part was read, which has to hold what ReachStandard says.
func ExtractStandardReading(in image.Reading, m *image.Mask, label int, s Standard) ([]Feature, error) {
	r, err := newStandardRegion(in, m, label, s)
	if err != nil {
		return nil, err
	}
	out := r.diagnose
	if s.wants("morphology") {
		out = append(out, r.morphologyFeatures()...)
	}
	if s.wants("local_intensity") {
		out = append(out, r.localIntensity()...)
	}
	if s.wants("statistics") {
		out = append(out, intensityStatistics("stat_", r.values)...)
	}
	if s.discretises() {
		textures, err := r.discretised()
		if err != nil {
			return nil, err
		}
		if s.wants("histogram") {
			out = append(out, textures.histogram()...)
		}
		if s.wants("ivh") {
			out = append(out, r.intensityVolumeHistogram()...)
		}
		out = append(out, textures.features(s)...)
	}
	return append(out, r.responses()...), nil
}

// discretises says whether a family that is asked for needs grey levels.
func (s Standard) discretises() bool {
	return slices.ContainsFunc(standardFamilies[3:], s.wants)
}

// margin is how many voxels of the interpolated image have to be there around the region, along each axis; −1 for the whole image.
func (s Standard) margin(spacing [3]float64) [3]int {
	var m [3]int
	for a := range 3 {
		m[a] = int(peakRadius/spacing[a]) + 2
	}
	for _, f := range s.Filters {
		r := f.reach(spacing)
		if r < 0 {
			return cube(-1)
		}
		for a := range 3 {
			m[a] = max(m[a], r+1)
		}
	}
	return m
}
