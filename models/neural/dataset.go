package neural

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// dataset is the rows of a matrix as a network reads them: columns on a scale of their own, and for each row the crops of its sequences.
type dataset struct {
	rows    int
	columns int
	table   []float32         // column-major; NaN was replaced by 0, the training mean
	hasRow  []bool            // a value in any column
	volumes []*models.Volumes // of each sequence, nil where the matrix has none of them
	crops   []models.Crops    // that the network reads
	encoder *Encoder          // nil without images
	mask    []bool            // of each channel: it holds a mask and not intensities
	levels  scale             // of the intensities of each channel; empty leaves them as they are
}

// scale is the mean and standard deviation of each column in training.
type scale struct {
	Means []float64 `json:"means,omitempty"`
	SDs   []float64 `json:"sds,omitempty"`
}

// newScale learns the scale of columns, leaving out what is missing. A column that is constant or empty has deviation 1.
func newScale(x models.Matrix) scale {
	s := scale{make([]float64, len(x.Columns)), make([]float64, len(x.Columns))}
	for j := range x.Columns {
		n, sum, squares := 0.0, 0.0, 0.0
		for _, v := range x.Column(j) {
			if !table.Missing(v) {
				n++
				sum += v
			}
		}
		if n > 0 {
			s.Means[j] = sum / n
		}
		for _, v := range x.Column(j) {
			if !table.Missing(v) {
				squares += (v - s.Means[j]) * (v - s.Means[j])
			}
		}
		s.SDs[j] = math.Sqrt(squares / max(n, 1))
		if !(s.SDs[j] > 1e-12*math.Abs(s.Means[j])) {
			s.SDs[j] = 1
		}
	}
	return s
}

// scaled brings the columns to their scale, column-major.
func (s scale) scaled(x models.Matrix) ([]float32, error) {
	out := make([]float32, len(x.Values))
	for j, c := range x.Columns {
		for i, v := range x.Column(j) {
			if table.Missing(v) {
				continue
			}
			z := (v - s.Means[j]) / s.SDs[j]
			if math.IsInf(z, 0) {
				return nil, fmt.Errorf("column %q, row %d: %v is not a number that a network can read", c.Name, i+1, v)
			}
			out[j*x.Rows+i] = float32(max(min(z, farthest), -farthest))
		}
	}
	return out, nil
}

// newLevels learns the scale of the intensities of each channel from all crops of a training set. It brings a crop that keeps its units to numbers
// that a network can learn from, and keeps the differences between patients. What is exactly 0 is no intensity: it lies outside the
// region, or outside the scan. Masks keep their scale.
func (d *dataset) newLevels() scale {
	var s scale
	for at, v := range d.volumes {
		for c := range d.crops[at].Channels {
			var n, sum, squares float64
			if v != nil && !d.mask[len(s.Means)] {
				n, sum, squares = intensities(v, c)
			}
			mean := sum / max(n, 1)
			sd := math.Sqrt(max(squares/max(n, 1)-mean*mean, 0))
			if !(sd > 1e-6*math.Abs(mean)) {
				sd = 1
			}
			s.Means, s.SDs = append(s.Means, mean), append(s.SDs, sd)
		}
	}
	return s
}

// intensities sums what is not 0 in a channel of all crops.
func intensities(v *models.Volumes, channel int) (n, sum, squares float64) {
	voxels := v.Size[0] * v.Size[1] * v.Size[2]
	for i := range v.Crop {
		crop := v.Of(i)
		if crop == nil {
			continue
		}
		for _, x := range crop[channel*voxels : (channel+1)*voxels] {
			if x != 0 {
				n++
				sum += float64(x)
				squares += float64(x) * float64(x)
			}
		}
	}
	return n, sum, squares
}

// levelled brings the values of a channel to its scale.
func (d *dataset) levelled(channel int, values []float32) []float32 {
	if values == nil || d.levels.Means == nil || d.mask[channel] {
		return values
	}
	mean, factor := float32(d.levels.Means[channel]), float32(1/d.levels.SDs[channel])
	out := make([]float32, len(values))
	for i, v := range values {
		if v != 0 {
			out[i] = (v - mean) * factor
		}
	}
	return out
}

