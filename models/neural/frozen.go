package neural

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/voxgene/voxgene/features/encoder"
	"github.com/voxgene/voxgene/models"
)

// Networks of ours are encoders for sources of kind deep: of a bundle, the convolutional part of the first network over images. Frozen, it is a
// .safetensors file whose metadata has the architecture, with the weights of that part and the mean crop.

func init() {
	encoder.Register(encoder.Format{Name: "a network of a bundle", Is: func(b []byte) bool { return bytes.HasPrefix(b, []byte("PK")) }, Freeze: freezeBundle,
		Open: func([]byte, string) (encoder.Encoder, error) { return nil, errors.New("it has to be frozen first") }})
	encoder.Register(encoder.Format{Name: "a frozen network", Is: isFrozen, Freeze: func(b []byte) ([]byte, error) { return b, nil }, Open: openFrozen})
}

// frozenName is the key of the architecture in the metadata.
const frozenName = "voxgene_encoder"

// frozen is a convolutional part by itself.
type frozen struct {
	part    frozenPart
	arch    Architecture
	text    string
	weights Weights
	layer   string
	mean    []float32
}

// isFrozen says whether a file begins as ours do: the header's length, then a header with our metadata.
func isFrozen(b []byte) bool {
	return len(b) > 8 && bytes.Contains(b[8:min(len(b), 64)], []byte(`{"__metadata__":{"`+frozenName+`":`))
}

// freezeBundle takes the convolutional part of the first network over images out of a bundle.
func freezeBundle(b []byte) ([]byte, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	var names []string
	read := func(name string) ([]byte, error) {
		i := slices.IndexFunc(z.File, func(f *zip.File) bool { return f.Name == name && f.Method == zip.Store })
		if i < 0 {
			return nil, fmt.Errorf("the bundle has no %s", name)
		}
		r, err := z.File[i].Open()
		if err != nil {
			return nil, err
		}
		return io.ReadAll(io.LimitReader(r, 1<<32))
	}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/"+networkPart) {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		text, err := read(name)
		if err != nil {
			return nil, err
		}
		var s stored
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, err
		}
		if s.Architecture.Image == nil {
			continue
		}
		folder := strings.TrimSuffix(name, networkPart)
		weights, err := read(folder + weightsPart)
		if err != nil {
			return nil, err
		}
		mean, err := read(folder + meanPart)
		if err != nil {
			mean = nil // of a bundle that has none
		}
		return freeze(frozenText(s.Architecture.Image, s.Levels, s.Crops), weights, mean)
	}
	return nil, errors.New("the bundle holds no network over images")
}

// frozenPart is what the metadata says of a convolutional part: how it is built, and on which scale it reads each channel.
type frozenPart struct {
	Encoder *Encoder `json:"encoder"`
	Levels  scale    `json:"levels"`
	Masks   []bool   `json:"masks"` // of each channel: it holds a mask, which keeps its scale
}

func frozenText(e *Encoder, levels scale, crops []models.Crops) frozenPart {
	p := frozenPart{Encoder: e, Levels: levels}
	for _, c := range crops {
		for _, name := range c.Channels {
			p.Masks = append(p.Masks, name == maskChannel)
		}
	}
	return p
}

// check says what does not fit together.
func (p *frozenPart) check() error {
	if p.Encoder == nil {
		return errors.New("no architecture")
	}
	if err := p.Encoder.check(); err != nil {
		return err
	}
	if len(p.Masks) != p.Encoder.Channels {
		return fmt.Errorf("%d channels are said to be masks or not, of %d", len(p.Masks), p.Encoder.Channels)
	}
	return (&Model{Architecture: Architecture{Image: p.Encoder}, Levels: p.Levels}).checkLevels()
}

// freeze writes the file of a convolutional part.
func freeze(part frozenPart, weights, mean []byte) ([]byte, error) {
	e := part.Encoder
	all, err := decodeTensors(weights)
	if err != nil {
		return nil, err
	}
	var keep Weights
	for _, w := range encoderLayout(e) {
		a, ok := all[memberName(0)+w.Name]
		if !ok || !slices.Equal(a.shape, w.Shape) {
			return nil, fmt.Errorf("tensor %s is not there with the shape %v", w.Name, w.Shape)
		}
		keep = append(keep, Weight{Name: w.Name, Shape: a.shape, Values: a.values})
	}
	if mean != nil {
		m, err := decodeTensors(mean)
		if err != nil {
			return nil, err
		}
		if a, ok := m[meanTensor]; ok {
			keep = append(keep, Weight{Name: meanTensor, Shape: a.shape, Values: a.values})
		}
	}
	arch, err := json.Marshal(part)
	if err != nil {
		return nil, err
	}
	return encodeTensorsWith(map[string]string{frozenName: string(arch)}, []Weights{keep}, func(int) string { return "" })
}

