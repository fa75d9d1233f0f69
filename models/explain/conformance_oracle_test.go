package explain

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"

	"codeberg.org/sbinet/npyio/npz"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/tree"
)

// numbers reads a file of numbers, row by row; a first row of names is left out.
func numbers(t testing.TB, elements ...string) [][]float64 {
	t.Helper()
	f, err := os.Open(oracle.Data(t, elements...))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := strconv.ParseFloat(records[0][0], 64); err != nil {
		records = records[1:]
	}
	out := make([][]float64, len(records))
	for i, r := range records {
		for _, s := range r {
			v := math.NaN()
			if s != "" {
				if v, err = strconv.ParseFloat(s, 64); err != nil {
					t.Fatal(err)
				}
			}
			out[i] = append(out[i], v)
		}
	}
	return out
}

// matrix brings rows to the form that models read, with nameless columns.
func matrix(rows [][]float64) models.Matrix {
	m := models.NewMatrix(make([]table.Column, len(rows[0])), len(rows))
	for i, r := range rows {
		for j, v := range r {
			m.Column(j)[i] = v
		}
	}
	return m
}

// equalShares weighs n background rows alike.
func equalShares(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = 1 / float64(n)
	}
	return out
}

// xgbModel is what these tests read of XGBoost's model format.
type xgbModel struct {
	Learner struct {
		Param struct {
			Base     string `json:"base_score"`
			Features string `json:"num_feature"`
			Classes  string `json:"num_class"`
		} `json:"learner_model_param"`
		Objective struct{ Name string }
		Booster   struct {
			Model struct {
				Info  []int32 `json:"tree_info"`
				Trees []struct {
					Left        []int32   `json:"left_children"`
					Right       []int32   `json:"right_children"`
					Feature     []int32   `json:"split_indices"`
					Condition   []float64 `json:"split_conditions"`
					DefaultLeft []int     `json:"default_left"`
					Cover       []float64 `json:"sum_hessian"`
				}
			}
		} `json:"gradient_booster"`
	}
}

func readXGBoost(t testing.TB, elements ...string) *tree.Ensemble {
	t.Helper()
	var m xgbModel
	readJSON(t, &m, elements...)
	features, _ := strconv.Atoi(m.Learner.Param.Features)
	base, err := strconv.ParseFloat(m.Learner.Param.Base, 64)
	if err != nil {
		t.Fatal(err)
	}
	classes, _ := strconv.Atoi(m.Learner.Param.Classes)
	switch m.Learner.Objective.Name {
	case "binary:logistic":
		base = math.Log(base / (1 - base))
	case "survival:cox":
		base = math.Log(base)
	}
	e := &tree.Ensemble{Features: features, Strict: true, Float32: true, Scale: tree.LogOdds, Roots: []int32{0}}
	for range max(1, classes) {
		e.Base = append(e.Base, base)
	}
	if classes > 1 {
		e.Targets = m.Learner.Booster.Model.Info
	}
	for _, n := range m.Learner.Booster.Model.Trees {
		at := len(e.MissingLeft)
		condition := make([]float64, len(n.Condition))
		for i, c := range n.Condition {
			condition[i] = float64(float32(c))
		}
		grow(e, n.Left, n.Right, n.Feature, condition, n.Cover, condition) // a leaf's condition is its value
		for i, l := range n.DefaultLeft {
			e.MissingLeft[at+i] = l == 1
		}
	}
	if err := e.Validate(); err != nil {
		t.Fatal(err)
	}
	return e
}

// compareRows compares rows × columns of the output k with references; the last of a reference's values is the base where base is nil.
func compareRows(t *testing.T, check *oracle.Check, of *trees, x models.Matrix, k int, want [][]float64, base *float64) {
	t.Helper()
	for i := range want {
		phi, _, err := of.values(x, i, i+1, &scratch{})
		if err != nil {
			t.Fatal(err)
		}
		all := make([]float64, len(x.Columns))
		for j, c := range of.used {
			all[c] = phi[k*len(of.used)+j]
		}
		for j, v := range all {
			check.Near(fmt.Sprintf("row %d column %d output %d", i, j, k), v, want[i][j])
		}
		if base == nil {
			check.Near(fmt.Sprintf("row %d base of output %d", i, k), of.base[k], want[i][len(all)])
		}
	}
	if base != nil {
		check.Near("base", of.base[k], *base)
	}
}