// farthest is how many standard deviations from the training mean a value may be; single precision ends not far beyond its square.
const farthest = 1e6

// newDataset reads a matrix for a network with these columns and crops. Of a network over images, a row of which there is nothing at all is an error.
func newDataset(x models.Matrix, s scale, crops []models.Crops, e *Encoder, columns int) (*dataset, error) {
	d := &dataset{rows: x.Rows, columns: columns, crops: crops, encoder: e}
	if columns > 0 {
		var err error
		if d.table, err = s.scaled(x); err != nil {
			return nil, err
		}
		d.hasRow = make([]bool, x.Rows)
		for j := range x.Columns {
			for i, v := range x.Column(j) {
				d.hasRow[i] = d.hasRow[i] || !table.Missing(v)
			}
		}
	}
	for _, c := range crops {
		v := x.FindVolumes(c.Source)
		if v != nil {
			if err := fits(c, v); err != nil {
				return nil, err
			}
			if err := v.Check(x.Rows); err != nil {
				return nil, err
			}
		}
		d.volumes = append(d.volumes, v)
		for _, name := range c.Channels {
			d.mask = append(d.mask, name == maskChannel)
		}
	}
	var absent []int
	for i := range x.Rows {
		if e != nil && !d.hasImage(i) && !(columns > 0 && d.hasRow[i]) {
			absent = append(absent, i)
		}
	}
	if len(absent) > 0 {
		return nil, fmt.Errorf("%d rows have %w, the first is row %d: leave those patients out, or add a source that they have", len(absent), models.ErrNothingRead, absent[0]+1)
	}
	return d, nil
}

// maskChannel names the channel of a crop that holds the region.
const maskChannel = "mask"

// fits says whether volumes are what a network was made for.
func fits(c models.Crops, v *models.Volumes) error {
	if v.Size != c.Size || !slices.Equal(v.Channels, c.Channels) {
		return fmt.Errorf("source %s has crops of %v voxels with channels %v, and the network reads %v with %v", c.Source, v.Size, v.Channels, c.Size, c.Channels)
	}
	for a := range 3 {
		if math.Abs(v.Spacing[a]-c.Spacing[a]) > 1e-6*c.Spacing[a] {
			return fmt.Errorf("source %s has crops with a spacing of %v mm, and the network reads %v", c.Source, v.Spacing, c.Spacing)
		}
	}
	return nil
}

// hasImage says whether any sequence of a row is there.
func (d *dataset) hasImage(i int) bool {
	return slices.ContainsFunc(d.volumes, func(v *models.Volumes) bool { return v != nil && v.Crop[i] >= 0 })
}

// choose finds the crops that a network reads: of the sources named, or of all. They have one size and spacing, because they become the
// channels of one image. With an error it returns those that fit.
func choose(all []models.Volumes, named []string) ([]models.Crops, error) {
	if len(all) == 0 {
		return nil, fault("images", "a network over images needs crops of them: give a source of kind images the option volume: {spacing: …, size: […]}")
	}
	if len(named) == 0 {
		for _, v := range all {
			named = append(named, v.Source)
		}
	}
	var out []models.Crops
	var faults []error
	for k, name := range named {
		if slices.Contains(named[:k], name) {
			faults = append(faults, fault("images", "source %q is named twice", name))
			continue
		}
		i := slices.IndexFunc(all, func(v models.Volumes) bool { return v.Source == name })
		if i < 0 {
			faults = append(faults, fault("images", "no source %q makes crops (volume: {…}); those that do are %s", name, cropping(all)))
			continue
		}
		c := models.Crops{Source: name, Channels: all[i].Channels, Size: all[i].Size, Spacing: all[i].Spacing}
		if len(out) > 0 && (c.Size != out[0].Size || c.Spacing != out[0].Spacing) {
			faults = append(faults, fault("images", "the crops of %s are %v voxels of %v mm and those of %s %v of %v; sequences that become channels of one image share both: give them one volume, or name fewer with images",
				out[0].Source, out[0].Size, out[0].Spacing, name, c.Size, c.Spacing))
			continue
		}
		out = append(out, c)
	}
	return out, errors.Join(faults...)
}

// cropping lists the sources of volumes.
func cropping(all []models.Volumes) string {
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = v.Source
	}
	return strings.Join(names, ", ")
}
