package neural

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
)

// The safetensors format (github.com/huggingface/safetensors): eight bytes with the length of a JSON header, the header, the values in
// little-endian order.

// tensorEntry is a tensor in the header.
type tensorEntry struct {
	DType   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
}

const maxHeader = 16 << 20

// encodeTensors writes weights, those of several networks under the names that prefix gives them.
func encodeTensors(groups []Weights, prefix func(i int) string) ([]byte, error) {
	return encodeTensorsWith(nil, groups, prefix)
}

// metadataKey is what the format calls the texts beside the tensors; in a sorted header it comes first.
const metadataKey = "__metadata__"

// encodeTensorsWith also writes metadata.
func encodeTensorsWith(metadata map[string]string, groups []Weights, prefix func(i int) string) ([]byte, error) {
	header := map[string]any{}
	if metadata != nil {
		header[metadataKey] = metadata
	}
	at := 0
	for g, all := range groups {
		for i := range all {
			n := 4 * len(all[i].Values)
			header[prefix(g)+all[i].Name] = tensorEntry{"F32", all[i].Shape, [2]int{at, at + n}}
			at += n
		}
	}
	text, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	out := binary.LittleEndian.AppendUint64(make([]byte, 0, 8+len(text)+at), uint64(len(text)))
	out = append(out, text...)
	for _, all := range groups {
		for i := range all {
			for _, v := range all[i].Values {
				out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
			}
		}
	}
	return out, nil
}

// tensorMetadata reads the texts beside the tensors.
func tensorMetadata(b []byte) (map[string]string, error) {
	if len(b) < 8 {
		return nil, fmt.Errorf("safetensors: %d bytes", len(b))
	}
	size := binary.LittleEndian.Uint64(b)
	if size > maxHeader || size > uint64(len(b)-8) {
		return nil, fmt.Errorf("safetensors: a header of %d bytes in a file of %d", size, len(b))
	}
	var header struct {
		Metadata map[string]string `json:"__metadata__"`
	}
	err := json.Unmarshal(b[8:8+size], &header)
	return header.Metadata, err
}

// decodeTensors reads tensors of single precision by name. It never panics, and allocates no more than the bytes it is given.
func decodeTensors(b []byte) (map[string]array, error) {
	if len(b) < 8 {
		return nil, fmt.Errorf("safetensors: %d bytes; the length of the header takes 8", len(b))
	}
	size := binary.LittleEndian.Uint64(b)
	if size > maxHeader || size > uint64(len(b)-8) {
		return nil, fmt.Errorf("safetensors: a header of %d bytes in a file of %d", size, len(b))
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(b[8:8+size], &header); err != nil {
		return nil, fmt.Errorf("safetensors: header: %w", err)
	}
	data := b[8+size:]
	out := make(map[string]array, len(header))
	used := 0
	for name, raw := range header {
		if name == metadataKey {
			continue
		}
		var e tensorEntry
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, fmt.Errorf("safetensors: %s: %w", name, err)
		}
		n := 1
		for _, d := range e.Shape {
			if d < 1 || d > len(data)/4/n {
				return nil, fmt.Errorf("safetensors: %s has the shape %v, and the file %d bytes of values", name, e.Shape, len(data))
			}
			n *= d
		}
		if e.DType != "F32" || e.Offsets[0] < 0 || e.Offsets[1] > len(data) || e.Offsets[1]-e.Offsets[0] != 4*n {
			return nil, fmt.Errorf("safetensors: %s of type %s and shape %v lies at %v of %d bytes; want F32", name, e.DType, e.Shape, e.Offsets, len(data))
		}
		if used += 4 * n; used > len(data) {
			return nil, fmt.Errorf("safetensors: tensors overlap")
		}
		a := array{e.Shape, make([]float32, n)}
		for k := range a.values {
			a.values[k] = math.Float32frombits(binary.LittleEndian.Uint32(data[e.Offsets[0]+4*k:]))
		}
		out[name] = a
	}
	if used != len(data) {
		return nil, fmt.Errorf("safetensors: %d bytes of values are of no tensor", len(data)-used)
	}
	return out, nil
}

// take copies the tensors of the same names and shapes into weights, and returns the names of those that were not there. One that is to stay
// frozen has to be.
func (w Weights) take(from map[string]array, frozen func(string) bool) (anew []string, err error) {
	for i := range w {
		a, ok := from[w[i].Name]
		if ok && slices.Equal(a.shape, w[i].Shape) {
			copy(w[i].Values, a.values)
			continue
		}
		if frozen(w[i].Name) {
			return nil, fmt.Errorf("%s is to stay frozen and is not there with the shape %v", w[i].Name, w[i].Shape)
		}
		anew = append(anew, w[i].Name)
	}
	if len(anew) == len(w) {
		return nil, fmt.Errorf("none of the %d tensors of the network is there by name and shape", len(w))
	}
	return anew, nil
}

// readWeights reads the file that training starts from: a .safetensors file, or a bundle, of which the first network is taken.
func readWeights(path string) (map[string]array, error) {
	const most = 4 << 30
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(b, []byte("PK")) {
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		i := slices.IndexFunc(z.File, func(f *zip.File) bool { return strings.HasSuffix(f.Name, "/"+weightsPart) && f.Method == zip.Store })
		if i < 0 {
			return nil, fmt.Errorf("%s is a bundle that holds no network", path)
		}
		r, err := z.File[i].Open()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if b, err = io.ReadAll(io.LimitReader(r, most)); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	all, err := decodeTensors(b)
	if err != nil {
		return nil, fmt.Errorf("%s is neither a bundle nor a .safetensors file that can be read: %w", path, err)
	}
	for name, a := range all {
		if rest, ok := strings.CutPrefix(name, "member0."); ok {
			all[rest] = a
		}
	}
	return all, nil
}
