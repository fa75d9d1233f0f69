package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

func init() {
	Register(Kind{
		Name: "scale",
		Doc:  "bring continuous columns to one scale",
		Params: []models.Param{
			{Name: "method", Doc: "zscore, robust (median and interquartile range), minmax, or rank (to the place among the training values, 0 to 1)", Default: "zscore",
				Choices: []string{"zscore", "robust", "minmax", "rank"}},
		},
		Touches: []table.Kind{table.Numeric},
		New: func(o models.Options) (Step, error) {
			return scale{o["method"].(string)}, nil
		},
		Decode: decodeScaled,
	})
}

// scale is (x − centre) / spread, as scikit-learn's StandardScaler (mean and standard deviation with divisor n), RobustScaler
// (median and interquartile range) and MinMaxScaler (minimum and range). The spread of a constant column is 1. Missing values stay.
// The method rank is QuantileTransformer with 101 quantiles and a uniform distribution; a constant column becomes 0.
type scale struct{ method string }

type scaled struct {
	columns []table.Column
	state   scaledState
}

type scaledState struct {
	Centre []float64 `json:"centre"`
	Spread []float64 `json:"spread"`
	// Grids are ascending quantiles, one list a column, empty for a constant one: method rank, which has no centre and spread.
	Grids [][]float64 `json:"grids,omitempty"`
}

func (s scale) Fit(_ context.Context, t models.Training) (Fitted, error) {
	n := len(t.X.Columns)
	f := &scaled{columns: unitless(t.X.Columns)}
	buffer := make([]float64, 0, t.X.Rows)
	if s.method == "rank" {
		f.state = scaledState{Centre: []float64{}, Spread: []float64{}, Grids: make([][]float64, n)}
		for j := range t.X.Columns {
			f.state.Grids[j] = grid(sorted(t.X.Column(j), buffer))
		}
		return f, nil
	}
	f.state = scaledState{Centre: make([]float64, n), Spread: make([]float64, n)}
	for j := range t.X.Columns {
		f.state.Centre[j], f.state.Spread[j] = s.fit(t.X.Column(j), buffer)
	}
	return f, nil
}

// fit returns centre and spread of a column; a column without a value is left as it is.
func (s scale) fit(column, buffer []float64) (centre, spread float64) {
	switch s.method {
	case "robust":
		v := sorted(column, buffer)
		if len(v) == 0 {
			return 0, 1
		}
		centre, spread = Quantile(v, 0.5), Quantile(v, 0.75)-Quantile(v, 0.25)
	case "minmax":
		v := known(column, buffer)
		if len(v) == 0 {
			return 0, 1
		}
		low, high := math.Inf(1), math.Inf(-1)
		for _, x := range v {
			low, high = min(low, x), max(high, x)
		}
		centre, spread = low, high-low
	default:
		v := known(column, buffer)
		if len(v) == 0 {
			return 0, 1
		}
		centre = mean(v)
		d := variance(v, centre)
		// A variance that rounding alone explains is none: the bound of scikit-learn's _is_constant_feature.
		n, eps := float64(len(v)), 0x1p-52
		if bound := n*eps*d + (n*centre*eps)*(n*centre*eps); d > bound {
			spread = math.Sqrt(d)
		}
	}
	if !(spread > 0) || math.IsInf(spread, 0) || math.IsInf(centre, 0) {
		spread = 1
	}
	if math.IsInf(centre, 0) || math.IsNaN(centre) {
		centre = 0
	}
	return centre, spread
}

func (f *scaled) Kind() string            { return "scale" }
func (f *scaled) Columns() []table.Column { return f.columns }
func (f *scaled) Encode() ([]byte, error) { return json.Marshal(f.state) }

func (f *scaled) Apply(x models.Matrix) (models.Matrix, error) {
	out := models.NewMatrix(f.columns, x.Rows)
	if f.state.Grids == nil && x.Rows == 1 { // a served patient: no slice a column
		for j, centre := range f.state.Centre {
			out.Values[j] = (x.Values[j] - centre) / f.state.Spread[j]
		}
		return out, nil
	}
	for j := range f.columns {
		if f.state.Grids != nil {
			to := out.Column(j)
			for i, v := range x.Column(j) {
				if to[i] = v; v == v {
					to[i] = standing(v, f.state.Grids[j])
				}
			}
			continue
		}
		centre, spread := f.state.Centre[j], f.state.Spread[j]
		to := out.Column(j)
		for i, v := range x.Column(j) {
			to[i] = (v - centre) / spread
		}
	}
	return out, nil
}

func decodeScaled(columns []table.Column, state []byte) (Fitted, error) {
	f := &scaled{columns: unitless(columns)}
	if err := decodeStrict(state, &f.state); err != nil {
		return nil, err
	}
	if f.state.Grids != nil {
		return f, checkGrids(f.state.Grids, columns)
	}
	if err := checkLength("centres", len(f.state.Centre), len(columns)); err != nil {
		return nil, err
	}
	if err := checkLength("spreads", len(f.state.Spread), len(columns)); err != nil {
		return nil, err
	}
	for j, s := range f.state.Spread {
		if !(s > 0) {
			return nil, fmt.Errorf("%s: spread %v is not above zero", columns[j].Name, s)
		}
	}
	return f, nil
}
