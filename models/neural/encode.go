package neural

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// The parts of a network in a bundle.
const (
	networkPart = "network.json"
	weightsPart = "weights.safetensors"
	meanPart    = "mean_crop.safetensors" // only of networks over images
)

// stored is network.json.
type stored struct {
	Architecture Architecture   `json:"architecture"`
	Members      int            `json:"members"`
	Head         int            `json:"head,omitempty"` // predicted, of a network of several
	Columns      []table.Column `json:"columns,omitempty"`
	Scale        scale          `json:"scale"`
	Levels       scale          `json:"levels"`
	Crops        []models.Crops `json:"crops,omitempty"`
	Classes      []string       `json:"classes,omitempty"`
	Unit         string         `json:"unit,omitempty"`
	Baseline     Baseline       `json:"baseline"`
	Notes        []string       `json:"notes,omitempty"`
}

func memberName(i int) string { return "member" + strconv.Itoa(i) + "." }

// Encode returns the architecture and preprocessing as network.json and the weights as weights.safetensors.
func (m *Model) Encode() (map[string][]byte, error) {
	text, err := json.MarshalIndent(stored{m.Architecture, len(m.Members), m.Head, m.Inputs, m.Scale, m.Levels, m.Reads, m.Classes, m.Unit, m.Baseline, m.Remarks}, "", " ")
	if err != nil {
		return nil, err
	}
	weights, err := encodeTensors(m.Members, memberName)
	if err != nil {
		return nil, err
	}
	parts := map[string][]byte{networkPart: append(text, '\n'), weightsPart: weights}
	if m.MeanCrop != nil {
		e := m.Architecture.Image
		if parts[meanPart], err = encodeTensors([]Weights{{{Name: meanTensor, Shape: e.cropShape(), Values: m.MeanCrop}}}, func(int) string { return "" }); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// maxMembers bounds an ensemble.
const maxMembers = 100

// decode returns how a kind is decoded.
func decode(kind string) func(parts map[string][]byte) (models.Model, error) {
	return func(parts map[string][]byte) (models.Model, error) {
		m, err := decodeModel(kind, parts)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind, err)
		}
		return m, nil
	}
}

func decodeModel(kind string, parts map[string][]byte) (*Model, error) {
	text, weights := parts[networkPart], parts[weightsPart]
	if text == nil || weights == nil {
		return nil, fmt.Errorf("a network has the parts %s and %s", networkPart, weightsPart)
	}
	var s stored
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("%s: %w", networkPart, err)
	}
	if !bytes.HasSuffix(text, []byte("}\n")) {
		return nil, fmt.Errorf("%s was cut off", networkPart)
	}
	m := &Model{kind: kind, Architecture: s.Architecture, Inputs: s.Columns, Scale: s.Scale, Levels: s.Levels, Reads: s.Crops, Classes: s.Classes, Unit: s.Unit,
		Baseline: s.Baseline, Remarks: s.Notes, Head: s.Head}
	if s.Members < 1 || s.Members > maxMembers {
		return nil, fmt.Errorf("%d networks; want 1 to %d", s.Members, maxMembers)
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	tensors, err := decodeTensors(weights)
	if err != nil {
		return nil, err
	}
	layout := m.Architecture.layout()
	if len(tensors) != s.Members*len(layout) {
		return nil, fmt.Errorf("%d tensors for %d networks of %d", len(tensors), s.Members, len(layout))
	}
	for k := range s.Members {
		w, err := layout.filled(tensors, memberName(k))
		if err != nil {
			return nil, err
		}
		m.Members = append(m.Members, w)
	}
	return m, m.decodeMean(parts)
}

// check says what does not fit together in a decoded model.
func (m *Model) check() error {
	a := &m.Architecture
	if err := a.Check(); err != nil {
		return err
	}
	if m.Head < 0 || m.Head >= len(a.Heads) {
		return fmt.Errorf("head %d of %d", m.Head, len(a.Heads))
	}
	if a.Columns > 0 && len(m.Inputs) != a.Columns || len(m.Scale.Means) != a.Columns || len(m.Scale.SDs) != a.Columns {
		return fmt.Errorf("%d columns with %d means and %d deviations for an architecture of %d", len(m.Inputs), len(m.Scale.Means), len(m.Scale.SDs), a.Columns)
	}
	for j, sd := range m.Scale.SDs {
		if !(sd > 0) || math.IsInf(sd, 0) || math.IsNaN(m.Scale.Means[j]) {
			return fmt.Errorf("column %q has the mean %g and deviation %g", m.Inputs[j].Name, m.Scale.Means[j], sd)
		}
	}
	if err := m.checkLevels(); err != nil {
		return err
	}
	channels := 0
	for _, c := range m.Reads {
		channels += len(c.Channels)
		if a.Image == nil || c.Size != a.Image.Size {
			return fmt.Errorf("crops of %s have %v voxels", c.Source, c.Size)
		}
		for _, v := range c.Spacing {
			if !(v > 0) {
				return fmt.Errorf("crops of %s have the spacing %v", c.Source, c.Spacing)
			}
		}
	}
	if a.Image != nil && channels != a.Image.Channels {
		return fmt.Errorf("crops of %d channels for an architecture of %d", channels, a.Image.Channels)
	}
	if h := m.head(); h.Kind == classesHead && len(m.Classes) != h.Classes {
		return fmt.Errorf("%d classes for a head of %d", len(m.Classes), h.Classes)
	}
	b := m.Baseline
	if len(b.Times) != len(b.Hazard) || !slices.IsSorted(b.Times) || !slices.IsSorted(b.Hazard) || len(b.Hazard) > 0 && !(b.Hazard[0] >= 0) {
		return errors.New("the baseline hazard is not a rising step function")
	}
	return nil
}

// checkLevels says what is wrong with the scale of intensities.
func (m *Model) checkLevels() error {
	l := m.Levels
	if len(l.Means) == 0 && len(l.SDs) == 0 {
		return nil
	}
	if m.Architecture.Image == nil || len(l.Means) != m.Architecture.Image.Channels || len(l.SDs) != len(l.Means) {
		return fmt.Errorf("%d means and %d deviations of intensities for the channels of an image", len(l.Means), len(l.SDs))
	}
	for c, sd := range l.SDs {
		if !(sd > 0) || math.IsInf(sd, 0) || math.IsNaN(l.Means[c]) || math.IsInf(l.Means[c], 0) {
			return fmt.Errorf("channel %d has the mean %g and deviation %g", c+1, l.Means[c], sd)
		}
	}
	return nil
}
