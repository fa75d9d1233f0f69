package radiomics

import (
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/radiomics/filter"
	"github.com/voxgene/voxgene/features/settings"
)

// Filter is a convolutional filter of the standard [Whybra2024], whose response is described by the intensity statistics of the region.
// Lengths are mm. Slices are those across z.
//
// [Whybra2024]: https://doi.org/10.1148/radiol.231319
type Filter struct {
	Kind       string  `yaml:"kind,required"` // none, mean, log, laws, gabor, wavelet, simoncelli, riesz
	Name       string  `yaml:"name"`          // of the columns; the kind if empty
	Dimensions int     `yaml:"dimensions"`    // 2 or 3
	Border     string  `yaml:"border"`        // zero, nearest, periodic, mirror
	Size       int     `yaml:"size"`          // of mean, in voxels
	Sigma      float64 `yaml:"sigma"`         // of log and gabor
	CutOff     float64 `yaml:"cutoff"`        // of log, in sigma
	Kernels    string  `yaml:"kernels"`       // of laws, such as L5E5E5
	Energy     int     `yaml:"energy"`        // of laws, in voxels; 0 for none
	Wavelength float64 `yaml:"wavelength"`    // of gabor
	Gamma      float64 `yaml:"gamma"`
	Theta      float64 `yaml:"theta"`      // of gabor, in degrees: one angle, or with theta_step the first of many
	ThetaStep  float64 `yaml:"theta_step"` // 0 for one angle
	Wavelet    string  `yaml:"wavelet"`
	Band       string  `yaml:"band"`
	Level      int     `yaml:"level"`
	Invariant  bool    `yaml:"rotation_invariant"`
	Pool       string  `yaml:"pool"`  // max or mean
	Of         string  `yaml:"of"`    // of riesz: log or simoncelli, with their keys
	Order      []int   `yaml:"order"` // of riesz, along x, y and z; along the image's own axes where steered
	Steer      float64 `yaml:"steer"` // of riesz: width of the structure tensor that the axes follow; 0 for the axes of the image
}

// filterKinds are the kinds of filter.
var filterKinds = []string{"none", "mean", "log", "laws", "gabor", "wavelet", "simoncelli", "riesz"}

// DecodeNode reads a filter and checks what its kind needs.
func (f *Filter) DecodeNode(n *settings.Node, p *settings.Problems) {
	type plain Filter
	*f = Filter{Dimensions: 3, Border: "mirror", CutOff: 4, Gamma: 1, Level: 1, Of: "log"}
	before := p.Len()
	settings.Decode(n, (*plain)(f), p)
	if p.Len() > before {
		return
	}
	if text := f.wrong(); text != "" {
		p.Add(n, "%s", text)
	}
	if f.Name == "" {
		f.Name = f.Kind
	}
}

func (f *Filter) wrong() string {
	if text := oneOf(&f.Kind, filterKinds...)(); text != "" {
		return "kind: " + text
	}
	if f.Dimensions != 2 && f.Dimensions != 3 {
		return fmt.Sprintf("dimensions: want 2 or 3, not %d", f.Dimensions)
	}
	if _, err := filter.ParseBorder(f.Border); err != nil {
		return err.Error()
	}
	if f.Pool != "" && f.Pool != "max" && f.Pool != "mean" {
		return fmt.Sprintf("pool: want max or mean, not %q", f.Pool)
	}
	switch f.Kind {
	case "mean":
		if f.Size < 1 || f.Size%2 == 0 || f.Size > 1001 {
			return fmt.Sprintf("size: want an odd number of voxels, not %d", f.Size)
		}
	case "log":
		if !(f.Sigma > 0 && f.CutOff > 0) {
			return "want sigma and cutoff above 0"
		}
	case "gabor":
		if !(f.Sigma > 0 && f.Wavelength > 0 && f.Gamma > 0 && f.ThetaStep >= 0) {
			return "want sigma, wavelength and gamma above 0, and theta_step of 0 or more"
		}
	case "laws", "wavelet":
		s, err := f.separable()
		if err != nil {
			return err.Error()
		}
		if len(s.Kernels) != f.Dimensions {
			return fmt.Sprintf("%d kernels for %d dimensions", len(s.Kernels), f.Dimensions)
		}
		if f.Energy < 0 || f.Energy > 100 {
			return fmt.Sprintf("energy: want 0 to 100 voxels, not %d", f.Energy)
		}
	case "simoncelli":
		if f.Level < 1 || f.Level > 16 {
			return fmt.Sprintf("level: want 1 to 16, not %d", f.Level)
		}
	case "riesz":
		return f.wrongRiesz()
	}
	return ""
}

func (f *Filter) wrongRiesz() string {
	sum := 0
	for _, n := range f.Order {
		if n < 0 {
			return fmt.Sprintf("order: want 0 or more along each axis, not %v", f.Order)
		}
		sum += n
	}
	switch {
	case f.Of != "log" && f.Of != "simoncelli":
		return fmt.Sprintf("of: want log or simoncelli, not %q", f.Of)
	case f.Of == "log" && !(f.Sigma > 0 && f.CutOff > 0):
		return "want sigma and cutoff above 0"
	case f.Of == "simoncelli" && (f.Level < 1 || f.Level > 16):
		return fmt.Sprintf("level: want 1 to 16, not %d", f.Level)
	case f.Dimensions != 3:
		return "dimensions: a Riesz transform is of volumes, 3"
	case len(f.Order) != 3 || sum < 1 || sum > filter.MaxRieszOrder:
		return fmt.Sprintf("order: want three numbers, along x, y and z, of 1 to %d together, not %v", filter.MaxRieszOrder, f.Order)
	case !(f.Steer >= 0):
		return "steer: want a width of 0 mm (the axes of the image) or more"
	}
	return ""
}

