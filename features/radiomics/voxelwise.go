package radiomics

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"

	"github.com/voxgene/voxgene/features/image"
)

// Voxelwise returns PyRadiomics' voxel-based map of a feature: at each voxel of the region the feature of the cube of kernelRadius around
// it, of the cube's voxels in the region where maskedKernel is set, and initValue where there are fewer than two. Grey levels are those
// of the whole region. The feature is named as Extract names it; shape has no such map.
func Voxelwise(in image.Reading, m *image.Mask, label int, p Params, feature string) (FeatureMap, error) {
	parts := strings.Split(feature, "_")
	if len(parts) != 3 || strings.HasPrefix(parts[1], "shape") {
		return FeatureMap{}, fmt.Errorf("feature %q: want a name such as original_firstorder_Energy, and not of shape", feature)
	}
	if err := checkFeature(parts[1], parts[2]); err != nil {
		return FeatureMap{}, fmt.Errorf("feature %q: %w", feature, err)
	}
	p.AdditionalInfo = false
	e, err := newExtraction(in, m, label, p)
	if err != nil {
		return FeatureMap{}, err
	}
	if err := e.prepare(); err != nil {
		return FeatureMap{}, err
	}
	centres := e.region
	domain := centres
	if !p.MaskedKernel { // the box of the region and the kernels around it, all inside
		b := centres.Grow(cube(p.KernelRadius), e.scan.Size)
		size := b.Size()
		domain = &roi{Box: b, inside: make([]bool, size[0]*size[1]*size[2])}
		for o := range domain.inside {
			domain.inside[o] = true
		}
		domain.count = len(domain.inside)
		need, err := e.reach(e.mask.Grid, b)
		if err != nil {
			return FeatureMap{}, err
		}
		if p.ResampledPixelSpacing == nil && !p.PreCrop && union(need, in.Region) != in.Region {
			return FeatureMap{}, fmt.Errorf("the image was read from %v to %v, and kernels that are not masked need %v to %v", in.Region.Min, in.Region.Max, need.Min, need.Max)
		}
	}
	e.region = domain
	out := FeatureMap{Feature: Feature{Name: feature, Value: math.NaN()}, Resampled: p.ResampledPixelSpacing != nil}
	var terms []float64
	for _, i := range e.Images {
		err := e.images(i, func(name string, box []float64, set Settings) error {
			if name != parts[0] {
				return nil
			}
			var err error
			terms, err = e.kernels(centres, domain, box, set, parts[1], parts[2])
			return err
		})
		if err != nil {
			return FeatureMap{}, err
		}
	}
	if terms == nil {
		return FeatureMap{}, fmt.Errorf("feature %q: the parameters make no image %q%s", feature, parts[0], e.leftOut())
	}
	e.region = centres
	out.Volume = e.onImage(in.Whole, terms)
	return out, nil
}

// kernels computes a feature in the cube around each voxel of the region, from the values of an image in the box of domain.
func (e *extraction) kernels(centres, domain *roi, box []float64, set Settings, class, name string) ([]float64, error) {
	whole, err := newTexture(domain, box, e.scan.Spacing, set)
	if err != nil {
		return nil, err
	}
	x := domain.pick(box)
	low, high := x[0], x[0]
	for _, v := range x {
		low, high = min(low, v), max(high, v)
	}
	bins := binEdges(low, high, set)
	voxel := e.scan.Spacing[0] * e.scan.Spacing[1] * e.scan.Spacing[2]
	size := centres.Size()
	out := make([]float64, len(centres.inside))
	var group sync.WaitGroup
	jobs := runtime.GOMAXPROCS(0)
	for job := range jobs {
		group.Go(func() {
			for o := job; o < len(out); o += jobs {
				if !centres.inside[o] {
					continue
				}
				at := [3]int{o%size[0] + centres.Min[0], o/size[0]%size[1] + centres.Min[1], o/size[0]/size[1] + centres.Min[2]}
				k, values := kernel(domain, box, at, e.KernelRadius, set)
				if out[o] = e.InitValue; k.count < 2 {
					continue
				}
				if class == "firstorder" {
					out[o] = firstOrder(k.pick(values), voxel, set)[name]
					continue
				}
				t := cut(k, values, high, e.scan.Spacing, set, bins)
				t.top, t.present = whole.top, whole.present
				out[o] = t.class(class)[name]
			}
		})
	}
	group.Wait()
	return out, nil
}

// kernel is the cube around a voxel, within the slice where the settings say so, and its values.
func kernel(domain *roi, box []float64, at [3]int, radius int, set Settings) (*roi, []float64) {
	b := image.Box{Min: at, Max: [3]int{at[0] + 1, at[1] + 1, at[2] + 1}}
	for a := range 3 {
		if set.Force2D && a == 2-set.Force2DDimension {
			continue
		}
		b.Min[a] = max(b.Min[a]-radius, domain.Min[a])
		b.Max[a] = min(b.Max[a]+radius, domain.Max[a])
	}
	k := domain.within(b)
	have, size := domain.Size(), b.Size()
	values := make([]float64, 0, len(k.inside))
	for z := b.Min[2]; z < b.Max[2]; z++ {
		for y := b.Min[1]; y < b.Max[1]; y++ {
			row := ((z-domain.Min[2])*have[1]+y-domain.Min[1])*have[0] + b.Min[0] - domain.Min[0]
			values = append(values, box[row:row+size[0]]...)
		}
	}
	return k, values
}
