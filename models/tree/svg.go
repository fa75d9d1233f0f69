package tree

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// maxDrawn is the most leaves that a drawing has room for.
const maxDrawn = 128

// The measures of a drawing, in its own units.
const (
	leafWidth   = 150
	levelHeight = 84
	boxWidth    = 140
	boxHeight   = 46
	margin      = 10
)

// WriteSVG draws a model of one tree: the root on top, yes to the left, leaves tinted by the share of their most probable class. A model of
// several trees, or of more than 128 leaves, is an error.
func (m *Classifier) WriteSVG(w io.Writer) error {
	if k := m.e.Trees(); k != 1 {
		return fmt.Errorf("%s has %d trees; one tree can be drawn", m.about.Kind, k)
	}
	if k := m.e.Leaves(0); k > maxDrawn {
		return fmt.Errorf("the tree has %d leaves; up to %d can be drawn: prune it (ccp_alpha) or limit its depth", k, maxDrawn)
	}
	d := drawing{printer: printer{bufio.NewWriter(w), m.e, m.about.Columns, m.about.Classes}}
	width, height := m.e.Leaves(0)*leafWidth+2*margin, (m.e.Depth(0)+1)*levelHeight+2*margin
	fmt.Fprintf(d.w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n", width, height, width, height)
	fmt.Fprintf(d.w, "<title>Decision tree</title>\n")
	d.node(0, 0)
	fmt.Fprintln(d.w, "</svg>")
	return d.w.Flush()
}

// drawing lays out a tree from the left; leaves take the next place.
type drawing struct {
	printer
	leaves int
}

// node draws a node and all below it, and returns the middle of its box.
func (d *drawing) node(n int32, depth int) float64 {
	y := margin + depth*levelHeight
	if d.e.Leaf(n) {
		x := float64(margin + d.leaves*leafWidth + leafWidth/2)
		d.leaves++
		d.box(x, y, d.tint(n), d.shares(n))
		return x
	}
	left := d.node(d.e.Left[n], depth+1)
	right := d.node(d.e.Right[n], depth+1)
	x := (left + right) / 2
	for i, child := range []float64{left, right} {
		answer := []string{"yes", "no"}[i]
		if d.e.MissingLeft[n] == (i == 0) {
			answer += ", missing"
		}
		bottom, top := y+boxHeight, y+levelHeight
		fmt.Fprintf(d.w, `<path d="M%.1f %d L%.1f %d" stroke="#888" fill="none"/>`+"\n", x, bottom, child, top)
		fmt.Fprintf(d.w, `<text x="%.1f" y="%d" text-anchor="middle" fill="#555">%s</text>`+"\n", (x+child)/2, (bottom+top)/2, answer)
	}
	d.box(x, y, "#ffffff", append([]string{d.question(n)}, d.shares(n)...))
	return x
}

// shares is what a node says, cut into short lines.
func (d *drawing) shares(n int32) []string {
	said, count, _ := strings.Cut(d.says(n), "; ")
	return []string{said, count}
}

// tint shades a leaf by the share of its most probable class.
func (d *drawing) tint(n int32) string {
	width := d.e.Width()
	share := d.e.Values[int(n)*width]
	if width == 1 {
		share = max(share, 1-share)
	} else {
		for _, v := range d.e.Values[int(n)*width : (int(n)+1)*width] {
			share = max(share, v)
		}
	}
	light := 255 - int(70*min(max(share, 0), 1))
	return fmt.Sprintf("#%02x%02xff", light, light)
}

// box draws lines of text in a box whose top is at y.
func (d *drawing) box(x float64, y int, fill string, lines []string) {
	fmt.Fprintf(d.w, `<rect x="%.1f" y="%d" width="%d" height="%d" rx="4" fill="%s" stroke="#555"/>`+"\n", x-boxWidth/2, y, boxWidth, boxHeight, fill)
	step := boxHeight / (len(lines) + 1)
	for i, line := range lines {
		fmt.Fprintf(d.w, `<text x="%.1f" y="%d" text-anchor="middle"><title>`, x, y+step*(i+1)+4)
		d.escape(line)
		fmt.Fprint(d.w, `</title>`)
		d.escape(shorten(line, 24))
		fmt.Fprintln(d.w, `</text>`)
	}
}

func (d *drawing) escape(s string) {
	// The writer keeps its first error, which Flush returns.
	_ = xml.EscapeText(d.w, []byte(s))
}

// shorten keeps the end of a line that is too long, where names of features differ.
func shorten(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return "…" + string(r[len(r)-most+1:])
}
