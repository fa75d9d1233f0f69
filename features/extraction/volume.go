package extraction

import (
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/settings"
)

// Volume says how a crop of the image is made for networks: a box of fixed size and spacing about the middle of the region, along the patient's axes,
// sampled linearly. It looks at one patient alone, and where each lesion is a row at one lesion alone.
type Volume struct {
	Spacing []float64 `yaml:"spacing,required" json:"spacing"` // mm along x, y and z
	Size    []int     `yaml:"size,required" json:"size"`       // voxels along x, y and z; 1 along z is the middle slice
	// Mask is what becomes of the region: channel (default) gives it a channel of its own, crop sets what lies outside to 0, none leaves it out.
	Mask string `yaml:"mask" json:"mask,omitempty"`
	// Normalise puts the values of the crop on a scale: zscore (default) of the region, range from 0 to 1 over the crop, none.
	Normalise string `yaml:"normalise" json:"normalise,omitempty"`
}

// maxCrop bounds the voxels of a crop.
const maxCrop = 1 << 22

// check adds what the form of the keys cannot say.
func (v *Volume) check(n *settings.Node, p *settings.Problems) {
	if len(v.Spacing) != 3 || slices.ContainsFunc(v.Spacing, func(mm float64) bool { return !(mm > 0 && mm <= 1000) }) {
		p.Add(n, "spacing is three lengths in mm, along x, y and z: [1.5, 1.5, 1.5]")
	}
	voxels := 1
	for _, s := range v.Size {
		if s < 1 || s > maxCrop/max(voxels, 1) {
			voxels = -1
			break
		}
		voxels *= s
	}
	if len(v.Size) != 3 || voxels < 1 {
		p.Add(n, "size is three numbers of voxels, along x, y and z, at most %d together: [32, 32, 32]", maxCrop)
	}
	if !slices.Contains([]string{"", "channel", "crop", "none"}, v.Mask) {
		p.Add(n.Get("mask"), "want channel, crop or none, not %q", v.Mask)
	}
	if !slices.Contains([]string{"", "zscore", "range", "none"}, v.Normalise) {
		p.Add(n.Get("normalise"), "want zscore, range or none, not %q", v.Normalise)
	}
}

// Channels names what a voxel of the crop holds.
func (v *Volume) Channels() []string {
	if v.Mask == "" || v.Mask == "channel" {
		return []string{"image", "mask"}
	}
	return []string{"image"}
}

// Grid is the crop about a point, in mm.
func (v *Volume) grid(centre [3]float64) image.Grid {
	g := image.Grid{Size: [3]int(v.Size), Spacing: [3]float64(v.Spacing), Direction: image.IdentityDirection}
	for a := range 3 {
		g.Origin[a] = centre[a] - g.Spacing[a]*float64(g.Size[a]-1)/2
	}
	return g
}

// crops makes the crop of the regions of a patient, or one of each lesion where the plan takes them apart and does not aggregate.
func (plan *Plan) crops(out *Result, of *Volume, from *source, parts []part, lesions apart) error {
	volume, err := plan.whole(from)
	if err != nil {
		return err
	}
	if !plan.EachLesion() {
		out.Crop, out.Grid, err = of.crop(volume, from, together(parts))
		return err
	}
	for i, l := range lesions.parts {
		one := &out.Lesions[i]
		if one.Crop, one.Grid, err = of.crop(volume, from, part{mask: lesions.mask, label: int(l.Label)}); err != nil {
			return fmt.Errorf("lesion %s: %w", one.Name, err)
		}
	}
	return nil
}

// whole is the image on the scale that the plan asks for.
func (plan *Plan) whole(from *source) (*image.Volume, error) {
	read, err := from.image.Region(image.Selection{})
	if err != nil || plan.Normalise == nil {
		return read.Volume, err
	}
	volume, _, err := plan.normalised(read.Volume, from)
	return volume, err
}

// crop makes the crop about a region, channel by channel, and the grid that it lies on. Of what else the mask has it knows nothing.
func (of *Volume) crop(volume *image.Volume, from *source, region part) ([]float32, image.Grid, error) {
	box := region.mask.Bounds(uint16(region.label))
	if box.Empty() {
		return nil, image.Grid{}, fmt.Errorf("%s: the region has no voxel", from.path)
	}
	var middle [3]float64
	for a := range 3 {
		middle[a] = float64(box.Min[a]+box.Max[a]-1) / 2
	}
	grid := of.grid(region.mask.World(middle[0], middle[1], middle[2]))
	values := volume.Resample(grid).Values
	inside, err := covered(region, box, grid)
	if err != nil {
		return nil, grid, err
	}
	if !slices.ContainsFunc(values, func(x float64) bool { return !math.IsNaN(x) }) {
		return nil, grid, fmt.Errorf("%s: the crop about the region lies outside the image", from.image.Path)
	}
	of.normalise(values, inside)
	out := make([]float32, 0, 2*len(values))
	for i, x := range values {
		if math.IsNaN(x) || of.Mask == "crop" && inside[i] < 0.5 {
			x = 0
		}
		out = append(out, float32(x))
	}
	if len(of.Channels()) == 2 {
		for _, x := range inside {
			out = append(out, float32(x))
		}
	}
	return out, grid, nil
}

// covered is the share of each voxel of a grid that lies in the region, by linear interpolation; 0 outside.
func covered(region part, box image.Box, grid image.Grid) ([]float64, error) {
	small, err := region.mask.Crop(box.Grow([3]int{1, 1, 1}, region.mask.Size))
	if err != nil {
		return nil, err
	}
	v := &image.Volume{Grid: small.Grid, Values: make([]float64, len(small.Labels))}
	for i, l := range small.Labels {
		if l != 0 && (region.label == 0 || int(l) == region.label) {
			v.Values[i] = 1
		}
	}
	out := v.Resample(grid).Values
	for i, x := range out {
		if math.IsNaN(x) {
			out[i] = 0
		}
	}
	return out, nil
}

// normalise scales values in place. NaN lies outside the image and stays.
func (v *Volume) normalise(values, inside []float64) {
	switch v.Normalise {
	case "none":
	case "range":
		low, high := math.Inf(1), math.Inf(-1)
		for _, x := range values {
			if !math.IsNaN(x) {
				low, high = min(low, x), max(high, x)
			}
		}
		for i := range values {
			values[i] = (values[i] - low) / max(high-low, math.SmallestNonzeroFloat32)
		}
	default:
		var n, sum, squares float64
		for i, x := range values {
			if !math.IsNaN(x) && inside[i] >= 0.5 {
				n++
				sum += x
			}
		}
		mean := sum / max(n, 1)
		for i, x := range values {
			if !math.IsNaN(x) && inside[i] >= 0.5 {
				squares += (x - mean) * (x - mean)
			}
		}
		sd := math.Sqrt(squares / max(n, 1))
		if !(sd > 0) {
			sd = 1
		}
		for i := range values {
			values[i] = (values[i] - mean) / sd
		}
	}
}
