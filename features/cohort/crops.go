package cohort

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/table"
)

// Crops are what a source of images gives to networks: for each patient, or lesion of one, the box about the region that its option volume asks for.
type Crops struct {
	Source string
	extraction.Volume
	Of map[table.Key][]float32 // by patient, or lesion or visit of one: channel by channel, x fastest
}

// Crops are the form of the crops that the sources will make, in order of sources, before any file is read. A source whose volume is not
// complete is left out.
func (c Config) Crops() []Crops {
	var out []Crops
	for _, s := range c.Sources {
		if crops := s.crops(loaded{}); crops != nil && len(crops.Size) == 3 && len(crops.Spacing) == 3 {
			out = append(out, *crops)
		}
	}
	return out
}

// crops collects those of a source; nil where it makes none.
func (s *Source) crops(l loaded) *Crops {
	images, ok := s.loader.(*imageSource)
	if !ok || images.Volume == nil {
		return nil
	}
	return &Crops{Source: s.Name, Volume: *images.Volume, Of: l.crops}
}

// cropMark begins the line that holds a crop.
const cropMark = "%"

// encodeCrop writes values as text: base64 of single precision, little-endian.
func encodeCrop(v []float32) string {
	b := make([]byte, 4*len(v))
	for i, x := range v {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(x))
	}
	return base64.StdEncoding.EncodeToString(b)
}

func decodeCrop(text string) ([]float32, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b)%4 != 0 {
		return nil, errors.New("a stored extraction is damaged: its crop cannot be read")
	}
	out := make([]float32, len(b)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return out, nil
}
