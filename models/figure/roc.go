package figure

import (
	"fmt"
	"math"

	"gonum.org/v1/plot/plotter"
)

// Curve is a named line through points. Note follows the name in the legend, for example "AUC 0.91 (0.87–0.95)".
type Curve struct {
	Name, Note string
	X, Y       []float64
}

func (c Curve) label() string {
	if c.Note == "" {
		return c.Name
	}
	return c.Name + ": " + c.Note
}

// check returns an error where a curve cannot be drawn.
func (c Curve) check(what string) error {
	if len(c.X) == 0 || len(c.X) != len(c.Y) {
		return fmt.Errorf("figure: %s %q has %d and %d coordinates", what, c.Name, len(c.X), len(c.Y))
	}
	if err := finite(what+" "+c.Name, c.X...); err != nil {
		return err
	}
	return finite(what+" "+c.Name, c.Y...)
}

// ROC draws sensitivity against 1 − specificity, one curve a model, with the diagonal of chance. X is 1 − specificity.
func ROC(title string, curves []Curve) (Figure, error) {
	p := newPlot(title, "1 − specificity", "Sensitivity")
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
	chance, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 1}})
	if err != nil {
		return Figure{}, err
	}
	chance.Width, chance.Color = 0.6, grey
	p.Add(chance)
	var records [][]string
	var legend []entry
	if len(curves) == 0 {
		return Figure{}, fmt.Errorf("figure: %s: no ROC curve", title)
	}
	for i, c := range curves {
		if err := c.check("ROC curve"); err != nil {
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
	return render(p, 320, 310, legend, []string{"model", "one_minus_specificity", "sensitivity"}, records), nil
}

func points(x, y []float64) plotter.XYs {
	out := make(plotter.XYs, len(x))
	for i := range x {
		out[i].X, out[i].Y = x[i], y[i]
	}
	return out
}

// span widens [low, high] by values.
func span(low, high float64, values ...float64) (float64, float64) {
	for _, v := range values {
		low, high = math.Min(low, v), math.Max(high, v)
	}
	return low, high
}
