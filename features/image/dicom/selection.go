package dicom

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/settings"
)

// Rules choose one series among several: what is not set allows everything. A file that does not have an attribute fails a rule about it.
// Rules hold for single files, so that they also take apart a series that mixes echoes, b-values or kinds of image.
type Rules struct {
	Modality          string   `yaml:"modality" json:"modality,omitempty"`
	SeriesDescription string   `yaml:"series_description" json:"series_description,omitempty"` // * stands for anything, ? for one character; case does not count
	ImageType         []string `yaml:"image_type" json:"image_type,omitempty"`                 // values that ImageType has, in any place; !VALUE: that it has not
	Contrast          *bool    `yaml:"contrast" json:"contrast,omitempty"`                     // whether ContrastBolusAgent names one
	Kernel            string   `yaml:"kernel" json:"kernel,omitempty"`                         // ConvolutionKernel, as SeriesDescription
	EchoTime          *Range   `yaml:"echo_time" json:"echo_time,omitempty"`                   // ms
	RepetitionTime    *Range   `yaml:"repetition_time" json:"repetition_time,omitempty"`       // ms
	InversionTime     *Range   `yaml:"inversion_time" json:"inversion_time,omitempty"`         // ms
	BValue            *Range   `yaml:"b_value" json:"b_value,omitempty"`                       // s/mm²
	SliceThickness    *Range   `yaml:"slice_thickness" json:"slice_thickness,omitempty"`       // mm
}

// Range is the closed range of a number. In a configuration it is [least, most], or one number, which allows 1 % to either side.
type Range struct{ Min, Max float64 }

// DecodeNode reads a number or a list of two.
func (r *Range) DecodeNode(n *settings.Node, p *settings.Problems) {
	var v []float64
	settings.Decode(n, &v, p)
	switch {
	case len(v) == 1:
		*r = Range{v[0] - 0.01*math.Abs(v[0]), v[0] + 0.01*math.Abs(v[0])}
	case len(v) == 2 && v[0] <= v[1]:
		*r = Range{v[0], v[1]}
	default:
		p.Add(n, "want a number, or [least, most]")
	}
}

// MarshalJSON writes [least, most].
func (r Range) MarshalJSON() ([]byte, error) { return json.Marshal([]float64{r.Min, r.Max}) }

// DecodeNode reads the rules and checks their patterns.
func (r *Rules) DecodeNode(n *settings.Node, p *settings.Problems) {
	type plain Rules // without this method
	v := plain(*r)
	settings.Decode(n, &v, p)
	*r = Rules(v)
	for _, c := range []struct{ key, pattern string }{{"series_description", r.SeriesDescription}, {"kernel", r.Kernel}} {
		if _, err := path.Match(c.pattern, ""); err != nil {
			p.Add(n.Get(c.key), "%q is not a pattern: [ without ]", c.pattern)
		}
	}
}

// Select returns the one series that fits the rules, with those of its files that do. When none or several fit, the error lists every
// series with the rule that it failed.
func Select(all []*Series, r Rules) (*Series, error) {
	var fit []*Series
	var lines []string
	for _, s := range all {
		part := *s
		part.files = nil
		var failed []string
		for _, f := range s.files {
			why := r.fails(f)
			if why == "" {
				part.files = append(part.files, f)
			} else if !slices.Contains(failed, why) {
				failed = append(failed, why)
			}
		}
		if part.files != nil {
			fit = append(fit, &part)
			lines = append(lines, fmt.Sprintf("  %s: fits", &part))
			continue
		}
		more := ""
		if len(failed) > 3 {
			failed, more = failed[:3], ", …"
		}
		lines = append(lines, fmt.Sprintf("  %s: %s%s", s, strings.Join(failed, "; "), more))
	}
	switch {
	case len(fit) == 1:
		return fit[0], nil
	case len(all) == 0:
		return nil, errors.New("no DICOM image")
	case len(fit) == 0:
		return nil, noSeries(fmt.Sprintf("none of %d series fits the rules:\n%s", len(all), strings.Join(lines, "\n")))
	}
	return nil, fmt.Errorf("%d of %d series fit the rules; add one that tells them apart:\n%s", len(fit), len(all), strings.Join(lines, "\n"))
}

