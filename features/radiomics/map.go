package radiomics

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/voxgene/voxgene/features/image"
)

// FeatureMap says where in a region a feature comes from: a value for each voxel of the region, on the grid of the image that was
// given, cut to the region's box.
type FeatureMap struct {
	Feature Feature
	// Exact maps, those of first-order features, sum over the voxels of the region to the feature. A map of a texture feature has at
	// each voxel what the feature loses when the voxel's neighbourhood is left out of the region; that does not sum to anything.
	Exact bool
	// Resampled says that the region was resampled before extraction. The map was then made on the resampled grid and each voxel of
	// the image has the value of the resampled voxel nearest to it.
	Resampled bool
	Volume    *image.Volume
}

// MapOptions are for texture features.
type MapOptions struct {
	// Radius of the neighbourhood that is left out: a cube of 2·Radius+1 voxels. 0 means 1.
	Radius int
	// Step is the distance of the voxels for which that is done; those between have the value of the nearest. 0 means 1, or as much
	// as keeps the voxels to some 2,000.
	Step int
}

// Map returns where in a region a feature comes from. The feature is named as Extract names it, and need not be among those that
// the parameters ask for; its image type must be. A first-order feature that is a mean over voxels gives each voxel its term; one
// that is made of order statistics gives their values to the voxels that have them, in equal parts. Shape has no map.
func Map(in image.Reading, m *image.Mask, label int, p Params, feature string, o MapOptions) (FeatureMap, error) {
	parts := strings.Split(feature, "_")
	if len(parts) != 3 {
		return FeatureMap{}, fmt.Errorf("feature %q: want a name such as original_firstorder_Energy", feature)
	}
	kind, class, name := parts[0], parts[1], parts[2]
	if class == "shape" || class == "shape2D" {
		return FeatureMap{}, fmt.Errorf("feature %q describes the outline of the region; there is no map of it", feature)
	}
	if err := checkFeature(class, name); err != nil {
		return FeatureMap{}, fmt.Errorf("feature %q: %w", feature, err)
	}
	if o.Radius < 0 || o.Step < 0 || o.Radius > maxDistance {
		return FeatureMap{}, fmt.Errorf("a map with radius %d and step %d: want 0 to %d and 0 or more", o.Radius, o.Step, maxDistance)
	}
	p.AdditionalInfo = false
	e, err := newExtraction(in, m, label, p)
	if err != nil {
		return FeatureMap{}, err
	}
	if err := e.prepare(); err != nil {
		return FeatureMap{}, err
	}
	out := FeatureMap{Feature: Feature{Name: feature}, Exact: class == "firstorder", Resampled: p.ResampledPixelSpacing != nil}
	var terms []float64 // one a voxel of the region's box, 0 outside the region
	var images []string
	for _, i := range e.Images {
		err := e.images(i, func(image string, box []float64, set Settings) error {
			images = append(images, image)
			if image != kind {
				return nil
			}
			var err error
			if class == "firstorder" {
				out.Feature.Value, terms, err = e.firstOrderTerms(name, box, set)
			} else {
				out.Feature.Value, terms, err = e.leaveOut(class, name, box, set, o)
			}
			return err
		})
		if err != nil {
			return FeatureMap{}, err
		}
	}
	if terms == nil {
		return FeatureMap{}, fmt.Errorf("feature %q: the parameters make no image %q; they make %v%s", feature, kind, images, e.leftOut())
	}
	out.Volume = e.onImage(in.Whole, terms)
	return out, nil
}

// checkFeature returns an error where a class has no such feature.
func checkFeature(class, name string) error {
	for _, f := range families {
		if f.name == class {
			if !slices.Contains(f.features, name) && !slices.Contains(f.deprecated, name) {
				return fmt.Errorf("%s has no such feature; it has %v", class, f.features)
			}
			return nil
		}
	}
	return fmt.Errorf("there is no class %q", class)
}

// firstOrderTerms returns a first-order feature and, for each voxel of the box, its part.
func (e *extraction) firstOrderTerms(name string, box []float64, set Settings) (float64, []float64, error) {
	x := e.region.pick(box)
	s := e.scan.Spacing
	value, ok := firstOrder(x, s[0]*s[1]*s[2], set)[name]
	if !ok {
		return 0, nil, fmt.Errorf("firstorder_%s has no value", name)
	}
	term := termOf(name, x, s[0]*s[1]*s[2], set)
	terms := make([]float64, len(box))
	sum, size := 0.0, 0.0
	for o, in := range e.region.inside {
		if in {
			terms[o] = term(box[o])
			sum += terms[o]
			size += math.Abs(terms[o])
		}
	}
	if math.Abs(sum-value) > 1e-9*max(size, math.Abs(value)) {
		return 0, nil, fmt.Errorf("firstorder_%s is %v and its voxels sum to %v", name, value, sum)
	}
	return value, terms, nil
}

