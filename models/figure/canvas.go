package figure

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"math"
	"strconv"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// canvas is a vg.Canvas that writes SVG. Coordinates are made absolute here, y pointing down, and rounded to a hundredth of a
// point, so that the bytes do not depend on the last bits of the arithmetic.
type canvas struct {
	width, height vg.Length
	title         string
	body          bytes.Buffer
	stack         []state
}

// state is what Push saves. A point (x, y) of the caller lies at (a·x + c·y + e, b·x + d·y + f) of the drawing.
type state struct {
	a, b, c, d, e, f float64
	color            color.Color
	width            vg.Length
	dash             []vg.Length
	offset           vg.Length
}

func newCanvas(width, height vg.Length, title string) *canvas {
	c := &canvas{width: width, height: height, title: title, stack: []state{{a: 1, d: -1, f: float64(height)}}}
	vg.Initialize(c)
	return c
}

func (c *canvas) top() *state { return &c.stack[len(c.stack)-1] }

// Size, SetLineWidth and those below implement vg.CanvasSizer.
func (c *canvas) Size() (w, h vg.Length) { return c.width, c.height }

func (c *canvas) SetLineWidth(w vg.Length) { c.top().width = w }

func (c *canvas) SetLineDash(pattern []vg.Length, offset vg.Length) {
	c.top().dash, c.top().offset = pattern, offset
}

func (c *canvas) SetColor(to color.Color) {
	if to == nil {
		to = color.Black
	}
	c.top().color = to
}

func (c *canvas) Rotate(rad float64) {
	s := c.top()
	sin, cos := math.Sincos(rad)
	s.a, s.b, s.c, s.d = s.a*cos+s.c*sin, s.b*cos+s.d*sin, s.c*cos-s.a*sin, s.d*cos-s.b*sin
}

func (c *canvas) Translate(to vg.Point) {
	s := c.top()
	s.e, s.f = s.at(to)
}

func (c *canvas) Scale(x, y float64) {
	s := c.top()
	s.a, s.b, s.c, s.d = s.a*x, s.b*x, s.c*y, s.d*y
}

func (c *canvas) Push() { c.stack = append(c.stack, *c.top()) }

func (c *canvas) Pop() { c.stack = c.stack[:len(c.stack)-1] }

func (s *state) at(p vg.Point) (x, y float64) {
	return s.a*float64(p.X) + s.c*float64(p.Y) + s.e, s.b*float64(p.X) + s.d*float64(p.Y) + s.f
}

// Stroke draws the outline of a path.
func (c *canvas) Stroke(p vg.Path) {
	s := c.top()
	if s.width <= 0 {
		return
	}
	fmt.Fprintf(&c.body, `<path d="%s" fill="none" stroke="%s" stroke-width="%s"`, c.data(p), hex(s.color), coordinate(float64(s.width)))
	c.opacity("stroke-opacity")
	if len(s.dash) > 0 {
		c.body.WriteString(` stroke-dasharray="`)
		for i, d := range s.dash {
			if i > 0 {
				c.body.WriteByte(',')
			}
			c.body.WriteString(coordinate(float64(d)))
		}
		c.body.WriteByte('"')
		if s.offset != 0 {
			fmt.Fprintf(&c.body, ` stroke-dashoffset="%s"`, coordinate(float64(s.offset)))
		}
	}
	c.body.WriteString("/>\n")
}

// Fill fills a path.
func (c *canvas) Fill(p vg.Path) {
	fmt.Fprintf(&c.body, `<path d="%s" fill="%s"`, c.data(p), hex(c.top().color))
	c.opacity("fill-opacity")
	c.body.WriteString("/>\n")
}

func (c *canvas) opacity(name string) {
	if _, _, _, a := c.top().color.RGBA(); a < 0xffff {
		fmt.Fprintf(&c.body, ` %s="%s"`, name, coordinate(float64(a)/0xffff))
	}
}

