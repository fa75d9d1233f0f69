package linear

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/table"
)

// mostAxes is how many columns a nomogram shows; the others are held at their means, and it says so.
const mostAxes = 15

// axis is one column of a nomogram: its points fall or rise from low to high.
type axis struct {
	name      string
	low, high float64 // 5th and 95th percentile in training
	b         float64
}

// least is the smallest contribution of the axis, span the difference to the largest.
func (a axis) least() float64 { return min(a.b*a.low, a.b*a.high) }
func (a axis) span() float64  { return math.Abs(a.b) * (a.high - a.low) }

// nomogram is a model as scales to read points from. Points are contributions above the least, the widest column having 100.
type nomogram struct {
	axes   []axis
	rest   int
	base   float64 // the sum when every axis has no point
	unit   float64 // of the sum, a point
	title  string
	scales []scale
}

// scale turns a sum into what is read off at the bottom.
type scale struct {
	name  string
	ticks []float64 // of the answer
	sum   func(answer float64) float64
}

// errFlat is a model that is the same for every patient.
var errFlat = errors.New("no column has a coefficient: there is nothing to draw")

func newNomogram(columns []table.Column, coef, means, low, high []float64, intercept float64) (*nomogram, error) {
	if low == nil || high == nil {
		return nil, errors.New("the model was saved without the ranges of its columns, which a nomogram needs")
	}
	n := &nomogram{base: intercept}
	for j, b := range coef {
		a := axis{columns[j].Name, low[j], high[j], b}
		if b != 0 && a.span() > 0 {
			n.axes = append(n.axes, a)
		} else {
			n.base += b * means[j]
		}
	}
	if len(n.axes) == 0 {
		return nil, errFlat
	}
	slices.SortStableFunc(n.axes, func(a, b axis) int { return cmp.Compare(b.span(), a.span()) })
	if len(n.axes) > mostAxes {
		for _, a := range n.axes[mostAxes:] {
			j := slices.IndexFunc(columns, func(c table.Column) bool { return c.Name == a.name })
			n.base += a.b * means[j]
		}
		n.rest = len(n.axes) - mostAxes
		n.axes = n.axes[:mostAxes]
	}
	for _, a := range n.axes {
		n.base += a.least()
	}
	n.unit = n.axes[0].span() / 100
	return n, nil
}

// most is the largest number of points.
func (n *nomogram) most() float64 {
	total := 0.0
	for _, a := range n.axes {
		total += a.span() / n.unit
	}
	return total
}

// WriteSVG draws a nomogram: points for each column between its 5th and 95th percentile in training, and for their total the probability
// of the last of two classes. Of more classes each has a nomogram of its own, which gives its weight: the probability of a class is its
// weight over the sum of all weights. At the training means the likeliest class weighs 1.
func (m *Logistic) WriteSVG(w io.Writer) error {
	if len(m.Classes) > 2 {
		return m.writeWeights(w)
	}
	n, err := newNomogram(m.Inputs, m.Coefficients[0], m.Means, m.Low, m.High, m.Intercepts[0])
	if err != nil {
		return err
	}
	n.scales = []scale{{"P(" + m.Classes[1] + ")", []float64{0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99},
		func(p float64) float64 { return math.Log(p / (1 - p)) }}}
	return writeNomograms(w, "Nomogram of logistic regression", []*nomogram{n}, "")
}

// writeWeights draws a nomogram a class.
func (m *Logistic) writeWeights(w io.Writer) error {
	usual := make([]float64, len(m.Classes)) // margins at the training means
	for k, coef := range m.Coefficients {
		usual[k] = m.Intercepts[k]
		for j, b := range coef {
			usual[k] += b * m.Means[j]
		}
	}
	most := slices.Max(usual)
	var ticks []float64
	for e := -6.0; e <= 6; e++ {
		ticks = append(ticks, math.Pow(10, e), 3*math.Pow(10, e))
	}
	var panels []*nomogram
	note := "The probability of a class is its weight over the sum of all weights."
	for k, class := range m.Classes {
		n, err := newNomogram(m.Inputs, m.Coefficients[k], m.Means, m.Low, m.High, m.Intercepts[k]-most)
		if errors.Is(err, errFlat) {
			note += fmt.Sprintf(" %s always weighs %.3g.", class, math.Exp(usual[k]-most))
			continue
		}
		if err != nil {
			return err
		}
		n.title, n.scales = class, []scale{{"weight of " + class, ticks, math.Log}}
		panels = append(panels, n)
	}
	if panels == nil {
		return errFlat
	}
	return writeNomograms(w, "Nomogram of multinomial logistic regression", panels, note)
}

