package radiomics

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/image"
)

// ErrEmptyMask says that no voxel of a mask has any label, ErrNoLabel that none has the wanted one.
var (
	ErrEmptyMask = errors.New("the mask has no labelled voxel: nothing is segmented")
	ErrNoLabel   = errors.New("label not in the mask")
)

// Extract computes the features of the voxels of m that have the label, in PyRadiomics' order. See ExtractReading.
func Extract(v *image.Volume, m *image.Mask, label int, p Params) ([]Feature, error) {
	p.AdditionalInfo = false
	r, err := ExtractReading(image.Reading{Volume: v, Whole: v.Grid, Region: v.Box()}, m, label, p)
	return r.Features, err
}

// ExtractReading computes features and diagnostics from an image that may have been read in part only. The part must hold what Reach
// says, and where normalisation, a filter or a diagnostic is about the whole image, the reading must have its statistics (they are
// taken here when all of the image is there).
//
// It refuses an empty mask, an absent label, a region of one voxel or with fewer dimensions or voxels than the parameters want, a
// value in the region that is not finite, and grids that differ. A region of one grey level has the values that PyRadiomics documents:
// entropies 0, GLCM correlation and MCC 1, NGTDM coarseness 10⁶.
func ExtractReading(in image.Reading, m *image.Mask, label int, p Params) (Result, error) {
	e, err := newExtraction(in, m, label, p)
	if err != nil {
		return Result{}, err
	}
	if err := e.prepare(); err != nil {
		return Result{}, err
	}
	features, err := e.features()
	if err != nil {
		return Result{}, err
	}
	return Result{Diagnostics: e.diagnostics, Features: features, Notes: e.notes}, nil
}

// extraction is one region on its way from the file to features.
type extraction struct {
	Params
	scan   *scan
	mask   *image.Mask
	hashes [2]string // of image and mask as they were read; empty where not known
	bounds image.Box // of the label
	apart  bool      // the mask lies on another grid than the image, and both are to be resampled to one
	// region is the ROI after resampling and re-segmentation; shape is that of the shape features.
	region, shape *roi
	diagnostics   []Diagnostic
	notes         []string
}

// note adds what the user should know, once.
func (e *extraction) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(e.notes, text) {
		e.notes = append(e.notes, text)
	}
}

func newExtraction(in image.Reading, m *image.Mask, label int, p Params) (*extraction, error) {
	if label < 1 || label > math.MaxUint16 {
		return nil, fmt.Errorf("label %d: want 1 to %d", label, math.MaxUint16)
	}
	p.Label = label
	if err := errors.Join(in.Whole.Validate(), m.Validate()); err != nil {
		return nil, err
	}
	if len(in.Volume.Values) != in.Volume.Voxels() || len(m.Labels) != m.Voxels() {
		return nil, fmt.Errorf("%d values and %d labels for %d and %d voxels", len(in.Volume.Values), len(m.Labels), in.Volume.Voxels(), m.Voxels())
	}
	hashes := [2]string{in.Hash, m.Hash}
	if p.AdditionalInfo && m.Hash == "" {
		hashes[1] = m.VoxelHash()
	}
	e := &extraction{Params: p, mask: m, hashes: hashes}
	e.scan = &scan{Grid: in.Whole, part: in.Region, values: in.Volume.Values, integer: in.Volume.Integer, limits: in.Volume.Limits, whole: in.Statistics}
	if e.bounds = m.Bounds(uint16(label)); e.bounds.Empty() {
		return nil, absent(m, label)
	}
	if differ := e.sameGrid(in.Whole, m.Grid); differ != nil {
		if !e.mayDiffer() {
			return nil, fmt.Errorf("image and mask are %w", differ)
		}
		e.apart = true
	}
	need, err := e.need(in.Whole, e.bounds)
	if err != nil {
		return nil, fmt.Errorf("label %d: %w", label, err)
	}
	for a := range 3 {
		if need.Min[a] < in.Region.Min[a] || need.Max[a] > in.Region.Max[a] {
			return nil, fmt.Errorf("the image was read from %v to %v, and label %d needs %v to %v", in.Region.Min, in.Region.Max, label, need.Min, need.Max)
		}
	}
	if e.scan.whole.Count == 0 && in.Region == in.Whole.Box() && e.needsWhole() {
		e.scan.whole = in.Volume.Statistics()
	}
	return e, nil
}

