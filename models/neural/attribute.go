package neural

import (
	"context"
	"fmt"
	"slices"

	"github.com/voxgene/voxgene/models"
)

// The methods by which a network explains itself.
const (
	expectedGradients   = "expected_gradients"
	integratedGradients = "integrated_gradients"
)

// AttributionMethods are expected gradients (Erion and others, doi:10.1038/s42256-021-00343-w) and integrated gradients (Sundararajan, Taly & Yan,
// arXiv:1703.01365). A network over images whose bundle holds no mean crop has none.
func (m *Model) AttributionMethods() []string {
	if m.Architecture.Image != nil && m.MeanCrop == nil {
		return nil
	}
	return []string{expectedGradients, integratedGradients}
}

// Attribute integrates the gradient of what is explained along straight ways from the background to each row. Expected gradients go from each
// row of the background with its share, integrated gradients from the background's mean. The image goes from the mean crop of the training
// patients. A row that lacks image or table goes to where the network is told so; what that adds is the image's part, or is shared evenly by
// the columns.
//
// The integral is a sum over points that are spread over the way and over the background's rows; their number is doubled until the gap is
// a small share of the distance, or there are enough. It is the same whatever the rows beside it.
func (m *Model) Attribute(ctx context.Context, x models.Matrix, r models.AttributionRequest) (models.Contributions, error) {
	var none models.Contributions
	if !slices.Contains(m.AttributionMethods(), r.Method) {
		return none, fmt.Errorf("a network of kind %s has no method %q here; it has %v", m.kind, r.Method, m.AttributionMethods())
	}
	goals, err := m.goals(r)
	if err != nil {
		return none, err
	}
	d, err := m.dataset(x)
	if err != nil {
		return none, err
	}
	from, err := m.origins(r)
	if err != nil {
		return none, err
	}
	w, err := m.newWay(goals, from)
	if err != nil {
		return none, err
	}
	out, err := m.outputs(d)
	if err != nil {
		return none, err
	}
	columns, numbers := len(x.Columns), len(goals)
	c := models.Contributions{Values: make([]float64, x.Rows*numbers*columns), Bases: w.bases}
	for _, s := range m.Reads {
		c.Images = append(c.Images, models.ImageContributions{Source: s.Source, Totals: make([]float64, x.Rows*numbers), Maps: make([][]float32, x.Rows*numbers)})
	}
	return c, w.rows(x.Rows, func(i int) error {
		targets := make([]float64, numbers)
		for k, g := range goals {
			targets[k] = g.value(out[i])
		}
		sums, err := w.integrate(ctx, m.point(d, i), targets)
		for k := range sums {
			m.share(&c, sums[k], i*numbers+k, columns, d, i, r.Maps)
		}
		return err
	})
}

// share writes what one number of a row is made of to its place at: to columns and to the sources of images.
func (m *Model) share(c *models.Contributions, s position, at, columns int, d *dataset, row int, maps bool) {
	to := c.Values[at*columns : (at+1)*columns]
	copy(to, s.table)
	if len(s.present) == modalities {
		for j := range to {
			to[j] += s.present[1] / float64(columns)
		}
	}
	voxels, channel := 0, 0
	if e := m.Architecture.Image; e != nil {
		voxels = e.Size[0] * e.Size[1] * e.Size[2]
	}
	for k, crops := range m.Reads {
		image := &c.Images[k]
		sum := make([]float64, voxels)
		for range crops.Channels {
			for v, x := range s.image[channel*voxels : (channel+1)*voxels] {
				sum[v] += x
			}
			channel++
		}
		for _, x := range sum {
			image.Totals[at] += x
		}
		if len(s.present) == modalities {
			image.Totals[at] += s.present[0] / float64(len(m.Reads))
		}
		if maps && d.volumes[k] != nil && d.volumes[k].Crop[row] >= 0 {
			image.Maps[at] = make([]float32, voxels)
			for v, x := range sum {
				image.Maps[at][v] = float32(x)
			}
		}
	}
}

// position is a place in the space of a network's inputs, or a gradient there. Parts that it does not read are nil.
type position struct {
	image   []float64 // channel by channel, x fastest
	table   []float64 // on the network's scale
	present []float64
}

// point is row i as the network reads it.
func (m *Model) point(d *dataset, i int) position {
	var p position
	parts := d.batch(&m.Architecture, []int{i}, nil)
	next := func() []float64 {
		out := make([]float64, len(parts[0].values))
		for k, v := range parts[0].values {
			out[k] = float64(v)
		}
		parts = parts[1:]
		return out
	}
	if m.Architecture.Image != nil {
		p.image = next()
	}
	if m.Architecture.Columns > 0 {
		p.table = next()
	}
	if m.Architecture.Fusion != "" {
		p.present = next()
	}
	return p
}

// origin is where ways begin, with its share of them.
type origin struct {
	position
	share float64
}

// origins are the rows of the background, or their mean, each with the mean crop. A network that reads no table has one.
func (m *Model) origins(r models.AttributionRequest) ([]origin, error) {
	a := &m.Architecture
	crop := make([]float64, len(m.MeanCrop))
	for k, v := range m.MeanCrop {
		crop[k] = float64(v)
	}
	if a.Columns == 0 {
		return []origin{{position{image: crop}, 1}}, nil
	}
	if r.Background.Rows == 0 || len(r.Shares) != r.Background.Rows {
		return nil, fmt.Errorf("%d shares of a background of %d rows", len(r.Shares), r.Background.Rows)
	}
	if err := models.CheckColumns(m.Inputs, r.Background); err != nil {
		return nil, err
	}
	table, err := m.Scale.scaled(r.Background)
	if err != nil {
		return nil, err
	}
	rows := r.Background.Rows
	var all []origin
	for i := range rows {
		o := origin{position{table: make([]float64, a.Columns)}, r.Shares[i]}
		for j := range a.Columns {
			o.table[j] = float64(table[j*rows+i])
		}
		if a.Image != nil {
			o.image = crop
		}
		if a.Fusion != "" {
			o.present = []float64{1, 1}
		}
		if o.share > 0 {
			all = append(all, o)
		}
	}
	if r.Method == expectedGradients || len(all) == 1 {
		return all, nil
	}
	mean := all[0]
	mean.table, mean.share = make([]float64, a.Columns), 1
	for _, o := range all {
		for j, v := range o.table {
			mean.table[j] += o.share * v
		}
	}
	return []origin{mean}, nil
}
