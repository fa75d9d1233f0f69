package tree

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/voxgene/voxgene/features/table"
)

// WriteText writes the model as a person reads it: a decision tree with its splits, other models as a summary with the columns that
// matter most.
func (m *Classifier) WriteText(w io.Writer) error {
	if m.e.Trees() == 1 && m.e.Scale == Probability {
		return m.e.WriteTree(w, 0, m.about.Columns, m.about.Classes)
	}
	return writeSummary(w, m.about, m.e)
}

// writeSummary says how many trees there are, how deep, and which columns gain most.
func writeSummary(w io.Writer, a about, e *Ensemble) error {
	b := bufio.NewWriter(w)
	deepest := 0
	for t := range e.Trees() {
		deepest = max(deepest, e.Depth(t))
	}
	fmt.Fprintf(b, "%s: %d trees, %d nodes, depth at most %d, %d columns\n", a.Kind, e.Trees(), e.Nodes(), deepest, e.Features)
	const most = 20
	for i, c := range e.Rank(TotalGain) {
		if i == most || c.Value <= 0 {
			break
		}
		fmt.Fprintf(b, "%6.2f %%  %s\n", 100*c.Value, a.Columns[c.Column].Name)
	}
	return b.Flush()
}

// WriteTree writes tree t as text: a line a node, with its share of each class (or its values) and its cover.
func (e *Ensemble) WriteTree(w io.Writer, t int, columns []table.Column, classes []string) error {
	p := printer{bufio.NewWriter(w), e, columns, classes}
	p.node(e.Roots[t], "", "", "")
	return p.w.Flush()
}

type printer struct {
	w       *bufio.Writer
	e       *Ensemble
	columns []table.Column
	classes []string
}

// node writes a node after the marks of its line, and all below it, each under a stem.
func (p *printer) node(n int32, mark, answer, stem string) {
	if p.e.Leaf(n) {
		fmt.Fprintf(p.w, "%s%s%s\n", mark, answer, p.says(n))
		return
	}
	missing := "no"
	if p.e.MissingLeft[n] {
		missing = "yes"
	}
	fmt.Fprintf(p.w, "%s%s%s?  [missing: %s; %s]\n", mark, answer, p.question(n), missing, p.says(n))
	p.node(p.e.Left[n], stem+"├─ ", "yes: ", stem+"│  ")
	p.node(p.e.Right[n], stem+"└─ ", "no: ", stem+"   ")
}

// question is what a node asks; yes goes left.
func (p *printer) question(n int32) string {
	column := fmt.Sprintf("column %d", p.e.Feature[n])
	var levels []string
	if int(p.e.Feature[n]) < len(p.columns) {
		c := p.columns[p.e.Feature[n]]
		column, levels = c.Name, c.Levels
	}
	if set, ok := p.e.Categories(n); ok {
		names := make([]string, len(set))
		for i, c := range set {
			names[i] = fmt.Sprint(c)
			if c < len(levels) {
				names[i] = levels[c]
			}
		}
		return fmt.Sprintf("%s is none of {%s}", column, strings.Join(names, ", "))
	}
	switch t := p.e.Threshold[n]; {
	case t == math.MaxFloat64:
		return column + " is known"
	case t == -math.MaxFloat64:
		return column + " is missing"
	case p.e.Strict:
		return fmt.Sprintf("%s < %.6g", column, t)
	default:
		return fmt.Sprintf("%s ≤ %.6g", column, t)
	}
}

// says is what a node would answer were it a leaf.
func (p *printer) says(n int32) string {
	var parts []string
	width := p.e.Width()
	values := p.e.Values[int(n)*width : (int(n)+1)*width]
	switch {
	case p.e.Scale == Probability && width == 1 && len(p.classes) == 2:
		parts = append(parts, fmt.Sprintf("%s %.3g, %s %.3g", p.classes[0], 1-values[0], p.classes[1], values[0]))
	case p.e.Scale == Probability && width == len(p.classes):
		for k, v := range values {
			if v > 0 {
				parts = append(parts, fmt.Sprintf("%s %.3g", p.classes[k], v))
			}
		}
	default:
		for _, v := range values {
			parts = append(parts, fmt.Sprintf("%+.4g", v))
		}
	}
	return fmt.Sprintf("%s; n %.6g", strings.Join(parts, ", "), p.e.Cover[n])
}
