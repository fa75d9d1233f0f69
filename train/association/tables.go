package association

import (
	"bytes"
	"encoding/csv"
	"math"
	"strconv"
)

// sheet writes a CSV; empty cells stand for numbers that are not there.
func sheet(header []string, rows [][]string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.WriteAll(append([][]string{header}, rows...)) // a bytes.Buffer takes everything
	return b.Bytes()
}

func number(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', 10, 64)
}

func optional(v *float64) string {
	if v == nil {
		return ""
	}
	return number(*v)
}

// foundTable lists the pairs within the level, with the intervals of their effects.
func (m *Map) foundTable() []byte {
	var rows [][]string
	for _, k := range m.foundPairs() {
		p := m.pair(k)
		low, high := m.Interval(k)
		rows = append(rows, []string{p.X, p.Y, number(p.Effect), number(low), number(high), number(p.P), number(p.Q), optional(p.FamilyWise), optional(p.Raw), strconv.Itoa(p.N)})
	}
	return sheet([]string{"x", "y", "effect", "low", "high", "p", "q", "family_wise", "raw_effect", "n"}, rows)
}

// table lists every column and set.
func (m *SetMap) table() []byte {
	var rows [][]string
	for k := range m.Score {
		r := m.row(k)
		rows = append(rows, []string{r.X, r.Set, strconv.Itoa(r.Size), number(r.Score), optional(r.Normalised), number(r.P), number(r.Q), strconv.Itoa(r.Overlap), number(r.OverP), number(r.OverQ)})
	}
	return sheet([]string{"x", "set", "size", "score", "normalised", "p", "q", "overlap", "over_p", "over_q"}, rows)
}

// table lists the members of modules.
func (m *Modules) table() []byte {
	var rows [][]string
	for _, side := range [][]Module{m.X, m.Y} {
		for _, module := range side {
			for _, c := range module.Columns {
				rows = append(rows, []string{module.Name, c, number(module.Explained)})
			}
		}
	}
	return sheet([]string{"module", "column", "explained"}, rows)
}

// table lists the pairs that were tested again.
func (r *Replication) table() []byte {
	var rows [][]string
	for _, p := range r.Pairs {
		rows = append(rows, []string{p.X, p.Y, number(p.Effect), number(p.Second), number(p.P), number(p.Q), strconv.Itoa(p.N)})
	}
	return sheet([]string{"x", "y", "effect", "second_effect", "second_p", "second_q", "second_n"}, rows)
}
