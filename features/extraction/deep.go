package extraction

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/voxgene/voxgene/features/encoder"
	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/features/settings"
)

// Deep asks for the numbers that a frozen encoder makes of a crop, in place of radiomics. The encoder itself is no part of the plan's text, which
// has its hash: a bundle keeps it beside, and Attach brings both together.
type Deep struct {
	Encoder string  `yaml:"encoder,required" json:"encoder"` // SHA-256 of the frozen encoder
	Layer   string  `yaml:"layer" json:"layer,omitempty"`    // whose values become columns; the last before what the network predicts
	Volume  *Volume `yaml:"volume,required" json:"volume"`   // the crop that it sees

	frozen []byte
	open   encoder.Encoder
}

// Freeze takes an encoder's file and sets the hash.
func (d *Deep) Freeze(file []byte) error {
	frozen, err := encoder.Freeze(file)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(frozen)
	d.Encoder = hex.EncodeToString(sum[:])
	return d.Attach(frozen)
}

// Attach gives the plan its encoder, which must have the plan's hash.
func (d *Deep) Attach(frozen []byte) error {
	if sum := sha256.Sum256(frozen); hex.EncodeToString(sum[:]) != d.Encoder {
		return errors.New("the encoder is not the one that the source names")
	}
	e, err := encoder.Open(frozen, d.Layer)
	if err != nil {
		return err
	}
	d.frozen, d.open = frozen, e
	return nil
}

// Try says whether the encoder takes crops of the plan's form.
func (d *Deep) Try() error {
	v := d.Volume
	_, err := d.open.Encode(encoder.Crop{Values: make([]float32, len(v.Channels())*v.Size[0]*v.Size[1]*v.Size[2]), Channels: v.Channels(), Size: [3]int(v.Size)})
	return err
}

// Frozen is the encoder as a bundle keeps it; nil before Freeze or Attach.
func (d *Deep) Frozen() []byte { return d.frozen }

// Trained is the encoder where Voxgene trained it, and knows something of the patients.
func (d *Deep) Trained() (encoder.Trained, bool) {
	t, ok := d.open.(encoder.Trained)
	return t, ok
}

func (d *Deep) check(n *settings.Node, p *settings.Problems) {
	if len(d.Encoder) != 64 {
		p.Add(n.Get("encoder"), "want the SHA-256 of an encoder")
	}
	if d.Volume != nil {
		d.Volume.check(n.Get("volume"), p)
	}
}

// deep adds the features of the crop; the crop itself stays where the encoder's training is to be compared with it.
func (plan *Plan) deep(out *Result, from *source, parts []part, lesions apart) error {
	d := plan.Deep
	if d.open == nil {
		return errors.New("the encoder of the source is not there")
	}
	if err := plan.crops(out, d.Volume, from, parts, lesions); err != nil {
		return err
	}
	var err error
	if !plan.EachLesion() {
		out.Features, err = d.encode(&out.Crop)
		return err
	}
	for i := range out.Lesions {
		if out.Lesions[i].Features, err = d.encode(&out.Lesions[i].Crop); err != nil {
			return err
		}
	}
	return nil
}

// encode is what the encoder says of a crop, which is then forgotten unless it is to be compared with the encoder's training.
func (d *Deep) encode(crop *[]float32) ([]radiomics.Feature, error) {
	values, err := d.open.Encode(encoder.Crop{Values: *crop, Channels: d.Volume.Channels(), Size: [3]int(d.Volume.Size)})
	if err != nil {
		return nil, err
	}
	if _, trained := d.Trained(); !trained {
		*crop = nil
	}
	out := make([]radiomics.Feature, len(values))
	for i, v := range values {
		out[i] = radiomics.Feature{Name: fmt.Sprintf("feature_%d", i), Value: v}
	}
	return out, nil
}
