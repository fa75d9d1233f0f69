// Package report renders what a run found as one HTML file: no network, no script, light and dark, printable.
//
// It holds the words and the layout; every number comes from the caller. Patients are never named, and counts by which one could be
// found are not given below ten.
package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Report is all that a page shows.
type Report struct {
	Kind     string // training, predictions made elsewhere, external validation
	Whole    bool   // has the audit, methods and checklists of a study of its own
	Name     string
	Made     time.Time
	Seconds  float64
	Audit    []Finding
	Flow     []Count
	Sources  []Source
	Pipeline []string
	Plan     []string // what was going to be done, and what it cost
	Outcomes []Outcome
	Tables   []Table // of the cohort
	Card     []Pair  // model card

	Checklists []Checklist

	Study    []Pair  // the authors' words
	Config   string  // the canonical experiment
	Level    float64 // of intervals
	Versions []Pair
	Modules  []Pair // libraries and their versions
	Inputs   []Pair // hashes of files that were read
	Hashes   []Pair // of files that the run left
}

// Pair is a name and what it is.
type Pair struct{ Name, Value string }

// Count is a line of the cohort flow.
type Count struct {
	Text     string
	Patients int
	Out      bool // patients who leave the flow here, or are missing from the line above
}

// Finding is something that the reader should know before any number.
type Finding struct {
	Level string // stop, warning, note
	Text  string
}

// Source says what a source gave.
type Source struct {
	Name, Kind, Group string
	Patients, Columns int
	Missing           float64  // share of its values
	Without           []string // why patients have none of it, with counts
}

// Estimate is a measure with its interval; Low is NaN where there is none.
type Estimate struct {
	Title            string
	Value, Low, High float64
}

// Row is a line of a comparison.
type Row struct {
	Name      string
	Note      string
	Estimates []Estimate
	P         float64 // of a test against the row that the table names; NaN where there is none
}

// Comparison is a table of rows measured on the same folds. The anchors of parts are set by Write.
type Comparison struct {
	ID             string
	Title, Caption string
	Rows           []Row
}

// Figure is a picture and the words below it.
type Figure struct {
	ID             string
	Title, Caption string
	SVG            template.HTML
	Wide           bool // has long words and wants the whole width
}

// Table is any other table.
type Table struct {
	ID             string
	Title, Caption string
	Head           []string
	Rows           [][]string
}

// Outcome is one outcome's part of the page.
type Outcome struct {
	ID          string
	Name, Kind  string
	Description string // patients, classes or events, scheme
	Verdict     string // one sentence: what the headline says
	Warnings    []string
	Interval    string
	Headline    []Estimate
	Comparisons []Comparison
	Figures     []Figure
	Tables      []Table
	Notes       []string
}

//go:embed page.html
var page string

//go:embed page.css
var style string

// layout is parsed when a report is written: most commands write none.
var layout = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"number":   Number,
		"interval": interval,
		"percent":  func(v float64) string { return strconv.FormatFloat(100*v, 'f', 1, 64) + " %" },
		"level":    func(v float64) string { return strconv.FormatFloat(100*v, 'g', 3, 64) + " %" },
		"style":    func() template.CSS { return template.CSS(style) },
		"p":        PValue,
		"has":      func(v float64) bool { return !math.IsNaN(v) },
		"date":     func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") },
		"seconds":  Seconds,
		"slug":     func(s string) string { return Anchor(-1, s) },
	}).Parse(page))
})

// Write renders the page.
func (r Report) Write(w io.Writer) error { return layout().Execute(w, r.named()) }

// Number prints a measure with the digits that its precision bears.
func Number(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case math.Abs(v) >= 100:
		return minus(strconv.FormatFloat(v, 'f', 0, 64))
	case math.Abs(v) >= 10:
		return minus(strconv.FormatFloat(v, 'f', 1, 64))
	}
	return minus(strconv.FormatFloat(v, 'f', 3, 64))
}

// minus writes a true minus sign.
func minus(s string) string { return strings.Replace(s, "-", "−", 1) }

func interval(e Estimate) string {
	if math.IsNaN(e.Low) || math.IsNaN(e.High) {
		return ""
	}
	return Number(e.Low) + " to " + Number(e.High)
}

// PValue prints a p-value.
func PValue(p float64) string {
	switch {
	case math.IsNaN(p):
		return "–"
	case p < 0.001:
		return "< 0.001"
	}
	return strconv.FormatFloat(p, 'f', 3, 64)
}

// Seconds prints a span of time.
func Seconds(s float64) string {
	switch {
	case s < 1:
		return fmt.Sprintf("%.0f ms", 1000*s)
	case s < 90:
		return fmt.Sprintf("%.1f s", s)
	case s < 5400:
		return fmt.Sprintf("%.0f min", s/60)
	}
	return fmt.Sprintf("%.1f h", s/3600)
}
