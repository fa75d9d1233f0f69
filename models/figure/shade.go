package figure

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// anchors of the shades from low to high: cividis (Nuñez, Anderton and Renslow 2018), without its lightest end, which is lost on
// white. Lightness rises all the way, so the order survives grey printing.
var anchors = [][3]float64{{0, 34, 78}, {52, 71, 108}, {108, 109, 114}, {160, 150, 112}, {222, 200, 85}}

// shades is the number of steps between low and high.
const shades = 24

// shade is the colour of a place in [0, 1].
func shade(at float64) color.RGBA {
	at = math.Round(min(max(at, 0), 1)*(shades-1)) / (shades - 1) * float64(len(anchors)-1)
	i := min(int(at), len(anchors)-2)
	part := at - float64(i)
	mix := func(k int) uint8 { return uint8(math.Round(anchors[i][k]*(1-part) + anchors[i+1][k]*part)) }
	return color.RGBA{mix(0), mix(1), mix(2), 255}
}

// place is where a value lies between low and high, one half where they are the same.
func place(v, low, high float64) float64 {
	if !(high > low) {
		return 0.5
	}
	return (v - low) / (high - low)
}

// shadeBar draws the scale of shades with its ends, after a name, in a line at the foot of an area.
func shadeBar(area draw.Canvas, name, low, high string) {
	y := area.Min.Y + legendLine/2
	left, right := textStyle(tickSize, text.XLeft), textStyle(tickSize, text.XRight)
	const length = 100
	x := area.Max.X - width(high, tickSize) - 4 - length
	for i := range shades {
		from, to := x+vg.Length(i)*length/shades, x+vg.Length(i+1)*length/shades
		if i < shades-1 {
			to += 0.3 // no seam
		}
		area.FillPolygon(shade(float64(i)/(shades-1)), []vg.Point{{X: from, Y: y - 4}, {X: to, Y: y - 4}, {X: to, Y: y + 4}, {X: from, Y: y + 4}})
	}
	area.FillText(left, vg.Point{X: x + length + 4, Y: y}, high)
	area.FillText(right, vg.Point{X: x - 4, Y: y}, low)
	room := x - 12 - width(low, tickSize) - area.Min.X
	area.FillText(right, vg.Point{X: x - 12 - width(low, tickSize), Y: y}, fit(name, tickSize, room))
}
