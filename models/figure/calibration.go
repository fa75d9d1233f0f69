package figure

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Reliability is the calibration of one model: groups of patients by predicted probability, and optionally a smooth curve.
type Reliability struct {
	Name, Note string
	Predicted  []float64 // mean prediction of each group
	Observed   []float64 // share with the outcome
	Low, High  []float64 // interval of Observed; nil draws none
	Count      []int     // patients in each group; nil where not known
	Smooth     Curve     // observed against predicted; drawn where it has points
}

func (r Reliability) check() error {
	n := len(r.Predicted)
	if n == 0 || len(r.Observed) != n || r.Low != nil && len(r.Low) != n || r.High != nil && len(r.High) != n || (r.Low == nil) != (r.High == nil) ||
		r.Count != nil && len(r.Count) != n {
		return fmt.Errorf("figure: calibration of %q: predicted, observed, intervals and counts differ in length or are empty", r.Name)
	}
	for _, v := range [][]float64{r.Predicted, r.Observed, r.Low, r.High} {
		if err := finite("calibration of "+r.Name, v...); err != nil {
			return err
		}
	}
	if len(r.Smooth.X) > 0 {
		return r.Smooth.check("smooth calibration of " + r.Name)
	}
	return nil
}

// shapes tell points apart without colour.
var shapes = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.RingGlyph{}, draw.PyramidGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.CrossGlyph{}}

// Calibration draws the observed share of the outcome against its predicted probability, with the diagonal of perfect calibration.
func Calibration(title string, models []Reliability) (Figure, error) {
	if len(models) == 0 {
		return Figure{}, fmt.Errorf("figure: %s: no model", title)
	}
	p := newPlot(title, "Predicted probability", "Observed share")
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
	ideal, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 1}})
	if err != nil {
		return Figure{}, err
	}
	ideal.Width, ideal.Color = 0.6, grey
	p.Add(ideal)
	var legend []entry
	var records [][]string
	for i, m := range models {
		if err := m.check(); err != nil {
			return Figure{}, err
		}
		style := line(i)
		if len(m.Smooth.X) > 0 {
			l, err := plotter.NewLine(points(m.Smooth.X, m.Smooth.Y))
			if err != nil {
				return Figure{}, err
			}
			l.LineStyle = style
			p.Add(l)
			for k := range m.Smooth.X {
				records = append(records, []string{m.Name, "smooth", number(m.Smooth.X[k]), number(m.Smooth.Y[k]), "", "", ""})
			}
		}
		glyph := draw.GlyphStyle{Color: style.Color, Radius: 3, Shape: shapes[i%len(shapes)]}
		p.Add(&reliabilityPoints{m, glyph})
		for k := range m.Predicted {
			record := []string{m.Name, "group", number(m.Predicted[k]), number(m.Observed[k]), "", "", ""}
			if m.Low != nil {
				record[4], record[5] = number(m.Low[k]), number(m.High[k])
			}
			if m.Count != nil {
				record[6] = fmt.Sprint(m.Count[k])
			}
			records = append(records, record)
		}
		legend = append(legend, entry{Curve{Name: m.Name, Note: m.Note}.label(), func(c *draw.Canvas) {
			if len(m.Smooth.X) > 0 {
				lineThumb(style)(c)
			}
			c.DrawGlyph(glyph, c.Center())
		}})
	}
	return render(p, 320, 310, legend, []string{"model", "part", "predicted", "observed", "low", "high", "count"}, records), nil
}

// reliabilityPoints draws the groups with their intervals.
type reliabilityPoints struct {
	Reliability
	glyph draw.GlyphStyle
}

// Plot implements plot.Plotter.
func (r *reliabilityPoints) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	thin := draw.LineStyle{Color: r.glyph.Color, Width: 0.8}
	for i := range r.Predicted {
		at := vg.Point{X: x(r.Predicted[i]), Y: y(r.Observed[i])}
		if r.Low != nil {
			low, high := y(r.Low[i]), y(r.High[i])
			c.StrokeLine2(thin, at.X, low, at.X, high)
			c.StrokeLine2(thin, at.X-2, low, at.X+2, low)
			c.StrokeLine2(thin, at.X-2, high, at.X+2, high)
		}
		c.DrawGlyph(r.glyph, at)
	}
}
