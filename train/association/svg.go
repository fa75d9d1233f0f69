package association

import (
	"bytes"
	"fmt"
	"html"
	"math"
)

// heatSVG draws the clustered part of the map as a figure for a paper. Positive effects are red with a dot at the centre of what was found,
// negative blue; the scale runs over −1…1.
func heatSVG(s Summary) []byte {
	const cell, left, top = 10, 330, 150
	h := s.Heat
	width, height := left+cell*len(h.Y)+40, top+cell*len(h.X)+20
	b := newSVG(width, height)
	for i, x := range h.X {
		b.text(left-6, top+float64(i)*cell+8, 9, "end", "", x, 64)
	}
	for j, y := range h.Y {
		b.text(0, 0, 9, "start", fmt.Sprintf("translate(%g %g) rotate(-60)", left+float64(j)*cell+8, float64(top-5)), y, 26)
	}
	for i := range h.X {
		for j := range h.Y {
			v := h.Effect[i][j]
			if v == nil {
				continue
			}
			fmt.Fprintf(b, `<rect x="%d" y="%d" width="9.5" height="9.5" fill="%s"/>`+"\n", left+j*cell, top+i*cell, diverging(*v))
			if h.Found[i][j] {
				fmt.Fprintf(b, `<circle cx="%g" cy="%g" r="1.4"/>`+"\n", left+float64(j)*cell+4.75, top+float64(i)*cell+4.75)
			}
		}
	}
	return b.done()
}

// volcanoSVG draws effect against −log10 p; what was found is filled.
func volcanoSVG(s Summary) []byte {
	const width, height, left, bottom = 560, 420, 60, 370
	b := newSVG(width, height)
	reach, most := 0.1, 1.0
	for _, p := range s.Volcano {
		reach, most = max(reach, math.Abs(p.Effect)), max(most, p.LogP)
	}
	x := func(v float64) float64 { return left + 10 + (v+reach)/(2*reach)*(width-left-30) }
	y := func(v float64) float64 { return bottom - v/most*(bottom-20) }
	fmt.Fprintf(b, `<path d="M%d 15V%dH%d" fill="none" stroke="#5b6570"/>`+"\n", left, bottom, width-10)
	for k := -2; k <= 2; k++ {
		v := reach * float64(k) / 2
		b.text(x(v), bottom+16, 11, "middle", "", fmt.Sprintf("%.2f", v), 9)
	}
	for k := range 5 {
		v := most * float64(k) / 4
		b.text(left-6, y(v)+4, 11, "end", "", fmt.Sprintf("%.1f", v), 9)
	}
	b.text(width/2, height-10, 12, "middle", "", "effect", 20)
	b.text(0, 0, 12, "middle", fmt.Sprintf("translate(16 %d) rotate(-90)", bottom/2), "−log10 p", 20)
	for _, p := range s.Volcano {
		if p.Found {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="2.6" fill="%s"/>`+"\n", x(p.Effect), y(p.LogP), diverging(math.Copysign(1, p.Effect)))
		} else {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="1.6" fill="none" stroke="#8a929b"/>`+"\n", x(p.Effect), y(p.LogP))
		}
	}
	return b.done()
}

// drawing is an SVG in the making.
type drawing struct{ bytes.Buffer }

func newSVG(width, height int) *drawing {
	b := &drawing{}
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" fill="#1c2024">`+"\n", width, height)
	fmt.Fprintf(b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	return b
}

// text writes a label, shortened to a number of characters.
func (b *drawing) text(x, y, size float64, anchor, transform, label string, longest int) {
	if r := []rune(label); len(r) > longest {
		label = string(r[:longest-1]) + "…"
	}
	place := fmt.Sprintf(`x="%g" y="%g"`, x, y)
	if transform != "" {
		place = fmt.Sprintf(`transform="%s"`, transform)
	}
	fmt.Fprintf(b, `<text %s font-size="%g" text-anchor="%s">%s</text>`+"\n", place, size, anchor, html.EscapeString(label))
}

func (b *drawing) done() []byte {
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// diverging runs from blue at −1 over near white to red at 1 (ColorBrewer's RdBu, which colour-blind readers can tell apart).
func diverging(v float64) string {
	end, mid := [3]float64{178, 24, 43}, [3]float64{247, 247, 247}
	if v < 0 {
		end = [3]float64{33, 102, 172}
	}
	t := min(1, math.Abs(v))
	var c [3]int
	for k := range c {
		c[k] = int(math.Round(mid[k] + (end[k]-mid[k])*t))
	}
	return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2])
}
