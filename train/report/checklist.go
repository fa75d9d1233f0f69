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

// Item is one item of a checklist.
type Item struct {
	Number  int
	Section string
	Text    string // in few words of our own
	// State is filled, partly (people complete it), not found (the run was to show it and has nothing to show), or authors (only they can).
	State    string
	Evidence string
	Anchor   string // of the section that shows it
}

// Evidence is what a run shows for an item.
type Evidence struct {
	Text   string // empty when the run has nothing to show
	Anchor string
}

//go:embed clear.csv
var clearCSV []byte

//go:embed metrics.csv
var metricsCSV []byte

// CLEAR is the checklist for radiomics research with 58 items (Kocak and others 2023, https://doi.org/10.1186/s13244-023-01415-8).
func CLEAR(evidence map[int]Evidence) Checklist {
	return fill("CLEAR", "58 items; Kocak and others 2023, doi 10.1186/s13244-023-01415-8", clearCSV, evidence)
}

// METRICS is the quality score for radiomics research with 30 items (Kocak and others 2024, https://doi.org/10.1186/s13244-023-01572-w).
func METRICS(evidence map[int]Evidence) Checklist {
	return fill("METRICS", "30 items; Kocak and others 2024, doi 10.1186/s13244-023-01572-w", metricsCSV, evidence)
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
		switch {
		case r[3] == "H" && e.Text == "":
			i.State = "authors"
		case e.Text == "":
			i.State = "not found"
		case r[3] == "A":
			i.State = "filled"
		default:
			i.State = "partly"
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
