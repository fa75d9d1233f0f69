package cohort

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/voxgene/voxgene/features/encoder"
	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/features/table"
)

// deepen makes the plan of a source of kind deep, whose crop is for its encoder, and says what such a source does not have.
func (s *imageSource) deepen(n *settings.Node, p *settings.Problems) {
	if at := n.Get("deep"); at != nil {
		p.Add(at, "a frozen encoder is a source of its own: {kind: deep, encoder: file.onnx, volume: {…}}")
	}
	if s.Kind != "deep" {
		for _, key := range []string{"encoder", "layer"} {
			if at := n.Get(key); at != nil {
				p.Add(at, "%s is of a source of kind deep", key)
			}
		}
		return
	}
	for _, key := range []string{"radiomics", "parameters"} {
		if at := n.Get(key); at != nil {
			p.Add(at, "a source of kind deep has no %s: its columns are the encoder's", key)
		}
	}
	if s.Lesions != nil && !s.EachLesion() {
		p.Add(n.Get("lesions").Get("aggregate"), "an encoder sees one crop a row, of a patient's whole region, or of each lesion with cohort: {unit: lesion}; leave the aggregate out, or lesions")
	}
	if s.Encoder == "" || s.Volume == nil {
		p.Add(n, "a source of kind deep says its encoder and the crop that it sees: encoder: file.onnx, volume: {spacing: [1, 1, 1], size: [32, 32, 32]}")
		return
	}
	s.Deep, s.Volume = &extraction.Deep{Layer: s.Layer, Volume: s.Volume, Encoder: unknownEncoder}, nil
}

// unknownEncoder stands for the hash of an encoder that was not read yet.
var unknownEncoder = string(slices.Repeat([]byte("0"), 64))

// freeze reads the encoder of a source of kind deep, unless it came with a bundle.
func (s *imageSource) freeze(base string) error {
	if s.Deep == nil || s.Deep.Frozen() != nil {
		return nil
	}
	f, err := os.Open(resolve(base, s.Encoder))
	if err != nil {
		return fmt.Errorf("encoder: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 1<<32))
	if err != nil {
		return fmt.Errorf("encoder: %w", err)
	}
	d := *s.Deep
	s.Deep = &d
	if err := s.Deep.Freeze(data); err != nil {
		return fmt.Errorf("%s: %w", s.Encoder, err)
	}
	if err := s.Deep.Try(); err != nil { // before a scan is read
		return fmt.Errorf("volume: %w", err)
	}
	return nil
}

// trainedOn says what is known of the patients that an encoder of ours was trained on. A bundle names none, but the mean of their crops tells when
// they are all of these.
func (s *imageSource) trainedOn(crops map[table.Key][]float32) []string {
	network, trained := s.Deep.Trained()
	if !trained {
		return nil
	}
	if same, err := isMean(network, crops); err == nil && same {
		return []string{fmt.Sprintf("the encoder %s was trained on these very patients: its columns have seen the outcomes, and every estimate from them is too good. "+
			"Train the encoder on other patients, or inside the folds with the step deep", s.Encoder)}
	}
	return []string{fmt.Sprintf("the encoder %s is a network that was trained on patients with known outcomes. If any of them are among these, estimates from its columns are too good; "+
		"a bundle names no patient, so that only you can tell", s.Encoder)}
}

// isMean says whether these crops have the mean that a network was trained on.
func isMean(network encoder.Trained, crops map[table.Key][]float32) (bool, error) {
	mean := network.MeanCrop()
	if mean == nil || len(crops) == 0 {
		return false, errors.New("nothing to compare")
	}
	sum := make([]float64, len(mean))
	for _, c := range crops {
		if len(c) != len(mean) {
			return false, errors.New("crops of another size")
		}
		for i, v := range network.Scaled(c) {
			sum[i] += float64(v)
		}
	}
	apart, size := 0.0, 0.0
	for i, v := range mean {
		m := sum[i] / float64(len(crops))
		apart += (m - float64(v)) * (m - float64(v))
		size += m * m
	}
	return math.Sqrt(apart) <= 1e-3*math.Sqrt(size), nil
}