// needsWhole says whether something asks for statistics of the whole image.
func (e *extraction) needsWhole() bool {
	return e.AdditionalInfo || e.Normalize || slices.ContainsFunc(e.Images, func(i ImageType) bool {
		return slices.Contains([]string{"Square", "SquareRoot", "Logarithm", "Exponential"}, i.Name)
	})
}

// prepare finds the region and takes image and region through normalisation, resampling or cropping, and re-segmentation.
func (e *extraction) prepare() error {
	r := newROI(e.mask, uint16(e.Label), e.bounds)
	e.describe("original", e.scan, nil, r)
	if e.apart {
		e.note("the mask is on another grid than the image and was resampled")
	}
	if e.apart && e.ResampledPixelSpacing == nil {
		var err error
		if r, err = e.correct(); err != nil {
			return err
		}
		if !e.PreCrop { // where it is set, PyRadiomics says nothing of the mask between
			e.describe("corrected", nil, e.scan, r)
		}
	}
	if e.Normalize {
		if math.IsNaN(e.scan.whole.SD) || math.IsInf(e.scan.whole.SD, 0) {
			return fmt.Errorf("normalize: the image has values that are not finite, and so no mean and standard deviation; repair it first")
		}
		if !(e.scan.whole.SD > 0) {
			return fmt.Errorf("normalize: the image has one value, %g, everywhere", e.scan.whole.Mean)
		}
		e.scan.normalise(e.Settings)
	}
	var err error
	switch {
	case e.ResampledPixelSpacing != nil:
		if e.scan, r, err = resample(e.scan, e.mask, r, e.apart, e.Settings); err != nil {
			return err
		}
		if r.count == 0 {
			return e.check(r)
		}
		e.describe("interpolated", e.scan, e.scan, r)
	case e.PreCrop:
		if err := e.check(r); err != nil {
			return err
		}
		b := r.Grow([3]int{e.PadDistance, e.PadDistance, e.PadDistance}, e.scan.Size)
		e.scan, r = e.scan.crop(b), r.shift([3]int{-b.Min[0], -b.Min[1], -b.Min[2]})
	}
	if err := e.check(r); err != nil {
		return err
	}
	if err := e.finite(r); err != nil {
		return err
	}
	e.region, e.shape = r, r
	if e.ResegmentRange != nil {
		if e.region, err = e.resegment(r); err != nil {
			return err
		}
		e.describe("resegmented", nil, e.scan, e.region)
		// PyRadiomics measures the shape of the region as it was, but inside the box of what re-segmentation left of it.
		e.shape = r.within(e.region.Box)
		if e.ResegmentShape {
			e.shape = e.region
		}
	}
	return nil
}

// leftOut is what an error about a missing column adds to itself.
func (e *extraction) leftOut() string {
	if e.notes == nil {
		return ""
	}
	return " (" + strings.Join(e.notes, "; ") + ")"
}

// correct puts the mask on the grid of the image.
func (e *extraction) correct() (*roi, error) {
	m, err := correctMask(e.scan.Grid, e.mask, uint16(e.Label), e.bounds)
	if err != nil {
		return nil, fmt.Errorf("label %d: %w", e.Label, err)
	}
	if e.mask, e.bounds = m, m.Bounds(uint16(e.Label)); e.bounds.Empty() {
		return nil, fmt.Errorf("label %d: no voxel of the image has its centre in the region", e.Label)
	}
	return newROI(m, uint16(e.Label), e.bounds), nil
}

// absent says that a label is not there, and which are.
func absent(m *image.Mask, label int) error {
	var seen [math.MaxUint16 + 1]bool
	for _, l := range m.Labels {
		seen[l] = true
	}
	var labels []int
	for l, s := range seen {
		if s && l > 0 {
			labels = append(labels, l)
		}
	}
	if labels == nil {
		return ErrEmptyMask
	}
	if len(labels) > 20 {
		return fmt.Errorf("%w: %d; it has %d others, from %d to %d", ErrNoLabel, label, len(labels), labels[0], labels[len(labels)-1])
	}
	return fmt.Errorf("%w: %d; it has %v", ErrNoLabel, label, labels)
}

