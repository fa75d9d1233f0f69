package bundle

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// source is one source of a bundle's inputs.
type source struct {
	name   string
	inputs int
}

// sources numbers the sources of the inputs, in order of first appearance, and returns that of each input.
func sources(inputs []Input) ([]source, []int) {
	var list []source
	at := make([]int, len(inputs))
	seen := map[string]int{}
	for j, in := range inputs {
		k, ok := seen[in.Source]
		if !ok {
			k = len(list)
			seen[in.Source] = k
			list = append(list, source{name: in.Source})
		}
		list[k].inputs++
		at[j] = k
	}
	return list, at
}

// Abstain is when a bundle gives no prediction but its warnings. The zero Abstain never does.
type Abstain struct {
	// Missing and OutOfRange are fractions of the inputs above which it abstains; 0 never does.
	Missing    float64 `json:"missing,omitempty" yaml:"missing"`
	OutOfRange float64 `json:"out_of_range,omitempty" yaml:"out_of_range"`
	// Far abstains for a patient further from the training cohort than any in it.
	Far bool `json:"far,omitempty" yaml:"far"`
	// Acquisition abstains where an image was made as none in training was: by another manufacturer, with another kernel or spacing.
	Acquisition bool `json:"acquisition,omitempty" yaml:"acquisition"`
	// SmallMask abstains for a region smaller than any in training.
	SmallMask bool `json:"small_mask,omitempty" yaml:"small_mask"`
	// MissingSource abstains where a whole source was not given.
	MissingSource bool `json:"missing_source,omitempty" yaml:"missing_source"`
}

// Check returns what is wrong with the policy.
func (a *Abstain) Check() error {
	if a != nil && !(a.Missing >= 0 && a.Missing <= 1 && a.OutOfRange >= 0 && a.OutOfRange <= 1) {
		return fmt.Errorf("abstain: missing and out_of_range are fractions of the inputs, from 0 to 1")
	}
	return nil
}

// reasons says why there is to be no prediction for a row with these warnings; nil where there is to be one.
func (b *Bundle) reasons(list []Warning, missing int) []string {
	if b.Abstain == nil {
		return nil
	}
	n := float64(len(b.Inputs))
	outside := 0
	seen := map[string]bool{}
	for _, w := range list {
		switch w.Code {
		case OutOfRange, UnseenLevel:
			outside++
		case UnseenSpacing, UnseenManufacturer, UnseenKernel:
			seen["acquisition"] = true
		}
		seen[w.Code] = true
		seen[MissingSource] = seen[MissingSource] || w.Code == MissingImage
	}
	var out []string
	if m := b.Abstain.Missing; m > 0 && float64(missing) > m*n {
		out = append(out, fmt.Sprintf("%d of %d inputs are missing", missing, len(b.Inputs)))
	}
	if m := b.Abstain.OutOfRange; m > 0 && float64(outside) > m*n {
		out = append(out, fmt.Sprintf("%d of %d inputs are outside what training saw", outside, len(b.Inputs)))
	}
	for _, c := range []struct {
		policy bool
		code   string
		reason string
	}{
		{b.Abstain.Far, FarFromTraining, "the patient is further from the training cohort than any in it"},
		{b.Abstain.Acquisition, "acquisition", "an image was made as none in training was"},
		{b.Abstain.SmallMask, SmallMask, "a region is smaller than any in training"},
		{b.Abstain.MissingSource, MissingSource, "a whole source was not given"},
	} {
		if c.policy && seen[c.code] {
			out = append(out, c.reason)
		}
	}
	return out
}

// imageless warns of the images of each row that a network reads and was not given, which others or the table then make up for.
func imageless(m models.Model, x models.Matrix, out []Prediction) {
	reads, ok := Beneath(m).(models.Imaged)
	if !ok {
		return
	}
	for _, c := range reads.Crops() {
		v := x.FindVolumes(c.Source)
		for i := range out {
			said := func(w Warning) bool { return w.Code == MissingImage && w.Source == c.Source }
			if (v == nil || v.Crop[i] < 0) && !slices.ContainsFunc(out[i].Warnings, said) {
				out[i].Warnings = append(out[i].Warnings, Warning{Code: MissingImage, Source: c.Source,
					Message: "no image of the source " + c.Source + " was given; the network answers by what else there is"})
			}
		}
	}
}

// withhold takes the numbers out of an answer.
func (a *Answer) withhold() {
	nan := func(n int) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = math.NaN()
		}
		return v
	}
	a.Label, a.RiskGroup, a.Set, a.Explanations, a.Interactions = "", "", nil, nil, nil
	a.Risk, a.Median = math.NaN(), math.NaN()
	a.Probabilities, a.Survival = nan(len(a.Probabilities)), nan(len(a.Survival))
}

// coverage is the fraction of a source's inputs below which its absence is worth a warning of its own.
const coverage = 0.8

