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
		Name: "transform",
		Doc:  "bring skewed columns nearer to a normal distribution",
		Params: []models.Param{
			{Name: "method", Doc: "yeo_johnson (power chosen on training rows), log (of 1 + x, signed) or rank (to the quantiles of a normal distribution)", Default: "yeo_johnson",
				Choices: []string{"yeo_johnson", "log", "rank"}},
		},
		Touches: []table.Kind{table.Numeric},
		New: func(o models.Options) (Step, error) {
			return transform{o["method"].(string)}, nil
		},
		Decode: decodeTransformed,
	})
}

// transform is one of
//
//   - yeo_johnson: the power transform that is defined for all numbers, its power the maximum of the normal likelihood (Yeo and
//     Johnson 2000), as scikit-learn's PowerTransformer without its scaling, which is a step of its own;
//   - log: sign(x)·log(1 + |x|), which learns nothing;
//   - rank: the place of a value among the training values, as quantile of the standard normal distribution. The training values
//     are kept as a grid of at most 101 quantiles.
//
// Missing values stay missing; a constant column stays as it is.
type transform struct{ method string }

type transformed struct {
	columns []table.Column
	state   transformedState
}

type transformedState struct {
	Method string      `json:"method"`
	Powers []float64   `json:"powers,omitempty"` // of yeo_johnson, one a column
	Grids  [][]float64 `json:"grids,omitempty"`  // of rank, one a column: ascending quantiles; empty for a constant column
}

func (s transform) Fit(_ context.Context, t models.Training) (Fitted, error) {
	f := &transformed{columns: unitless(t.X.Columns), state: transformedState{Method: s.method}}
	buffer := make([]float64, 0, t.X.Rows)
	for j := range t.X.Columns {
		v := sorted(t.X.Column(j), buffer)
		constant := len(v) == 0 || v[0] == v[len(v)-1]
		switch s.method {
		case "yeo_johnson":
			power := 1.0
			if !constant {
				power = bestPower(v)
			}
			f.state.Powers = append(f.state.Powers, power)
		case "rank":
			f.state.Grids = append(f.state.Grids, grid(v))
		}
	}
	return f, nil
}

// yeoJohnson is the transform of x with power p.
func yeoJohnson(x, p float64) float64 {
	const near = 1e-12
	switch {
	case x >= 0 && math.Abs(p) < near:
		return math.Log1p(x)
	case x >= 0:
		return math.Expm1(p*math.Log1p(x)) / p
	case math.Abs(p-2) < near:
		return -math.Log1p(-x)
	}
	return -math.Expm1((2-p)*math.Log1p(-x)) / (2 - p)
}

// bestPower maximises the profile likelihood of the power, −n/2·log Var + (p − 1)·Σ sign(x)·log(1 + |x|), by a grid and golden
// sections around its best point. Powers stay between −5 and 5, past which a handful of values decides.
func bestPower(v []float64) float64 {
	jacobian := 0.0
	for _, x := range v {
		jacobian += math.Copysign(math.Log1p(math.Abs(x)), x)
	}
	y := make([]float64, len(v))
	likelihood := func(p float64) float64 {
		for i, x := range v {
			y[i] = yeoJohnson(x, p)
		}
		d := variance(y, mean(y))
		if !(d > 0) || math.IsInf(d, 0) {
			return math.Inf(-1)
		}
		return -float64(len(v))/2*math.Log(d) + (p-1)*jacobian
	}
	const low, high, step = -5.0, 5.0, 0.25
	best, value := 1.0, math.Inf(-1)
	for p := low; p <= high; p += step {
		if l := likelihood(p); l > value {
			best, value = p, l
		}
	}
	a, b := max(low, best-step), min(high, best+step)
	ratio := (math.Sqrt(5) - 1) / 2
	c, d := b-ratio*(b-a), a+ratio*(b-a)
	fc, fd := likelihood(c), likelihood(d)
	for b-a > 1e-9 {
		if fc > fd {
			b, d, fd = d, c, fc
			c = b - ratio*(b-a)
			fc = likelihood(c)
		} else {
			a, c, fc = c, d, fd
			d = a + ratio*(b-a)
			fd = likelihood(d)
		}
	}
	return (a + b) / 2
}

// normalScore is the normal quantile of x among the values of a grid, between 1/200 and 199/200 so that the ends stay finite.
func normalScore(x float64, grid []float64) float64 {
	p := max(0.005, min(0.995, standing(x, grid)))
	return math.Sqrt2 * math.Erfinv(2*p-1)
}

func (f *transformed) Kind() string            { return "transform" }
func (f *transformed) Columns() []table.Column { return f.columns }
func (f *transformed) Encode() ([]byte, error) { return json.Marshal(f.state) }

func (f *transformed) Apply(x models.Matrix) (models.Matrix, error) {
	out := models.NewMatrix(f.columns, x.Rows)
	for j := range f.columns {
		to := out.Column(j)
		for i, v := range x.Column(j) {
			switch {
			case math.IsNaN(v):
				to[i] = v
			case f.state.Method == "log":
				to[i] = math.Copysign(math.Log1p(math.Abs(v)), v)
			case f.state.Method == "rank":
				if to[i] = 0; len(f.state.Grids[j]) > 1 {
					to[i] = normalScore(v, f.state.Grids[j])
				}
			default:
				// A power can take a value far outside the training range past what a number can hold; it stays at the end.
				to[i] = max(-math.MaxFloat64, min(math.MaxFloat64, yeoJohnson(v, f.state.Powers[j])))
			}
		}
	}
	return out, nil
}

func decodeTransformed(columns []table.Column, state []byte) (Fitted, error) {
	f := &transformed{columns: unitless(columns)}
	if err := decodeStrict(state, &f.state); err != nil {
		return nil, err
	}
	switch f.state.Method {
	case "log":
	case "yeo_johnson":
		if err := checkLength("powers", len(f.state.Powers), len(columns)); err != nil {
			return nil, err
		}
	case "rank":
		if err := checkGrids(f.state.Grids, columns); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("unknown method %q", f.state.Method)
	}
	return f, nil
}
