package figure

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Dependence draws the contributions of a feature to the estimates of many patients against its values, shaded by another feature:
// the one that it interacts with most. Patients without the feature's value are left out of the drawing, not of the CSV; without
// the other's value they are open rings. An empty other draws all in black. Where the feature has levels, values are their numbers from 0,
// and a level's patients stand side by side above its name.
func Dependence(title, feature, axis string, levels []string, values, contributions []float64, other string, otherValues []float64) (Figure, error) {
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
		if math.IsInf(v, 0) || len(levels) > 0 && !math.IsNaN(v) && (v != math.Trunc(v) || v < 0 || int(v) >= len(levels)) {
			return Figure{}, fmt.Errorf("figure: values of %s: value %d is %v", feature, i+1, v)
		}
		shown := number(v)
		if len(levels) > 0 && !math.IsNaN(v) {
			shown = levels[int(v)]
		}
		record := []string{strconv.Itoa(i + 1), shown, number(contributions[i])}
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
	spread := vg.Length(0)
	if n := len(levels); n > 0 {
		p.X.Min, p.X.Max = -0.5, float64(n)-0.5
		p.X.Tick.Marker = names(levels, 330/vg.Length(n))
		spread = min(330/vg.Length(n)*0.4, 40)
	}
	header := []string{"patient", feature, "contribution"}
	p.Add(&cloud{values, contributions, otherValues, other != "", len(levels), spread})
	foot := vg.Length(0)
	if other != "" {
		foot = legendLine + 2
		header = append(header, other)
	}
	c := newCanvas(400, 270+foot, title)
	area := inside(c)
	p.Draw(draw.Crop(area, 0, 0, foot, 0))
	if other != "" {
		if slices.ContainsFunc(otherValues, math.IsNaN) {
			area = ringKey(area)
		}
		shadeBar(area, other, "low", "high")
	}
	return Figure{SVG: c.bytes(), CSV: table(header, records)}, nil
}

// names marks levels by their names, no wider than room; where that is too narrow for a name, every second or third.
func names(levels []string, room vg.Length) plot.ConstantTicks {
	every := int(math.Ceil(24 / float64(room)))
	var out plot.ConstantTicks
	for k, name := range levels {
		tick := plot.Tick{Value: float64(k)}
		if k%every == 0 {
			tick.Label = fit(name, tickSize, room*vg.Length(every)-4)
		}
		out = append(out, tick)
	}
	return out
}

// cloud draws the points.
type cloud struct {
	x, y, other []float64
	shaded      bool
	levels      int
	spread      vg.Length // of a level's points to either side
}

// places are the points of the patients, levels' side by side.
func (d *cloud) places(x, y func(float64) vg.Length) []vg.Point {
	out := make([]vg.Point, len(d.x))
	for i, v := range d.x {
		out[i] = vg.Point{X: x(v), Y: y(d.y[i])}
	}
	for level := range d.levels {
		var rows []int
		var values []float64
		for i, v := range d.x {
			if v == float64(level) {
				rows, values = append(rows, i), append(values, d.y[i])
			}
		}
		for k, at := range stack(values, y, d.spread) {
			out[rows[k]].X += at.Y
		}
	}
	return out
}

// Plot implements plot.Plotter.
func (d *cloud) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	c.StrokeLine2(draw.LineStyle{Color: grey, Width: 0.5}, c.Min.X, y(0), c.Max.X, y(0))
	low, high := percentiles(d.other)
	for i, at := range d.places(x, y) {
		switch {
		case math.IsNaN(d.x[i]):
		case !d.shaded:
			dots(c, color.Black, 3, []vg.Point{at})
		case math.IsNaN(d.other[i]):
			ring(c, at)
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
