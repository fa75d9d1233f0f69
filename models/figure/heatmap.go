package figure

import (
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Heatmap draws the contributions of features (rows) to the estimates of many patients (columns, in the order given), shaded from
// the most negative to the most positive on a scale that is symmetric about 0, with each patient's output as a line above.
// Contributions[i] is row i, one value a patient.
func Heatmap(title, scale string, features []string, contributions [][]float64, outputs []float64) (Figure, error) {
	if len(features) == 0 || len(features) != len(contributions) || len(outputs) == 0 {
		return Figure{}, fmt.Errorf("figure: %s: %d features, %d rows of contributions, %d outputs", title, len(features), len(contributions), len(outputs))
	}
	if err := finite("outputs", outputs...); err != nil {
		return Figure{}, err
	}
	most := 0.0
	var records [][]string
	for i, row := range contributions {
		if len(row) != len(outputs) {
			return Figure{}, fmt.Errorf("figure: %s has %d contributions for %d patients", features[i], len(row), len(outputs))
		}
		if err := finite("contributions of "+features[i], row...); err != nil {
			return Figure{}, err
		}
		for k, v := range row {
			most = math.Max(most, math.Abs(v))
			records = append(records, []string{features[i], strconv.Itoa(k + 1), number(v), number(outputs[k])})
		}
	}
	p := newPlot(title, "Patients", "")
	p.X.Min, p.X.Max = 0, float64(len(outputs))
	left := nameRows(p, append([]string{"output (" + scale + ")"}, features...))
	p.Add(&cells{contributions, outputs, most})
	c := newCanvas(left+340, vg.Length(len(features)+1)*rowHeight+64+legendLine, title)
	area := inside(c)
	p.Draw(draw.Crop(area, 0, 0, legendLine+2, 0))
	shadeBar(area, "", "contribution "+short(-most), short(most))
	return Figure{SVG: c.bytes(), CSV: table([]string{"feature", "patient", "contribution", "output"}, records)}, nil
}

// cells draws the map and the line above it.
type cells struct {
	contributions [][]float64
	outputs       []float64
	most          float64
}

// Plot implements plot.Plotter.
func (h *cells) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	n := len(h.contributions)
	for i, row := range h.contributions {
		middle := y(float64(n - 1 - i))
		// Neighbours of one shade are drawn as one.
		for from := 0; from < len(row); {
			fill := shade(place(row[from], -h.most, h.most))
			to := from + 1
			for to < len(row) && shade(place(row[to], -h.most, h.most)) == fill {
				to++
			}
			x0, x1 := x(float64(from)), x(float64(to))
			if to < len(row) {
				x1 += 0.3 // no seam
			}
			c.FillPolygon(fill, []vg.Point{{X: x0, Y: middle - 6}, {X: x1, Y: middle - 6}, {X: x1, Y: middle + 6}, {X: x0, Y: middle + 6}})
			from = to
		}
	}
	low, high := span(h.outputs[0], h.outputs[0], h.outputs...)
	points := make([]vg.Point, len(h.outputs))
	for k, v := range h.outputs {
		points[k] = vg.Point{X: x(float64(k) + 0.5), Y: y(float64(n)) - 5 + 10*vg.Length(place(v, low, high))}
	}
	c.StrokeLines(line(0), points)
}
