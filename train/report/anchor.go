package report

import (
	"strconv"
	"strings"
)

// Anchor is the anchor of a figure, table or comparison of an outcome (0 is the first), or of one outside the outcomes where outcome is
// negative. An empty title stands for the whole outcome.
func Anchor(outcome int, title string) string {
	var parts []string
	if outcome >= 0 {
		parts = append(parts, "outcome-"+strconv.Itoa(outcome+1))
	}
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9') })
	return strings.Join(append(parts, words...), "-")
}

// named returns the report with an anchor for every part. An item of a checklist whose part is not on the page, because there was nothing
// to show, leads to the outcome instead.
func (r Report) named() Report {
	known := map[string]bool{"audit": true, "cohort": true, "methods": true, "checklists": true, "reproduce": true}
	take := func(outcome int, title string) string {
		a := Anchor(outcome, title)
		known[a] = true
		return a
	}
	outcomes := make([]Outcome, len(r.Outcomes))
	for i, o := range r.Outcomes {
		o.ID = take(i, "")
		o.Comparisons, o.Figures, o.Tables = clone(o.Comparisons), clone(o.Figures), clone(o.Tables)
		for k := range o.Comparisons {
			o.Comparisons[k].ID = take(i, o.Comparisons[k].Title)
		}
		for k := range o.Figures {
			o.Figures[k].ID = take(i, o.Figures[k].Title)
		}
		for k := range o.Tables {
			o.Tables[k].ID = take(i, o.Tables[k].Title)
		}
		outcomes[i] = o
	}
	r.Outcomes, r.Tables = outcomes, clone(r.Tables)
	for k := range r.Tables {
		r.Tables[k].ID = take(-1, r.Tables[k].Title)
	}
	lists := make([]Checklist, len(r.Checklists))
	for k, c := range r.Checklists {
		c.Items = clone(c.Items)
		for j, i := range c.Items {
			if i.Anchor != "" && !known[i.Anchor] {
				c.Items[j].Anchor = Anchor(0, "")
			}
		}
		lists[k] = c
	}
	r.Checklists = lists
	return r
}

func clone[T any](v []T) []T { return append([]T(nil), v...) }
