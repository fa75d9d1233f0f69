package neural

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work/machine"
	"github.com/voxgene/voxgene/models"
)

// fault makes an error of an option.
func fault(option, format string, args ...any) error {
	return &models.OptionError{Option: option, Err: fmt.Errorf(format, args...)}
}

// Foresee says what is wrong with the crops, with what the options make of them, with the file to start from and with the layers to freeze, all of it. See
// models.Foreseeing.
func (n Network) Foresee(x models.Matrix) error {
	a := Architecture{Columns: 1, Hidden: n.Hidden, Heads: []Head{{Kind: coxHead, Weight: 1}}}
	switch n.kind {
	case cnnKind:
		a.Columns = 0
	case fusionKind:
		a.Fusion, a.Embedding = n.Fusion, n.Embedding
	}
	var faults []error
	if n.kind != mlpKind {
		crops, err := choose(x.Volumes, n.Images)
		faults = append(faults, err)
		if len(crops) > 0 {
			a.Image = n.encoder(crops)
			faults = append(faults, n.foreseeImage(a.Image), n.foreseeRows(x, crops))
		}
		if err != nil || a.Image.check() != nil {
			return errors.Join(faults...) // layers are not known
		}
	}
	if x.Rows > 0 && n.Batch > max(x.Rows, defaultBatch) {
		faults = append(faults, fault("batch", "%d rows a step are more than the %d there are to learn from: want fewer, so that an epoch has several steps", n.Batch, x.Rows))
	}
	return errors.Join(append(faults, n.foreseeLayers(&a))...)
}

// foreseeImage says what is wrong with the convolutional part.
func (n Network) foreseeImage(e *Encoder) error {
	switch {
	case e.Kernel%2 == 0 || len(e.Widths) == 0: // which newNetwork says
		return nil
	case e.Dimensions == twoDimensional && e.Size[2] != 1:
		return &models.OptionError{Option: "dimensions", Err: e.check()}
	case e.check() != nil:
		return e.check()
	}
	if most := bits.Len(uint(slices.Max(e.space()))); len(e.Widths) > most {
		return fault("widths", "between two of the %d levels space is halved, and after %d of them there is one place left of a crop of %v voxels: want at most %d levels, or a larger crop (volume: {size: …})",
			len(e.Widths), most, e.Size, most)
	}
	return nil
}

// foreseeRows says which rows lack crops without which nothing can be learnt, and whether a step would fit into memory.
func (n Network) foreseeRows(x models.Matrix, crops []models.Crops) error {
	if x.Rows == 0 {
		return nil // whose files nobody has read yet
	}
	var faults []error
	var absent []int
	for _, c := range crops {
		if v := x.FindVolumes(c.Source); !slices.ContainsFunc(v.Crop, func(at int) bool { return at >= 0 }) {
			faults = append(faults, fault("images", "no row has a crop of source %s: leave that source out, or look why it has no images", c.Source))
		}
	}
	for i := range x.Rows {
		if !slices.ContainsFunc(crops, func(c models.Crops) bool { return x.FindVolumes(c.Source).Crop[i] >= 0 }) {
			absent = append(absent, i)
		}
	}
	if n.kind == cnnKind && !n.step && len(faults) == 0 && len(absent) > 0 {
		faults = append(faults, &models.OptionError{Option: "kind", Rows: absent,
			Err: fmt.Errorf("%d rows have no image, and a cnn reads nothing else: leave them out (cohort: {exclude: FILE}), or take kind: fusion", len(absent))})
	}
	batch := min(n.Batch, x.Rows)
	need, have := n.encoder(crops).leastMemory(batch), machine.Memory()
	if have > 0 && need > have {
		faults = append(faults, fault("batch", "a step of %d rows holds %d GB of activations and gradients at least, and this machine has %d GB: want fewer rows, narrower levels, or smaller crops", batch, need>>30, have>>30))
	}
	return errors.Join(faults...)
}

// leastMemory is how many bytes the outputs of all convolutions of a batch take, with their gradients; training takes more.
func (e *Encoder) leastMemory(batch int) int64 {
	space, total := slices.Clone(e.space()), int64(0)
	blocks := int64(e.Depth)
	if e.Residual {
		blocks *= 2
	}
	for _, w := range e.Widths {
		total += blocks * int64(w) * int64(productOf(space))
		for a := range space {
			space[a] = max(1, space[a]/2)
		}
	}
	return 2 * 4 * int64(batch) * int64(e.slices()) * total
}

// foreseeLayers says what is wrong with the file to start from and with the layers that stay as it has them.
func (n Network) foreseeLayers(a *Architecture) error {
	layout := a.layout()
	err := n.checkFrozen(layout)
	if n.Start == "" {
		if err == nil && len(n.Freeze) > 0 {
			err = fault("freeze", "layers keep what they start with, which is drawn at random without start: name a bundle or a .safetensors file with it, or leave freeze out")
		}
		return err
	}
	from, broken := readWeights(n.Start)
	if broken != nil {
		return errors.Join(err, &models.OptionError{Option: "start", Err: broken})
	}
	// How many columns leave the pipeline, and what the heads predict, is not known yet.
	known := slices.DeleteFunc(layout, func(w Weight) bool {
		return strings.HasPrefix(w.Name, "head") || w.Name == "table.layer0.weight" || len(n.Hidden) == 0 && strings.HasPrefix(w.Name, "fusion")
	})
	var other []string
	for _, w := range known {
		t, ok := from[w.Name]
		if ok && slices.Equal(t.shape, w.Shape) {
			continue
		}
		says := fmt.Sprintf("%s is %v here and not there", w.Name, w.Shape)
		if ok {
			says = fmt.Sprintf("%s is %v here and %v there", w.Name, w.Shape, t.shape)
		}
		if other = append(other, says); n.frozen(w.Name) {
			err = errors.Join(err, fault("freeze", "%s, so that it cannot stay as %s has it", says, n.Start))
		}
	}
	if len(known) > 0 && len(other) == len(known) {
		err = errors.Join(err, fault("start", "%s holds no layer of this network: %s. Give the network the widths, depth and kernel of that one", n.Start, other[0]))
	}
	return err
}

// Foresee says what is wrong with the network of the step and with the layer asked for, and which columns it will add. See pipeline.Foreseeing.
func (s deep) Foresee(x models.Matrix) ([]table.Column, error) {
	n := s.network
	n.step = true
	faults := []error{n.Foresee(x)}
	crops, err := choose(x.Volumes, n.Images)
	if err != nil || len(crops) == 0 {
		return nil, faults[0]
	}
	e := n.encoder(crops)
	if known := e.layers(); s.layer != "" && !slices.Contains(known, s.layer) {
		return nil, errors.Join(append(faults, fault("layer", "the network has no layer %q; it has %s", s.layer, strings.Join(known, ", ")))...)
	}
	source := crops[0].Source
	if x.Rows > 0 && !slices.ContainsFunc(x.Columns, func(c table.Column) bool {
		return slices.ContainsFunc(crops, func(r models.Crops) bool { return r.Source == c.Source })
	}) {
		faults = append(faults, fault("on", "no column of source %s is there for the step to stand beside: let on: name some of them, or give the source features", source))
	}
	var added []table.Column
	for i := range (&frozen{arch: Architecture{Image: e}, layer: s.layer}).features() {
		added = append(added, table.Column{Name: fmt.Sprintf("%s.%s_%d", source, s.prefix, i), Source: source})
	}
	return added, errors.Join(faults...)
}
