package calibrate

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/models"
)

const (
	part   = "calibration.json"
	prefix = "base-" // of the parts of the model that is calibrated
)

type stored struct {
	Base    string   `json:"base"` // its kind
	Method  string   `json:"method"`
	Classes []string `json:"classes"`
	Curves  []curve  `json:"curves"`
	Notes   []string `json:"notes,omitempty"`
}

// Encode returns the calibration, and the parts of the model that is calibrated under names of their own.
func (m *Model) Encode() (map[string][]byte, error) {
	base, err := m.base.Encode()
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(base)) {
		out[prefix+name] = base[name]
	}
	out[part], err = json.MarshalIndent(stored{m.base.Kind(), m.method, m.classes, m.curves, m.notes}, "", " ")
	return out, err
}

// Portable returns the calibration and, under base, the model beneath. For two classes the one curve turns the margin into the
// probability of the last class; for more, temperature multiplies the margins by the slope before the softmax, and other methods have a
// curve a class, whose values are divided by their sum.
func (m *Model) Portable() (any, error) {
	p, ok := m.base.(models.Portable)
	if !ok {
		return nil, fmt.Errorf("a calibrated %s is not a sum of columns", m.base.Kind())
	}
	base, err := p.Portable()
	return struct {
		Kind    string   `json:"kind"`
		Method  string   `json:"method"`
		Classes []string `json:"classes"`
		Curves  []curve  `json:"curves"`
		Base    any      `json:"base"`
	}{Kind, m.method, m.classes, m.curves, base}, err
}

func decode(parts map[string][]byte) (models.Model, error) {
	var s stored
	b, ok := parts[part]
	if !ok {
		return nil, fmt.Errorf("calibrated model: there is no %s", part)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("calibrated model: %w", err)
	}
	if s.Base == Kind {
		return nil, errors.New("calibrated model: it is calibrated twice")
	}
	inner := map[string][]byte{}
	for name, b := range parts {
		if n, ok := strings.CutPrefix(name, prefix); ok {
			inner[n] = b
		}
	}
	base, err := models.Decode(s.Base, inner)
	if err != nil {
		return nil, fmt.Errorf("calibrated model: %w", err)
	}
	m := &Model{base: base, method: s.Method, classes: s.Classes, curves: s.Curves, notes: s.Notes}
	return m, m.check()
}

// check proves that Predict cannot fail: as many curves as the method needs, of a base with the same classes.
func (m *Model) check() error {
	curves := len(m.classes)
	if curves == 2 || m.method == Temperature {
		curves = 1
	}
	if !slices.Contains(Methods, m.method) || len(m.classes) < 2 || len(m.curves) != curves {
		return fmt.Errorf("calibrated model: method %q with %d curves for %d classes", m.method, len(m.curves), len(m.classes))
	}
	p, err := m.base.Predict(models.NewMatrix(m.base.Columns(), 0), nil)
	if err != nil {
		return fmt.Errorf("calibrated model: %w", err)
	}
	if !slices.Equal(p.Classes, m.classes) {
		return fmt.Errorf("calibrated model: classes %v over a model of %v", m.classes, p.Classes)
	}
	for _, c := range m.curves {
		if (m.method == Isotonic) != (len(c.Knots) > 0) || len(c.Knots) != len(c.Values) || math.IsNaN(c.Slope) {
			return errors.New("calibrated model: a curve is not all there")
		}
		for i, v := range c.Values {
			if !(v >= 0 && v <= 1) || i > 0 && (c.Knots[i] <= c.Knots[i-1] || v < c.Values[i-1]) {
				return errors.New("calibrated model: a curve falls, or leaves 0 to 1")
			}
		}
	}
	return nil
}
