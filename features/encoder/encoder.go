// Package encoder turns the crop of one patient's image into numbers by a network that is frozen: nothing is learned here, and no other
// patient is looked at. Encoders are ONNX files, and what other packages register: networks trained by Voxgene itself.
package encoder

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/onnx"
)

// MaxBytes bounds an encoder, which travels in the bundle.
const MaxBytes = 128 << 20

// MaxFeatures bounds the columns that an encoder makes.
const MaxFeatures = 8192

// Crop is what an encoder sees of one patient: values channel by channel, x fastest.
type Crop struct {
	Values   []float32
	Channels []string // what a voxel holds: image, mask
	Size     [3]int   // voxels along x, y and z
}

// Encoder turns a crop into numbers, as many for each patient. It is safe for concurrent use.
type Encoder interface {
	Encode(c Crop) ([]float64, error)
}

// Trained is an Encoder that knows the mean crop of the patients that it was trained on, on the scale that it brings crops to.
type Trained interface {
	MeanCrop() []float32 // nil where it was not kept
	Scaled(crop []float32) []float32
}

// Format is a kind of file.
type Format struct {
	Name string
	Is   func(data []byte) bool
	// Freeze returns what a bundle keeps of a file: all that encoding needs, and nothing else.
	Freeze func(data []byte) ([]byte, error)
	// Open reads what Freeze returned. Layer names the values that become columns; empty is the last before what the network predicts.
	Open func(data []byte, layer string) (Encoder, error)
}

var formats []Format

// Register adds a format; packages do so when they are initialised. Files that none takes are read as ONNX.
func Register(f Format) { formats = append(formats, f) }

func formatOf(data []byte) Format {
	for _, f := range formats {
		if f.Is(data) {
			return f
		}
	}
	return Format{Name: "ONNX", Freeze: func(data []byte) ([]byte, error) { return data, nil }, Open: openONNX}
}

// Freeze returns what a bundle keeps of an encoder's file.
func Freeze(data []byte) ([]byte, error) {
	f := formatOf(data)
	out, err := f.Freeze(data)
	if err != nil {
		return nil, fmt.Errorf("encoder (%s): %w", f.Name, err)
	}
	if len(out) > MaxBytes {
		return nil, fmt.Errorf("encoder (%s): %d bytes; at most %d travel in a bundle", f.Name, len(out), MaxBytes)
	}
	return out, nil
}

// Open reads a frozen encoder.
func Open(data []byte, layer string) (Encoder, error) {
	f := formatOf(data)
	e, err := f.Open(data, layer)
	if err != nil {
		return nil, fmt.Errorf("encoder (%s): %w", f.Name, err)
	}
	return e, nil
}

// portable is an encoder in an ONNX file.
type portable struct{ model *onnx.Model }

func openONNX(data []byte, layer string) (Encoder, error) {
	m, err := onnx.Read(data, layer)
	if err != nil {
		return nil, err
	}
	if rank := len(m.Input().Shape); m.Input().Shape != nil && rank != 4 && rank != 5 {
		return nil, fmt.Errorf("the input %q has %d axes; an encoder of images takes batch, channels, (z,) y and x", m.Input().Name, rank)
	}
	return portable{m}, nil
}

// Encode gives the network the crop as [1, channels, z, y, x] or, where it reads slices, each slice as [1, channels, y, x] and takes the mean over
// slices. A network of three channels sees an image of one in each of them. An answer that still has space is brought to its mean over it.
func (p portable) Encode(c Crop) ([]float64, error) {
	voxels := c.Size[0] * c.Size[1] * c.Size[2]
	channels := len(c.Channels)
	if voxels == 0 || channels*voxels != len(c.Values) {
		return nil, fmt.Errorf("%d values are no crop of %d channels of %v voxels", len(c.Values), channels, c.Size)
	}
	values := c.Values
	want := p.model.Input().Shape
	if len(want) > 1 && want[1] > channels && channels == 1 {
		values, channels = slices.Repeat(values, want[1]), want[1]
	}
	if len(want) != 4 {
		return p.run(values, []int{1, channels, c.Size[2], c.Size[1], c.Size[0]})
	}
	plane := c.Size[0] * c.Size[1]
	var sum []float64
	one := make([]float32, channels*plane)
	for z := range c.Size[2] {
		for k := range channels {
			copy(one[k*plane:(k+1)*plane], values[k*voxels+z*plane:])
		}
		out, err := p.run(one, []int{1, channels, c.Size[1], c.Size[0]})
		if err != nil {
			return nil, err
		}
		if sum == nil {
			sum = make([]float64, len(out))
		}
		for i, v := range out {
			sum[i] += v / float64(c.Size[2])
		}
	}
	return sum, nil
}

func (p portable) run(values []float32, shape []int) ([]float64, error) {
	if err := p.model.Takes(shape); err != nil {
		return nil, fmt.Errorf("%w: say the size of the crop with volume: {size: [x, y, z]}, and mask: channel for a second channel", err)
	}
	out, of, err := p.model.Run(values, shape)
	if err != nil {
		return nil, err
	}
	n, space := len(out), 1
	if len(of) > 2 { // [1, channels, space…]
		n = of[0] * of[1]
		space = len(out) / max(n, 1)
	}
	if n == 0 || n > MaxFeatures {
		return nil, fmt.Errorf("the answer has the shape %v; want 1 to %d numbers: name a layer further on", of, MaxFeatures)
	}
	features := make([]float64, n)
	for i, v := range out {
		features[i/space] += float64(v) / float64(space)
	}
	for _, v := range features {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, errors.New("the encoder's answer is not a number")
		}
	}
	return features, nil
}
