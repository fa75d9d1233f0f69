package figure

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Swarm is the contributions of one feature to the estimates of many patients, with the feature's values there; a value of NaN is missing.
type Swarm struct {
	Name          string
	Contributions []float64
	Values        []float64
}

const (
	swarmHeight = 18  // of a feature's line
	dot         = 2.6 // diameter of a point
)

// Beeswarm draws a line a feature and a point a patient, placed by contribution and shaded by the feature's value between its 5th
// and 95th percentile, dark for low. A missing value is an open ring. Points that would cover each other are stacked.
func Beeswarm(title, axis string, rows []Swarm) (Figure, error) {
	if len(rows) == 0 {
		return Figure{}, fmt.Errorf("figure: %s: nothing to draw", title)
	}
	low, high := 0.0, 0.0
	names := make([]string, len(rows))
	var records [][]string
	for i, r := range rows {
		if len(r.Contributions) == 0 || len(r.Values) != len(r.Contributions) {
			return Figure{}, fmt.Errorf("figure: %s has %d contributions and %d values", r.Name, len(r.Contributions), len(r.Values))
		}
		if err := finite("contributions of "+r.Name, r.Contributions...); err != nil {
			return Figure{}, err
		}
		low, high = span(low, high, r.Contributions...)
		names[i] = r.Name
		for k, v := range r.Contributions {
			records = append(records, []string{r.Name, strconv.Itoa(k + 1), number(r.Values[k]), number(v)})
		}
	}
	p := newPlot(title, axis, "")
	pad := (high - low) * 0.02
	p.X.Min, p.X.Max = low-pad, high+pad
	left := nameRows(p, names)
	p.Add(&swarms{rows})
	c := newCanvas(left+320, vg.Length(len(rows))*swarmHeight+64+legendLine, title)
	area := inside(c)
	p.Draw(draw.Crop(area, 0, 0, legendLine+2, 0))
	if slices.ContainsFunc(rows, func(r Swarm) bool { return slices.ContainsFunc(r.Values, math.IsNaN) }) {
		area = ringKey(area)
	}
	shadeBar(area, "", "feature value low", "high")
	return Figure{SVG: c.bytes(), CSV: table([]string{"feature", "patient", "value", "contribution"}, records)}, nil
}

// ringKey says at the foot of an area what an open ring is, and returns the area to the right of that.
func ringKey(area draw.Canvas) draw.Canvas {
	const key = "no value"
	y := area.Min.Y + legendLine/2
	ring(area, vg.Point{X: area.Min.X + 4, Y: y})
	area.FillText(textStyle(tickSize, text.XLeft), vg.Point{X: area.Min.X + 9, Y: y}, key)
	return draw.Crop(area, 9+width(key, tickSize)+8, 0, 0, 0)
}

// ring draws a patient without a value, in grey, since those stand on top of each other where there are many.
func ring(c draw.Canvas, at vg.Point) {
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: grey, Radius: dot / 2, Shape: draw.RingGlyph{}}, at)
}

// percentiles returns the 5th and 95th percentile of what is there.
func percentiles(values []float64) (low, high float64) {
	there := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(there) == 0 {
		return 0, 0
	}
	slices.Sort(there)
	return there[(len(there)-1)*5/100], there[len(there)-1-(len(there)-1)*5/100]
}

// swarms draws the points.
type swarms struct{ rows []Swarm }

// Plot implements plot.Plotter.
func (s *swarms) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	c.StrokeLine2(draw.LineStyle{Color: grey, Width: 0.6}, x(0), c.Min.Y, x(0), c.Max.Y)
	for i, r := range s.rows {
		middle := y(float64(len(s.rows) - 1 - i))
		c.StrokeLine2(draw.LineStyle{Color: color.Gray{225}, Width: 0.4}, c.Min.X, middle, c.Max.X, middle)
		low, high := percentiles(r.Values)
		groups := make([][]vg.Point, shades+1) // by shade; the last is of missing values
		for k, at := range stack(r.Contributions, x, swarmHeight/2) {
			at.Y += middle
			g := shades
			if v := r.Values[k]; !math.IsNaN(v) {
				g = int(math.Round(min(max(place(v, low, high), 0), 1) * (shades - 1)))
			}
			groups[g] = append(groups[g], at)
		}
		for g, points := range groups {
			if g == shades {
				for _, at := range points {
					ring(c, at)
				}
				continue
			}
			dots(c, shade(float64(g)/(shades-1)), dot, points)
		}
	}
}

// stack places contributions along a line, apart from each other: in order of their place, each on the free level nearest to the line, and
// no further from it than half.
func stack(values []float64, x func(float64) vg.Length, half vg.Length) []vg.Point {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case values[a] < values[b]:
			return -1
		case values[a] > values[b]:
			return 1
		}
		return 0
	})
	const levels = 41
	var last [levels]vg.Length // where the last point of each level is
	for l := range last {
		last[l] = -1e9
	}
	level := make([]int, len(values))
	deepest := 0
	out := make([]vg.Point, len(values))
	for _, i := range order {
		at := x(values[i])
		l := 0
		for ; l < levels-1; l++ {
			if at-last[l] >= dot*0.9 {
				break
			}
		}
		last[l], level[i] = at, l
		deepest = max(deepest, (l+1)/2)
		out[i].X = at
	}
	step := vg.Length(dot * 0.9)
	if room := half - dot/2; vg.Length(deepest)*step > room {
		step = room / vg.Length(deepest)
	}
	for i, l := range level {
		offset := step * vg.Length((l+1)/2)
		if l%2 == 0 {
			offset = -offset
		}
		out[i].Y = offset
	}
	return out
}

// dots draws points of one colour as one path.
func dots(c draw.Canvas, fill color.Color, diameter vg.Length, points []vg.Point) {
	if len(points) == 0 {
		return
	}
	on := c.Canvas
	for {
		cropped, ok := on.(draw.Canvas)
		if !ok {
			break
		}
		on = cropped.Canvas
	}
	on.(*canvas).dots(fill, diameter, points) // every figure of this package is drawn on one
}
