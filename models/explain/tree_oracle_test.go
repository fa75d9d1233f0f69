package explain

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
)

// enumerated is a file of Shapley values by enumeration of all subsets of columns: conformance/shap, NOTE.md.
type enumerated struct {
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
		Path   enumeratedValues `json:"path_dependent"`
		Cross  enumeratedValues `json:"interventional"`
	}
}

type enumeratedValues struct {
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

func (f *enumerated) sources(t testing.TB, outputs int) []source {
	out := make([]source, len(f.Trees))
	for i, n := range f.Trees {
		out[i] = source{left: n.Left, right: n.Right, feature: n.Feature, threshold: n.Threshold, cover: n.Cover, values: flat(t, n.Value), outputs: outputs}
	}
	return out
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
		var f enumerated
		readJSON(t, &f, "shap", name+".json")
		base := flat(t, f.Base)
		columns, outputs := len(f.Features), len(base)
		check := oracle.Absolute(t, "path-dependent Shapley values", name, "enumeration of all subsets", 1e-9)
		for _, c := range f.Cases {
			phi := make([]float64, outputs*columns)
			expected := append([]float64{}, base...)
			var w pathScratch
			for _, s := range f.sources(t, outputs) {
				l, err := layout(s, columns)
				if err != nil {
					t.Fatal(err)
				}
				p := newPathTree(l, s)
				p.add(c.X, &w, phi)
				for k := range outputs {
					expected[k] += p.mean[k]
				}
			}
			want, wantBase := flat(t, c.Path.Phi), flat(t, c.Path.Expected)
			for k := range outputs {
				check.Near(fmt.Sprintf("row %d base %d", c.Row, k), expected[k], wantBase[k])
				for j := range columns {
					check.Near(fmt.Sprintf("row %d column %d output %d", c.Row, j, k), phi[k*columns+j], want[j*outputs+k])
				}
			}
		}
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
		var f enumerated
		readJSON(t, &f, "shap", name+".json")
		base := flat(t, f.Base)
		columns, outputs := len(f.Features), len(base)
		var background, weights []float64
		for _, r := range f.Background {
			background = append(background, rows[r]...)
			weights = append(weights, 1/float64(len(f.Background)))
		}
		check := oracle.Absolute(t, "interventional Shapley values", name, "enumeration of all subsets", 1e-9)
		for _, c := range f.Cases {
			direct, kept := make([]float64, outputs*columns), make([]float64, outputs*columns)
			var w crossScratch
			for _, s := range f.sources(t, outputs) {
				l, err := layout(s, columns)
				if err != nil {
					t.Fatal(err)
				}
				p, err := newCrossTree(l, s, background, weights, columns)
				if err != nil {
					t.Fatal(err)
				}
				p.add(c.X, &w, direct)
				p.keep()
				p.add(c.X, &w, kept)
			}
			want := flat(t, c.Cross.Phi)
			for k := range outputs {
				for j := range columns {
					name := fmt.Sprintf("row %d column %d output %d", c.Row, j, k)
					check.Near(name, direct[k*columns+j], want[j*outputs+k])
					if direct[k*columns+j] != kept[k*columns+j] {
						t.Errorf("%s: %v direct, %v from the table", name, direct[k*columns+j], kept[k*columns+j])
					}
				}
			}
		}
	}
}
