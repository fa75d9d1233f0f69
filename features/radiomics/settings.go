package radiomics

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/voxgene/voxgene/features/settings"
)

// Settings are PyRadiomics' settings under its own names, each with its default. An empty list, an empty text or a zero where zero
// is not a value stands for Python's None.
type Settings struct {
	MinimumROIDimensions int
	MinimumROISize       int
	GeometryTolerance    float64 // times the spacing along x, and of the directions' cosines; 0 takes image.GridTolerance
	CorrectMask          bool
	AdditionalInfo       bool
	Label                int
	LabelChannel         int

	Normalize      bool
	NormalizeScale float64
	RemoveOutliers float64

	ResampledPixelSpacing []float64 // mm along x, y, z; 0 keeps the spacing of that axis
	Interpolator          string
	PadDistance           int
	PreCrop               bool

	ResegmentRange []float64
	ResegmentMode  string
	ResegmentShape bool

	BinWidth float64
	BinCount int

	Force2D          bool
	Force2DDimension int // 0 z, 1 y, 2 x, as in PyRadiomics' arrays
	Distances        []int
	WeightingNorm    string
	SymmetricalGLCM  bool
	GLDMAlpha        float64
	VoxelArrayShift  float64

	Sigma                     []Sigma
	Wavelet                   string
	StartLevel                int
	Level                     int
	GradientUseSpacing        bool
	LBP2DRadius               float64
	LBP2DSamples              int
	LBP2DMethod               string
	LBP3DLevels               int
	LBP3DIcosphereRadius      float64
	LBP3DIcosphereSubdivision int

	KernelRadius int
	MaskedKernel bool
	InitValue    float64
	VoxelBatch   int
}

// Sigma is the width of a Laplacian of Gaussian in mm. It keeps how it was written, because 1 and 1.0 name different columns.
type Sigma struct {
	Width float64
	Text  string
}

// DecodeNode reads a number and writes its text as Python would.
func (s *Sigma) DecodeNode(n *settings.Node, p *settings.Problems) {
	switch v := n.Any().(type) {
	case int:
		s.Width, s.Text = float64(v), strconv.Itoa(v)
	case float64:
		s.Width, s.Text = v, pythonFloat(v)
	default:
		p.Add(n, "want a number of mm, not %v", v)
		return
	}
	if !(s.Width > 0) {
		p.Add(n, "want a width of more than 0 mm, not %v", s.Width)
	}
}

// MarshalJSON writes the number as it was given.
func (s Sigma) MarshalJSON() ([]byte, error) { return []byte(s.Text), nil }

// pythonFloat writes a number as Python's str does for the sizes that occur here.
func pythonFloat(v float64) string {
	t := strconv.FormatFloat(v, 'f', -1, 64)
	if v == float64(int64(v)) && v < 1e15 {
		t = strconv.FormatInt(int64(v), 10) + ".0"
	}
	return t
}

// DefaultSettings returns what PyRadiomics uses where a parameter file says nothing.
func DefaultSettings() Settings {
	return Settings{
		MinimumROIDimensions: 2, AdditionalInfo: true, Label: 1,
		NormalizeScale: 1, Interpolator: "sitkBSpline", PadDistance: 5, ResegmentMode: "absolute",
		BinWidth: 25, Distances: []int{1}, SymmetricalGLCM: true,
		Wavelet: "coif1", Level: 1, GradientUseSpacing: true,
		LBP2DRadius: 1, LBP2DSamples: 8, LBP2DMethod: "uniform",
		LBP3DLevels: 2, LBP3DIcosphereRadius: 1, LBP3DIcosphereSubdivision: 1,
		KernelRadius: 1, MaskedKernel: true, VoxelBatch: -1,
	}
}

// interpolators are the names that SimpleITK gives the supported methods, and the numbers that stand for them.
var interpolators = map[string]string{
	"sitkNearestNeighbor": "sitkNearestNeighbor", "1": "sitkNearestNeighbor",
	"sitkLinear": "sitkLinear", "2": "sitkLinear",
	"sitkBSpline": "sitkBSpline", "3": "sitkBSpline",
	"sitkGaussian": "sitkGaussian", "4": "sitkGaussian",
	"sitkHammingWindowedSinc": "sitkHammingWindowedSinc", "6": "sitkHammingWindowedSinc",
	"sitkCosineWindowedSinc": "sitkCosineWindowedSinc", "7": "sitkCosineWindowedSinc",
	"sitkWelchWindowedSinc": "sitkWelchWindowedSinc", "8": "sitkWelchWindowedSinc",
	"sitkLanczosWindowedSinc": "sitkLanczosWindowedSinc", "9": "sitkLanczosWindowedSinc",
	"sitkBlackmanWindowedSinc": "sitkBlackmanWindowedSinc", "10": "sitkBlackmanWindowedSinc",
}