// A small XGBoost model with missing values; it sums in float32.
func TestXGBoostSmallOracle(t *testing.T) {
	e := readXGBoost(t, "shap", "xgb_small.json")
	x, b := numbers(t, "shap", "xgb_small_X.csv"), numbers(t, "shap", "xgb_small_background.csv")
	check := oracle.Absolute(t, "path-dependent Shapley values", "missing values", "xgboost 1.7.4", 1e-5)
	compareRows(t, check, pathDependent(e, 0, 1), matrix(x), 0, numbers(t, "shap", "xgb_small_path_contribs.csv"), nil)
	cross, err := interventional(e, 0, 1, matrix(b), equalShares(len(b)), 1, false)
	if err != nil {
		t.Fatal(err)
	}
	check = oracle.Absolute(t, "interventional Shapley values", "missing values", "shap 0.42.1 on xgboost 1.7.4", 1e-5)
	compareRows(t, check, cross, matrix(x), 0, numbers(t, "shap", "xgb_small_interventional.csv"), &numbers(t, "shap", "xgb_small_interventional_base.csv")[0][0])
}

// Forest and boosting of scikit-learn 1.2.1, explained by shap 0.42.1.
func TestScikitLearnOracle(t *testing.T) {
	for _, name := range []string{"sk_rf", "sk_gb"} {
		var f struct {
			Rate, Init *float64
			LearnRate  *float64 `json:"learning_rate"`
			Trees      []struct {
				Left, Right, Feature []int32
				Threshold, Cover     []float64
				Value                [][]float64
			}
			X, Background, Path, Interventional [][]float64
			PathBase                            []float64 `json:"path_base"`
			CrossBase                           []float64 `json:"interventional_base"`
		}
		readJSON(t, &f, "shap", name+".json")
		e := &tree.Ensemble{Features: len(f.X[0]), Scale: tree.Identity, Base: []float64{0}, Roots: []int32{0}, Float32: true}
		if f.Init != nil {
			e.Base[0] = *f.Init
		}
		for _, n := range f.Trees {
			values := make([]float64, len(n.Value))
			for i, v := range n.Value {
				if f.LearnRate != nil {
					values[i] = v[0] * *f.LearnRate
				} else {
					values[i] = v[1] / (v[0] + v[1]) / float64(len(f.Trees))
				}
			}
			grow(e, n.Left, n.Right, n.Feature, n.Threshold, n.Cover, values)
		}
		if err := e.Validate(); err != nil {
			t.Fatal(err)
		}
		last := len(f.PathBase) - 1
		check := oracle.Absolute(t, "path-dependent Shapley values", name, "shap 0.42.1 on scikit-learn 1.2.1", 1e-9)
		compareRows(t, check, pathDependent(e, 0, 1), matrix(f.X), 0, f.Path, &f.PathBase[last])
		cross, err := interventional(e, 0, 1, matrix(f.Background), equalShares(len(f.Background)), 1, false)
		if err != nil {
			t.Fatal(err)
		}
		check = oracle.Absolute(t, "interventional Shapley values", name, "shap 0.42.1 on scikit-learn 1.2.1, its sums good to 2e-8", 1e-7)
		compareRows(t, check, cross, matrix(f.X), 0, f.Interventional, &f.CrossBase[last])
	}
}

// The models of conformance/trees: contributions and interactions of XGBoost's own TreeSHAP, which works in float32.
func TestXGBoostOracle(t *testing.T) {
	for _, name := range []string{"binary_bc", "binary_weighted", "cox_gbsg", "multi_iris", "reg_diabetes"} {
		e := readXGBoost(t, "trees", "expected", "xgb_"+name+"_model.json")
		var want struct {
			Contribs     json.RawMessage
			Interactions json.RawMessage `json:"interactions_first8"`
		}
		readJSON(t, &want, "trees", "expected", "xgb_"+name+"_expected.json")
		all := numbers(t, "trees", "inputs", "xgb_"+name+"_X.csv")
		var rows [][]float64
		for i := 0; i < len(all); i += 9 {
			rows = append(rows, all[i][:e.Features])
		}
		x, n := matrix(rows), e.Features
		path := pathDependent(e, 0, e.Outputs())
		contribs := flat(t, want.Contribs)
		if len(contribs) != len(rows)*e.Outputs()*(n+1) {
			t.Fatalf("%d contributions for %d rows", len(contribs), len(rows))
		}
		near := 1e-5
		if name == "reg_diabetes" {
			near = 2e-5 // its base is 152, where two numbers of XGBoost's float32 are 1.5e-5 apart
		}
		check := oracle.Absolute(t, "path-dependent Shapley values", name, "xgboost 1.7.4", near)
		for k := range e.Outputs() {
			per := make([][]float64, len(rows))
			for i := range rows {
				at := (i*e.Outputs() + k) * (n + 1)
				per[i] = contribs[at : at+n+1]
			}
			compareRows(t, check, path, x, k, per, nil)
		}
		if want.Interactions == nil {
			continue
		}
		check = oracle.Absolute(t, "interaction values, path-dependent", name, "xgboost 1.7.4", near)
		interactions := flat(t, want.Interactions)
		for i := range 8 {
			got := interactionsOf(t, path, n, rows[i])
			for k := range e.Outputs() {
				for j := range n * n {
					// XGBoost's rows and columns have one place more, for the base.
					at := ((i*e.Outputs()+k)*(n+1)+j/n)*(n+1) + j%n
					check.Near(fmt.Sprintf("row %d output %d pair %d", i, k, j), got[k*n*n+j], interactions[at])
				}
			}
		}
	}
}

