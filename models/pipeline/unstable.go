package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

func init() {
	Register(Kind{
		Name: "drop_unstable",
		Doc:  "drop columns that another reader, or a slightly changed region, would measure differently",
		Params: []models.Param{
			{Name: "below", Doc: "lower limit of the 95 % interval of the intraclass correlation under which a column goes", Default: 0.75, Min: 0, Max: 1},
		},
		Touches: []table.Kind{table.Numeric},
		New:     func(o models.Options) (Step, error) { return unstable{o["below"].(float64)}, nil },
		Decode:  decodeKept("drop_unstable"),
	})
}

// unstable drops the columns whose intraclass correlation has a lower limit under below: ICC(2,1) over the readers that measured the
// training rows (Training.Again), or the limit that was measured elsewhere (Training.Lower). Columns that were measured once stay.
type unstable struct{ below float64 }

// ErrMeasuredOnce says that no column has the repeated measurements that drop_unstable needs.
var ErrMeasuredOnce = errors.New("no column of the step was measured more than once: give a source readers: {use: A, stability: [A, B]}, or stability: FILE, a table of extract --perturb")

func (s unstable) Fit(_ context.Context, t models.Training) (Fitted, error) {
	f := &kept{kind: "drop_unstable", given: t.X.Columns, state: keptState{[]int{}}}
	again := make([]map[string]int, len(t.Again))
	for r, m := range t.Again {
		again[r] = make(map[string]int, len(m.Columns))
		for j, c := range m.Columns {
			again[r][c.Name] = j
		}
	}
	measured := 0
	for j, c := range t.X.Columns {
		low, ok := lowerLimit(c, t, again)
		if ok {
			measured++
		}
		switch {
		case !ok || low >= s.below:
			f.state.Keep = append(f.state.Keep, j)
		case math.IsNaN(low):
			f.notes = append(f.notes, fmt.Sprintf("%s is dropped: its intraclass correlation cannot be told from the training rows", c.Name))
		default:
			f.notes = append(f.notes, fmt.Sprintf("%s is dropped: the lower limit of its intraclass correlation is %.3f", c.Name, low))
		}
	}
	if measured == 0 && len(t.X.Columns) > 0 {
		return nil, ErrMeasuredOnce
	}
	return f, f.describe()
}

// lowerLimit is that of a column's intraclass correlation; false where it was measured once. A column that an earlier step made of one
// other is judged by that one.
func lowerLimit(c table.Column, t models.Training, again []map[string]int) (float64, bool) {
	name := c.Name
	if len(c.From) == 1 {
		name = c.From[0]
	}
	var readers [][]float64
	for r, at := range again {
		if j, ok := at[name]; ok {
			readers = append(readers, t.Again[r].Column(j))
		}
	}
	if len(readers) < 2 {
		low, ok := t.Lower[name]
		return low, ok
	}
	ratings := make([][]float64, t.X.Rows)
	same := true // where readers agree to the last digits the correlation is 1, and its F test is of rounding
	for i := range ratings {
		for _, values := range readers {
			ratings[i] = append(ratings[i], values[i])
			if !table.Missing(values[i]) && !table.Missing(readers[0][i]) {
				same = same && math.Abs(values[i]-readers[0][i]) <= 1e-12*math.Abs(values[i])
			}
		}
	}
	if same {
		return 1, true
	}
	return stat.IntraclassCorrelation(ratings, 0.95).Absolute.Low, true
}
