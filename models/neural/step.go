package neural

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/encoder"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/pipeline"
)

// deepStep names the step that trains a network on the crops of the training rows and adds what a layer of it says of each row as columns.
const deepStep = "deep"

func init() {
	pipeline.Register(pipeline.Kind{
		Name: deepStep,
		Doc:  "train a network over images on the training rows, and add what a layer of it says as columns",
		Params: append(slices.DeleteFunc(params(cnnKind), func(p models.Param) bool { return p.Name == "members" || p.Name == "modality_dropout" }),
			models.Param{Name: "layer", Default: "", Doc: "whose values become columns: image.level0, image.pooled; the last before what the network predicts"},
			models.Param{Name: "prefix", Default: "deep", Doc: "begins the names of the columns, behind the source's"}),
		Touches: []table.Kind{table.Numeric, table.Ordinal},
		New: func(o models.Options) (pipeline.Step, error) {
			o["members"], o["modality_dropout"] = 1, 0.0
			n, err := newNetwork(cnnKind, o)
			return deep{n, o["layer"].(string), o["prefix"].(string)}, err
		},
		Decode: decodeDeep,
	})
}

// deep is the step before it is fitted.
type deep struct {
	network       Network
	layer, prefix string
}

// deepened is the step fitted: a frozen encoder. Without one it passes its columns on as they are.
type deepened struct {
	columns []table.Column // given, then made
	given   int
	state   deepState
	encoder encoder.Encoder
}

// deepState is how a bundle holds it.
type deepState struct {
	Reads    []models.Crops `json:"reads,omitempty"`
	Encoder  []byte         `json:"encoder,omitempty"` // a frozen network, base64 in JSON
	Layer    string         `json:"layer,omitempty"`
	Prefix   string         `json:"prefix"`
	Features int            `json:"features"`
	note     string
}

// Fit trains the network. Where the rows have no crop, as in a comparison without images, nothing is added.
func (s deep) Fit(ctx context.Context, t models.Training) (pipeline.Fitted, error) {
	f := &deepened{columns: passed(t.X.Columns), given: len(t.X.Columns), state: deepState{Prefix: s.prefix, Layer: s.layer}}
	if len(t.X.Volumes) == 0 {
		f.state.note = "no source makes crops here, so nothing was added"
		return f, nil
	}
	_, crops, err := s.network.architecture(t)
	if err != nil {
		return nil, err
	}
	var rows []int // that have an image
	for i := range t.X.Rows {
		if slices.ContainsFunc(crops, func(c models.Crops) bool { return t.X.FindVolumes(c.Source).Crop[i] >= 0 }) {
			rows = append(rows, i)
		}
	}
	m, err := s.network.Fit(ctx, t.Select(rows))
	if err != nil {
		return nil, err
	}
	parts, err := m.Encode()
	if err != nil {
		return nil, err
	}
	network := m.(*Model)
	if f.state.Encoder, err = freeze(frozenText(network.Architecture.Image, network.Levels, network.Reads), parts[weightsPart], nil); err != nil {
		return nil, err
	}
	f.state.Reads, f.state.note = network.Reads, fmt.Sprint(network.Notes())
	if err := f.open(); err != nil {
		return nil, err
	}
	return f, f.describe()
}

// passed are the columns that go through as they are: each is made from itself, whatever an earlier step made it from.
func passed(columns []table.Column) []table.Column {
	out := slices.Clone(columns)
	for i := range out {
		out[i].From = nil
	}
	return out
}

// open makes the encoder of the state.
func (f *deepened) open() (err error) {
	f.encoder, err = openFrozen(f.state.Encoder, f.state.Layer)
	return err
}

