package bundle

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// Prediction is the answer for one patient. Its JSON is the shape that every front renders.
type Prediction struct {
	ID string // as the caller named the patient
	// Within names the lesion or visit of the patient, as the caller did, where the bundle's Unit is one; empty where nobody did.
	Within   string
	Unit     table.Unit
	Outcomes []Answer
	Warnings []Warning
	// Abstained says why the bundle's policy gives no prediction; the numbers of Outcomes are then NaN. Nil where it gives one.
	Abstained []string
}

// Answer is the prediction of one outcome. A number that cannot be given is NaN, and null in JSON.
type Answer struct {
	Name string
	Kind clinical.OutcomeKind

	// Class outcomes.
	Label         string // empty where the prediction is withheld
	Classes       []string
	Probabilities []float64 // one a class
	Set           []string  // conformal set; nil where the bundle has none

	// Survival outcomes.
	Unit      string
	Risk      float64
	RiskGroup string    // empty where the bundle has no cuts
	Median    float64   // NaN where the curve does not fall to one half within the follow-up
	Times     []float64 // in Unit
	Survival  []float64 // S at Times; NaN beyond the follow-up

	Explanations []Explanation
	Interactions []Interactions // nil where none were asked for
}

// Explanation says what drove one number of an answer: Base + Σ Contributions + Other = Output − Gap.
type Explanation struct {
	Method string
	Exact  bool    // false where the contributions were sampled, or are not Shapley values of this very number
	Class  string  // empty for survival
	Time   float64 // NaN where the number is not tied to one
	Scale  string  // log-odds, probability, log-hazard, …
	Base   float64
	Output float64
	Gap    float64
	Other  float64 // contributions that are not listed, summed
	Values []Contribution
	Images []models.ImagePart // with the map of each image that a map was asked for; not part of the JSON
}

// Contribution is the part of one raw input, or of a group of them, in an explained number.
type Contribution struct {
	Feature string // full name of an input, or the name of a source or group
	Value   float64
	Text    string // level of an input that is not numeric
	Amount  float64
	// Error is the standard error of a sampled Amount, 0 for others; of a group or an input of several columns, the sum of theirs, an
	// upper bound.
	Error float64
}

// Warning is something that a reader of a prediction has to know.
type Warning struct {
	Code    string // see the codes below
	Feature string // full name of the input, where one is meant
	Source  string // where a whole source is meant
	Outcome string // where one outcome is meant
	Message string
}

// The codes of warnings.
const (
	OutOfRange     = "out_of_range"     // a value outside the range of the training rows
	MissingValue   = "missing"          // a value that was not given and is imputed
	MissingSource  = "missing_source"   // a whole source that was not given
	MissingImage   = "missing_image"    // the image of a source that a network reads, and answers without
	UnseenLevel    = "unseen_level"     // a level that training did not know
	BeyondFollowUp = "beyond_follow_up" // a time at which too few training patients were at risk
	LowCoverage    = "low_coverage"     // a source of which less than four fifths of the inputs were given
	// FarFromTraining is a patient further from the centre of the training cohort than any in it.
	FarFromTraining = "far_from_training"
	// How an image was made, beside how those of training were: see extraction.Seen.
	UnseenSpacing      = "unseen_spacing"
	UnseenManufacturer = "unseen_manufacturer"
	UnseenKernel       = "unseen_kernel"
	SmallMask          = "small_mask" // a region smaller than any in training
	// ExplanationGap is an explanation by gradients whose contributions miss the output by more than a twentieth of its way from the base.
	ExplanationGap = "explanation_gap"
)

// MarshalJSON returns the prediction in the shape of the HTTP interface.
func (p Prediction) MarshalJSON() ([]byte, error) { return p.AppendJSON(nil), nil }

// AppendJSON appends the prediction's JSON to b. It is written out by hand because a served request spends more time on its text
// than on the model.
func (p Prediction) AppendJSON(b []byte) []byte {
	b = append(b, `{"id":`...)
	b = AppendString(b, p.ID)
	if p.Within != "" {
		b = append(b, ',')
		b = AppendString(b, string(p.Unit))
		b = append(b, ':')
		b = AppendString(b, p.Within)
	}
	b = append(b, `,"outcomes":{`...)
	for i := range p.Outcomes {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, p.Outcomes[i].Name)
		b = append(b, ':')
		b = p.Outcomes[i].appendJSON(b)
	}
	b = append(b, `},"warnings":[`...)
	for i, w := range p.Warnings {
		if i > 0 {
			b = append(b, ',')
		}
		b = w.appendJSON(b)
	}
	b = append(b, ']')
	for i, r := range p.Abstained {
		b = append(b, []string{`,"abstained":[`, `,`}[min(i, 1)]...)
		b = AppendString(b, r)
	}
	if p.Abstained != nil {
		b = append(b, ']')
	}
	return append(b, '}')
}

