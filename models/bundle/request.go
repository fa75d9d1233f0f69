package bundle

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models/explain"
)

// RequestError is a fault in a Request: which part of it, as a path such as times[0].unit, and what is wrong.
type RequestError struct{ Place, Text string }

// Error returns "place: text".
func (e *RequestError) Error() string { return e.Place + ": " + e.Text }

// RequestErrors are all faults in a Request. Each is found by errors.As as a *RequestError, the first one first.
type RequestErrors []*RequestError

// Error returns the faults, one a line.
func (e RequestErrors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the faults.
func (e RequestErrors) Unwrap() []error {
	out := make([]error, len(e))
	for i, one := range e {
		out[i] = one
	}
	return out
}

// Faults are the faults of a request that an error holds; nil where it is another error.
func Faults(err error) RequestErrors {
	var many RequestErrors
	var one *RequestError
	switch {
	case errors.As(err, &many):
		return many
	case errors.As(err, &one):
		return RequestErrors{one}
	}
	return nil
}

// Check returns all that is wrong with what a request asks for, as far as it can be told without predicting: outcomes that the bundle does not
// have, times that are none, words of explanations that are not known. Nil where nothing is.
func (b *Bundle) Check(r Request) RequestErrors {
	var out RequestErrors
	survival := len(r.Outcomes) == 0 && slices.ContainsFunc(b.Outcomes, follows)
	for k, name := range r.Outcomes {
		i := b.outcome(name)
		switch {
		case i < 0:
			known := make([]string, len(b.Outcomes))
			for j, o := range b.Outcomes {
				known[j] = o.Name
			}
			out = append(out, &RequestError{fmt.Sprintf("outcomes[%d]", k), fmt.Sprintf("%s does not predict %.100q; it predicts %v", b.Name, name, known)})
			survival = survival || slices.ContainsFunc(b.Outcomes, follows)
		case slices.Contains(r.Outcomes[:k], name):
			out = append(out, &RequestError{fmt.Sprintf("outcomes[%d]", k), fmt.Sprintf("%q is asked for twice", name)})
		default:
			survival = survival || b.Outcomes[i].Kind == clinical.Survival
		}
	}
	if survival {
		out = append(out, checkTimes("times", r.Times)...)
	}
	if r.Explain != nil {
		out = append(out, r.Explain.check()...)
		if survival {
			out = append(out, checkTimes("explain.at", r.Explain.At)...)
		}
	}
	return out
}

// follows reports whether an outcome is of survival.
func follows(o Outcome) bool { return o.Kind == clinical.Survival }

// checkTimes returns what is wrong with times at a place of a request.
func checkTimes(place string, times []Time) RequestErrors {
	if len(times) > MaxTimes {
		return RequestErrors{{place, fmt.Sprintf("%d times; at most %d", len(times), MaxTimes)}}
	}
	var out RequestErrors
	for k, t := range times {
		if _, err := Convert(t.Value, t.Unit, "d"); err != nil {
			out = append(out, &RequestError{fmt.Sprintf("%s[%d].unit", place, k), err.Error()})
		}
		if !(t.Value >= 0 && t.Value <= maxTime) {
			out = append(out, &RequestError{fmt.Sprintf("%s[%d].value", place, k), fmt.Sprintf("%v is not a time from 0 to %.0f", t.Value, maxTime)})
		}
	}
	return out
}

func (e *Explain) check() RequestErrors {
	var out RequestErrors
	fault := func(place, format string, args ...any) {
		out = append(out, &RequestError{place, fmt.Sprintf(format, args...)})
	}
	switch {
	case e.GroupBy != "" && !slices.Contains(Groupings, e.GroupBy):
		fault("explain.group_by", "%q is not one of %v", e.GroupBy, Groupings)
	case e.GroupBy == "set" && len(e.Sets) == 0:
		fault("explain.group_by", "set needs gene sets, which voxgene explain --sets reads")
	}
	if e.Top < 0 {
		fault("explain.top", "%d is not a number of features", e.Top)
	}
	if e.Method != "" && !slices.Contains(explain.Methods, e.Method) {
		fault("explain.method", "there is no method %q; there are %v", e.Method, explain.Methods)
	}
	return out
}

// chosen returns the indices of the outcomes asked for, in the bundle's order.
func (b *Bundle) chosen(names []string) ([]int, error) {
	if wrong := b.Check(Request{Outcomes: names}); wrong != nil {
		return nil, wrong
	}
	var out []int
	if len(names) == 0 {
		for i := range b.Outcomes {
			out = append(out, i)
		}
		return out, nil
	}
	for _, name := range names {
		out = append(out, b.outcome(name))
	}
	slices.Sort(out)
	return out, nil
}

// times returns times that were checked in an outcome's unit.
func (o *Outcome) times(times []Time) ([]float64, error) {
	if len(times) == 0 {
		return o.FollowUp.horizons(o.Unit), nil
	}
	out := make([]float64, len(times))
	for k, t := range times {
		v, err := Convert(t.Value, t.Unit, o.Unit)
		if err != nil {
			return nil, err
		}
		out[k] = v
	}
	return out, nil
}
