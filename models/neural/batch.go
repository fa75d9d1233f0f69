package neural

import (
	"github.com/voxgene/voxgene/features/work"
)

// disturb is what training does to the samples of a batch that prediction does not.
type disturb struct {
	seed     work.Seed // of the epoch
	augment  *Augmentation
	modality float64 // chance that a sample loses a modality, or a sequence of several
	dropout  float64 // share of the last hidden layer that is left out
	width    int     // of that layer
}

// batch packs rows into the inputs of a graph. A row of -1 is padding. how is nil in prediction.
func (d *dataset) batch(a *Architecture, rows []int, how *disturb) []array {
	var out []array
	lost := make([]loss, len(rows))
	if how != nil {
		for k, i := range rows {
			if i >= 0 {
				lost[k] = d.lose(i, how)
			}
		}
	}
	if a.Image != nil {
		out = append(out, d.images(rows, lost, how))
	}
	if a.Columns > 0 {
		t := newArray(a.Columns, len(rows))
		for k, i := range rows {
			if i < 0 || lost[k].table {
				continue
			}
			for j := range a.Columns {
				t.values[j*len(rows)+k] = d.table[j*d.rows+i]
			}
		}
		out = append(out, t)
	}
	if a.Fusion != "" {
		p := newArray(modalities, len(rows))
		for k, i := range rows {
			if i >= 0 && d.hasImage(i) && !lost[k].image {
				p.values[k] = 1
			}
			if i >= 0 && d.hasRow[i] && !lost[k].table {
				p.values[len(rows)+k] = 1
			}
		}
		out = append(out, p)
	}
	if how != nil {
		out = append(out, how.drop(rows))
	}
	return out
}

// loss says what a sample of training goes without.
type loss struct {
	image, table bool
	sequence     []bool // nil loses none
}

// lose draws what a sample goes without: never all that it has.
func (d *dataset) lose(i int, how *disturb) loss {
	var l loss
	if how.modality <= 0 {
		return l
	}
	r := how.seed.SplitInt("modality", i).Rand()
	if d.encoder != nil && d.columns > 0 && d.hasImage(i) && d.hasRow[i] {
		if u := r.Float64(); u < how.modality/2 {
			l.image = true
		} else if u < how.modality {
			l.table = true
		}
	}
	if len(d.volumes) > 1 && !l.image && r.Float64() < how.modality {
		var have []int
		for s, v := range d.volumes {
			if v != nil && v.Crop[i] >= 0 {
				have = append(have, s)
			}
		}
		if len(have) > 1 {
			l.sequence = make([]bool, len(d.volumes))
			l.sequence[have[r.IntN(len(have))]] = true
		}
	}
	return l
}

// images packs the crops of rows: [channels, batch, z, y, x]. What is not there is 0.
func (d *dataset) images(rows []int, lost []loss, how *disturb) array {
	e := d.encoder
	out := newArray(e.Channels, len(rows), e.Size[2], e.Size[1], e.Size[0])
	voxels := e.Size[0] * e.Size[1] * e.Size[2]
	_ = inParallel(len(rows), func(k int) error { // which has nothing to fail
		if i := rows[k]; i >= 0 && !lost[k].image {
			to := make([][]float32, e.Channels)
			for c := range to {
				at := (c*len(rows) + k) * voxels
				to[c] = out.values[at : at+voxels]
			}
			d.crop(to, i, lost[k].sequence, how)
		}
		return nil
	})
	return out
}

// crop writes the channels of a row's crop, disturbed in training, less those of the sequences that it loses.
func (d *dataset) crop(to [][]float32, i int, lost []bool, how *disturb) {
	voxels := d.encoder.Size[0] * d.encoder.Size[1] * d.encoder.Size[2]
	from := make([][]float32, 0, len(to)) // each channel; nil where absent
	for s, v := range d.volumes {
		var values []float32
		if v != nil && (lost == nil || !lost[s]) {
			values = v.Of(i)
		}
		for c := range d.crops[s].Channels {
			if values == nil {
				from = append(from, nil)
			} else {
				from = append(from, d.levelled(len(from), values[c*voxels:(c+1)*voxels]))
			}
		}
	}
	if how != nil && how.augment != nil {
		how.augment.apply(to, from, d.mask, d.encoder, how.seed.SplitInt("augment", i).Rand())
		return
	}
	for c := range from {
		copy(to[c], from[c])
	}
}

// drop draws what the last hidden layer is multiplied with: 0, or what keeps its expectation.
func (how *disturb) drop(rows []int) array {
	m := newArray(how.width, len(rows))
	for k, i := range rows {
		if how.dropout <= 0 || i < 0 {
			for j := range how.width {
				m.values[j*len(rows)+k] = 1
			}
			continue
		}
		r := how.seed.SplitInt("dropout", i).Rand()
		for j := range how.width {
			if r.Float64() >= how.dropout {
				m.values[j*len(rows)+k] = float32(1 / (1 - how.dropout))
			}
		}
	}
	return m
}
