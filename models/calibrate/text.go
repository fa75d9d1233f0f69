package calibrate

import (
	"fmt"
	"io"
	"slices"

	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/linear"
)

// WriteText writes the calibration and then the model beneath, where that can be read.
func (m *Model) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "calibrated on out-of-fold predictions by %s:\n", m.method)
	for k, c := range m.curves {
		var err error
		switch {
		case len(c.Knots) > 0:
			_, err = fmt.Fprintf(w, "  P(%s) rises in %d steps from %.3g to %.3g with the model's %s\n", m.calibrated(k), len(c.Knots), c.Values[0], c.Values[len(c.Values)-1], m.score())
		case len(m.classes) > 2 && m.method == Temperature:
			_, err = fmt.Fprintf(w, "  every class's margin is multiplied by %.4g (temperature %.4g)\n", c.Slope, 1/c.Slope)
		default:
			_, err = fmt.Fprintf(w, "  log-odds of %s = %.4g + %.4g × the model's %s\n", m.calibrated(k), c.Intercept, c.Slope, m.score())
		}
		if err != nil {
			return err
		}
	}
	if len(m.classes) > 2 && m.method != Temperature {
		fmt.Fprintln(w, "  the probabilities of a patient are then divided by their sum")
	}
	if r, ok := m.base.(models.Readable); ok {
		fmt.Fprintln(w, "\nthe model beneath, before calibration:")
		if err := r.WriteText(w); err != nil {
			return err
		}
	}
	for _, note := range m.notes {
		if n, ok := m.base.(models.Noted); ok && slices.Contains(n.Notes(), note) {
			continue // the model beneath has said it
		}
		if _, err := fmt.Fprintf(w, "note: %s\n", note); err != nil {
			return err
		}
	}
	return nil
}

// calibrated is the class whose probability the k-th curve gives.
func (m *Model) calibrated(k int) string {
	if len(m.curves) == 1 {
		return m.classes[len(m.classes)-1]
	}
	return m.classes[k]
}

// score is what the curves read.
func (m *Model) score() string {
	if len(m.classes) == 2 {
		return "log-odds"
	}
	return "margin of it"
}

// WriteSVG draws the calibrated model: where the calibration is a line on the log-odds of a logistic regression, the nomogram of both
// together. An isotonic or one-against-the-rest calibration has none. Another model beneath is drawn as it is, before calibration.
func (m *Model) WriteSVG(w io.Writer) error {
	if l, ok := m.base.(*linear.Logistic); ok {
		if m.method == Isotonic || len(m.classes) > 2 && m.method != Temperature {
			return fmt.Errorf("a logistic regression calibrated by %s over %d classes has no nomogram; its text says how it is read", m.method, len(m.classes))
		}
		return l.Recalibrated(m.curves[0].Intercept, m.curves[0].Slope).WriteSVG(w)
	}
	if d, ok := m.base.(models.Drawn); ok {
		return d.WriteSVG(w)
	}
	return fmt.Errorf("a calibrated %s cannot be drawn; decision_tree and logistic can", m.base.Kind())
}