// riesz is the response of a Riesz transform.
func (f *Filter) riesz(b filter.Block, voxel float64) filter.Block {
	base := filter.Base{Sigma: f.Sigma / voxel, CutOff: f.CutOff, Border: f.border()}
	if f.Of == "simoncelli" {
		base.Level = f.Level
	}
	l := [3]int(f.Order)
	if f.Steer > 0 {
		return base.Steered(b, l, f.Steer/voxel)
	}
	return base.Riesz(b, l)
}

func (f *Filter) border() filter.Border {
	b, err := filter.ParseBorder(f.Border)
	if err != nil {
		return filter.Mirror // checked when it was read
	}
	return b
}

func (f *Filter) separable() (filter.Separable, error) {
	var s filter.Separable
	var err error
	if f.Kind == "laws" {
		s, err = filter.Laws(f.Kernels, f.border())
	} else {
		var w filter.Wavelet
		if w, err = filter.NamedWavelet(f.Wavelet); err == nil {
			s, err = filter.UndecimatedWavelet(w, f.Band, f.Level, f.border())
		}
	}
	s.Invariant = f.Invariant
	if f.Pool != "" {
		s.Pool = f.Pool
	}
	return s, err
}

// gabor is the filter in voxels of the given size in the plane.
func (f *Filter) gabor(voxel float64) filter.Gabor {
	g := filter.Gabor{Sigma: f.Sigma / voxel, Wavelength: f.Wavelength / voxel, Gamma: f.Gamma, Planes: []int{2}, Border: f.border()}
	if f.Dimensions == 3 {
		g.Planes = []int{0, 1, 2}
	}
	g.Theta = []float64{f.Theta * math.Pi / 180}
	if f.ThetaStep > 0 {
		g.Theta = nil
		n := int(math.Round(360 / f.ThetaStep))
		if n%2 == 0 {
			n /= 2 // the modulus at θ + 180° is that at θ
		}
		for i := range n {
			g.Theta = append(g.Theta, (f.Theta+float64(i)*f.ThetaStep)*math.Pi/180)
		}
	}
	return g
}

// reach is how many voxels around a voxel the response depends on; −1 for the whole image.
func (f *Filter) reach(spacing [3]float64) int {
	switch f.Kind {
	case "mean":
		return f.Size / 2
	case "log":
		return int(f.CutOff*f.Sigma/slices.Min(spacing[:f.Dimensions])) + 1
	case "gabor":
		return f.gabor(slices.Min(spacing[:])).Reach()
	case "laws", "wavelet":
		s, err := f.separable()
		if err != nil {
			return 0
		}
		n := 0
		for _, k := range s.Kernels {
			n = max(n, len(k))
		}
		return n<<f.Level + f.Energy
	case "simoncelli", "riesz":
		return -1
	}
	return 0
}

// respond applies the filter around a box of the interpolated image, and returns the response in the box.
func (f *Filter) respond(around filter.Block, at, size [3]int, spacing [3]float64) []float64 {
	b := around
	switch f.Kind {
	case "mean":
		b = filter.Mean(b, f.Size, f.Dimensions, f.border())
	case "log":
		// One width for all axes: that of the largest in voxels, as the reference implementation takes it.
		b = filter.LaplacianKernel(b, f.Sigma/slices.Min(spacing[:f.Dimensions]), f.CutOff, f.Dimensions, f.border())
	case "gabor":
		return f.gabor(spacing[0]).Apply(b, at, size).Values
	case "laws", "wavelet":
		s, err := f.separable()
		if err != nil {
			return nil // checked when it was read
		}
		b = s.Apply(b)
		if f.Energy > 0 {
			b = filter.Energy(b, f.Energy, f.Dimensions, f.border())
		}
	case "simoncelli":
		b = filter.Simoncelli(b, f.Level, f.Dimensions)
	case "riesz":
		b = f.riesz(b, slices.Min(spacing[:]))
	}
	return b.Crop(at, size).Values
}

// responses are the statistics of every filter's response in the intensity mask, under the filter's name.
func (r *standardRegion) responses() []Feature {
	var out []Feature
	part := &scan{Grid: image.Grid{Size: r.size}, part: r.around, values: r.intensity}
	for _, f := range r.Filters {
		margin := f.reach(r.spacing)
		g := r.region.Grow(cube(margin), r.size)
		if margin < 0 {
			g = image.Box{Max: r.size}
			if f.Dimensions == 2 {
				g.Min[2], g.Max[2] = r.region.Min[2], r.region.Max[2]
			}
		} else if f.Dimensions == 2 {
			g.Min[2], g.Max[2] = r.region.Min[2], r.region.Max[2]
		}
		var at [3]int
		for a := range 3 {
			at[a] = r.region.Min[a] - g.Min[a]
		}
		box := f.respond(filter.Block{Size: g.Size(), Values: part.take(g)}, at, r.region.Size(), r.spacing)
		out = append(out, intensityStatistics(f.Name+"_stat_", r.region.pick(box))...)
	}
	return out
}