// field is one setting: where it goes, whether null is a value of it, and what is wrong with a value, or "".
type field struct {
	into     any
	nullable bool
	wrong    func() string
}

// positive and notNegative are the usual conditions.
func positive[N int | float64](v *N) func() string {
	return func() string {
		if !(*v > 0) {
			return fmt.Sprintf("want more than 0, not %v", *v)
		}
		return ""
	}
}

func between(v *int, low, high int) func() string {
	return func() string {
		if *v < low || *v > high {
			return fmt.Sprintf("want %d to %d, not %d", low, high, *v)
		}
		return ""
	}
}

func oneOf(v *string, names ...string) func() string {
	return func() string {
		if slices.Contains(names, *v) {
			return ""
		}
		if near := settings.Nearest(*v, names); near != "" {
			return fmt.Sprintf("unknown value %q; did you mean %q?", *v, near)
		}
		return fmt.Sprintf("unknown value %q; known: %v", *v, names)
	}
}

func length[E any](v *[]E, low, high int) func() string {
	return func() string {
		if len(*v) < low || len(*v) > high {
			return fmt.Sprintf("want %d to %d values, not %d", low, high, len(*v))
		}
		return ""
	}
}

// segmentFields are the settings of a parameter file's setting block, which an image type may override.
func (s *Settings) segmentFields() map[string]field {
	return map[string]field{
		"minimumROIDimensions": {&s.MinimumROIDimensions, false, between(&s.MinimumROIDimensions, 1, 3)},
		"minimumROISize":       {&s.MinimumROISize, true, positive(&s.MinimumROISize)},
		"geometryTolerance":    {&s.GeometryTolerance, true, positive(&s.GeometryTolerance)},
		"correctMask":          {&s.CorrectMask, false, nil},
		"additionalInfo":       {&s.AdditionalInfo, false, nil},
		"label":                {&s.Label, false, between(&s.Label, 1, 65535)},
		"label_channel":        {&s.LabelChannel, false, between(&s.LabelChannel, 0, 65535)},
		"normalize":            {&s.Normalize, false, nil},
		"normalizeScale":       {&s.NormalizeScale, false, positive(&s.NormalizeScale)},
		"removeOutliers":       {&s.RemoveOutliers, true, positive(&s.RemoveOutliers)},
		"resampledPixelSpacing": {&s.ResampledPixelSpacing, true, func() string {
			if len(s.ResampledPixelSpacing) != 3 {
				return fmt.Sprintf("want 3 numbers (x, y, z in mm), not %d", len(s.ResampledPixelSpacing))
			}
			for _, v := range s.ResampledPixelSpacing {
				if v < 0 {
					return fmt.Sprintf("want 0 mm (keep) or more, not %v", v)
				}
			}
			return ""
		}},
		"interpolator": {&s.Interpolator, true, func() string {
			if name, ok := interpolators[s.Interpolator]; ok {
				s.Interpolator = name
				return ""
			}
			if s.Interpolator == "sitkLabelGaussian" {
				return "sitkLabelGaussian is for labels, not for an image; take sitkBSpline, sitkLinear or sitkNearestNeighbor"
			}
			return oneOf(&s.Interpolator, slices.Compact(slices.Sorted(maps.Values(interpolators)))...)()
		}},
		"padDistance":      {&s.PadDistance, false, between(&s.PadDistance, 0, 1<<20)},
		"preCrop":          {&s.PreCrop, false, nil},
		"resegmentRange":   {&s.ResegmentRange, true, length(&s.ResegmentRange, 1, 2)},
		"resegmentMode":    {&s.ResegmentMode, false, oneOf(&s.ResegmentMode, "absolute", "relative", "sigma")},
		"resegmentShape":   {&s.ResegmentShape, false, nil},
		"binWidth":         {&s.BinWidth, false, positive(&s.BinWidth)},
		"binCount":         {&s.BinCount, true, between(&s.BinCount, 1, maxLevels)},
		"force2D":          {&s.Force2D, false, nil},
		"force2Ddimension": {&s.Force2DDimension, false, between(&s.Force2DDimension, 0, 2)},
		"distances": {&s.Distances, false, func() string {
			if len(s.Distances) == 0 {
				return "want at least one distance"
			}
			for _, d := range s.Distances {
				if d < 1 || d > maxDistance {
					return fmt.Sprintf("want distances of 1 to %d voxels, not %d", maxDistance, d)
				}
			}
			return ""
		}},
		"weightingNorm":      {&s.WeightingNorm, true, oneOf(&s.WeightingNorm, "manhattan", "euclidean", "infinity", "no_weighting")},
		"symmetricalGLCM":    {&s.SymmetricalGLCM, false, nil},
		"gldm_a":             {&s.GLDMAlpha, false, atLeastZero(&s.GLDMAlpha)},
		"voxelArrayShift":    {&s.VoxelArrayShift, false, nil},
		"sigma":              {&s.Sigma, true, nil},
		"wavelet":            {&s.Wavelet, false, func() string { return unknownWavelet(s.Wavelet) }},
		"start_level":        {&s.StartLevel, false, between(&s.StartLevel, 0, 16)},
		"level":              {&s.Level, false, between(&s.Level, 1, 16)},
		"gradientUseSpacing": {&s.GradientUseSpacing, false, nil},
		"lbp2DRadius":        {&s.LBP2DRadius, false, positive(&s.LBP2DRadius)},
		"lbp2DSamples":       {&s.LBP2DSamples, false, between(&s.LBP2DSamples, 1, 31)},
		"lbp2DMethod":        {&s.LBP2DMethod, false, oneOf(&s.LBP2DMethod, "default", "ror", "uniform", "var")},
		"lbp3DLevels":        {&s.LBP3DLevels, false, between(&s.LBP3DLevels, 1, 10)},

		"lbp3DIcosphereRadius":      {&s.LBP3DIcosphereRadius, false, positive(&s.LBP3DIcosphereRadius)},
		"lbp3DIcosphereSubdivision": {&s.LBP3DIcosphereSubdivision, false, between(&s.LBP3DIcosphereSubdivision, 0, 4)},
	}
}

