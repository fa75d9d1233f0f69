package figure

import (
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Dependence draws the contributions of a feature to the estimates of many patients against its values, shaded by another feature:
// the one that it interacts with most. Patients without the feature's value are left out of the drawing, not of the CSV; without
// the other's value they are open rings. An empty other draws all in black.
func Dependence(title, feature, axis string, values, contributions []float64, other string, otherValues []float64) (Figure, error) {
	if len(values) == 0 || len(contributions) != len(values) || other != "" && len(otherValues) != len(values) {
		return Figure{}, fmt.Errorf("figure: %s has %d values, %d contributions and %d values of %s", feature, len(values), len(contributions), len(otherValues), other)
	}
	if err := finite("contributions of "+feature, contributions...); err != nil {
		return Figure{}, err
	}
	p := newPlot(title, fit(feature, labelSize, 330), axis)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = math.Inf(1), math.Inf(-1), 0, 0
	var records [][]string
	for i, v := range values {
		if math.IsInf(v, 0) {
			return Figure{}, fmt.Errorf("figure: values of %s: value %d is %v", feature, i+1, v)
		}
		record := []string{strconv.Itoa(i + 1), number(v), number(contributions[i])}
		if other != "" {
			record = append(record, number(otherValues[i]))
		}
		records = append(records, record)
		if !math.IsNaN(v) {
			p.X.Min, p.X.Max = span(p.X.Min, p.X.Max, v)
			p.Y.Min, p.Y.Max = span(p.Y.Min, p.Y.Max, contributions[i])
		}
	}
	if p.X.Min > p.X.Max {
		return Figure{}, fmt.Errorf("figure: no patient has a value of %s", feature)
	}
	header := []string{"patient", feature, "contribution"}
	p.Add(&cloud{values, contributions, otherValues, other != ""})
	foot := vg.Length(0)
	if other != "" {
		foot = legendLine + 2
		header = append(header, other)
	}
	c := newCanvas(400, 270+foot, title)
	area := inside(c)
	p.Draw(draw.Crop(area, 0, 0, foot, 0))
	if other != "" {
		shadeBar(area, other, "low", "high")
	}
	return Figure{SVG: c.bytes(), CSV: table(header, records)}, nil
}

// cloud draws the points.
type cloud struct {
	x, y, other []float64
	shaded      bool
}

// Plot implements plot.Plotter.
func (d *cloud) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	c.StrokeLine2(draw.LineStyle{Color: grey, Width: 0.5}, c.Min.X, y(0), c.Max.X, y(0))
	low, high := percentiles(d.other)
	for i, v := range d.x {
		if math.IsNaN(v) {
			continue
		}
		at := vg.Point{X: x(v), Y: y(d.y[i])}
		switch {
		case !d.shaded:
			dots(c, color.Black, 3, []vg.Point{at})
		case math.IsNaN(d.other[i]):
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: color.Black, Radius: 1.5, Shape: draw.RingGlyph{}}, at)
		default:
			dots(c, shade(place(d.other[i], low, high)), 3.4, []vg.Point{at})
		}
	}
}

// Lines draws curves over one axis with a legend: contributions over time, partial dependence, accumulated local effects. At most
// seven, told apart by colour and dashes.
func Lines(title, x, y string, curves []Curve) (Figure, error) {
	if len(curves) == 0 || len(curves) > len(dashes) {
		return Figure{}, fmt.Errorf("figure: %s: %d curves, want 1 to %d", title, len(curves), len(dashes))
	}
	p := newPlot(title, fit(x, labelSize, 330), y)
	var legend []entry
	var records [][]string
	for i, c := range curves {
		if err := c.check("curve"); err != nil {
			return Figure{}, err
		}
		l, err := plotter.NewLine(points(c.X, c.Y))
		if err != nil {
			return Figure{}, err
		}
		l.LineStyle = line(i)
		p.Add(l)
		legend = append(legend, entry{c.label(), lineThumb(l.LineStyle)})
		for k := range c.X {
			records = append(records, []string{c.Name, number(c.X[k]), number(c.Y[k])})
		}
	}
	return render(p, 400, 250, legend, []string{"curve", "x", "y"}, records), nil
}
