// Package survival holds what every time-to-event model shares: observations, curves and the measures that judge them.
//
// Times carry the unit of the data; nothing here converts them. A higher risk score means an earlier event. A patient is at risk
// at time t when Entry < t ≤ Time, so that one censored at the time of an event counts as at risk for it. Functions of a single
// kind of event refuse observations of competing events, because one minus Kaplan–Meier overstates their risk; AalenJohansen and
// Cause are for those.
package survival

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
)

// ErrNoPatients says that an estimate was asked for from no observation at all.
var ErrNoPatients = errors.New("survival: no patients")

// ErrCompeting says that a function of one kind of event was given competing ones.
var ErrCompeting = errors.New("a competing event; use AalenJohansen for its incidence, or Cause to count other events as censored")

// Observation is one patient's follow-up: from Entry to the event, or to the last contact when none had happened.
type Observation struct {
	Entry float64 // time at which the patient came under observation; 0, or anything below the first time, for all of it
	Time  float64
	Event int // 0 censored, 1 the event, 2 and up competing events
}

// Observations returns the observations of an outcome, whose rows must all be known.
func Observations(o clinical.Outcome) ([]Observation, error) {
	if o.Kind != clinical.Survival {
		return nil, fmt.Errorf("outcome %q is of kind %s, not survival", o.Name, o.Kind)
	}
	if len(o.Event) != len(o.Time) || o.Entry != nil && len(o.Entry) != len(o.Time) {
		return nil, fmt.Errorf("outcome %q has %d times, %d events and %d entries", o.Name, len(o.Time), len(o.Event), len(o.Entry))
	}
	out := make([]Observation, len(o.Time))
	for i := range out {
		out[i] = Observation{Time: o.Time[i], Event: o.Event[i]}
		if o.Entry != nil {
			out[i].Entry = o.Entry[i]
		}
	}
	return out, validate(out, math.MaxInt)
}

// Cause returns the observations with events of that kind as 1 and all others censored: the data of a cause-specific hazard.
func Cause(observations []Observation, kind int) []Observation {
	out := slices.Clone(observations)
	for i := range out {
		out[i].Event = 0
		if observations[i].Event == kind {
			out[i].Event = 1
		}
	}
	return out
}

// validate names the first observation that is not valid; events above highest are refused.
func validate(observations []Observation, highest int) error {
	if len(observations) == 0 {
		return ErrNoPatients
	}
	for i, o := range observations {
		switch {
		case o.Time < 0 || math.IsNaN(o.Time) || math.IsInf(o.Time, 0):
			return fmt.Errorf("observation %d: time %v: want a finite time of 0 or more", i, o.Time)
		case math.IsNaN(o.Entry) || math.IsInf(o.Entry, 1) || o.Entry >= o.Time && o.Entry != 0:
			return fmt.Errorf("observation %d: entry %v: want a time before %v, the end of follow-up", i, o.Entry, o.Time)
		case o.Event < 0:
			return fmt.Errorf("observation %d: event %d: want 0 (censored), 1 or more", i, o.Event)
		case o.Event > highest:
			return fmt.Errorf("observation %d: event %d: %w", i, o.Event, ErrCompeting)
		}
	}
	return nil
}

// counts says, for each distinct time in ascending order, how many were at risk, had the event and were censored.
type counts struct{ time, atRisk, events, censored []float64 }

// count tabulates observations. Entries of 0 do not truncate.
func count(observations []Observation) counts {
	byTime := slices.Clone(observations)
	slices.SortFunc(byTime, func(a, b Observation) int { return cmp.Compare(a.Time, b.Time) })
	entries := entryTimes(observations)
	var c counts
	late := len(entries) // entries at or after the current time: not yet at risk
	for first := 0; first < len(byTime); {
		t, events, leaving := byTime[first].Time, 0, 0
		for _, o := range byTime[first:] {
			if o.Time != t {
				break
			}
			leaving++
			if o.Event > 0 {
				events++
			}
		}
		for late > 0 && entries[len(entries)-late] < t {
			late--
		}
		c.time = append(c.time, t)
		c.atRisk = append(c.atRisk, float64(len(byTime)-first-late))
		c.events = append(c.events, float64(events))
		c.censored = append(c.censored, float64(leaving-events))
		first += leaving
	}
	return c
}

// entryTimes returns the entries that are not 0, ascending.
func entryTimes(observations []Observation) []float64 {
	var entries []float64
	for _, o := range observations {
		if o.Entry != 0 {
			entries = append(entries, o.Entry)
		}
	}
	slices.Sort(entries)
	return entries
}

// upTo returns the index of the last time at or before t, or −1.
func upTo(times []float64, t float64) int {
	i, exact := slices.BinarySearch(times, t)
	if exact {
		return i
	}
	return i - 1
}