// describe lists the columns that are made. Each comes from all columns of the source whose image it is of, because only so it goes with them.
func (f *deepened) describe() error {
	e := f.encoder.(*frozen)
	if f.state.Features = e.features(); f.state.Features < 1 {
		return errors.New("the layer has no features")
	}
	channels := 0
	for _, r := range f.state.Reads {
		channels += len(r.Channels)
		if r.Size != e.arch.Image.Size {
			return fmt.Errorf("crops of %v for a network of %v", r.Size, e.arch.Image.Size)
		}
	}
	if channels != e.arch.Image.Channels {
		return fmt.Errorf("crops of %d channels for a network of %d", channels, e.arch.Image.Channels)
	}
	source := f.state.Reads[0].Source
	var from []string
	group := "imaging"
	for _, c := range f.columns[:f.given] {
		if slices.ContainsFunc(f.state.Reads, func(r models.Crops) bool { return r.Source == c.Source }) {
			from, group = append(from, c.Name), c.Group
		}
	}
	if len(from) == 0 {
		return fmt.Errorf("no column of source %s is there for the step to stand beside; let on: name some of them", source)
	}
	f.columns = slices.Clone(f.columns[:f.given])
	for i := range f.state.Features {
		f.columns = append(f.columns, table.Column{Name: fmt.Sprintf("%s.%s_%d", source, f.state.Prefix, i), Source: source, Group: group, From: from})
	}
	return nil
}

// features is the number of values of the layer, of one network.
func (f *frozen) features() int {
	e := f.arch.Image
	for l := range e.Widths {
		if f.layer == fmt.Sprintf("image.level%d", l) {
			return e.Widths[l]
		}
	}
	return e.Widths[len(e.Widths)-1]
}

func (f *deepened) Kind() string { return deepStep }

// Columns are those given, then those made.
func (f *deepened) Columns() []table.Column { return f.columns }

// Notes says how training went.
func (f *deepened) Notes() []string {
	if f.state.note == "" {
		return nil
	}
	return []string{f.state.note}
}

// Apply adds what the encoder says of each row; a row without an image has missing values.
func (f *deepened) Apply(x models.Matrix) (models.Matrix, error) {
	out := models.NewMatrix(f.columns, x.Rows)
	copy(out.Values, x.Values)
	if f.encoder == nil {
		return out, nil
	}
	e := f.encoder.(*frozen).arch.Image
	d, err := newDataset(models.Matrix{Rows: x.Rows, Volumes: x.Volumes}, scale{}, f.state.Reads, nil, 0)
	if err != nil {
		return models.Matrix{}, err
	}
	d.encoder = e
	arch := Architecture{Image: e}
	return out, inParallel(x.Rows, func(i int) error {
		made := slices.Repeat([]float64{math.NaN()}, f.state.Features)
		if d.hasImage(i) {
			crop := d.batch(&arch, []int{i}, nil)[0]
			var err error
			if made, err = f.encoder.Encode(encoder.Crop{Values: crop.values, Channels: make([]string, e.Channels), Size: e.Size}); err != nil {
				return err
			}
		}
		for k, v := range made {
			out.Column(f.given + k)[i] = v
		}
		return nil
	})
}

// Encode returns the frozen network with what it reads.
func (f *deepened) Encode() ([]byte, error) { return json.Marshal(f.state) }

func decodeDeep(columns []table.Column, state []byte) (pipeline.Fitted, error) {
	f := &deepened{columns: passed(columns), given: len(columns)}
	d := json.NewDecoder(bytes.NewReader(state))
	d.DisallowUnknownFields()
	if err := d.Decode(&f.state); err != nil {
		return nil, err
	}
	if f.state.Encoder == nil {
		return f, nil
	}
	if len(f.state.Reads) == 0 {
		return nil, errors.New("a network that reads no image")
	}
	if err := f.open(); err != nil {
		return nil, err
	}
	features := f.state.Features
	if err := f.describe(); err != nil {
		return nil, err
	}
	if f.state.Features != features {
		return nil, fmt.Errorf("%d features for a layer of %d", features, f.state.Features)
	}
	return f, nil
}
