package figure

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/voxgene/voxgene/models/survival"
)

// Group is the survival of one group of patients. Note follows the name in the legend, for example the median.
type Group struct {
	Name, Note string
	Curve      survival.Curve
	Low, High  []float64 // pointwise interval at Curve.Times; nil draws none, and NaN none there
}

// KaplanMeier draws survival curves with censored patients as ticks, intervals as thin lines, and the patients at risk at each tick
// of the time axis below it. Times have the given unit.
func KaplanMeier(title, unit string, groups []Group) (Figure, error) {
	last := 0.0
	for _, g := range groups {
		n := len(g.Curve.Times)
		if n == 0 || len(g.Curve.Survival) != n || len(g.Curve.AtRisk) != n || len(g.Curve.Censored) != n || len(g.Curve.Events) != n ||
			g.Low != nil && len(g.Low) != n || g.High != nil && len(g.High) != n || (g.Low == nil) != (g.High == nil) {
			return Figure{}, fmt.Errorf("figure: survival of %q: its arrays are empty or differ in length", g.Name)
		}
		if err := finite("survival of "+g.Name, append(append([]float64{}, g.Curve.Times...), g.Curve.Survival...)...); err != nil {
			return Figure{}, err
		}
		last = math.Max(last, g.Curve.Times[n-1])
	}
	if len(groups) == 0 {
		return Figure{}, fmt.Errorf("figure: %s: no group", title)
	}
	x := "Time"
	if unit != "" {
		x += " (" + unit + ")"
	}
	p := newPlot(title, x, "Survival")
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, last, 0, 1
	if last == 0 {
		p.X.Max = 1
	}
	var legend []entry
	var records [][]string
	names := width("At risk", tickSize)
	for i, g := range groups {
		p.Add(&steps{g, line(i)})
		legend = append(legend, entry{Curve{Name: g.Name, Note: g.Note}.label(), lineThumb(line(i))})
		names = max(names, width(g.Name, tickSize))
		for k, t := range g.Curve.Times {
			record := []string{g.Name, number(t), number(g.Curve.AtRisk[k]), number(g.Curve.Events[k]), number(g.Curve.Censored[k]), number(g.Curve.Survival[k]), "", ""}
			if g.Low != nil {
				record[6], record[7] = number(g.Low[k]), number(g.High[k])
			}
			records = append(records, record)
		}
	}

	names = min(names+legendThumb+6, 150)
	rows := vg.Length(len(groups)+1) * legendLine
	foot := vg.Length(len(legend)) * legendLine
	c := newCanvas(420, 260+rows+foot+6, title)
	area := inside(c)
	axes := draw.Crop(area, max(0, names-22), -10, rows+foot+6, 0)
	p.Draw(axes)
	data := p.DataCanvas(axes)
	drawAtRisk(draw.Crop(area, 0, 0, foot, rows-(area.Max.Y-area.Min.Y-foot)), data, p, groups, names)
	drawLegend(area, legend)
	header := []string{"group", "time", "at_risk", "events", "censored", "survival", "low", "high"}
	return Figure{SVG: c.bytes(), CSV: table(header, records)}, nil
}

// drawAtRisk writes the table of patients at risk, a line a group, aligned with the ticks of the time axis.
func drawAtRisk(area, data draw.Canvas, p *plot.Plot, groups []Group, names vg.Length) {
	left, centre := textStyle(tickSize, text.XLeft), textStyle(tickSize, text.XCenter)
	y := area.Max.Y - legendLine/2
	area.FillText(left, vg.Point{X: area.Min.X, Y: y}, "At risk")
	for i, g := range groups {
		y -= legendLine
		area.StrokeLine2(line(i), area.Min.X, y, area.Min.X+legendThumb-6, y)
		area.FillText(left, vg.Point{X: area.Min.X + legendThumb, Y: y}, fit(g.Name, tickSize, names-legendThumb-2))
		for _, t := range (ticks{}).Ticks(p.X.Min, p.X.Max) {
			area.FillText(centre, vg.Point{X: data.X(p.X.Norm(t.Value)), Y: y}, short(atRisk(g.Curve, t.Value)))
		}
	}
}

// atRisk is the number of patients under observation at a time.
func atRisk(c survival.Curve, t float64) float64 {
	for i, at := range c.Times {
		if at >= t {
			return c.AtRisk[i]
		}
	}
	return 0
}

// steps draws a survival curve.
type steps struct {
	Group
	style draw.LineStyle
}

// Plot implements plot.Plotter.
func (s *steps) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	thin := draw.LineStyle{Color: s.style.Color, Width: 0.5, Dashes: s.style.Dashes}
	if s.Low != nil {
		c.StrokeLines(thin, stairs(s.Curve.Times, s.Low, x, y))
		c.StrokeLines(thin, stairs(s.Curve.Times, s.High, x, y))
	}
	c.StrokeLines(s.style, stairs(s.Curve.Times, s.Curve.Survival, x, y))
	tick := draw.LineStyle{Color: s.style.Color, Width: 0.8}
	for i, n := range s.Curve.Censored {
		if n > 0 {
			at := vg.Point{X: x(s.Curve.Times[i]), Y: y(s.Curve.Survival[i])}
			c.StrokeLine2(tick, at.X, at.Y-2.5, at.X, at.Y+2.5)
		}
	}
}

// stairs is a right-continuous step function from (0, 1); it ends where a value is missing.
func stairs(times, values []float64, x, y func(float64) vg.Length) []vg.Point {
	out := []vg.Point{{X: x(0), Y: y(1)}}
	for i, t := range times {
		if math.IsNaN(values[i]) {
			break
		}
		at := vg.Point{X: x(t), Y: y(values[i])}
		if before := out[len(out)-1]; at.Y != before.Y {
			out = append(out, vg.Point{X: at.X, Y: before.Y}, at)
		} else if i == len(times)-1 {
			out = append(out, at)
		}
	}
	return out
}
