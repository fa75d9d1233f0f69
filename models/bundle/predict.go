package bundle

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/models"
)

// Time is a time with its unit (UCUM: d, wk, mo, a).
type Time struct {
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// ParseTime reads a time with its unit, such as 12mo or 1.5a.
func ParseTime(text string) (Time, error) {
	for unit := range days {
		number, ok := strings.CutSuffix(text, unit)
		if !ok {
			continue
		}
		if v, err := strconv.ParseFloat(strings.TrimSpace(number), 64); err == nil && v >= 0 && v <= maxTime {
			return Time{v, unit}, nil
		}
	}
	return Time{}, fmt.Errorf("%q is not a time with its unit (%s), such as 12mo", text, unitNames)
}

// String returns the time as ParseTime reads it.
func (t Time) String() string { return string(appendNumber(nil, t.Value)) + t.Unit }

// Request says what to predict beside the patients.
type Request struct {
	Outcomes []string // by name; empty means all
	// Times at which survival is given; empty means whole years within the follow-up (else months, else its end).
	Times   []Time
	Explain *Explain // nil gives no explanation
	// Acquired says, of each row and by source, how the images were made that features were extracted from; nil where nothing is known.
	Acquired []map[string]extraction.Acquired
}

// MaxTimes bounds the times of one request.
const MaxTimes = 1000

// maxTime bounds the value of a time in a request, in any unit.
const maxTime = 1e9

// Predict answers for every row of x, whose columns are Columns(). Rows are patients; their identifiers are the caller's to add.
// Faults of the request are RequestErrors. The same row gives the same answer whatever the rows beside it.
func (b *Bundle) Predict(ctx context.Context, x models.Matrix, r Request) ([]Prediction, error) {
	if err := b.prepare(); err != nil {
		return nil, err
	}
	if err := models.CheckColumns(b.columns, x); err != nil {
		return nil, err
	}
	if wrong := b.Check(r); wrong != nil {
		return nil, wrong
	}
	chosen, err := b.chosen(r.Outcomes)
	if err != nil {
		return nil, err
	}
	var wrong RequestErrors // what an outcome cannot be explained by
	out := make([]Prediction, x.Rows)
	answers := make([]Answer, x.Rows*len(chosen))
	missing := make([]int, x.Rows)
	if r.Acquired != nil && len(r.Acquired) != x.Rows {
		return nil, fmt.Errorf("%d acquisitions of %d rows", len(r.Acquired), x.Rows)
	}
	for i := range out {
		out[i].Outcomes = answers[i*len(chosen) : (i+1)*len(chosen) : (i+1)*len(chosen)]
		out[i].Unit = b.Unit
		if out[i].Warnings, missing[i], err = b.envelope(x, i); err != nil {
			return nil, err
		}
		if r.Acquired != nil {
			out[i].Warnings = append(out[i].Warnings, b.acquired(r.Acquired[i])...)
		}
	}
	for k, n := range chosen {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		o, p := &b.Outcomes[n], b.plans[n]
		z, corrected, err := o.Chain.ApplyHarmonised(gather(x, p))
		if err != nil {
			return nil, fmt.Errorf("outcome %s: %w", o.Name, err)
		}
		z.Columns = p.columns
		for i := range out {
			out[i].Warnings = b.harmonised(p, x, corrected, i, out[i].Warnings)
			if w, ok := o.far(z, i); ok {
				out[i].Warnings = append(out[i].Warnings, w)
			}
		}
		var times []float64
		if o.Kind == clinical.Survival {
			if times, err = o.times(r.Times); err != nil {
				return nil, err
			}
		}
		got, err := o.Model.Predict(z, times)
		if errors.Is(err, models.ErrNothingRead) {
			return nil, &RequestError{"patients", fmt.Sprintf("outcome %s: a patient has no image, and no value of a table that the network reads beside; images come from files: a cohort file, or the study of a patient", o.Name)}
		}
		if err != nil {
			return nil, fmt.Errorf("outcome %s: %w", o.Name, err)
		}
		imageless(o.Model, z, out)
		if err := o.answer(got, times, out, k); err != nil {
			return nil, fmt.Errorf("outcome %s: %w", o.Name, err)
		}
		if r.Explain != nil {
			if err := b.explain(ctx, o, p, x, z, r.Explain, out, k); err != nil {
				faults := Faults(err)
				if faults == nil {
					return nil, err
				}
				wrong = append(wrong, faults...)
			}
		}
	}
	if wrong != nil {
		return nil, wrong
	}
	for i := range out {
		if out[i].Abstained = b.reasons(out[i].Warnings, missing[i]); out[i].Abstained != nil {
			for k := range out[i].Outcomes {
				out[i].Outcomes[k].withhold()
			}
		}
	}
	return out, nil
}

// gather returns the columns that an outcome's pipeline reads.
func gather(x models.Matrix, p *plan) models.Matrix {
	if p.inputs == nil {
		x.Columns = p.given
		return x
	}
	m := models.NewMatrix(p.given, x.Rows)
	m.Volumes = x.Volumes
	for i, j := range p.inputs {
		copy(m.Column(i), x.Column(j))
	}
	return m
}

// answer turns what a model predicted into the k-th answer of each patient.
func (o *Outcome) answer(got models.Prediction, times []float64, out []Prediction, k int) error {
	if got.Kind != o.Kind || got.Rows != len(out) {
		return fmt.Errorf("the model predicted %d rows of kind %s, want %d of kind %s", got.Rows, got.Kind, len(out), o.Kind)
	}
	if o.Kind == clinical.Class {
		n := len(o.Classes)
		if len(got.Probabilities) != n*len(out) {
			return fmt.Errorf("the model predicted %d probabilities for %d classes and %d rows", len(got.Probabilities), n, len(out))
		}
		for i := range out {
			p := got.Probabilities[i*n : (i+1)*n : (i+1)*n]
			a := &out[i].Outcomes[k]
			*a = Answer{Name: o.Name, Kind: o.Kind, Classes: o.Classes, Probabilities: p, Label: o.Classes[o.label(p)]}
			if o.Conformal != nil {
				a.Set = o.Conformal.set(o.Classes, p)
			}
		}
		return nil
	}
	n := len(times)
	if len(got.Risk) != len(out) || len(got.Median) != len(out) || len(got.Survival) != n*len(out) {
		return fmt.Errorf("the model predicted %d risks, %d medians and %d survival probabilities for %d rows and %d times",
			len(got.Risk), len(got.Median), len(got.Survival), len(out), n)
	}
	for i := range out {
		s := got.Survival[i*n : (i+1)*n : (i+1)*n]
		for j, t := range times {
			if t > o.FollowUp.Limit {
				s[j] = math.NaN()
				out[i].Warnings = append(out[i].Warnings, Warning{Code: BeyondFollowUp, Outcome: o.Name,
					Message: fmt.Sprintf("fewer than %d training patients were at risk at %.6g %s", MinAtRisk, t, o.Unit)})
			}
		}
		median := got.Median[i]
		if !(median <= o.FollowUp.Limit) {
			median = math.NaN()
		}
		out[i].Outcomes[k] = Answer{Name: o.Name, Kind: o.Kind, Unit: o.Unit, Risk: got.Risk[i], RiskGroup: o.Groups.Group(got.Risk[i]),
			Median: median, Times: times, Survival: s}
	}
	return nil
}

// label is the class that probabilities are called: of two, the positive one from the threshold on; of more, the most probable.
func (o *Outcome) label(p []float64) int {
	if len(p) == 2 {
		threshold := o.Threshold
		if threshold == 0 {
			threshold = 0.5
		}
		if p[1] >= threshold {
			return 1
		}
		return 0
	}
	best := 0
	for k, v := range p {
		if v > p[best] {
			best = k
		}
	}
	return best
}
