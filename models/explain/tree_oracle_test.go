package explain

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/tree"
)

// enumeratedFile is a file of Shapley values by enumeration of all subsets of columns: conformance/shap, NOTE.md.
type enumeratedFile struct {
	Features []string
	Base     json.RawMessage
	Trees    []struct {
		Left, Right, Feature []int32
		Threshold, Cover     []float64
		Value                json.RawMessage
	}
	Background []int `json:"background_rows"`
	Cases      []struct {
		Row    int
		X      []float64
		Margin json.RawMessage
		Path   fileValues `json:"path_dependent"`
		Cross  fileValues `json:"interventional"`
	}
}

type fileValues struct {
	Expected, Phi, Interactions json.RawMessage
}

// flat decodes nested lists of numbers in order.
func flat(t testing.TB, raw json.RawMessage) (out []float64) {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case float64:
			out = append(out, v)
		case []any:
			for _, e := range v {
				walk(e)
			}
		default:
			t.Fatalf("%T among numbers", v)
		}
	}
	walk(v)
	return out
}

// ensemble is the file's trees in the flat format.
func (f *enumeratedFile) ensemble(t testing.TB) *tree.Ensemble {
	t.Helper()
	e := &tree.Ensemble{Features: len(f.Features), Scale: tree.Identity, Base: flat(t, f.Base), Roots: []int32{0}}
	for _, n := range f.Trees {
		grow(e, n.Left, n.Right, n.Feature, n.Threshold, n.Cover, flat(t, n.Value))
	}
	if err := e.Validate(); err != nil {
		t.Fatal(err)
	}
	return e
}

// grow appends a tree whose nodes number their children from its own root.
func grow(e *tree.Ensemble, left, right, feature []int32, threshold, cover, values []float64) {
	first := e.Roots[len(e.Roots)-1]
	for n := range left {
		if left[n] < 0 {
			e.Left, e.Right, e.Feature = append(e.Left, -1), append(e.Right, -1), append(e.Feature, -1)
		} else {
			e.Left, e.Right, e.Feature = append(e.Left, first+left[n]), append(e.Right, first+right[n]), append(e.Feature, feature[n])
		}
		e.Threshold, e.Cover = append(e.Threshold, threshold[n]), append(e.Cover, cover[n])
		e.MissingLeft, e.Gain = append(e.MissingLeft, false), append(e.Gain, 0)
	}
	e.Values = append(e.Values, values...)
	e.Roots = append(e.Roots, first+int32(len(left)))
}

func readJSON(t testing.TB, into any, elements ...string) {
	t.Helper()
	b, err := os.ReadFile(oracle.Data(t, elements...))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

func TestPathDependentOracle(t *testing.T) {
	for _, name := range []string{"gbm_binary_logit", "gbm_regression_logos", "rf_grade_3class_proba"} {
		var f enumeratedFile
		readJSON(t, &f, "shap", name+".json")
		e := f.ensemble(t)
		path := pathDependent(e, 0, e.Outputs())
		check := oracle.Absolute(t, "path-dependent Shapley values", name, "enumeration of all subsets", 1e-9)
		for _, c := range f.Cases {
			compare(t, check, path, c.Row, c.X, flat(t, c.Path.Expected), flat(t, c.Path.Phi))
		}
	}
}

// compare compares the base and the values of one row with references; want is columns × outputs.
func compare(t *testing.T, check *oracle.Check, of *trees, row int, x, base, want []float64) {
	t.Helper()
	phi, _, err := of.values(models.Matrix{Columns: make([]table.Column, len(x)), Rows: 1, Values: x}, 0, 1, &scratch{})
	if err != nil {
		t.Fatal(err)
	}
	all := make([]float64, len(x)*of.outputs)
	for k := range of.outputs {
		check.Near(fmt.Sprintf("row %d base %d", row, k), of.base[k], base[k])
		for j, c := range of.used {
			all[c*of.outputs+k] = phi[k*len(of.used)+j]
		}
	}
	for i, v := range all {
		check.Near(fmt.Sprintf("row %d column %d output %d", row, i/of.outputs, i%of.outputs), v, want[i])
	}
}

// cohort reads the seven columns of conformance/shap/data.csv as the reference did, through float32.
func cohort(t testing.TB) [][]float64 {
	t.Helper()
	f, err := os.Open(oracle.Data(t, "shap", "data.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := make([][]float64, len(records)-1)
	for i, r := range records[1:] {
		rows[i] = make([]float64, 7)
		for j := range rows[i] {
			v, err := strconv.ParseFloat(r[j+1], 64)
			if err != nil {
				t.Fatal(err)
			}
			rows[i][j] = float64(float32(v))
		}
	}
	return rows
}

func TestInterventionalOracle(t *testing.T) {
	rows := cohort(t)
	for _, name := range []string{"gbm_binary_logit", "gbm_regression_logos", "rf_grade_3class_proba"} {
		var f enumeratedFile
		readJSON(t, &f, "shap", name+".json")
		e := f.ensemble(t)
		background := models.NewMatrix(make([]table.Column, len(f.Features)), len(f.Background))
		weights := make([]float64, len(f.Background))
		for i, r := range f.Background {
			weights[i] = 1 / float64(len(weights))
			for j, v := range rows[r] {
				background.Column(j)[i] = v
			}
		}
		check := oracle.Absolute(t, "interventional Shapley values", name, "enumeration of all subsets", 1e-9)
		for _, many := range []int{1, keepFrom} { // computed when asked for, and kept
			cross, err := interventional(e, 0, e.Outputs(), background, weights, many, false)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range f.Cases {
				compare(t, check, cross, c.Row, c.X, flat(t, c.Cross.Expected), flat(t, c.Cross.Phi))
			}
		}
	}
}

// interactionsOf returns interaction values with their diagonal, targets × columns × columns of all columns.
func interactionsOf(t testing.TB, of *trees, columns int, x []float64) []float64 {
	t.Helper()
	row := models.Matrix{Columns: make([]table.Column, columns), Rows: 1, Values: x}
	phi, _, err := of.values(row, 0, 1, &scratch{})
	if err != nil {
		t.Fatal(err)
	}
	values, err := of.interactions(readRows(of.ensemble, of.used, row, 0, 1, nil), &interactionScratch{})
	if err != nil {
		t.Fatal(err)
	}
	out, n := make([]float64, of.outputs*columns*columns), len(of.used)
	for k := range of.outputs {
		for a, ca := range of.used {
			own := phi[k*n+a]
			for b, cb := range of.used {
				if v := values[(k*n+a)*n+b]; a != b {
					out[(k*columns+ca)*columns+cb] = v
					own -= v
				}
			}
			out[(k*columns+ca)*columns+ca] = own
		}
	}
	return out
}

func TestInteractionsOracle(t *testing.T) {
	for _, name := range []string{"gbm_binary_logit", "gbm_regression_logos", "rf_grade_3class_proba"} {
		var f enumeratedFile
		readJSON(t, &f, "shap", name+".json")
		e := f.ensemble(t)
		n, outputs := e.Features, e.Outputs()
		path := pathDependent(e, 0, outputs)
		check := oracle.Absolute(t, "interaction values, path-dependent", name, "enumeration of all subsets", 1e-9)
		for _, c := range f.Cases {
			want, got := flat(t, c.Path.Interactions), interactionsOf(t, path, n, c.X)
			for i := range n * n {
				for k := range outputs {
					check.Near(fmt.Sprintf("row %d pair %d output %d", c.Row, i, k), got[k*n*n+i], want[i*outputs+k])
				}
			}
		}
	}
}