// data is a path's d attribute. Arcs are drawn as Bézier curves of at most an eighth of a turn, whose error is below the rounding.
func (c *canvas) data(p vg.Path) []byte {
	var b []byte
	s := c.top()
	to := func(command byte, points ...vg.Point) {
		if command != 0 {
			b = append(b, command)
		}
		for i, pt := range points {
			if i > 0 {
				b = append(b, ' ')
			}
			x, y := s.at(pt)
			b = append(append(append(b, coordinate(x)...), ' '), coordinate(y)...)
		}
	}
	for i, e := range p {
		switch e.Type {
		case vg.MoveComp:
			to('M', e.Pos)
		case vg.LineComp:
			to('L', e.Pos)
		case vg.CurveComp:
			command := byte('C')
			if len(e.Control) == 1 {
				command = 'Q'
			}
			to(command, append(append([]vg.Point{}, e.Control...), e.Pos)...)
		case vg.ArcComp:
			n := max(1, int(math.Ceil(math.Abs(e.Angle)/(math.Pi/4)-1e-9)))
			step := e.Angle / float64(n)
			k := 4.0 / 3 * math.Tan(step/4)
			on := func(angle, along float64) vg.Point {
				sin, cos := math.Sincos(angle)
				r := float64(e.Radius)
				return vg.Point{X: e.Pos.X + vg.Length(r*(cos-along*sin)), Y: e.Pos.Y + vg.Length(r*(sin+along*cos))}
			}
			command := byte('L')
			if i == 0 || p[i-1].Type == vg.CloseComp {
				command = 'M'
			}
			to(command, on(e.Start, 0))
			for j := range n {
				from := e.Start + float64(j)*step
				to('C', on(from, k), on(from+step, -k), on(from+step, 0))
			}
		case vg.CloseComp:
			b = append(b, 'Z')
		}
	}
	return b
}

// FillString writes text whose left end of the baseline is at a point, fitted to the width it has in Liberation Sans.
func (c *canvas) FillString(f font.Face, at vg.Point, text string) {
	if f.Font.Size <= 0 || text == "" {
		return
	}
	s := c.top()
	x, y := s.at(at)
	fmt.Fprintf(&c.body, `<text x="%s" y="%s" font-size="%s" textLength="%s" lengthAdjust="spacingAndGlyphs"`,
		coordinate(x), coordinate(y), coordinate(float64(f.Font.Size)), coordinate(float64(f.Width(text))))
	if angle := math.Atan2(s.b, s.a) * 180 / math.Pi; math.Abs(angle) > 1e-6 {
		fmt.Fprintf(&c.body, ` transform="rotate(%s %s %s)"`, coordinate(angle), coordinate(x), coordinate(y))
	}
	if h := hex(s.color); h != "#000000" {
		fmt.Fprintf(&c.body, ` fill="%s"`, h)
	}
	fmt.Fprintf(&c.body, ">%s</text>\n", html.EscapeString(text))
}

// DrawImage places an image. No figure here has one; the interface asks for it.
func (c *canvas) DrawImage(r vg.Rectangle, img image.Image) {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return // an image of no pixels
	}
	x, y := c.top().at(vg.Point{X: r.Min.X, Y: r.Max.Y})
	fmt.Fprintf(&c.body, `<image x="%s" y="%s" width="%s" height="%s" href="data:image/png;base64,%s"/>`+"\n",
		coordinate(x), coordinate(y), coordinate(float64(r.Size().X)), coordinate(float64(r.Size().Y)), base64.StdEncoding.EncodeToString(b.Bytes()))
}

// bytes returns the document.
func (c *canvas) bytes() []byte {
	var b bytes.Buffer
	w, h := coordinate(float64(c.width)), coordinate(float64(c.height))
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%spt" height="%spt" viewBox="0 0 %s %s" role="img" `+
		`font-family="'Liberation Sans',Arial,Helvetica,sans-serif">`+"\n", w, h, w, h)
	if c.title != "" {
		fmt.Fprintf(&b, "<title>%s</title>\n", html.EscapeString(c.title))
	}
	b.Write(c.body.Bytes())
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func hex(c color.Color) string {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	return fmt.Sprintf("#%02x%02x%02x", n.R, n.G, n.B)
}

// coordinate writes a number with at most two decimals.
func coordinate(v float64) string {
	v = math.Round(v*100) / 100
	if v == 0 {
		v = 0 // not −0
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// dots draws round points of one colour as strokes of no length with round ends, a tenth of the bytes of as many circles.
func (c *canvas) dots(fill color.Color, diameter vg.Length, points []vg.Point) {
	c.body.WriteString(`<path d="`)
	s := c.top()
	for _, p := range points {
		x, y := s.at(p)
		fmt.Fprintf(&c.body, "M%s %sh0", coordinate(x), coordinate(y))
	}
	fmt.Fprintf(&c.body, `" fill="none" stroke="%s" stroke-width="%s" stroke-linecap="round"/>`+"\n", hex(fill), coordinate(float64(diameter)))
}
