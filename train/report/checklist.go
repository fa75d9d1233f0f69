package report

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"strconv"
)

// Checklist is a reporting checklist, each item with what the run can say to it. There is no total: items for people are open.
type Checklist struct {
	Name, Source string
	Items        []Item
}

// The states of an item.
const (
	Filled        = "filled"         // the run shows it
	Partly        = "partly"         // the run shows its part, and people complete it
	NotFound      = "not found"      // the run was to show it and has nothing to show
	Authors       = "authors"        // only they can answer
	NotApplicable = "not applicable" // for the reason given
)

// Item is one item of a checklist.
type Item struct {
	Number   int
	Section  string
	Text     string // in few words of our own
	Weight   string // of the checklist's score; empty where it has none
	State    string
	Evidence string
	Anchor   string // of the part of the page that shows it
}

// Evidence is what a run shows for an item.
type Evidence struct {
	Text   string // empty when the run has nothing to show
	Anchor string // of a part of the page; see Anchor
	// Open says that people have to complete what the run shows, where the checklist's item alone would not.
	Open bool
	// Outside says that the item does not apply to the study, for the reason in Text.
	Outside bool
}

//go:embed clear.csv
var clearCSV []byte

//go:embed metrics.csv
var metricsCSV []byte

//go:embed rqs.csv
var rqsCSV []byte

//go:embed tripod.csv
var tripodCSV []byte

// CLEAR is the checklist for radiomics research with 58 items (Kocak and others 2023, https://doi.org/10.1186/s13244-023-01415-8).
func CLEAR(evidence map[int]Evidence) Checklist {
	return fill("CLEAR", "58 items; Kocak and others 2023, doi 10.1186/s13244-023-01415-8", clearCSV, evidence)
}

// METRICS is the quality score for radiomics research with 30 items (Kocak and others 2024, https://doi.org/10.1186/s13244-023-01572-w).
func METRICS(evidence map[int]Evidence) Checklist {
	return fill("METRICS", "30 items with their weights; Kocak and others 2024, doi 10.1186/s13244-023-01572-w", metricsCSV, evidence)
}

// RQS is the radiomics quality score with 16 items (Lambin and others 2017, https://doi.org/10.1038/nrclinonc.2017.141).
func RQS(evidence map[int]Evidence) Checklist {
	return fill("RQS", "16 items with their points, of 36; Lambin and others 2017, doi 10.1038/nrclinonc.2017.141", rqsCSV, evidence)
}

// TRIPOD is TRIPOD+AI, the reporting guideline for prediction models with 27 items (Collins and others 2024, https://doi.org/10.1136/bmj-2023-078378).
func TRIPOD(evidence map[int]Evidence) Checklist {
	return fill("TRIPOD+AI", "27 items; Collins and others 2024, doi 10.1136/bmj-2023-078378", tripodCSV, evidence)
}

// fill sets evidence beside each item. What a setting says is no evidence; callers give what the run found.
func fill(name, source string, items []byte, evidence map[int]Evidence) Checklist {
	records, err := csv.NewReader(bytes.NewReader(items)).ReadAll()
	if err != nil {
		panic("report: " + name + ": " + err.Error()) // the file is part of the program
	}
	c := Checklist{Name: name, Source: source}
	for _, r := range records[1:] {
		n, err := strconv.Atoi(r[0])
		if err != nil {
			panic("report: " + name + ": " + err.Error())
		}
		e := evidence[n]
		i := Item{Number: n, Section: r[1], Text: r[2], Evidence: e.Text, Anchor: e.Anchor}
		if len(r) > 4 {
			i.Weight = r[4]
		}
		switch {
		case e.Text == "" && r[3] == "H":
			i.State = Authors
		case e.Text == "":
			i.State = NotFound
		case e.Outside:
			i.State = NotApplicable
		case r[3] == "A" && !e.Open:
			i.State = Filled
		default:
			i.State = Partly
		}
		c.Items = append(c.Items, i)
	}
	return c
}

// Counts says how many items are in each state.
func (c Checklist) Counts() map[string]int {
	n := map[string]int{}
	for _, i := range c.Items {
		n[i.State]++
	}
	return n
}

// Weighted reports whether the items have weights or points.
func (c Checklist) Weighted() bool { return len(c.Items) > 0 && c.Items[0].Weight != "" }
