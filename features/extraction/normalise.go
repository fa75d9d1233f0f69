package extraction

import (
	"errors"
	"fmt"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/settings"
)

// Normalise puts the values of MR on a scale of their own before anything is extracted. It looks at one patient alone, but for nyul,
// whose scale is learned from other patients: a plan without Scale has still to learn it.
type Normalise struct {
	Method string     `yaml:"method,required" json:"method"`  // zscore, white_stripe, reference, nyul
	Within []Label    `yaml:"within" json:"within,omitempty"` // labels of the mask that the scale is taken from; the whole image for zscore, values above 0 for white_stripe
	Peak   image.Peak `yaml:"peak" json:"peak,omitempty"`     // white_stripe: last for T1 (default), largest for T2 and FLAIR
	// Scale is the standard scale of nyul, the places of image.NyulQuantiles.
	Scale []float64 `yaml:"scale" json:"scale,omitempty"`
	Width float64   `yaml:"width" json:"width,omitempty"` // white_stripe: half its width in quantiles, 0.05
}

// check adds what the form of the keys cannot say.
func (n *Normalise) check(at *settings.Node, p *settings.Problems) {
	switch n.Method {
	case "zscore", "white_stripe", "nyul":
	case "": // said already
		return
	case "reference":
		if n.Within == nil {
			p.Add(at, "within names the labels of the reference region")
		}
	default:
		p.Add(at.Get("method"), "want zscore, white_stripe, reference or nyul, not %q", n.Method)
	}
	if n.Method != "white_stripe" && (n.Peak != "" || n.Width != 0) {
		p.Add(at, "peak and width are of white_stripe")
	}
	if n.Method != "nyul" && n.Scale != nil {
		p.Add(at.Get("scale"), "scale is of nyul")
	} else if n.Scale != nil {
		if err := (image.Nyul{Scale: n.Scale}).Check(); err != nil {
			p.Add(at.Get("scale"), "%v", err)
		}
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
	within, err := plan.within(s)
	if err != nil {
		return nil, nil, err
	}
	var notes []string
	if plan.Normalise.Method == "nyul" {
		v, err = plan.Normalise.standard(v, within)
	} else {
		var n image.Normalisation
		if n, notes, err = plan.Normalise.of(v, within); err == nil {
			v = v.Normalise(n)
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: normalise: %w", s.image.Path, err)
	}
	return v, notes, nil
}

// within is the mask that a scale is taken from; nil where the plan names no labels.
func (plan *Plan) within(s *source) (*image.Mask, error) {
	if plan.Normalise.Within == nil {
		return nil, nil
	}
	parts, err := s.parts([]named{{"", Region{Labels: plan.Normalise.Within}}})
	if err != nil {
		return nil, err
	}
	return parts[0].alone(), nil
}

// standard brings a volume to the standard scale.
func (n *Normalise) standard(v *image.Volume, within *image.Mask) (*image.Volume, error) {
	if n.Scale == nil {
		return nil, ErrUnlearned
	}
	landmarks, err := image.Landmarks(v, within)
	if err != nil {
		return nil, err
	}
	return image.Nyul{Scale: n.Scale}.Apply(v, landmarks)
}

// ErrUnlearned says that a plan was used before its standard scale was learned.
var ErrUnlearned = errors.New("the standard scale of nyul has not been learned")

// Learns says whether the plan has something to learn from other patients before it can be used.
func (plan *Plan) Learns() bool {
	return plan.Normalise != nil && plan.Normalise.Method == "nyul" && plan.Normalise.Scale == nil
}

// Landmarks are those of a patient's image, from which the scale of nyul is learned.
func (plan *Plan) Landmarks(img, mask string) ([]float64, error) {
	in := plan.open(img)
	from := &source{image: in, path: mask, move: plan.Transform}
	whole, err := in.Region(image.Selection{})
	if err != nil {
		return nil, err
	}
	v := whole.Volume
	if plan.Grid == "image_to_mask" {
		parts, err := from.parts(plan.regions())
		if err != nil {
			return nil, err
		}
		v = v.Resample(parts[0].mask.Grid)
	}
	within, err := plan.within(from)
	if err != nil {
		return nil, err
	}
	out, err := image.Landmarks(v, within)
	if err != nil {
		return nil, fmt.Errorf("%s: normalise: %w", img, err)
	}
	return out, nil
}

// Learned is the plan with the standard scale of these scans' landmarks. The plan itself is not changed.
func (plan *Plan) Learned(landmarks [][]float64) (Plan, error) {
	n, err := image.FitNyul(landmarks)
	out, normalise := *plan, *plan.Normalise
	normalise.Scale = n.Scale
	out.Normalise = &normalise
	return out, err
}
