package radiomics

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/radiomics/filter"
)

// imageSink takes an image of a type: its name, its values in the box of the region, and its settings.
type imageSink func(name string, box []float64, set Settings) error

// images makes the images of a type, in PyRadiomics' order.
func (e *extraction) images(i ImageType, do imageSink) error {
	set := i.Settings
	set.Label = e.Label
	switch i.Name {
	case "Original":
		return do("original", e.scan.take(e.region.Box), set)
	case "LoG":
		return e.laplacians(set, do)
	case "Wavelet":
		return e.wavelets(set, do)
	case "Gradient":
		b, at := e.scan.around(e.region.Box, 1)
		spacing := e.scan.Spacing
		if !set.GradientUseSpacing {
			spacing = [3]float64{}
		}
		return do("gradient", filter.Gradient(b, spacing, at, e.region.Size()).Values, set)
	case "LBP2D":
		return e.binaryPatterns(set, do)
	case "LBP3D":
		return e.sphericalPatterns(set, do)
	}
	box := e.scan.take(e.region.Box)
	top := max(math.Abs(e.scan.whole.Min), math.Abs(e.scan.whole.Max))
	if !(top > 0) {
		return fmt.Errorf("imageType %s: the image is %g everywhere", i.Name, top)
	}
	f := pointwise[i.Name](top)
	for o, x := range box {
		box[o] = f(x)
	}
	return do(strings.ToLower(i.Name), box, set)
}

// pointwise are the filters that look at one voxel and at the largest magnitude of the whole image, to whose range they scale.
var pointwise = map[string]func(top float64) func(x float64) float64{
	"Square": func(top float64) func(float64) float64 {
		c := 1 / math.Sqrt(top)
		return func(x float64) float64 { return (c * x) * (c * x) }
	},
	"SquareRoot": func(top float64) func(float64) float64 {
		return func(x float64) float64 { return math.Copysign(math.Sqrt(math.Abs(x)*top), x) }
	},
	"Logarithm": func(top float64) func(float64) float64 {
		c := top / math.Log(top+1)
		return func(x float64) float64 { return math.Copysign(math.Log(math.Abs(x)+1)*c, x) }
	},
	"Exponential": func(top float64) func(float64) float64 {
		c := math.Log(top) / top
		return func(x float64) float64 { return math.Exp(c * x) }
	},
}

// around takes a box with a margin, as far as the image goes, and says where the box begins in the block.
func (s *scan) around(b image.Box, margin int) (filter.Block, [3]int) {
	g := b.Grow(cube(margin), s.Size)
	var at [3]int
	for a := range 3 {
		at[a] = b.Min[a] - g.Min[a]
	}
	return filter.Block{Size: g.Size(), Values: s.take(g)}, at
}

// laplacians makes a Laplacian of Gaussian image for each sigma. As in PyRadiomics (imageoperations.getLoGImage) an image that is too small
// for one is left out with a note.
func (e *extraction) laplacians(set Settings, do imageSink) error {
	if len(set.Sigma) == 0 {
		e.note("imageType LoG has no sigma and makes no image")
	}
	for _, sigma := range set.Sigma {
		if e.tooSmallFor(sigma) {
			continue
		}
		var margin [3]int
		for a := range 3 {
			margin[a] = filter.GaussianReach(sigma.Width / e.scan.Spacing[a])
		}
		g := gaussianBox(e.region.Box, margin, e.scan.Size)
		var at [3]int
		for a := range 3 {
			at[a] = e.region.Min[a] - g.Min[a]
		}
		b := filter.Block{Size: g.Size(), Values: e.scan.take(g)}
		box := filter.LaplacianOfGaussian(b, e.scan.Spacing, sigma.Width, at, e.region.Size())
		name := "log-sigma-" + strings.ReplaceAll(sigma.Text, ".", "-") + "-mm-3D"
		if err := do(name, box.Values, set); err != nil {
			return err
		}
	}
	return nil
}

// tooSmallFor says whether the image has too few voxels along an axis for a sigma, and notes it.
func (e *extraction) tooSmallFor(sigma Sigma) bool {
	for a, n := range e.scan.Size {
		if need := max(4, math.Ceil(sigma.Width/e.scan.Spacing[a])+1); float64(n) < need {
			e.note("imageType LoG: sigma %s mm is left out: it needs %g voxels along %c, and the image has %d", sigma.Text, need, "xyz"[a], n)
			return true
		}
	}
	return false
}

// gaussianBox is a box with its margin.
func gaussianBox(b image.Box, margin, size [3]int) image.Box { return b.Grow(margin, size) }

// waveletAxes are the axes of a decomposition, in the order of the letters of its bands.
func waveletAxes(set Settings) []int {
	axes := []int{0, 1, 2}
	if set.Force2D {
		across := 2 - set.Force2DDimension
		axes = slices.DeleteFunc(axes, func(a int) bool { return a == across })
	}
	return axes
}