// check refuses regions that are too small.
func (e *extraction) check(r *roi) error {
	d := r.dimensions()
	switch {
	case r.count == 0:
		return fmt.Errorf("label %d: resampling left no voxel of the region", e.Label)
	case d == 0:
		return fmt.Errorf("label %d has one voxel only: features need more", e.Label)
	case d < e.MinimumROIDimensions:
		return fmt.Errorf("label %d has %d dimensions, and minimumROIDimensions is %d", e.Label, d, e.MinimumROIDimensions)
	case e.MinimumROISize > 0 && r.count <= e.MinimumROISize:
		return fmt.Errorf("label %d has %d voxels, and minimumROISize wants more than %d", e.Label, r.count, e.MinimumROISize)
	}
	return nil
}

// finite refuses a region with a value that is not a number.
func (e *extraction) finite(r *roi) error {
	size := r.Size()
	for o, x := range e.scan.take(r.Box) {
		if r.inside[o] && (math.IsNaN(x) || math.IsInf(x, 0)) {
			i, j, k := o%size[0]+r.Min[0], o/size[0]%size[1]+r.Min[1], o/size[0]/size[1]+r.Min[2]
			return fmt.Errorf("voxel (%d, %d, %d) of label %d has the value %v: repair the image or leave the voxel out of the mask", i, j, k, e.Label, x)
		}
	}
	return nil
}

// resegment keeps the voxels whose intensity lies in the range, borders included.
func (e *extraction) resegment(r *roi) (*roi, error) {
	box := e.scan.take(r.Box)
	low, high := slices.Min(e.ResegmentRange), math.Inf(1)
	if len(e.ResegmentRange) == 2 {
		high = slices.Max(e.ResegmentRange)
	}
	switch e.ResegmentMode {
	case "relative":
		top := slices.Max(r.pick(box))
		low, high = top*low, top*high
		if len(e.ResegmentRange) == 1 {
			high = math.Inf(1)
		}
	case "sigma":
		x := r.pick(box)
		n := float64(len(x))
		mean := pairwise(x, func(v float64) float64 { return v }) / n
		sd := math.Sqrt(pairwise(x, func(v float64) float64 { return (v - mean) * (v - mean) }) / n)
		low = mean + sd*low
		if len(e.ResegmentRange) == 2 {
			high = mean + sd*high
		}
	}
	out := r.shrink(func(o int) bool { return box[o] >= low && box[o] <= high })
	if out.count <= 1 {
		return nil, fmt.Errorf("re-segmentation to [%g, %g] leaves %d of %d voxels of label %d", low, high, out.count, r.count, e.Label)
	}
	return out, e.check(out)
}

// features computes the columns of every image type.
func (e *extraction) features() ([]Feature, error) {
	var out []Feature
	for _, class := range e.Classes {
		switch class.Name {
		case "shape":
			out = shape(e.shape, e.scan.Spacing).appendTo(out, "original", class)
		case "shape2D":
			if class.Optional && (!e.Force2D || e.shape.Size()[2-e.Force2DDimension] != 1) {
				continue
			}
			if !e.Force2D { // as featureextractor.computeShape
				e.note("featureClass shape2D is left out: set force2D to true, and force2Ddimension to the axis across the slice")
				continue
			}
			v, err := shape2D(e.shape, e.scan.Spacing, e.Settings)
			if err != nil {
				return nil, err
			}
			out = v.appendTo(out, "original", class)
		}
	}
	for _, i := range e.Images {
		err := e.images(i, func(name string, box []float64, set Settings) error {
			var err error
			out, err = e.intensityFeatures(out, name, box, set)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// intensityFeatures computes the classes that look at intensities, on the values of an image in the box of the region.
func (e *extraction) intensityFeatures(out []Feature, name string, box []float64, set Settings) ([]Feature, error) {
	var t *texture
	for _, class := range e.Classes {
		if class.Name == "shape" || class.Name == "shape2D" {
			continue
		}
		if class.Name == "firstorder" {
			s := e.scan.Spacing
			out = firstOrder(e.region.pick(box), s[0]*s[1]*s[2], set).appendTo(out, name, class)
			continue
		}
		if t == nil {
			var err error
			if t, err = newTexture(e.region, box, e.scan.Spacing, set); err != nil {
				return nil, fmt.Errorf("%s image: %w", name, err)
			}
		}
		out = t.class(class.Name).appendTo(out, name, class)
	}
	return out, nil
}