// envelope compares row i with what training saw: values out of range, missing values (a source of which nothing was given is one
// warning), levels that training did not know. An infinite value is an error.
// It also returns the number of missing values.
func (b *Bundle) envelope(x models.Matrix, i int) (out []Warning, missing int, err error) {
	var given []int // values of each source, counted when a first one is missing
	for j, low := range b.low {
		v := x.Values[j*x.Rows+i]
		if v >= low && v <= b.high[j] {
			continue
		}
		in := &b.Inputs[j]
		switch {
		case v != v:
			missing++
			if given == nil {
				given = b.given(x, i)
			}
			s := b.sources[b.sourceOf[j]]
			switch n := &given[b.sourceOf[j]]; {
			case *n > 0 || s.name == "" || s.inputs == 1 && !b.routed():
				out = append(out, Warning{Code: MissingValue, Feature: in.Name, Message: in.Name + " is missing"})
			case *n == 0 && in.Group != "batch":
				out = append(out, Warning{Code: MissingSource, Source: s.name, Message: "nothing of the source " + s.name + " was given; " + b.without(s.name, b.absent(given))})
				*n = -1 // said once
			}
		case math.IsInf(v, 0):
			return nil, 0, &RequestError{in.Name, "the value is infinite"}
		case in.Kind != table.Numeric:
			if v == table.Unseen {
				out = append(out, Warning{Code: UnseenLevel, Feature: in.Name, Message: in.Name + " has a level that training did not know"})
			}
		case !b.apart[j] && in.outside(v):
			low, high := in.Quantiles[0], in.Quantiles[len(in.Quantiles)-1]
			out = append(out, Warning{Code: OutOfRange, Feature: in.Name,
				Message: fmt.Sprintf("%s is %.6g; training values lie between %.6g and %.6g", in.Name, v, low, high)})
		}
	}
	for k, n := range given {
		if s := b.sources[k]; n > 0 && s.inputs > 1 && float64(n) < coverage*float64(s.inputs) {
			out = append(out, Warning{Code: LowCoverage, Source: s.name, Message: fmt.Sprintf("%d of the %d inputs of %s were given", n, s.inputs, s.name)})
		}
	}
	return out, missing, nil
}

// acquired compares how the images of a patient were made with how those of training were. Sources come in the bundle's order.
func (b *Bundle) acquired(made map[string]extraction.Acquired) []Warning {
	var out []Warning
	for i := range b.Sources {
		s := &b.Sources[i]
		a, ok := made[s.Name]
		if !ok {
			continue
		}
		u := s.Seen.Compare(a)
		for _, w := range [...]struct{ code, text string }{{UnseenSpacing, u.Spacing}, {UnseenManufacturer, u.Manufacturer}, {UnseenKernel, u.Kernel}, {SmallMask, u.Volume}} {
			if w.text != "" {
				out = append(out, Warning{Code: w.code, Source: s.Name, Message: s.Name + ": " + w.text})
			}
		}
	}
	return out
}

// absent are the sources of which nothing was given.
func (b *Bundle) absent(given []int) []string {
	var out []string
	for k, n := range given {
		if n <= 0 {
			out = append(out, b.sources[k].name)
		}
	}
	return out
}

// route is the model of an outcome where it has another way without a source, be it calibrated.
func (o *Outcome) route() (models.Routed, bool) {
	m := o.Model
	if c, ok := m.(interface{ Base() models.Model }); ok {
		m = c.Base()
	}
	r, ok := m.(models.Routed)
	return r, ok
}

// routed reports whether any outcome has.
func (b *Bundle) routed() bool {
	for i := range b.Outcomes {
		if _, ok := b.Outcomes[i].route(); ok {
			return true
		}
	}
	return false
}

// without says what stands in for a source that was not given: which path each outcome takes, all absent sources considered.
func (b *Bundle) without(source string, absent []string) string {
	var ways []string
	names := map[string][]string{}
	for i := range b.Outcomes {
		o := &b.Outcomes[i]
		way := o.Chain.Missing(source)
		if r, ok := o.route(); ok && slices.ContainsFunc(o.Model.Columns(), func(c table.Column) bool { return c.Source == source }) {
			way = r.Way(absent)
		}
		if names[way] == nil {
			ways = append(ways, way)
		}
		names[way] = append(names[way], o.Name)
	}
	if len(ways) == 1 {
		return ways[0]
	}
	for i, way := range ways {
		ways[i] = strings.Join(names[way], ", ") + ": " + way
	}
	return strings.Join(ways, "; ")
}

// given counts the values of each source that row i has.
func (b *Bundle) given(x models.Matrix, i int) []int {
	n := make([]int, len(b.sources))
	for j, s := range b.sourceOf {
		if v := x.Values[j*x.Rows+i]; v == v && b.Inputs[j].Group != "batch" {
			n[s]++
		}
	}
	return n
}
