package linear

import "github.com/voxgene/voxgene/features/table"

// Portable returns the kind, classes, intercepts and coefficients: for two classes the log-odds of the last, for more a margin a class,
// whose softmax are the probabilities.
func (m *Logistic) Portable() (any, error) {
	out := struct {
		Kind         string      `json:"kind"`
		Columns      []string    `json:"columns"`
		Classes      []string    `json:"classes"`
		Intercepts   []float64   `json:"intercepts"`
		Coefficients [][]float64 `json:"coefficients"`
		StdErrs      [][]gap     `json:"standard_errors,omitempty"`
		Alpha        float64     `json:"alpha"`
		Lambda       float64     `json:"lambda"`
	}{m.Kind(), names(m.Inputs), m.Classes, m.Intercepts, m.Coefficients, nil, m.Alpha, m.Lambda}
	for _, s := range m.StdErrs {
		out.StdErrs = append(out.StdErrs, gaps(s))
	}
	return out, nil
}

// Portable returns the kind, coefficients, means and the cumulative baseline hazard at the means: the log-hazard is
// Σ coefficient × (value − mean), and S(t) = exp(−H(t)·exp(log-hazard)), H the hazard at the last of the times that is not after t.
func (m *Cox) Portable() (any, error) {
	return struct {
		Kind         string    `json:"kind"`
		Columns      []string  `json:"columns"`
		Coefficients []float64 `json:"coefficients"`
		StdErrs      []gap     `json:"standard_errors,omitempty"`
		Means        []float64 `json:"means"`
		Alpha        float64   `json:"alpha"`
		Lambda       float64   `json:"lambda"`
		Unit         string    `json:"unit"`
		Times        []float64 `json:"times"`
		Hazard       []float64 `json:"baseline_cumulative_hazard"`
		FollowUp     float64   `json:"follow_up"`
	}{m.Kind(), names(m.Inputs), m.Coefficients, gaps(m.StdErrs), m.Means, m.Alpha, m.Lambda, m.Unit, m.Times, m.Hazard, m.FollowUp}, nil
}

func names(columns []table.Column) []string {
	out := make([]string, len(columns))
	for j, c := range columns {
		out[j] = c.Name
	}
	return out
}