// ErrNoSeries says that no series fits the rules; where Select fails otherwise, several do.
var ErrNoSeries = errors.New("no series fits the rules")

// noSeries is an error that lists the series and is ErrNoSeries.
type noSeries string

func (e noSeries) Error() string        { return string(e) }
func (e noSeries) Is(target error) bool { return target == ErrNoSeries }

// Select is the one series of the folder that fits the rules.
func (f *Folder) Select(r Rules) (*Series, error) {
	s, err := Select(f.Series, r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	return s, nil
}

// fails says which rule a file fails, "" for none.
func (r *Rules) fails(f *file) string {
	if r.Modality != "" && f.text(modality) != r.Modality {
		return fmt.Sprintf("modality is %q, want %q", f.text(modality), r.Modality)
	}
	if why := matches("series_description", f.text(seriesDescription), r.SeriesDescription); why != "" {
		return why
	}
	have := f.texts(imageType)
	for _, want := range r.ImageType {
		name, not := strings.CutPrefix(want, "!")
		if slices.ContainsFunc(have, func(v string) bool { return strings.EqualFold(v, name) }) == not {
			return fmt.Sprintf("image_type is %s, want %s", strings.Join(have, "\\"), want)
		}
	}
	if r.Contrast != nil {
		if agent := f.text(contrastBolusAgent); (agent != "" && !strings.EqualFold(agent, "none")) != *r.Contrast {
			return fmt.Sprintf("contrast agent is %q, want contrast: %t", agent, *r.Contrast)
		}
	}
	if why := matches("kernel", strings.Join(f.texts(convolutionKernel), "\\"), r.Kernel); why != "" {
		return why
	}
	for _, c := range []struct {
		name  string
		tag   tag
		allow *Range
	}{
		{"echo_time", echoTime, r.EchoTime}, {"repetition_time", repetitionTime, r.RepetitionTime}, {"inversion_time", inversionTime, r.InversionTime},
		{"slice_thickness", sliceThickness, r.SliceThickness},
	} {
		if c.allow == nil {
			continue
		}
		x, ok, err := f.number(c.tag)
		if why := c.allow.fails(c.name, x, ok && err == nil); why != "" {
			return why
		}
	}
	if r.BValue != nil {
		x, ok := f.bValue()
		return r.BValue.fails("b_value", x, ok)
	}
	return ""
}

func (r *Range) fails(name string, x float64, known bool) string {
	switch {
	case !known:
		return name + " is not in the file"
	case x < r.Min || x > r.Max:
		return fmt.Sprintf("%s is %g, want %g to %g", name, x, r.Min, r.Max)
	}
	return ""
}

// matches compares with a pattern, whatever the case.
func matches(name, have, pattern string) string {
	if pattern == "" {
		return ""
	}
	// path.Match keeps * from crossing a slash, which is a character like others here.
	flat := strings.NewReplacer("/", "\x00")
	ok, err := path.Match(flat.Replace(strings.ToLower(pattern)), flat.Replace(strings.ToLower(have)))
	if err != nil || !ok {
		return fmt.Sprintf("%s is %q, want %q", name, have, pattern)
	}
	return ""
}

// Private attributes with the b-value: of Siemens, and of GE, which adds a multiple of 10⁹.
const (
	siemensBValue tag = 0x0019100C
	geBValue      tag = 0x00431039
)

// bValue is the b-value of a file in s/mm².
func (f *file) bValue() (float64, bool) {
	if x, ok, err := f.number(diffusionBValue); ok && err == nil {
		return x, true
	}
	if x, ok, err := f.item(sharedFunctionalGroups).item(mrDiffusionSequence).number(diffusionBValue); ok && err == nil {
		return x, true
	}
	maker := strings.ToUpper(f.text(manufacturer))
	if strings.HasPrefix(maker, "SIEMENS") {
		x, err := strconv.ParseFloat(f.text(siemensBValue), 64)
		return x, err == nil
	}
	if strings.HasPrefix(maker, "GE") {
		if v := f.texts(geBValue); len(v) > 0 {
			x, err := strconv.ParseFloat(v[0], 64)
			return math.Mod(x, 1e9), err == nil
		}
	}
	return 0, false
}
