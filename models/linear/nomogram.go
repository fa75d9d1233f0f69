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
		return nil, errors.New("no column has a coefficient: there is nothing to draw")
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

// WriteSVG draws a nomogram of a model of two classes: points for each column between its 5th and 95th percentile in training, and
// the probability of the last class for their total.
func (m *Logistic) WriteSVG(w io.Writer) error {
	if len(m.Classes) != 2 {
		return fmt.Errorf("a nomogram is of two classes, and the model has %d", len(m.Classes))
	}
	n, err := newNomogram(m.Inputs, m.Coefficients[0], m.Means, m.Low, m.High, m.Intercepts[0])
	if err != nil {
		return err
	}
	n.title = "Nomogram of logistic regression"
	n.scales = []scale{{"P(" + m.Classes[1] + ")", []float64{0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99},
		func(p float64) float64 { return math.Log(p / (1 - p)) }}}
	return n.write(w)
}

// WriteSVG draws a nomogram: points for each column between its 5th and 95th percentile in training, and for their total the survival
// at the quarter, half and three quarters of the follow-up that lie within the last event.
func (m *Cox) WriteSVG(w io.Writer) error {
	intercepts, coefficients, _ := m.Linear()
	n, err := newNomogram(m.Inputs, coefficients[0], m.Means, m.Low, m.High, intercepts[0])
	if err != nil {
		return err
	}
	n.title = "Nomogram of Cox regression"
	for _, share := range []float64{0.25, 0.5, 0.75} {
		t := share * m.FollowUp
		h := m.BaselineAt(t)
		if !(h > 0) {
			continue
		}
		n.scales = append(n.scales, scale{fmt.Sprintf("S(%.4g %s)", t, m.Unit), []float64{0.99, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.01},
			func(s float64) float64 { return math.Log(-math.Log(s) / h) }})
	}
	return n.write(w)
}

// write draws the scales under each other.
func (n *nomogram) write(w io.Writer) error {
	const left, width, step = 260.0, 600.0, 34.0
	rows := len(n.axes) + 2 + len(n.scales)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" font-family="sans-serif" font-size="11" role="img">`, left+width+40, float64(rows)*step+60)
	fmt.Fprintf(&b, "<title>%s</title>\n", escaped(n.title))
	y := 30.0
	line := func(name string, from, to float64) {
		fmt.Fprintf(&b, `<text x="%g" y="%g" text-anchor="end">%s</text><line x1="%.2f" y1="%g" x2="%.2f" y2="%g" stroke="#555"/>`+"\n", left-12, y+4, escaped(name), from, y, to, y)
	}
	tick := func(x float64, label string) {
		fmt.Fprintf(&b, `<line x1="%.2f" y1="%g" x2="%.2f" y2="%g" stroke="#555"/><text x="%.2f" y="%g" text-anchor="middle" font-size="9">%s</text>`+"\n", x, y, x, y+5, x, y+15, label)
	}
	line("points", left, left+width)
	for p := 0; p <= 100; p += 10 {
		tick(left+width*float64(p)/100, fmt.Sprint(p))
	}
	for _, a := range n.axes {
		y += step
		at := func(v float64) float64 { return left + width*(a.b*v-a.least())/n.unit/100 }
		line(a.name, left, left+width*a.span()/n.unit/100)
		for i := range 5 {
			v := a.low + float64(i)/4*(a.high-a.low)
			if i == 0 || i == 4 || a.span()/n.unit > 25 {
				tick(at(v), fmt.Sprintf("%.3g", v))
			}
		}
	}
	y += step
	most := n.most()
	line("total points", left, left+width)
	for i := range 11 {
		tick(left+width*float64(i)/10, fmt.Sprintf("%.0f", most*float64(i)/10))
	}
	for _, s := range n.scales {
		y += step
		line(s.name, left, left+width)
		for _, v := range s.ticks {
			if p := (s.sum(v) - n.base) / n.unit / most; p >= 0 && p <= 1 {
				tick(left+width*p, fmt.Sprintf("%g", v))
			}
		}
	}
	if n.rest > 0 {
		fmt.Fprintf(&b, `<text x="%g" y="%g" font-size="10">%d further columns are held at their training means.</text>`, left, y+step, n.rest)
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}

// ranges returns the 5th and 95th percentile of each column, by the nearest of the sorted rows.
func (p *Problem) ranges() (low, high []float64) {
	sorted := make([]float64, p.Rows)
	for j := range p.Columns {
		copy(sorted, p.column(j))
		slices.Sort(sorted)
		last := float64(p.Rows - 1)
		low = append(low, sorted[int(math.Round(0.05*last))])
		high = append(high, sorted[int(math.Round(0.95*last))])
	}
	return low, high
}
