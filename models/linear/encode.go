package linear

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/table"
)

// part is the one file of an encoded model. Numbers are written with the fewest digits that read back to the same bits.
const part = "model.json"

// gap is a number that may be missing, null in JSON.
type gap float64

func (g gap) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(g)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(g))
}

func (g *gap) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*g = gap(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(g))
}

func gaps(v []float64) []gap {
	if v == nil {
		return nil
	}
	out := make([]gap, len(v))
	for i, x := range v {
		out[i] = gap(x)
	}
	return out
}

func ungap(v []gap) []float64 {
	if v == nil {
		return nil
	}
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

type logisticJSON struct {
	Columns      []table.Column `json:"columns"`
	Classes      []string       `json:"classes"`
	Intercepts   []float64      `json:"intercepts"`
	Coefficients [][]float64    `json:"coefficients"`
	StdErrs      [][]gap        `json:"standard_errors,omitempty"`
	Means        []float64      `json:"means"`
	Low          []float64      `json:"low,omitempty"`
	High         []float64      `json:"high,omitempty"`
	Alpha        float64        `json:"alpha"`
	Lambda       float64        `json:"lambda"`
	Notes        []string       `json:"notes,omitempty"`
}

// Encode returns the model as model.json.
func (m *Logistic) Encode() (map[string][]byte, error) {
	j := logisticJSON{Columns: m.Inputs, Classes: m.Classes, Intercepts: m.Intercepts, Coefficients: m.Coefficients, Means: m.Means,
		Low: m.Low, High: m.High, Alpha: m.Alpha, Lambda: m.Lambda, Notes: m.Remarks}
	for _, s := range m.StdErrs {
		j.StdErrs = append(j.StdErrs, gaps(s))
	}
	b, err := json.MarshalIndent(j, "", " ")
	return map[string][]byte{part: b}, err
}

func decodeLogistic(parts map[string][]byte) (*Logistic, error) {
	var j logisticJSON
	if err := read(parts, &j); err != nil {
		return nil, fmt.Errorf("logistic model: %w", err)
	}
	m := &Logistic{Inputs: j.Columns, Classes: j.Classes, Intercepts: j.Intercepts, Coefficients: j.Coefficients, Means: j.Means,
		Low: j.Low, High: j.High, Alpha: j.Alpha, Lambda: j.Lambda, Remarks: j.Notes}
	for _, s := range j.StdErrs {
		m.StdErrs = append(m.StdErrs, ungap(s))
	}
	responses := len(m.Classes)
	if responses == 2 {
		responses = 1
	}
	if len(m.Classes) < 2 || len(m.Intercepts) != responses || len(m.Coefficients) != responses || m.StdErrs != nil && len(m.StdErrs) != responses {
		return nil, fmt.Errorf("logistic model: %d classes with %d intercepts and %d rows of coefficients", len(m.Classes), len(m.Intercepts), len(m.Coefficients))
	}
	for _, row := range slices.Concat(m.Coefficients, m.StdErrs, [][]float64{m.Means}) {
		if len(row) != len(m.Inputs) {
			return nil, fmt.Errorf("logistic model: %d numbers for %d columns", len(row), len(m.Inputs))
		}
	}
	return m, checkRanges(m.Low, m.High, len(m.Inputs))
}

// checkRanges proves that ranges are there for all columns or for none.
func checkRanges(low, high []float64, columns int) error {
	if len(low) != len(high) || low != nil && len(low) != columns {
		return fmt.Errorf("%d and %d ends of ranges for %d columns", len(low), len(high), columns)
	}
	return nil
}

type coxJSON struct {
	Columns      []table.Column `json:"columns"`
	Coefficients []float64      `json:"coefficients"`
	StdErrs      []gap          `json:"standard_errors,omitempty"`
	Means        []float64      `json:"means"`
	Low          []float64      `json:"low,omitempty"`
	High         []float64      `json:"high,omitempty"`
	Alpha        float64        `json:"alpha"`
	Lambda       float64        `json:"lambda"`
	Unit         string         `json:"unit"`
	Times        []float64      `json:"times"`
	Hazard       []float64      `json:"baseline_cumulative_hazard"`
	AtRisk       []int          `json:"at_risk"`
	FollowUp     float64        `json:"follow_up"`
	Notes        []string       `json:"notes,omitempty"`
}

// Encode returns the model as model.json.
func (m *Cox) Encode() (map[string][]byte, error) {
	b, err := json.MarshalIndent(coxJSON{m.Inputs, m.Coefficients, gaps(m.StdErrs), m.Means, m.Low, m.High, m.Alpha, m.Lambda, m.Unit, m.Times, m.Hazard,
		m.AtRisk, m.FollowUp, m.Remarks}, "", " ")
	return map[string][]byte{part: b}, err
}

func decodeCox(parts map[string][]byte) (*Cox, error) {
	var j coxJSON
	if err := read(parts, &j); err != nil {
		return nil, fmt.Errorf("Cox model: %w", err)
	}
	m := &Cox{j.Columns, j.Coefficients, ungap(j.StdErrs), j.Means, j.Low, j.High, j.Alpha, j.Lambda, j.Unit, j.Times, j.Hazard, j.AtRisk, j.FollowUp, j.Notes}
	n, k := len(m.Inputs), len(m.Times)
	if len(m.Coefficients) != n || len(m.Means) != n || m.StdErrs != nil && len(m.StdErrs) != n || len(m.Hazard) != k || len(m.AtRisk) != k || k == 0 {
		return nil, errors.New("Cox model: coefficients, means or times are not all there")
	}
	for i := 1; i < k; i++ {
		if m.Times[i] <= m.Times[i-1] || m.Hazard[i] < m.Hazard[i-1] {
			return nil, errors.New("Cox model: times and baseline hazard must rise")
		}
	}
	if m.Hazard[0] < 0 || m.FollowUp < m.Times[k-1] {
		return nil, errors.New("Cox model: the baseline hazard starts below 0, or the follow-up ends before the last event")
	}
	return m, checkRanges(m.Low, m.High, n)
}

// read decodes the part.
func read(parts map[string][]byte, v any) error {
	b, ok := parts[part]
	if !ok {
		return fmt.Errorf("there is no %s", part)
	}
	return json.Unmarshal(b, v)
}
