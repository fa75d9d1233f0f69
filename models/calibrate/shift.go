package calibrate

import (
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/models"
)

// Recalibrate returns a classifier of two classes with its log-odds moved: intercept + slope · log-odds, as a new site's patients say they
// should be. A model that is calibrated already has its curve moved, an isotonic one at its knots; any other is wrapped.
func Recalibrate(m models.Model, classes []string, intercept, slope float64, note string) (models.Model, error) {
	if len(classes) != 2 {
		return nil, fmt.Errorf("the log-odds of %d classes cannot be moved by one intercept and slope", len(classes))
	}
	if math.IsNaN(intercept) || math.IsInf(intercept, 0) || !(slope > 0) || math.IsInf(slope, 0) {
		return nil, fmt.Errorf("intercept %.3g and slope %.3g are no update", intercept, slope)
	}
	if c, ok := m.(*Model); ok {
		old := c.curves[0]
		moved := &Model{base: c.base, method: c.method, classes: c.classes, notes: append(slices.Clone(c.notes), note)}
		if c.method == Isotonic {
			shifted := curve{Intercept: old.Intercept, Slope: old.Slope, Knots: old.Knots}
			for _, v := range old.Values {
				v = min(max(v, 1e-6), 1-1e-6)
				shifted.Values = append(shifted.Values, logistic(intercept+slope*math.Log(v/(1-v))))
			}
			moved.curves = []curve{shifted}
			return moved, nil
		}
		moved.method = Platt // temperature has no intercept
		moved.curves = []curve{{Intercept: intercept + slope*old.Intercept, Slope: slope * old.Slope}}
		return moved, nil
	}
	out := &Model{base: m, method: Platt, classes: classes, curves: []curve{{Intercept: intercept, Slope: slope}}}
	if n, ok := m.(models.Noted); ok {
		out.notes = append(out.notes, n.Notes()...)
	}
	out.notes = append(out.notes, note)
	return out, nil
}