// termOf returns what a voxel of a value adds to a feature of the values x.
func termOf(name string, x []float64, voxelVolume float64, set Settings) func(v float64) float64 {
	n := float64(len(x))
	sorted := slices.Clone(x)
	slices.Sort(sorted)
	count := func(v float64) float64 {
		from, _ := slices.BinarySearch(sorted, v)
		to := from
		for to < len(sorted) && sorted[to] == v {
			to++
		}
		return float64(to - from)
	}
	low, high := sorted[0], sorted[len(sorted)-1]
	// order gives the value of an order statistic to those who have it.
	order := func(at, weight float64) func(float64) float64 {
		part := weight * at / count(at)
		return func(v float64) float64 {
			if v == at {
				return part
			}
			return 0
		}
	}
	percent := func(q, weight float64) func(float64) float64 {
		at := q / 100 * (n - 1)
		i := min(int(at), len(sorted)-1)
		next := sorted[min(i+1, len(sorted)-1)]
		a, b := order(sorted[i], weight*(1-(at-float64(i)))), order(next, weight*(at-float64(i)))
		return func(v float64) float64 { return a(v) + b(v) }
	}
	both := func(a, b func(float64) float64) func(float64) float64 {
		return func(v float64) float64 { return a(v) + b(v) }
	}
	moments := firstOrder(x, voxelVolume, set)
	mean, m2 := moments["Mean"], moments["Variance"]
	safe := func(numerator, denominator float64) float64 {
		if denominator == 0 {
			return 0 // a region of one value
		}
		return numerator / denominator
	}
	switch name {
	case "10Percentile":
		return percent(10, 1)
	case "90Percentile":
		return percent(90, 1)
	case "Median":
		return percent(50, 1)
	case "InterquartileRange":
		return both(percent(75, 1), percent(25, -1))
	case "Maximum":
		return order(high, 1)
	case "Minimum":
		return order(low, 1)
	case "Range":
		return both(order(high, 1), order(low, -1))
	case "Energy", "TotalEnergy", "RootMeanSquared":
		factor := 1.0
		if name == "TotalEnergy" {
			factor = voxelVolume
		} else if name == "RootMeanSquared" {
			factor = safe(1, n*moments[name])
		}
		return func(v float64) float64 { v += set.VoxelArrayShift; return factor * v * v }
	case "Variance", "StandardDeviation":
		factor := 1 / n
		if name == "StandardDeviation" {
			factor = safe(1, n*moments[name])
		}
		return func(v float64) float64 { return factor * (v - mean) * (v - mean) }
	case "Skewness":
		factor := safe(1, n*math.Pow(m2, 1.5))
		return func(v float64) float64 { v -= mean; return factor * v * v * v }
	case "Kurtosis":
		factor := safe(1, n*m2*m2)
		return func(v float64) float64 { v -= mean; return factor * v * v * v * v }
	case "MeanAbsoluteDeviation":
		return func(v float64) float64 { return math.Abs(v-mean) / n }
	case "RobustMeanAbsoluteDeviation":
		p10, p90 := percentile(sorted, 10), percentile(sorted, 90)
		middle, among := 0.0, 0.0
		for _, v := range sorted {
			if v >= p10 && v <= p90 {
				middle += v
				among++
			}
		}
		return func(v float64) float64 {
			if v < p10 || v > p90 {
				return 0
			}
			return math.Abs(v-middle/among) / among
		}
	case "Entropy", "Uniformity":
		bins := binEdges(low, high, set)
		share := map[int]float64{}
		for _, v := range x {
			share[bins.level(v)] += 1 / n
		}
		if name == "Uniformity" {
			return func(v float64) float64 { return share[bins.level(v)] / n }
		}
		return func(v float64) float64 { return -math.Log2(share[bins.level(v)])/n + 0 }
	}
	return func(v float64) float64 { return v / n } // Mean
}

// mapped is about how many voxels a map of a texture feature asks about when it may choose.
const mapped = 2000

