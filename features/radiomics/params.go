package radiomics

import (
	"slices"

	"github.com/voxgene/voxgene/features/settings"
)

// Params is a PyRadiomics parameter file: which images, which features, and how.
type Params struct {
	Images  []ImageType // in the order of the file
	Classes []Class     // in the order of the file
	Settings
	// SameGrid refuses a mask on another grid than its image even where resampledPixelSpacing would bring both to one, as PyRadiomics
	// lets it. No parameter file says so.
	SameGrid bool
}

// ImageType is an image that features are computed on, with the settings that hold for it.
type ImageType struct {
	Name     string // Original, LoG, Wavelet, …
	Settings Settings
}

// Class is a family of features.
type Class struct {
	Name     string   // firstorder, shape, glcm, …
	Features []string // in this order; empty for all that are not deprecated, by name
	// Optional leaves the class out where it cannot be measured: shape2D, where a parameter file names no class.
	Optional bool
}

// imageTypes are PyRadiomics' image types.
var imageTypes = []string{
	"Original", "LoG", "Wavelet", "Square", "SquareRoot", "Logarithm", "Exponential", "Gradient", "LBP2D", "LBP3D",
}

// DefaultParams returns what PyRadiomics does without a parameter file: all classes but shape2D on the original image.
func DefaultParams() Params {
	p := Params{Settings: DefaultSettings()}
	p.Images = []ImageType{{Name: "Original", Settings: p.Settings}}
	for _, c := range classNames() {
		if c != "shape2D" {
			p.Classes = append(p.Classes, Class{Name: c})
		}
	}
	return p
}

// ReadParams reads a parameter file, YAML or JSON. The error lists every problem with its line.
func ReadParams(path string) (Params, error) {
	n, err := settings.ReadFile(path)
	if err != nil {
		return Params{}, err
	}
	return decodeParams(n)
}

// ParseParams reads the content of a parameter file; the name is used in messages.
func ParseParams(name string, b []byte) (Params, error) {
	n, err := settings.Parse(name, b)
	if err != nil {
		return Params{}, err
	}
	return decodeParams(n)
}

func decodeParams(n *settings.Node) (Params, error) {
	var p settings.Problems
	params := DefaultParams()
	params.DecodeNode(n, &p)
	return params, p.Err()
}

// DecodeNode reads the four blocks of a parameter file. It replaces everything that params held.
func (params *Params) DecodeNode(n *settings.Node, p *settings.Problems) {
	*params = DefaultParams()
	if !n.IsMap() {
		p.Add(n, "want the keys imageType, featureClass, setting or voxelSetting")
		return
	}
	blocks := []string{"imageType", "featureClass", "setting", "voxelSetting"}
	for _, k := range n.Keys() {
		if !slices.Contains(blocks, k) {
			n.Unknown(k, blocks, p)
		}
	}
	if b := n.Get("setting"); b != nil {
		decodeSettings(b, params.segmentFields(), p)
	}
	if b := n.Get("voxelSetting"); b != nil {
		decodeSettings(b, params.voxelFields(), p)
	}
	params.Images[0].Settings = params.Settings
	if b := n.Get("imageType"); b != nil {
		params.decodeImages(b, p)
	}
	if b := n.Get("featureClass"); b != nil && (len(b.Keys()) > 0 || !b.IsMap() && b.Any() != nil) {
		params.decodeClasses(b, p)
	} else { // as in PyRadiomics, which without a file leaves shape2D out
		params.Classes = append(params.Classes, Class{Name: "shape2D", Optional: true})
	}
	if params.Interpolator == "" { // as in PyRadiomics, no interpolator means no resampling
		params.ResampledPixelSpacing = nil
	}
}

func (params *Params) decodeImages(n *settings.Node, p *settings.Problems) {
	if !n.IsMap() || len(n.Keys()) == 0 {
		if n.IsList() || n.IsScalar() && n.Any() != nil {
			p.Add(n, "want a mapping, such as Original: {}")
		}
		return
	}
	params.Images = nil
	for _, name := range n.Keys() {
		if !slices.Contains(imageTypes, name) {
			n.Unknown(name, imageTypes, p)
			continue
		}
		image := ImageType{Name: name, Settings: params.Settings}
		decodeSettings(n.Get(name), image.Settings.segmentFields(), p)
		image.Settings.Sigma = unique(slices.Clone(image.Settings.Sigma), func(s Sigma) string { return s.Text })
		params.Images = append(params.Images, image)
	}
}

func (params *Params) decodeClasses(n *settings.Node, p *settings.Problems) {
	if !n.IsMap() || len(n.Keys()) == 0 {
		if n.IsList() || n.IsScalar() && n.Any() != nil {
			p.Add(n, "want a mapping, such as firstorder: []")
		}
		return
	}
	params.Classes = nil
	for _, name := range n.Keys() {
		if !slices.Contains(classNames(), name) {
			n.Unknown(name, classNames(), p)
			continue
		}
		class := Class{Name: name}
		if v := n.Get(name); !v.IsScalar() || v.Any() != nil {
			settings.Decode(v, &class.Features, p)
			for i, f := range class.Features {
				if !knownFeature(name, f) {
					at := v
					if v.IsList() {
						at = v.List()[i]
					}
					names := featureNames(name)
					if near := settings.Nearest(f, names); near != "" {
						p.Add(at, "unknown feature %q of %s; did you mean %q?", f, name, near)
					} else {
						p.Add(at, "unknown feature %q of %s", f, name)
					}
				}
			}
		}
		class.Features = unique(class.Features, func(f string) string { return f })
		params.Classes = append(params.Classes, class)
	}
}

// unique are the elements without those whose name came before, as the keys of a Python dictionary.
func unique[E any](all []E, name func(E) string) []E {
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(e E) bool {
		before := seen[name(e)]
		seen[name(e)] = true
		return before
	})
}
