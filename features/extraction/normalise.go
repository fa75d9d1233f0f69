package extraction

import (
	"fmt"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/settings"
)

// Normalise puts the values of MR on a scale of their own before anything is extracted. It looks at one patient alone.
type Normalise struct {
	Method string     `yaml:"method,required" json:"method"`  // zscore, white_stripe, reference
	Within []Label    `yaml:"within" json:"within,omitempty"` // labels of the mask that the scale is taken from; the whole image for zscore, values above 0 for white_stripe
	Peak   image.Peak `yaml:"peak" json:"peak,omitempty"`     // white_stripe: last for T1 (default), largest for T2 and FLAIR
	Width  float64    `yaml:"width" json:"width,omitempty"`   // white_stripe: half its width in quantiles, 0.05
}

// check adds what the form of the keys cannot say.
func (n *Normalise) check(at *settings.Node, p *settings.Problems) {
	switch n.Method {
	case "zscore", "white_stripe":
	case "": // said already
		return
	case "reference":
		if n.Within == nil {
			p.Add(at, "within names the labels of the reference region")
		}
	default:
		p.Add(at.Get("method"), "want zscore, white_stripe or reference, not %q", n.Method)
	}
	if n.Method != "white_stripe" && (n.Peak != "" || n.Width != 0) {
		p.Add(at, "peak and width are of white_stripe")
	}
	switch n.Peak {
	case "", image.LastPeak, image.LargestPeak, image.FirstPeak:
	default:
		p.Add(at.Get("peak"), "want last, largest or first, not %q", n.Peak)
	}
	if n.Width < 0 || n.Width >= 0.5 {
		p.Add(at.Get("width"), "want more than 0 and less than 0.5")
	}
}

// of finds the scale of a volume. within is nil where the plan names no labels.
func (n *Normalise) of(v *image.Volume, within *image.Mask) (image.Normalisation, []string, error) {
	switch n.Method {
	case "reference":
		out, err := image.Reference(v, within)
		return out, nil, err
	case "white_stripe":
		peak, width := n.Peak, n.Width
		if peak == "" {
			peak = image.LastPeak
		}
		if width == 0 {
			width = 0.05
		}
		out, err := image.WhiteStripe(v, within, peak, width)
		return out, nil, err
	}
	if within != nil {
		out, err := image.ZScore(v, within)
		return out, nil, err
	}
	s := v.Statistics()
	if !(s.SD > 0) {
		return image.Normalisation{}, nil, fmt.Errorf("every voxel is %g", s.Min)
	}
	return image.Normalisation{Location: s.Mean, Scale: s.SD}, background(s), nil
}

// background warns where a scale taken from the whole image is mostly that of air.
func background(s image.Statistics) []string {
	if 3*s.AtMinimum <= s.Count {
		return nil
	}
	return []string{"a third or more of the image is background, and the z-score of the whole image depends on how much: name labels to take it from (normalise: {method: zscore, within: [1]})"}
}

// normalised normalises a whole volume.
func (plan *Plan) normalised(v *image.Volume, s *source) (*image.Volume, []string, error) {
	var within *image.Mask
	if plan.Normalise.Within != nil {
		parts, err := s.parts([]named{{"", Region{Labels: plan.Normalise.Within}}})
		if err != nil {
			return nil, nil, err
		}
		within = parts[0].alone()
	}
	n, notes, err := plan.Normalise.of(v, within)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: normalise: %w", s.image.Path, err)
	}
	return v.Normalise(n), notes, nil
}
