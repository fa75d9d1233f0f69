// Package figure draws: reports and pages take their figures from here, as SVG, each with the numbers in it as CSV.
//
// The same input gives the same bytes on every machine. Axes and layout are gonum/plot's. Text stays text, in a sans-serif font;
// every string carries the width it was laid out with, so that another font of the reader's is fitted to it and nothing overlaps.
// Colours are those of Okabe and Ito, told apart by colour-blind readers, and no meaning rests on colour alone: lines differ in
// dashes, points in shape, signs in filled and open.
package figure

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Figure is a drawing and the numbers in it.
type Figure struct {
	SVG []byte // a document of its own, without an XML declaration, so that it can stand inside HTML
	CSV []byte
}

// palette is that of Okabe and Ito (2008) in an order that also alternates dark and light, black first.
var palette = []color.Color{
	color.RGBA{0, 0, 0, 255}, color.RGBA{213, 94, 0, 255}, color.RGBA{0, 114, 178, 255}, color.RGBA{0, 158, 115, 255},
	color.RGBA{204, 121, 167, 255}, color.RGBA{86, 180, 233, 255}, color.RGBA{230, 159, 0, 255},
}

var grey = color.RGBA{120, 120, 120, 255}

// dashes tell lines apart without colour.
var dashes = [][]vg.Length{nil, {6, 3}, {2, 2}, {8, 2, 2, 2}, {12, 3}, {1, 3}, {8, 2, 2, 2, 2, 2}}

// line is the style of the i-th of several lines.
func line(i int) draw.LineStyle {
	return draw.LineStyle{Color: palette[i%len(palette)], Width: 1.4, Dashes: dashes[i%len(dashes)]}
}

// sans is the font of everything. Liberation Sans has the widths of Arial and Helvetica.
func sans(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

const (
	titleSize = 11
	labelSize = 9
	tickSize  = 8
)

// newPlot returns an empty plot in the house style.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.TextStyle.Font = sans(titleSize)
	p.Title.Padding = 6
	p.BackgroundColor = nil
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font = sans(labelSize)
		a.Label.Padding = 4
		a.Tick.Label.Font = sans(tickSize)
		a.Tick.Length = 4
		a.Tick.Marker = ticks{}
		a.Padding = 2
	}
	return p
}

// entry is a line of the legend, which stands below the axes so that it never covers them.
type entry struct {
	text  string
	thumb func(c *draw.Canvas) // draws into the canvas given
}

const (
	margin      = 6  // left free around a drawing
	legendLine  = 13 // height of a line of the legend
	legendThumb = 26
)

// render draws a plot of that height and its legend below, and packs them with the numbers.
func render(p *plot.Plot, width, height vg.Length, legend []entry, header []string, records [][]string) Figure {
	c := newCanvas(width, height+vg.Length(len(legend))*legendLine, p.Title.Text)
	area := inside(c)
	p.Draw(draw.Crop(area, 0, 0, vg.Length(len(legend))*legendLine, 0))
	drawLegend(area, legend)
	return Figure{SVG: c.bytes(), CSV: table(header, records)}
}

// inside is a canvas without its margin, filled with white.
func inside(c *canvas) draw.Canvas {
	all := draw.New(c)
	c.SetColor(color.White)
	c.Fill(all.Rectangle.Path())
	return draw.Crop(all, margin, -margin, margin, -margin)
}

// drawLegend writes the entries at the foot of an area.
func drawLegend(area draw.Canvas, legend []entry) {
	style := textStyle(tickSize, text.XLeft)
	for i, e := range legend {
		y := area.Min.Y + vg.Length(len(legend)-1-i)*legendLine
		thumb := area
		thumb.Rectangle = vg.Rectangle{Min: vg.Point{X: area.Min.X + 8, Y: y}, Max: vg.Point{X: area.Min.X + 8 + legendThumb, Y: y + legendLine - 3}}
		e.thumb(&thumb)
		x := thumb.Max.X + 6
		area.FillText(style, vg.Point{X: x, Y: thumb.Center().Y}, fit(e.text, tickSize, area.Max.X-x))
	}
}

// lineThumb is a sample of a line.
func lineThumb(s draw.LineStyle) func(*draw.Canvas) {
	return func(c *draw.Canvas) { c.StrokeLine2(s, c.Min.X, c.Center().Y, c.Max.X, c.Center().Y) }
}

// textStyle is text of a size, centred on its line.
func textStyle(size vg.Length, align text.XAlignment) text.Style {
	return text.Style{Color: color.Black, Font: sans(size), XAlign: align, YAlign: text.YCenter, Handler: plot.DefaultTextHandler}
}

// width is the width of a text.
func width(s string, size vg.Length) vg.Length {
	return textStyle(size, text.XLeft).Width(s)
}

// fit shortens a text from its middle until it is no wider than room: the ends of a feature's name say most.
func fit(s string, size, room vg.Length) string {
	if width(s, size) <= room {
		return s
	}
	r := []rune(s)
	for keep := len(r) - 1; keep > 1; keep-- {
		head := keep / 2
		if short := string(r[:head]) + "…" + string(r[len(r)-(keep-head):]); width(short, size) <= room {
			return short
		}
	}
	return "…"
}

// table writes records as CSV.
func table(header []string, records [][]string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write(header)
	w.WriteAll(records) // a bytes.Buffer takes all
	return b.Bytes()
}

// number is a value as CSV has it: the shortest text that reads back the same; empty where there is none.
func number(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// short is a value as a reader wants it: three significant digits, and a true minus sign.
func short(v float64) string {
	switch a := math.Abs(v); {
	case v == 0:
		return "0"
	case v == math.Trunc(v) && a < 1e5:
		return minus(strconv.Itoa(int(v)))
	case a >= 1e5 || a < 1e-3:
		return minus(strconv.FormatFloat(v, 'g', 3, 64))
	case a >= 100:
		return minus(strconv.FormatFloat(v, 'f', 0, 64))
	}
	return minus(strconv.FormatFloat(v, 'f', max(0, 2-int(math.Floor(math.Log10(math.Abs(v))))), 64))
}

func minus(s string) string {
	if len(s) > 0 && s[0] == '-' {
		return "−" + s[1:]
	}
	return s
}

// finite returns an error that names the first of the values that is not a finite number.
func finite(what string, values ...float64) error {
	for i, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("figure: %s: value %d is %v", what, i+1, v)
		}
	}
	return nil
}

// ticks marks round numbers, four to eight of them, with a true minus sign.
type ticks struct{}

func (ticks) Ticks(low, high float64) []plot.Tick {
	if !(high > low) {
		return []plot.Tick{{Value: low, Label: short(low)}}
	}
	raw := (high - low) / 5
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 2.5, 5, 10} {
		if step*m >= raw {
			step *= m
			break
		}
	}
	digits := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	if s := step * math.Pow(10, float64(digits)); math.Abs(s-math.Round(s)) > 1e-9 {
		digits++
	}
	format := byte('f')
	if a := max(math.Abs(low), math.Abs(high)); a >= 1e6 || a < 1e-4 {
		format, digits = 'g', 4
	}
	var out []plot.Tick
	for i := math.Ceil(low/step - 1e-9); i*step <= high+step*1e-9 && len(out) < 20; i++ {
		v := i * step
		if i == 0 {
			v = 0
		}
		out = append(out, plot.Tick{Value: v, Label: minus(strconv.FormatFloat(v, format, digits, 64))})
	}
	return out
}