func (a *Answer) appendJSON(b []byte) []byte {
	b = append(b, `{"kind":`...)
	b = AppendString(b, string(a.Kind))
	if a.Kind == clinical.Class {
		b = append(b, `,"label":`...)
		b = appendName(b, a.Label)
		b = append(b, `,"probabilities":{`...)
		for k, c := range a.Classes {
			if k > 0 {
				b = append(b, ',')
			}
			b = AppendString(b, c)
			b = append(b, ':')
			b = appendNumber(b, a.Probabilities[k])
		}
		b = append(b, '}')
		if a.Set != nil {
			b = append(b, `,"set":[`...)
			for k, c := range a.Set {
				if k > 0 {
					b = append(b, ',')
				}
				b = AppendString(b, c)
			}
			b = append(b, ']')
		}
	} else {
		b = append(b, `,"unit":`...)
		b = AppendString(b, a.Unit)
		b = append(b, `,"risk":`...)
		b = appendNumber(b, a.Risk)
		b = append(b, `,"risk_group":`...)
		b = appendName(b, a.RiskGroup)
		b = append(b, `,"median":`...)
		b = appendNumber(b, a.Median)
		b = append(b, `,"times":`...)
		b = appendNumbers(b, a.Times)
		b = append(b, `,"survival":`...)
		b = appendNumbers(b, a.Survival)
	}
	b = append(b, `,"explanations":[`...)
	for i := range a.Explanations {
		if i > 0 {
			b = append(b, ',')
		}
		b = a.Explanations[i].appendJSON(b)
	}
	for i := range a.Interactions {
		b = append(b, []string{`],"interactions":[`, `,`}[min(i, 1)]...)
		b = a.Interactions[i].appendJSON(b)
	}
	return append(b, `]}`...)
}

func (n *Interactions) appendJSON(b []byte) []byte {
	b = append(b, `{"method":`...)
	b = AppendString(b, n.Method)
	b = append(b, `,"class":`...)
	b = appendName(b, n.Class)
	b = append(b, `,"time":`...)
	b = appendNumber(b, n.Time)
	b = append(b, `,"scale":`...)
	b = AppendString(b, n.Scale)
	b = append(b, `,"values":[`...)
	for i, v := range n.Pairs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"feature":`...)
		b = AppendString(b, v.First)
		b = append(b, `,"other":`...)
		b = AppendString(b, v.Second)
		b = append(b, `,"interaction":`...)
		b = appendNumber(b, v.Amount)
		b = append(b, '}')
	}
	return append(b, `]}`...)
}

func (e *Explanation) appendJSON(b []byte) []byte {
	b = append(b, `{"method":`...)
	b = AppendString(b, e.Method)
	b = append(b, `,"exact":`...)
	b = strconv.AppendBool(b, e.Exact)
	b = append(b, `,"class":`...)
	b = appendName(b, e.Class)
	b = append(b, `,"time":`...)
	b = appendNumber(b, e.Time)
	b = append(b, `,"scale":`...)
	b = AppendString(b, e.Scale)
	b = append(b, `,"base":`...)
	b = appendNumber(b, e.Base)
	b = append(b, `,"output":`...)
	b = appendNumber(b, e.Output)
	b = append(b, `,"gap":`...)
	b = appendNumber(b, e.Gap)
	b = append(b, `,"other":`...)
	b = appendNumber(b, e.Other)
	b = append(b, `,"values":[`...)
	for i, v := range e.Values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"feature":`...)
		b = AppendString(b, v.Feature)
		b = append(b, `,"value":`...)
		if v.Text != "" {
			b = AppendString(b, v.Text)
		} else {
			b = appendNumber(b, v.Value)
		}
		b = append(b, `,"contribution":`...)
		b = appendNumber(b, v.Amount)
		if v.Error != 0 {
			b = append(b, `,"error":`...)
			b = appendNumber(b, v.Error)
		}
		b = append(b, '}')
	}
	return append(b, `]}`...)
}

// MarshalJSON returns the warning as it stands in a prediction.
func (w Warning) MarshalJSON() ([]byte, error) { return w.appendJSON(nil), nil }

func (w *Warning) appendJSON(b []byte) []byte {
	b = append(b, `{"code":`...)
	b = AppendString(b, w.Code)
	for _, f := range [...]struct{ key, value string }{{`,"feature":`, w.Feature}, {`,"source":`, w.Source}, {`,"outcome":`, w.Outcome}} {
		if f.value != "" {
			b = append(b, f.key...)
			b = AppendString(b, f.value)
		}
	}
	b = append(b, `,"message":`...)
	b = AppendString(b, w.Message)
	return append(b, '}')
}

// appendName appends a name, null where there is none.
func appendName(b []byte, s string) []byte {
	if s == "" {
		return append(b, `null`...)
	}
	return AppendString(b, s)
}

func appendNumbers(b []byte, values []float64) []byte {
	b = append(b, '[')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendNumber(b, v)
	}
	return append(b, ']')
}

// appendNumber appends the fewest digits that read back as v, in the format of encoding/json; what is not finite is null.
func appendNumber(b []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, `null`...)
	}
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(b, v, format, -1, 64)
}

// AppendString appends a JSON string. Control characters, quotes and what could end a script element are escaped, and bytes that
// are not UTF-8 become U+FFFD.
func AppendString(b []byte, s string) []byte {
	const hexadecimal = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&' {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			if c == '"' || c == '\\' {
				b = append(b, '\\', c)
			} else {
				b = append(b, '\\', 'u', '0', '0', hexadecimal[c>>4], hexadecimal[c&15])
			}
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			b = append(b, s[start:i]...)
			b = append(b, `\ufffd`...)
			i++
			start = i
			continue
		}
		i += n
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
