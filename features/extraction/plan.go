// Package extraction goes from the image and the mask of one patient to named features: which series, which regions, which lesions, on
// which grid, by which parameters. A Plan is a block of the experiment file and of the bundle, so that what is extracted when training
// is what is extracted when serving.
package extraction

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/features/settings"
)

// Plan says what is extracted from a patient's image and mask.
type Plan struct {
	Series *dicom.Rules `yaml:"series" json:"series,omitempty"` // which series of a DICOM folder; the only one
	SUV    dicom.SUV    `yaml:"suv" json:"suv,omitempty"`       // of PET: bw (default), lbm, lbm_janma, bsa, none
	Stack  *open.Stack  `yaml:"stack" json:"stack,omitempty"`   // image and mask are slices of PNG or TIFF
	Grid   string       `yaml:"grid" json:"grid,omitempty"`     // same (default), mask_to_image, image_to_mask
	// Transform is an affine map from the mask's space to the image's, in mm and LPS: three rows of four numbers. It was found elsewhere.
	Transform []float64 `yaml:"transform" json:"transform,omitempty"`
	// Normalise puts MR on a scale of its own.
	Normalise *Normalise        `yaml:"normalise" json:"normalise,omitempty"`
	Label     *Label            `yaml:"label" json:"label,omitempty"`     // the region, where no regions are named; 1
	Regions   map[string]Region `yaml:"regions" json:"regions,omitempty"` // columns of each are called after it
	Lesions   *Lesions          `yaml:"lesions" json:"lesions,omitempty"` // regions are taken apart into lesions
	// Volume asks for a crop of the image beside the features, for networks.
	Volume *Volume `yaml:"volume" json:"volume,omitempty"`
	// Deep asks for the numbers of a frozen encoder in place of radiomics. The experiment file has kind: deep for it.
	Deep *Deep `yaml:"deep" json:"deep,omitempty"`

	// Parameters are those of PyRadiomics, a parameter file within the file.
	Parameters radiomics.Params `yaml:"parameters" json:"parameters"`
}

// Label is a label of a mask by number, or a DICOM segment or structure by number or name.
type Label struct {
	Number int
	Name   string
}

func (l Label) String() string {
	if l.Name != "" {
		return fmt.Sprintf("%q", l.Name)
	}
	return fmt.Sprint(l.Number)
}

// DecodeNode reads a number or a name.
func (l *Label) DecodeNode(n *settings.Node, p *settings.Problems) {
	if !n.IsScalar() {
		p.Add(n, "want a label: a number, or the name of a segment or structure")
		return
	}
	if number, ok := n.Any().(int); ok {
		if number < 1 || number > math.MaxUint16 {
			p.Add(n, "a label is between 1 and %d, not %d", math.MaxUint16, number)
		}
		l.Number = number
		return
	}
	settings.Decode(n, &l.Name, p)
}

// MarshalJSON writes what DecodeNode reads.
func (l Label) MarshalJSON() ([]byte, error) {
	if l.Name != "" {
		return json.Marshal(l.Name)
	}
	return json.Marshal(l.Number)
}

// Region is a union of labels, or the ring around another region.
type Region struct {
	Labels []Label
	Of     string  // the region that the ring is around
	Dilate float64 // mm, how wide the ring is
}

// DecodeNode reads a label, a list of labels, or {of: region, dilate_mm: 5}.
func (r *Region) DecodeNode(n *settings.Node, p *settings.Problems) {
	if !n.IsMap() {
		settings.Decode(n, &r.Labels, p)
		if len(r.Labels) == 0 {
			p.Add(n, "want a label or a list of labels")
		}
		return
	}
	var ring struct {
		Of     string  `yaml:"of,required"`
		Dilate float64 `yaml:"dilate_mm,required"`
	}
	settings.Decode(n, &ring, p)
	if at := n.Get("dilate_mm"); at != nil && !(ring.Dilate > 0) {
		p.Add(at, "want more than 0 mm")
	}
	r.Of, r.Dilate = ring.Of, ring.Dilate
}

// MarshalJSON writes what DecodeNode reads.
func (r Region) MarshalJSON() ([]byte, error) {
	if r.Of == "" {
		return json.Marshal(r.Labels)
	}
	return json.Marshal(struct {
		Of     string  `json:"of"`
		Dilate float64 `json:"dilate_mm"`
	}{r.Of, r.Dilate})
}