// Interaction values of the small XGBoost model, from its archive of arrays: rows × 9 × 9, the last place for the base.
func TestXGBoostSmallInteractionsOracle(t *testing.T) {
	e := readXGBoost(t, "shap", "xgb_small.json")
	x := numbers(t, "shap", "xgb_small_X.csv")
	var want []float32
	f, err := npz.Open(oracle.Data(t, "shap", "xgb_small.npz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Read("interactions.npy", &want); err != nil {
		t.Fatal(err)
	}
	path := pathDependent(e, 0, 1)
	check := oracle.Absolute(t, "interaction values, path-dependent", "missing values", "xgboost 1.7.4", 1e-5)
	for i, row := range x {
		got := interactionsOf(t, path, 8, row)
		for j, v := range got {
			check.Near(fmt.Sprintf("row %d pair %d", i, j), v, float64(want[(i*9+j/8)*9+j%8]))
		}
	}
	margins := numbers(t, "shap", "xgb_small_margin.csv")
	check = oracle.Absolute(t, "sum of base and contributions", "missing values", "xgboost 1.7.4, margin", 1e-5)
	m := matrix(x)
	for i := range x {
		phi, _, err := path.values(m, i, i+1, &scratch{})
		if err != nil {
			t.Fatal(err)
		}
		sum := path.base[0]
		for _, v := range phi {
			sum += v
		}
		check.Near(fmt.Sprintf("row %d", i), sum, margins[i][0])
	}
}

// The same through the door that users take: a model that XGBoost saved, loaded and explained, with its own margin as output.
func TestLoadedXGBoostOracle(t *testing.T) {
	for name, classes := range map[string][]string{"binary_bc": {"0", "1"}, "multi_iris": {"a", "b", "c"}, "cox_gbsg": nil} {
		f, err := os.Open(oracle.Data(t, "trees", "expected", "xgb_"+name+"_model.json"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		loaded, err := tree.ReadXGBoost(f)
		if err != nil {
			t.Fatal(err)
		}
		all := numbers(t, "trees", "inputs", "xgb_"+name+"_X.csv")
		var rows [][]float64
		for i := 0; i < len(all); i += 9 {
			rows = append(rows, all[i][:len(all[i])-1])
		}
		x := matrix(rows)
		for j := range x.Columns {
			x.Columns[j].Name = fmt.Sprint("f", j)
		}
		m, err := loaded.Model(x.Columns, classes)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Explain(context.Background(), m, x, Request{})
		if err != nil {
			t.Fatal(err)
		}
		var want struct{ Contribs json.RawMessage }
		readJSON(t, &want, "trees", "expected", "xgb_"+name+"_expected.json")
		contribs := flat(t, want.Contribs)
		check := oracle.Absolute(t, "path-dependent Shapley values of a loaded model", name, "xgboost 1.7.4", 1e-5)
		n := len(x.Columns)
		for i, list := range got {
			for k, a := range list {
				at := (i*len(list) + k) * (n + 1)
				for j, v := range a.Values {
					check.Near(fmt.Sprintf("row %d entry %d column %d", i, k, j), v, contribs[at+j])
				}
				check.Near(fmt.Sprintf("row %d entry %d base", i, k), a.Base, contribs[at+n])
			}
		}
	}
}