// WriteSVG draws a nomogram: points for each column between its 5th and 95th percentile in training, and for their total the survival
// at the quarter, half and three quarters of the follow-up that lie within the last event.
func (m *Cox) WriteSVG(w io.Writer) error {
	intercepts, coefficients, _ := m.Linear()
	n, err := newNomogram(m.Inputs, coefficients[0], m.Means, m.Low, m.High, intercepts[0])
	if err != nil {
		return err
	}
	for _, share := range []float64{0.25, 0.5, 0.75} {
		t := share * m.FollowUp
		h := m.BaselineAt(t)
		if !(h > 0) {
			continue
		}
		n.scales = append(n.scales, scale{fmt.Sprintf("S(%.4g %s)", t, m.Unit), []float64{0.99, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.01},
			func(s float64) float64 { return math.Log(-math.Log(s) / h) }})
	}
	return writeNomograms(w, "Nomogram of Cox regression", []*nomogram{n}, "")
}

// The drawing: where scales begin and how long they are, and the distance between them.
const scaleLeft, scaleWidth, scaleStep = 260.0, 600.0, 34.0

// writeNomograms draws nomograms under each other, and a note at the end.
func writeNomograms(w io.Writer, title string, panels []*nomogram, note string) error {
	var b strings.Builder
	y := 30.0
	for _, n := range panels {
		y = n.draw(&b, y)
	}
	if note != "" {
		fmt.Fprintf(&b, `<text x="20" y="%g">%s</text>`+"\n", y, escaped(note))
		y += scaleStep
	}
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" font-family="sans-serif" font-size="11" role="img"><title>%s</title>`+"\n%s</svg>\n",
		scaleLeft+scaleWidth+40, y, escaped(title), b.String())
	return err
}

// draw draws the scales of one nomogram under each other from y on, and returns where the next begins.
func (n *nomogram) draw(b *strings.Builder, y float64) float64 {
	line := func(name string, from, to float64) {
		fmt.Fprintf(b, `<text x="%g" y="%g" text-anchor="end">%s</text><line x1="%.2f" y1="%g" x2="%.2f" y2="%g" stroke="#555"/>`+"\n", scaleLeft-12, y+4, escaped(name), from, y, to, y)
	}
	tick := func(x float64, label string) {
		fmt.Fprintf(b, `<line x1="%.2f" y1="%g" x2="%.2f" y2="%g" stroke="#555"/><text x="%.2f" y="%g" text-anchor="middle" font-size="9">%s</text>`+"\n", x, y, x, y+5, x, y+15, label)
	}
	if n.title != "" {
		fmt.Fprintf(b, `<text x="20" y="%g" font-size="13" font-weight="bold">%s</text>`+"\n", y, escaped(n.title))
		y += scaleStep
	}
	line("points", scaleLeft, scaleLeft+scaleWidth)
	for p := 0; p <= 100; p += 10 {
		tick(scaleLeft+scaleWidth*float64(p)/100, fmt.Sprint(p))
	}
	for _, a := range n.axes {
		y += scaleStep
		at := func(v float64) float64 { return scaleLeft + scaleWidth*(a.b*v-a.least())/n.unit/100 }
		line(a.name, scaleLeft, scaleLeft+scaleWidth*a.span()/n.unit/100)
		for i := range 5 {
			v := a.low + float64(i)/4*(a.high-a.low)
			if i == 0 || i == 4 || a.span()/n.unit > 25 {
				tick(at(v), fmt.Sprintf("%.3g", v))
			}
		}
	}
	y += scaleStep
	most := n.most()
	line("total points", scaleLeft, scaleLeft+scaleWidth)
	for i := range 11 {
		tick(scaleLeft+scaleWidth*float64(i)/10, fmt.Sprintf("%.0f", most*float64(i)/10))
	}
	for _, s := range n.scales {
		y += scaleStep
		line(s.name, scaleLeft, scaleLeft+scaleWidth)
		for _, v := range s.ticks {
			if p := (s.sum(v) - n.base) / n.unit / most; p >= 0 && p <= 1 {
				tick(scaleLeft+scaleWidth*p, fmt.Sprintf("%g", v))
			}
		}
	}
	y += scaleStep
	if n.rest > 0 {
		fmt.Fprintf(b, `<text x="%g" y="%g" font-size="10">%d further columns are held at their training means.</text>`+"\n", scaleLeft, y, n.rest)
		y += scaleStep
	}
	return y
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}

// ranges returns the 5th and 95th percentile of each column, by the nearest of the sorted rows.
func (p *Problem) ranges() (low, high []float64) {
	values := make([]float64, p.Rows)
	last := float64(p.Rows - 1)
	first, second := int(math.Round(0.05*last)), int(math.Round(0.95*last))
	for j := range p.Columns {
		copy(values, p.column(j))
		low = append(low, ranked(values, first))
		high = append(high, ranked(values[first:], second-first))
	}
	return low, high
}