// wavelets makes the bands of every level, and the approximation of the last. Each level decomposes the approximation of the one before
// it with the same filters, as PyRadiomics does.
func (e *extraction) wavelets(set Settings, do imageSink) error {
	w, err := filter.NamedWavelet(set.Wavelet)
	if err != nil {
		return err
	}
	axes := waveletAxes(set)
	last := set.StartLevel + set.Level
	below, above := w.Margin()
	grown := e.region.Box
	for _, a := range axes {
		grown.Min[a] -= below * last
		grown.Max[a] += above * last
	}
	b := e.scan.periodic(grown, axes)
	at := grown.Min // where the block begins
	for level := range last {
		bands := w.Decompose(b, axes)
		for _, a := range axes {
			at[a] += below
		}
		b = bands[0].Block
		if level < set.StartLevel {
			continue
		}
		prefix := "wavelet-"
		if level > set.StartLevel {
			prefix = fmt.Sprintf("wavelet%d-", level-set.StartLevel+1)
		}
		var offset [3]int
		for a := range 3 {
			offset[a] = e.region.Min[a] - at[a]
		}
		if level == last-1 {
			bands = append(bands[1:], bands[0])
		} else {
			bands = bands[1:]
		}
		for _, band := range bands {
			if err := do(prefix+band.Name, band.Crop(offset, e.region.Size()).Values, set); err != nil {
				return err
			}
		}
	}
	return nil
}

// periodic takes a box that may reach outside the image, which goes on with itself along the given axes. An axis of odd length has its
// first voxel once more before it repeats, as PyRadiomics pads it.
func (s *scan) periodic(b image.Box, axes []int) filter.Block {
	size := b.Size()
	var index [3][]int
	inner := b
	for a := range 3 {
		n := s.Size[a]
		index[a] = make([]int, size[a])
		for i := range index[a] {
			x := b.Min[a] + i
			if slices.Contains(axes, a) {
				period := n + n%2
				if x = ((x % period) + period) % period; x == n {
					x = 0
				}
			}
			index[a][i] = x
		}
		inner.Min[a], inner.Max[a] = slices.Min(index[a]), slices.Max(index[a])+1
	}
	if inner == b {
		return filter.Block{Size: size, Values: s.take(b)}
	}
	values, have := s.take(inner), inner.Size()
	out := filter.NewBlock(size)
	o := 0
	for _, k := range index[2] {
		for _, j := range index[1] {
			row := ((k-inner.Min[2])*have[1]+j-inner.Min[1])*have[0] - inner.Min[0]
			for _, i := range index[0] {
				out.Values[o] = values[row+i]
				o++
			}
		}
	}
	return out
}

// binaryPatterns makes the image of local binary patterns in slices. Like PyRadiomics it writes patterns as whole numbers of the image's type
// where the image has whole numbers, so that those beyond a type of 8 or 16 bits begin again at its other end.
func (e *extraction) binaryPatterns(set Settings, do imageSink) error {
	l := filter.LBP2D{Radius: set.LBP2DRadius, Samples: set.LBP2DSamples, Method: set.LBP2DMethod, Across: 2 - set.Force2DDimension}
	b, at := e.scan.around(e.region.Box, l.Reach())
	box := l.Apply(b, at, e.region.Size()).Values
	if e.scan.integer {
		for i, x := range box {
			box[i] = math.Trunc(x)
			if math.IsNaN(x) {
				box[i] = 0
			}
		}
		e.wrap(box)
	}
	return do("lbp-2D", box, set)
}

// wrap brings values into the range of the image's type, if that is of 8 or 16 bits, as a conversion between whole numbers does.
func (e *extraction) wrap(box []float64) {
	low, high := e.scan.limits[0], e.scan.limits[1]
	span := high - low + 1
	if span < 1<<8 || span > 1<<16 {
		return
	}
	for i, x := range box {
		if x < low || x > high {
			box[i] = x - span*math.Floor((x-low)/span)
			e.note("imageType LBP2D: patterns beyond the numbers of the image's type begin again at its other end, as in PyRadiomics; take lbp2DMethod uniform, or an image of a larger type")
		}
	}
}

// imageReach is the part of the whole image that an image type needs for a region with these bounds.
func imageReach(i ImageType, g image.Grid, b image.Box) image.Box {
	set := i.Settings
	switch i.Name {
	case "LoG":
		all := b
		for _, sigma := range set.Sigma {
			var margin [3]int
			for a := range 3 {
				margin[a] = filter.GaussianReach(sigma.Width / g.Spacing[a])
			}
			all = union(all, gaussianBox(b, margin, g.Size))
		}
		return all
	case "Wavelet":
		w, err := filter.NamedWavelet(set.Wavelet)
		if err != nil {
			return b // refused when the parameters were read
		}
		below, above := w.Margin()
		n := set.StartLevel + set.Level
		for _, a := range waveletAxes(set) {
			b.Min[a], b.Max[a] = b.Min[a]-n*below, b.Max[a]+n*above
			if b.Min[a] < 0 || b.Max[a] > g.Size[a] {
				b.Min[a], b.Max[a] = 0, g.Size[a] // it goes on at the other end
			}
		}
		return b
	case "Gradient":
		return b.Grow(cube(1), g.Size)
	case "LBP2D":
		return b.Grow(cube(filter.LBP2D{Radius: set.LBP2DRadius}.Reach()), g.Size)
	case "LBP3D":
		return b.Grow(cube(splineReach+int(math.Ceil(set.LBP3DIcosphereRadius))+2), g.Size)
	}
	return b
}

// unknownWavelet says what is wrong with the name of a wavelet.
func unknownWavelet(name string) string {
	return oneOf(&name, filter.WaveletNames()...)()
}