// leaveOut returns a texture feature and, for each voxel of the box, what the feature is less than without the voxel's neighbourhood.
func (e *extraction) leaveOut(class, name string, box []float64, set Settings, o MapOptions) (float64, []float64, error) {
	feature := func(r *roi, b []float64) (float64, error) {
		t, err := newTexture(r, b, e.scan.Spacing, set)
		if err != nil {
			return 0, err
		}
		v, ok := t.class(class)[name]
		if !ok {
			return 0, fmt.Errorf("%s_%s has no value", class, name)
		}
		return v, nil
	}
	whole, err := feature(e.region, box)
	if err != nil {
		return 0, nil, err
	}
	radius, step := max(1, o.Radius), o.Step
	for step == 0 || o.Step == 0 && e.region.count/(step*step*step) > mapped {
		step++
	}
	size := e.region.Size()
	// A voxel asks about the middle of its cell.
	cell := func(v int) int { return v/step*step + step/2 }
	centres := map[[3]int]float64{}
	var order [][3]int
	for at, in := range e.region.inside {
		if !in {
			continue
		}
		c := [3]int{cell(at % size[0]), cell(at / size[0] % size[1]), cell(at / size[0] / size[1])}
		if _, ok := centres[c]; !ok {
			centres[c] = 0
			order = append(order, c)
		}
	}
	results := make([]float64, len(order))
	errs := make([]error, len(order))
	each := func(n int) {
		c := order[n]
		left := e.region.shrink(func(at int) bool {
			return abs(at%size[0]-c[0]) > radius || abs(at/size[0]%size[1]-c[1]) > radius || abs(at/size[0]/size[1]-c[2]) > radius
		})
		if left.count < 2 || left.dimensions() == 0 {
			errs[n] = fmt.Errorf("without the neighbourhood of radius %d around a voxel nothing of the region is left: choose a smaller radius", radius)
			return
		}
		v, err := feature(left, within(box, e.region, left))
		results[n], errs[n] = whole-v, err
	}
	var group sync.WaitGroup
	jobs := max(1, min(runtime.GOMAXPROCS(0), len(order)))
	for j := range jobs {
		group.Go(func() {
			for n := j; n < len(order); n += jobs {
				each(n)
			}
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return 0, nil, err
	}
	for n, c := range order {
		centres[c] = results[n]
	}
	terms := make([]float64, len(box))
	for at, in := range e.region.inside {
		if in {
			terms[at] = centres[[3]int{cell(at % size[0]), cell(at / size[0] % size[1]), cell(at / size[0] / size[1])}]
		}
	}
	return whole, terms, nil
}

// within returns the values of a smaller region's box out of those of a larger one's.
func within(box []float64, from, to *roi) []float64 {
	have, size := from.Size(), to.Size()
	out := make([]float64, 0, size[0]*size[1]*size[2])
	for k := to.Min[2]; k < to.Max[2]; k++ {
		for j := to.Min[1]; j < to.Max[1]; j++ {
			row := ((k-from.Min[2])*have[1]+j-from.Min[1])*have[0] + to.Min[0] - from.Min[0]
			out = append(out, box[row:row+size[0]]...)
		}
	}
	return out
}

// onImage lays what was computed in the region's box on the grid of the image, by nearest neighbour where the region was resampled.
func (e *extraction) onImage(whole image.Grid, terms []float64) *image.Volume {
	g := e.scan.Grid
	// Both boxes' corners in the image's voxels, with room for rounding.
	var b image.Box
	for a := range 3 {
		b.Min[a], b.Max[a] = math.MaxInt, math.MinInt
	}
	for corner := range 8 {
		var at [3]float64
		for a := range 3 {
			at[a] = float64(e.region.Min[a]) - 0.5
			if corner>>a&1 == 1 {
				at[a] = float64(e.region.Max[a]) - 0.5
			}
		}
		c := whole.Continuous(g.World(at[0], at[1], at[2]))
		for a := range 3 {
			b.Min[a] = min(b.Min[a], int(math.Floor(c[a]+0.5+1e-6)))
			b.Max[a] = max(b.Max[a], int(math.Ceil(c[a]+0.5-1e-6)))
		}
	}
	for a := range 3 {
		b.Min[a], b.Max[a] = max(0, b.Min[a]), min(whole.Size[a], b.Max[a])
	}
	out := &image.Volume{Grid: whole.Crop(b)}
	out.Values = make([]float64, out.Voxels())
	size := e.region.Size()
	at := 0
	for k := range out.Size[2] {
		for j := range out.Size[1] {
			for i := range out.Size[0] {
				c := g.Continuous(out.World(float64(i), float64(j), float64(k)))
				x, y, z := int(math.Round(c[0]))-e.region.Min[0], int(math.Round(c[1]))-e.region.Min[1], int(math.Round(c[2]))-e.region.Min[2]
				if x >= 0 && y >= 0 && z >= 0 && x < size[0] && y < size[1] && z < size[2] {
					out.Values[at] = terms[(z*size[1]+y)*size[0]+x]
				}
				at++
			}
		}
	}
	return out
}

// On returns the map on the whole grid of the image, 0 outside the region.
func (f FeatureMap) On(whole image.Grid) (*image.Volume, error) {
	c := whole.Continuous(f.Volume.Origin)
	var from [3]int
	for a := range 3 {
		from[a] = int(math.Round(c[a]))
		if math.Abs(c[a]-math.Round(c[a])) > 1e-3 || from[a] < 0 || from[a]+f.Volume.Size[a] > whole.Size[a] {
			return nil, errors.New("the map was made on another grid")
		}
	}
	out := &image.Volume{Grid: whole, Values: make([]float64, whole.Voxels())}
	n := 0
	for k := range f.Volume.Size[2] {
		for j := range f.Volume.Size[1] {
			n += copy(out.Values[whole.Index(from[0], from[1]+j, from[2]+k):], f.Volume.Values[n:n+f.Volume.Size[0]])
		}
	}
	return out, nil
}
