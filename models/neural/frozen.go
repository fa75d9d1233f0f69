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

// Networks of ours are encoders for sources of kind deep: of a bundle, the convolutional part of the first network over images, of every member of
// it where it is an average of several. Frozen, it is a .safetensors file whose metadata has the architecture, with the weights of that part and the
// mean crop. What one member calls its third channel has nothing to do with that of another, so that members are not averaged here: their
// features stand one behind the other.

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
	members []Weights
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
	Masks   []bool   `json:"masks"`             // of each channel: it holds a mask, which keeps its scale
	Members int      `json:"members,omitempty"` // more than one, whose weights but the first's have their number before their names
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
	if p.Members < 0 || p.Members > maxMembers {
		return fmt.Errorf("%d networks; want at most %d", p.Members, maxMembers)
	}
	if len(p.Masks) != p.Encoder.Channels {
		return fmt.Errorf("%d channels are said to be masks or not, of %d", len(p.Masks), p.Encoder.Channels)
	}
	return (&Model{Architecture: Architecture{Image: p.Encoder}, Levels: p.Levels}).checkLevels()
}

// frozenMember begins the names of a member's weights in a frozen file.
func frozenMember(k int) string {
	if k == 0 {
		return ""
	}
	return memberName(k)
}

// freeze writes the file of a convolutional part, from the weights of all members.
func freeze(part frozenPart, weights, mean []byte) ([]byte, error) {
	e := part.Encoder
	all, err := decodeTensors(weights)
	if err != nil {
		return nil, err
	}
	layout := encoderLayout(e)
	var members []Weights
	for k := range maxMembers {
		if _, more := all[memberName(k)+layout[0].Name]; !more && k > 0 {
			break
		}
		var keep Weights
		for _, w := range layout {
			a, ok := all[memberName(k)+w.Name]
			if !ok || !slices.Equal(a.shape, w.Shape) {
				return nil, fmt.Errorf("tensor %s is not there with the shape %v", memberName(k)+w.Name, w.Shape)
			}
			keep = append(keep, Weight{Name: w.Name, Shape: a.shape, Values: a.values})
		}
		members = append(members, keep)
	}
	if len(members) > 1 {
		part.Members = len(members)
	}
	if mean != nil {
		m, err := decodeTensors(mean)
		if err != nil {
			return nil, err
		}
		if a, ok := m[meanTensor]; ok {
			members[0] = append(members[0], Weight{Name: meanTensor, Shape: a.shape, Values: a.values})
		}
	}
	arch, err := json.Marshal(part)
	if err != nil {
		return nil, err
	}
	return encodeTensorsWith(map[string]string{frozenName: string(arch)}, members, frozenMember)
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
	for k := range max(1, f.part.Members) {
		w, err := encoderLayout(e).filled(all, frozenMember(k))
		if err != nil {
			return nil, err
		}
		f.members = append(f.members, w)
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
// read of the image; of each member, one behind the other.
func (f *frozen) Encode(c encoder.Crop) ([]float64, error) {
	e := f.arch.Image
	if c.Size != e.Size || len(c.Channels) != e.Channels || len(c.Values) != e.Channels*e.Size[0]*e.Size[1]*e.Size[2] {
		return nil, fmt.Errorf("the network reads crops of %d channels of %v voxels, and was given %d of %v: say the volume that it was trained with", e.Channels, e.Size, len(c.Channels), c.Size)
	}
	p, err := compiled("frozen "+f.layer+" "+f.text, f.build)
	if err != nil {
		return nil, err
	}
	crop := array{[]int{e.Channels, 1, e.Size[2], e.Size[1], e.Size[0]}, f.Scaled(c.Values)}
	var out []float64
	for _, w := range f.members {
		got, err := p.run(append(w.arrays(), crop)...)
		if err != nil {
			return nil, err
		}
		for _, v := range got[0] {
			out = append(out, float64(v))
		}
	}
	return out, nil
}

// build is the graph of Encode.
func (f *frozen) build(in []*Node) []*Node {
	w := graphWeights{}
	for i, one := range f.members[0] {
		w[one.Name] = in[i]
	}
	seen := traced{}
	if f.layer == "" {
		return []*Node{Reshape(f.arch.Image.embed(w, in[len(in)-1], false, seen), -1)}
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
