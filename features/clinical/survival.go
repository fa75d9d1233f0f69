package clinical

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Units are the units of time, in UCUM, and the days that each has. A month is 1/12 of a year and a year 365.25 days.
var Units = map[string]float64{"d": 1, "wk": 7, "mo": 365.25 / 12, "a": 365.25}

// FollowUp is what a table says of the time to an event: cells as they are written, "" being missing.
type FollowUp struct {
	Time, Event []string
	Entry       []string       // nil where everybody is under observation from time zero
	Codes       map[string]int // what an event cell means, where DefaultEvent does not know or is wrong
	Unit        string         // UCUM: d, wk, mo, a
	Origin      string         // what time zero is: imaging, diagnosis, surgery
}

// RowNote says why the outcome of a row is not known.
type RowNote struct {
	Row  int
	Text string
}

// NewSurvival makes a survival outcome. A row without time or event, with a time of zero or less, or with an end that is not after
// its entry has no known outcome and is noted. A time that is no number and an event of unknown meaning are errors, all at once.
func NewSurvival(name string, f FollowUp) (Outcome, []RowNote, error) {
	if _, ok := Units[f.Unit]; !ok {
		return Outcome{}, nil, fmt.Errorf("outcome %s: unit %q is not one of d, wk, mo, a", name, f.Unit)
	}
	if f.Origin == "" {
		return Outcome{}, nil, fmt.Errorf("outcome %s: say what time zero is with origin, for example imaging, diagnosis or surgery", name)
	}
	n := len(f.Time)
	o := Outcome{Name: name, Kind: Survival, Time: make([]float64, n), Event: make([]int, n), Unit: f.Unit, Origin: f.Origin}
	if f.Entry != nil {
		o.Entry = make([]float64, n)
	}
	var notes []RowNote
	var problems []error
	wrong := func(i int, format string, args ...any) {
		if len(problems) < 20 {
			problems = append(problems, fmt.Errorf("outcome %s, row %d: %s", name, i+1, fmt.Sprintf(format, args...)))
		}
	}
	events := 0
	for i := range n {
		o.Time[i] = math.NaN()
		unknown := func(text string) { notes = append(notes, RowNote{i, text}) }
		if f.Time[i] == "" || f.Event[i] == "" {
			unknown(map[bool]string{true: "time is missing", false: "event is missing"}[f.Time[i] == ""])
			continue
		}
		time, err := strconv.ParseFloat(f.Time[i], 64)
		if err != nil || math.IsInf(time, 0) || math.IsNaN(time) {
			wrong(i, "time %q is not a number", f.Time[i])
			continue
		}
		event, ok := eventOf(f.Event[i], f.Codes)
		if !ok {
			wrong(i, "event %q has no known meaning; say it with codes: {%q: 0 or 1}", f.Event[i], f.Event[i])
			continue
		}
		if time <= 0 {
			unknown(fmt.Sprintf("time is %g, and has to be after time zero", time))
			continue
		}
		if f.Entry != nil {
			entry, err := strconv.ParseFloat(f.Entry[i], 64)
			if f.Entry[i] == "" {
				unknown("entry is missing")
				continue
			}
			if err != nil || math.IsInf(entry, 0) || math.IsNaN(entry) {
				wrong(i, "entry %q is not a number", f.Entry[i])
				continue
			}
			if entry >= time {
				unknown(fmt.Sprintf("the end, %g, is not after the entry, %g", time, entry))
				continue
			}
			o.Entry[i] = entry
		}
		o.Time[i], o.Event[i] = time, event
		if event == 1 {
			events++
		}
	}
	if len(problems) > 0 {
		return Outcome{}, nil, errors.Join(problems...)
	}
	if events == 0 {
		return Outcome{}, nil, fmt.Errorf("outcome %s: nobody has the event; are the codes the right way round?", name)
	}
	return o, notes, nil
}

// eventWords are texts whose meaning is the same in every file that has them.
var eventWords = [2][]string{
	{"0", "false", "no", "alive", "living", "censored", "disease free", "diseasefree", "progression free", "not recurred"},
	{"1", "true", "yes", "dead", "deceased", "died", "event", "recurred", "progressed", "recurred/progressed", "progression"},
}

// DefaultEvent is the meaning of an event cell where nothing else is said: 0 for censored, 1 for the event, 2 and up for competing
// events. It knows whole numbers (1, 1.0), truth values, words such as Alive and Dead, and cBioPortal's form 1:DECEASED.
func DefaultEvent(cell string) (int, bool) {
	code, _, _ := strings.Cut(cell, ":")
	code = strings.ToLower(strings.TrimSpace(code))
	for e, words := range eventWords {
		if slices.Contains(words, code) {
			return e, true
		}
	}
	if f, err := strconv.ParseFloat(code, 64); err == nil && f >= 0 && f < 100 && f == math.Trunc(f) {
		return int(f), true
	}
	return 0, false
}

func eventOf(cell string, codes map[string]int) (int, bool) {
	if e, ok := codes[cell]; ok {
		return e, e >= 0
	}
	if f, err := strconv.ParseFloat(cell, 64); err == nil { // codes: {1: …} also for 1.0
		if e, ok := codes[strconv.FormatFloat(f, 'g', -1, 64)]; ok {
			return e, e >= 0
		}
	}
	return DefaultEvent(cell)
}
