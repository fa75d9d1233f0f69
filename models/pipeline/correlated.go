package pipeline

import (
	"context"
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

func init() {
	method := models.Param{Name: "method", Doc: "pearson or spearman", Default: "pearson", Choices: []string{"pearson", "spearman"}}
	Register(Kind{
		Name: "drop_correlated",
		Doc:  "of columns that say the same, keep one",
		Params: []models.Param{
			{Name: "above", Doc: "absolute correlation above which two columns say the same", Default: 0.95, Min: 0, Max: 1}, method,
			{Name: "by", Doc: "order keeps the first column of those that say the same; cluster groups columns (average linkage) and keeps the one most like its group",
				Default: "order", Choices: []string{"order", "cluster"}},
		},
		Touches: []table.Kind{table.Numeric},
		New: func(o models.Options) (Step, error) {
			return correlated{above: o["above"].(float64), ranks: o["method"] == "spearman", cluster: o["by"] == "cluster"}, nil
		},
		Decode: decodeKept("drop_correlated"),
	})
	Register(Kind{
		Name: "drop_redundant",
		Doc:  "drop columns that follow a named one, such as the tumour's volume",
		Params: []models.Param{
			{Name: "with", Doc: "names or globs of the columns that others may not follow; they stay", Default: []string{"*shape_MeshVolume"}},
			{Name: "above", Doc: "absolute correlation above which a column goes", Default: 0.9, Min: 0, Max: 1},
			{Name: "method", Doc: method.Doc, Default: "spearman", Choices: method.Choices},
		},
		Touches: []table.Kind{table.Numeric},
		New: func(o models.Options) (Step, error) {
			return redundant{with: o["with"].([]string), correlated: correlated{above: o["above"].(float64), ranks: o["method"] == "spearman"}}, nil
		},
		Decode: decodeKept("drop_redundant"),
	})
}

// maxCorrelated bounds the columns compared with each other; their pairs are kept as bits.
const maxCorrelated = 40_000

// correlated walks the columns in their order and drops each whose absolute correlation with one kept before is above a limit. So
// every column that goes is represented by one that stays, and no two that stay are correlated above the limit. A missing value counts as
// the column's mean. Constant columns are correlated with none. By cluster, columns are grouped instead, and each group keeps one.
type correlated struct {
	above   float64
	ranks   bool
	cluster bool
}

func (s correlated) Fit(ctx context.Context, t models.Training) (Fitted, error) {
	p := len(t.X.Columns)
	if p > maxCorrelated {
		return nil, fmt.Errorf("%d columns are too many to compare each with each (at most %d); select or drop some first", p, maxCorrelated)
	}
	z := s.standardise(t.X)
	if s.cluster {
		keep, err := representatives(ctx, z, s.above)
		if err != nil {
			return nil, err
		}
		f := &kept{kind: "drop_correlated", given: t.X.Columns, state: keptState{append([]int{}, keep...)}}
		return f, f.describe()
	}
	words := (p + 63) / 64
	near := make([]uint64, p*words)
	err := stat.Products(ctx, z, z, 0, func(i int, r []float64) {
		for j := range i {
			if math.Abs(r[j]) > s.above {
				near[i*words+j/64] |= 1 << (j % 64)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	f := &kept{kind: "drop_correlated", given: t.X.Columns, state: keptState{[]int{}}}
	stays := make([]uint64, words)
	for i := range p {
		goes := false
		for w := range words {
			goes = goes || near[i*words+w]&stays[w] != 0
		}
		if !goes {
			stays[i/64] |= 1 << (i % 64)
			f.state.Keep = append(f.state.Keep, i)
		}
	}
	return f, f.describe()
}

// standardise returns the columns with mean 0 and sum of squares 1, so that their products are correlations.
func (s correlated) standardise(x models.Matrix) [][]float64 {
	z := make([][]float64, len(x.Columns))
	flat := make([]float64, len(x.Values))
	for j := range z {
		to := flat[j*x.Rows : (j+1)*x.Rows : (j+1)*x.Rows]
		z[j] = to
		from := x.Column(j)
		if s.ranks {
			from = stat.Ranks(from)
		}
		sum, n := 0.0, 0.0
		for _, v := range from {
			if !math.IsNaN(v) {
				sum, n = sum+v, n+1
			}
		}
		if n == 0 {
			continue
		}
		m, ss := sum/n, 0.0
		for i, v := range from {
			if !math.IsNaN(v) {
				to[i] = v - m
				ss += to[i] * to[i]
			}
		}
		scale := 0.0
		if bound := n * n * 0x1p-104 * m * m; ss > bound { // more than rounding of a constant
			scale = 1 / math.Sqrt(ss)
		}
		for i := range to {
			to[i] *= scale
		}
	}
	return z
}

// redundant drops columns whose absolute correlation with a named column is above a limit.
type redundant struct {
	with []string
	correlated
}

func (s redundant) Fit(ctx context.Context, t models.Training) (Fitted, error) {
	named := make([]bool, len(t.X.Columns))
	var anchors []int
	for j, c := range t.X.Columns {
		for _, p := range s.with {
			named[j] = named[j] || Matches(p, c)
		}
		if named[j] {
			anchors = append(anchors, j)
		}
	}
	f := &kept{kind: "drop_redundant", given: t.X.Columns, state: keptState{[]int{}}}
	if len(anchors) == 0 {
		f.notes = append(f.notes, fmt.Sprintf("no column is dropped: %v names none", s.with))
		for j := range t.X.Columns {
			f.state.Keep = append(f.state.Keep, j)
		}
		return f, f.describe()
	}
	z := s.standardise(t.X)
	y := make([][]float64, len(anchors))
	for k, j := range anchors {
		y[k] = z[j]
	}
	goes := make([]bool, len(z))
	err := stat.Products(ctx, z, y, 0, func(i int, r []float64) {
		for _, v := range r {
			goes[i] = goes[i] || !named[i] && math.Abs(v) > s.above
		}
	})
	if err != nil {
		return nil, err
	}
	for j := range z {
		if !goes[j] {
			f.state.Keep = append(f.state.Keep, j)
		}
	}
	return f, f.describe()
}