func atLeastZero(v *float64) func() string {
	return func() string {
		if *v < 0 {
			return fmt.Sprintf("want 0 or more, not %v", *v)
		}
		return ""
	}
}

// voxelFields are the settings of the voxelSetting block.
func (s *Settings) voxelFields() map[string]field {
	return map[string]field{
		"kernelRadius": {&s.KernelRadius, false, between(&s.KernelRadius, 1, 32)},
		"maskedKernel": {&s.MaskedKernel, false, nil},
		"initValue":    {&s.InitValue, false, nil},
		"voxelBatch":   {&s.VoxelBatch, false, between(&s.VoxelBatch, -1, 1<<30)},
	}
}

// clear sets a setting to None.
func (f field) clear() {
	switch v := f.into.(type) {
	case *int:
		*v = 0
	case *float64:
		*v = 0
	case *string:
		*v = ""
	case *[]float64:
		*v = nil
	case *[]Sigma:
		*v = nil
	}
}

// decodeSettings reads a mapping of settings into the fields; what is unknown or wrong goes to p.
func decodeSettings(n *settings.Node, fields map[string]field, p *settings.Problems) {
	if n.IsScalar() && n.Any() == nil {
		return
	}
	if !n.IsMap() {
		p.Add(n, "want a mapping of settings (name: value)")
		return
	}
	known := make([]string, 0, len(fields))
	for name := range fields {
		known = append(known, name)
	}
	slices.Sort(known)
	for _, name := range n.Keys() {
		f, ok := fields[name]
		if !ok {
			n.Unknown(name, known, p)
			continue
		}
		value := n.Get(name)
		if value.IsScalar() && value.Any() == nil {
			if !f.nullable {
				p.Add(value, "the value is missing")
			}
			f.clear()
			continue
		}
		before := p.Len()
		settings.Decode(value, f.into, p)
		if p.Len() == before && f.wrong != nil {
			if text := f.wrong(); text != "" {
				p.Add(value, "%s", text)
			}
		}
	}
}