// Lesions take each region apart.
type Lesions struct {
	From      string  `yaml:"from" json:"from,omitempty"`       // components: connected parts (default); labels: each label is a lesion
	Min       float64 `yaml:"min_mm3" json:"min_mm3,omitempty"` // smaller ones are left out
	Aggregate string  `yaml:"aggregate" json:"aggregate"`       // largest, mean, volume_weighted; empty where each lesion is a row
}

// EachLesion reports whether every lesion of a patient is a row of its own.
func (plan *Plan) EachLesion() bool { return plan.Lesions != nil && plan.Lesions.Aggregate == "" }

// Aggregates are how the features of several lesions become one row.
var Aggregates = []string{"largest", "mean", "volume_weighted"}

// Check adds to p what the form of the keys cannot say. n is the mapping that the plan was decoded from.
func (plan *Plan) Check(n *settings.Node, p *settings.Problems) {
	if plan.Label != nil && plan.Regions != nil {
		p.Add(n.Get("label"), "label and regions say the same thing twice; keep one")
	}
	if !slices.Contains([]string{"", "same", "mask_to_image", "image_to_mask"}, plan.Grid) {
		p.Add(n.Get("grid"), "want same, mask_to_image or image_to_mask, not %q", plan.Grid)
	}
	if err := plan.SUV.Validate(); err != nil {
		p.Add(n.Get("suv"), "%v", err)
	}
	if plan.Stack != nil && len(plan.Stack.Spacing) != 3 {
		p.Add(n.Get("stack"), "spacing has %d numbers: want 3, in mm: between columns, between rows, between slices", len(plan.Stack.Spacing))
	}
	if plan.Stack != nil && (plan.Series != nil || plan.SUV != "") {
		p.Add(n.Get("stack"), "series and suv are for DICOM, and stack for PNG and TIFF; keep one")
	}
	if at := n.Get("transform"); at != nil {
		if len(plan.Transform) != 12 {
			p.Add(at, "want 12 numbers, three rows of four, not %d", len(plan.Transform))
		}
		if plan.Grid == "" || plan.Grid == "same" {
			p.Add(at, "a mask that is moved has to be resampled: say grid: mask_to_image or image_to_mask")
		}
	}
	if plan.Volume != nil {
		plan.Volume.check(n.Get("volume"), p)
	}
	if plan.Deep != nil {
		at := n.Get("deep")
		if at == nil { // of an experiment file, where the keys are the source's own
			at = n
		}
		plan.Deep.check(at, p)
	}
	if plan.Normalise != nil {
		plan.Normalise.check(n.Get("normalise"), p)
		if plan.Learns() && plan.Volume != nil && plan.Deep == nil {
			p.Add(n.Get("volume"), "columns are made anew on the scale of the training patients of each fold, crops are not, so that a network would be tested on patients who taught its scale; take normalise: zscore, white_stripe or reference, or give the scale")
		}
	}
	for name, r := range plan.Regions {
		at := n.Get("regions").Get(name)
		if base, ok := plan.Regions[r.Of]; r.Of != "" && (!ok || base.Of != "") {
			p.Add(at, "of names the region that the ring is around: one of those made of labels")
		}
		if strings.ContainsAny(name, ". ") {
			p.Add(at, "the name of a region is part of the names of columns: leave out dots and blanks")
		}
	}
	if l := plan.Lesions; l != nil {
		at := n.Get("lesions")
		if l.From != "" && l.From != "components" && l.From != "labels" {
			p.Add(at.Get("from"), "want components or labels, not %q", l.From)
		}
		if l.Aggregate != "" && !slices.Contains(Aggregates, l.Aggregate) {
			p.Add(at, "several lesions become one row by aggregate: %s", strings.Join(Aggregates, ", "))
		}
		if plan.EachLesion() && len(plan.Regions) > 1 {
			p.Add(at, "where each lesion is a row there is one region, whose lesions they are; keep one, or give aggregate")
		}
		if l.Min < 0 {
			p.Add(at.Get("min_mm3"), "want 0 or more")
		}
	}
}

// named is a region and what its columns begin with.
type named struct {
	prefix string
	Region
}

// regions are those of the plan, by name.
func (plan *Plan) regions() []named {
	if plan.Regions == nil {
		label := Label{Number: 1}
		if plan.Label != nil {
			label = *plan.Label
		}
		return []named{{"", Region{Labels: []Label{label}}}}
	}
	var out []named
	for name, r := range plan.Regions {
		out = append(out, named{name + ".", r})
	}
	slices.SortFunc(out, func(a, b named) int { return strings.Compare(a.prefix, b.prefix) })
	return out
}
