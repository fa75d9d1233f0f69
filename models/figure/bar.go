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

// Bar is a named value. Low and High are its interval, and none is drawn where they are both 0.
type Bar struct {
	Name      string
	Value     float64
	Low, High float64
}

const (
	rowHeight = 13  // of a line with a name
	longest   = 300 // the widest name drawn; longer ones are cut in their middle
)

// Bars draws values as horizontal bars, the first on top: importance of features, or the contributions to one estimate. Bars of
// negative values are open. The axis says what the values are.
func Bars(title, axis string, bars []Bar) (Figure, error) {
	if len(bars) == 0 {
		return Figure{}, fmt.Errorf("figure: %s: nothing to draw", title)
	}
	p := newPlot(title, axis, "")
	low, high := 0.0, 0.0
	names := make([]string, len(bars))
	var records [][]string
	for i, b := range bars {
		if err := finite(b.Name, b.Value, b.Low, b.High); err != nil {
			return Figure{}, err
		}
		low, high = span(low, high, b.Value, b.Low, b.High)
		names[i] = b.Name
		record := []string{b.Name, number(b.Value), "", ""}
		if b.Low != 0 || b.High != 0 {
			record[2], record[3] = number(b.Low), number(b.High)
		}
		records = append(records, record)
	}
	pad := (high - low) * 0.02
	if high > 0 {
		high += pad
	}
	if low < 0 {
		low -= pad
	}
	p.X.Min, p.X.Max = low, high
	left := nameRows(p, names)
	p.Add(&barRows{bars})
	return render(p, left+300, vg.Length(len(bars))*rowHeight+64, nil, []string{"name", "value", "low", "high"}, records), nil
}

// nameRows gives the vertical axis a line for each name, the first on top, and returns the width of the names.
func nameRows(p *plot.Plot, names []string) vg.Length {
	widest := vg.Length(0)
	var marks []plot.Tick
	for i, n := range names {
		n = fit(n, tickSize, longest)
		widest = max(widest, width(n, tickSize))
		marks = append(marks, plot.Tick{Value: float64(len(names) - 1 - i), Label: n})
	}
	p.Y.Tick.Marker = plot.ConstantTicks(marks)
	p.Y.Tick.Length, p.Y.LineStyle.Width = 0, 0
	p.Y.Tick.Label.YAlign = text.YCenter
	p.Y.Min, p.Y.Max = -0.6, float64(len(names))-0.4
	return widest
}

// signed is how a value is filled: dark for more, open for less.
func signed(v float64) (fill color.Color, edge draw.LineStyle) {
	if v < 0 {
		return color.White, draw.LineStyle{Color: palette[2], Width: 1}
	}
	return palette[1], draw.LineStyle{Color: palette[1], Width: 1}
}

// barRows draws the bars.
type barRows struct{ bars []Bar }

// Plot implements plot.Plotter.
func (b *barRows) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for i, bar := range b.bars {
		middle := y(float64(len(b.bars) - 1 - i))
		fill, edge := signed(bar.Value)
		rectangle(c, x(math.Min(0, bar.Value)), middle-4, x(math.Max(0, bar.Value)), middle+4, fill, edge)
		if bar.Low != 0 || bar.High != 0 {
			thin := draw.LineStyle{Color: color.Black, Width: 0.8}
			c.StrokeLine2(thin, x(bar.Low), middle, x(bar.High), middle)
			c.StrokeLine2(thin, x(bar.Low), middle-2, x(bar.Low), middle+2)
			c.StrokeLine2(thin, x(bar.High), middle-2, x(bar.High), middle+2)
		}
	}
	c.StrokeLine2(draw.LineStyle{Color: color.Black, Width: 0.6}, x(0), c.Min.Y, x(0), c.Max.Y)
}

// rectangle fills and outlines.
func rectangle(c draw.Canvas, x0, y0, x1, y1 vg.Length, fill color.Color, edge draw.LineStyle) {
	corners := []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}}
	c.FillPolygon(fill, corners)
	c.StrokeLines(edge, append(corners, corners[0]))
}
