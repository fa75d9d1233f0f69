package figure

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Step is what one feature contributed to an estimate. Shown is the feature's value as the reader knows it, empty for none.
type Step struct {
	Name, Shown  string
	Contribution float64
}

// Waterfall draws how contributions lead from the base to the output of one estimate: the base at the foot, a line a feature, the
// first on top, where the output is reached. Bars to the right are filled, bars to the left open, and each has its number at the
// edge. The contributions must sum to output − base.
func Waterfall(title, scale string, base, output float64, steps []Step) (Figure, error) {
	if len(steps) == 0 {
		return Figure{}, fmt.Errorf("figure: %s: nothing to draw", title)
	}
	if err := finite(title+": base and output", base, output); err != nil {
		return Figure{}, err
	}
	// Rows are drawn from the foot up; starts[i] is where bar i begins.
	starts := make([]float64, len(steps))
	names := make([]string, len(steps))
	records := [][]string{{"base", "", number(base), number(base)}}
	at, size := base, math.Abs(base)+math.Abs(output)
	low, high := span(base, base, output)
	for i := len(steps) - 1; i >= 0; i-- {
		s := steps[i]
		if err := finite(s.Name, s.Contribution); err != nil {
			return Figure{}, err
		}
		starts[i] = at
		at += s.Contribution
		size += math.Abs(s.Contribution)
		low, high = span(low, high, at)
		names[i] = s.Name
		if s.Shown != "" {
			names[i] += " = " + s.Shown
		}
		records = append(records, []string{s.Name, s.Shown, number(s.Contribution), number(at)})
	}
	if math.Abs(at-output) > 1e-6*size {
		return Figure{}, fmt.Errorf("figure: %s: base %v and contributions lead to %v, the output is %v", title, base, at, output)
	}
	records = append(records, []string{"output", "", number(output), number(output)})

	p := newPlot(title, "Contributed to this estimate ("+scale+")", "")
	pad := (high - low) * 0.04
	p.X.Min, p.X.Max = low-pad, high+pad
	left := nameRows(p, names)
	p.Y.Min, p.Y.Max = -1.2, float64(len(steps))+0.2
	if math.Abs(base) < 1e-9*size {
		base = 0 // rounding alone
	}
	p.Add(&falls{steps, starts, base, output})
	const amounts = 50 // room at the right edge for the numbers
	height := vg.Length(len(steps))*rowHeight + 84
	c := newCanvas(left+300+amounts, height, title)
	area := inside(c)
	axes := draw.Crop(area, 0, -amounts, 0, 0)
	p.Draw(axes)
	data := p.DataCanvas(axes)
	right := textStyle(tickSize, text.XRight)
	for i, s := range steps {
		sign := ""
		if s.Contribution > 0 {
			sign = "+"
		}
		area.FillText(right, vg.Point{X: area.Max.X, Y: data.Y(p.Y.Norm(float64(len(steps)-1-i))) + 1}, sign+short(s.Contribution))
	}
	return Figure{SVG: c.bytes(), CSV: table([]string{"feature", "value", "contribution", "reached"}, records)}, nil
}

// falls draws the bars.
type falls struct {
	steps        []Step
	starts       []float64
	base, output float64
}

// Plot implements plot.Plotter.
func (f *falls) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	n := len(f.steps)
	thin := draw.LineStyle{Color: grey, Width: 0.5, Dashes: []vg.Length{2, 2}}
	for i, s := range f.steps {
		middle := y(float64(n - 1 - i))
		fill, edge := signed(s.Contribution)
		from, to := x(f.starts[i]), x(f.starts[i]+s.Contribution)
		rectangle(c, min(from, to), middle-4, max(from, to), middle+4, fill, edge)
		if i > 0 {
			c.StrokeLine2(thin, to, middle+4, to, y(float64(n-i))-4)
		}
	}
	black := draw.LineStyle{Color: color.Black, Width: 0.8}
	c.StrokeLine2(black, x(f.base), y(-0.9), x(f.base), y(-0.4))
	c.StrokeLine2(black, x(f.output), y(float64(n)-0.6), x(f.output), y(float64(n)-0.1))
	note := func(v float64, what string, at float64) {
		label, align := what+" "+short(v), text.XLeft
		px := x(v) + 3
		if x(v) > c.Center().X {
			align, px = text.XRight, x(v)-3
		}
		style := textStyle(tickSize, align)
		c.FillText(style, vg.Point{X: px, Y: y(at)}, label)
	}
	note(f.base, "base", -0.75)
	note(f.output, "output", float64(n)-0.25)
}