// encoderLayout are the weights of a convolutional part.
func encoderLayout(e *Encoder) Weights {
	a := Architecture{Image: e, Heads: []Head{{Kind: coxHead, Weight: 1}}}
	return slices.DeleteFunc(a.layout(), func(w Weight) bool { return !strings.HasPrefix(w.Name, "image.") })
}

func openFrozen(b []byte, layer string) (encoder.Encoder, error) {
	all, err := decodeTensors(b)
	if err != nil {
		return nil, err
	}
	metadata, err := tensorMetadata(b)
	if err != nil {
		return nil, err
	}
	f := &frozen{text: metadata[frozenName], layer: layer}
	if err := json.Unmarshal([]byte(f.text), &f.part); err != nil {
		return nil, err
	}
	if err := f.part.check(); err != nil {
		return nil, err
	}
	e := f.part.Encoder
	f.arch.Image = e
	if known := e.layers(); layer != "" && !slices.Contains(known, layer) {
		return nil, fmt.Errorf("the network has no layer %q; it has %v", layer, known)
	}
	f.weights = encoderLayout(e)
	for i := range f.weights {
		a, ok := all[f.weights[i].Name]
		if !ok || !slices.Equal(a.shape, f.weights[i].Shape) {
			return nil, fmt.Errorf("tensor %s is not there with the shape %v", f.weights[i].Name, f.weights[i].Shape)
		}
		f.weights[i].Values = a.values
	}
	if !f.weights.finite() {
		return nil, errors.New("a weight is not a number")
	}
	if a, ok := all[meanTensor]; ok && slices.Equal(a.shape, e.cropShape()) {
		f.mean = a.values
	}
	return f, nil
}

// layers are the names of what a convolutional part computes on its way: each level, and the mean over space.
func (e *Encoder) layers() []string {
	var out []string
	for l := range e.Widths {
		out = append(out, fmt.Sprintf("image.level%d", l))
	}
	return append(out, "image.pooled")
}

// MeanCrop is that of the training patients, on the scale of Scaled.
func (f *frozen) MeanCrop() []float32 { return f.mean }

// Scaled brings a crop to the scale that the network reads.
func (f *frozen) Scaled(crop []float32) []float32 {
	d := &dataset{levels: f.part.Levels, mask: f.part.Masks}
	voxels := len(crop) / len(f.part.Masks)
	out := make([]float32, 0, len(crop))
	for c := range f.part.Masks {
		out = append(out, d.levelled(c, crop[c*voxels:(c+1)*voxels])...)
	}
	return out
}

// Encode returns the activations of the layer, brought to their mean over space, and over slices in 2.5-D; of no layer named, what the network's heads
// read of the image.
func (f *frozen) Encode(c encoder.Crop) ([]float64, error) {
	e := f.arch.Image
	if c.Size != e.Size || len(c.Channels) != e.Channels || len(c.Values) != e.Channels*e.Size[0]*e.Size[1]*e.Size[2] {
		return nil, fmt.Errorf("the network reads crops of %d channels of %v voxels, and was given %d of %v: say the volume that it was trained with", e.Channels, e.Size, len(c.Channels), c.Size)
	}
	p, err := compiled("frozen "+f.layer+" "+f.text, f.build)
	if err != nil {
		return nil, err
	}
	got, err := p.run(append(f.weights.arrays(), array{[]int{e.Channels, 1, e.Size[2], e.Size[1], e.Size[0]}, f.Scaled(c.Values)})...)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(got[0]))
	for i, v := range got[0] {
		out[i] = float64(v)
	}
	return out, nil
}

// build is the graph of Encode.
func (f *frozen) build(in []*Node) []*Node {
	w := graphWeights{}
	for i := range f.weights {
		w[f.weights[i].Name] = in[i]
	}
	seen := traced{}
	if f.layer == "" {
		return []*Node{Reshape(f.arch.Image.embed(w, in[len(in)-1], seen), -1)}
	}
	f.arch.Image.forward(w, in[len(in)-1], false, seen)
	x := seen[f.layer]
	if x.Rank() > 2 {
		x = mean(x)
	}
	if x.Shape().Dim(1) > 1 { // slices
		x = ReduceMean(x, 1)
	}
	return []*Node{Reshape(x, -1)}
}
