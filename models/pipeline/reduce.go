package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

func init() {
	Register(Kind{
		Name: "reduce",
		Doc:  "replace columns by their principal components",
		Params: []models.Param{
			{Name: "method", Doc: "pca", Default: "pca", Choices: []string{"pca"}},
			{Name: "components", Doc: "number of components; 0 takes as many as the variance asks for", Default: 0, Min: 0, Max: 1e5},
			{Name: "variance", Doc: "share of the variance that the components keep together, where their number is not given", Default: 0.95, Min: 0, Max: 1},
			{Name: "prefix", Doc: "begins the names of the components", Default: "pc"},
		},
		Touches: []table.Kind{table.Numeric, table.Ordinal},
		New: func(o models.Options) (Step, error) {
			return reduction{o["components"].(int), o["variance"].(float64), o["prefix"].(string)}, nil
		},
		Decode: decodeReduced,
	})
}

// reduction is principal component analysis of the columns as they come: scale them first where their units differ. The sign of a
// component makes its greatest loading positive. Missing values are refused; impute comes first.
type reduction struct {
	components int
	variance   float64
	prefix     string
}

type reduced struct {
	columns []table.Column
	state   reducedState
}

type reducedState struct {
	Prefix    string      `json:"prefix"`
	Means     []float64   `json:"means"`
	Variances []float64   `json:"variances"` // of each component, divisor n − 1
	Loadings  [][]float64 `json:"loadings"`  // a row a component, of length 1
}

func (s reduction) Fit(ctx context.Context, t models.Training) (Fitted, error) {
	n, p := t.X.Rows, len(t.X.Columns)
	if n < 2 {
		return nil, fmt.Errorf("%d rows have no components", n)
	}
	f := &reduced{state: reducedState{Prefix: s.prefix, Means: make([]float64, p), Variances: []float64{}, Loadings: [][]float64{}}}
	centred := make([][]float64, p) // columns
	flat := make([]float64, n*p)
	for j := range p {
		centred[j] = flat[j*n : (j+1)*n]
		v := t.X.Column(j)
		m := mean(v)
		if math.IsNaN(m) {
			return nil, fmt.Errorf("column %s has missing values; put impute before reduce", t.X.Columns[j].Name)
		}
		f.state.Means[j] = m
		for i, x := range v {
			centred[j][i] = x - m
		}
	}
	// The smaller of the two products has the same eigenvalues: columns × columns, or rows × rows.
	vectors := centred
	if n < p {
		vectors = make([][]float64, n)
		rows := make([]float64, n*p)
		for i := range n {
			vectors[i] = rows[i*p : (i+1)*p]
			for j := range p {
				vectors[i][j] = centred[j][i]
			}
		}
	}
	size := len(vectors)
	gram := mat.NewSymDense(size, nil)
	err := stat.Products(ctx, vectors, vectors, 0, func(i int, r []float64) {
		for j := i; j < size; j++ {
			gram.SetSym(i, j, r[j])
		}
	})
	if err != nil {
		return nil, err
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(gram, true) {
		return nil, fmt.Errorf("the components of %d columns could not be found: their eigenvalues did not converge", p)
	}
	values := eigen.Values(nil) // ascending
	var basis mat.Dense
	eigen.VectorsTo(&basis)
	total := 0.0
	for _, v := range values {
		total += max(v, 0)
	}
	limit := min(n-1, p)
	if s.components > 0 {
		limit = min(limit, s.components)
	}
	kept := 0.0
	for k := size - 1; k >= 0 && len(f.state.Loadings) < limit; k-- {
		if values[k] <= total*1e-12 || s.components == 0 && kept >= s.variance*total {
			break
		}
		kept += values[k]
		loading := make([]float64, p)
		if n < p { // a combination of rows
			for i := range n {
				w := basis.At(i, k)
				for j := range p {
					loading[j] += w * vectors[i][j]
				}
			}
		} else {
			for j := range p {
				loading[j] = basis.At(j, k)
			}
		}
		orient(loading)
		f.state.Loadings = append(f.state.Loadings, loading)
		f.state.Variances = append(f.state.Variances, values[k]/float64(n-1))
	}
	f.describe(t.X.Columns)
	return f, nil
}

// orient brings a vector to length 1 with its greatest entry, the first of equals, positive.
func orient(v []float64) {
	norm, most := 0.0, 0.0
	for _, x := range v {
		norm += x * x
		if math.Abs(x) > math.Abs(most)*(1+1e-9) {
			most = x
		}
	}
	scale := 1 / math.Sqrt(norm)
	if most < 0 {
		scale = -scale
	}
	for j := range v {
		v[j] *= scale
	}
}

func (f *reduced) describe(given []table.Column) {
	from := make([]string, len(given))
	source, group := "", ""
	for j, c := range given {
		from[j] = c.Name
		if j == 0 {
			source, group = c.Source, c.Group
		}
		if c.Source != source {
			source = ""
		}
		if c.Group != group {
			group = ""
		}
	}
	f.columns = make([]table.Column, len(f.state.Loadings))
	for k := range f.columns {
		name := fmt.Sprintf("%s%d", f.state.Prefix, k+1)
		if source != "" {
			name = source + "." + name
		}
		f.columns[k] = table.Column{Name: name, Source: source, Group: group, From: from}
	}
}

func (f *reduced) Kind() string            { return "reduce" }
func (f *reduced) Columns() []table.Column { return f.columns }
func (f *reduced) Encode() ([]byte, error) { return json.Marshal(f.state) }

func (f *reduced) Apply(x models.Matrix) (models.Matrix, error) {
	out := models.NewMatrix(f.columns, x.Rows)
	for k, loading := range f.state.Loadings {
		to := out.Column(k)
		for j, w := range loading {
			m := f.state.Means[j]
			for i, v := range x.Column(j) {
				to[i] += w * (v - m)
			}
		}
	}
	return out, nil
}

func decodeReduced(columns []table.Column, state []byte) (Fitted, error) {
	f := &reduced{}
	if err := decodeStrict(state, &f.state); err != nil {
		return nil, err
	}
	if err := checkLength("means", len(f.state.Means), len(columns)); err != nil {
		return nil, err
	}
	if err := checkLength("variances", len(f.state.Variances), len(f.state.Loadings)); err != nil {
		return nil, err
	}
	for _, l := range f.state.Loadings {
		if err := checkLength("loadings", len(l), len(columns)); err != nil {
			return nil, err
		}
	}
	f.describe(columns)
	return f, nil
}
