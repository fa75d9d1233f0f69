package tree

import (
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

const xgboost = "XGBoost 1.7.4"

var xgbModels = []string{"binary_bc", "binary_weighted", "multi_iris", "cox_gbsg", "reg_diabetes"}

type xgbExpected struct {
	Params struct {
		Objective      string   `json:"objective"`
		MaxDepth       int      `json:"max_depth"`
		Eta            float64  `json:"eta"`
		Lambda         *float64 `json:"reg_lambda"`
		Alpha          float64  `json:"reg_alpha"`
		Gamma          float64  `json:"gamma"`
		MinChildWeight *float64 `json:"min_child_weight"`
		MaxDeltaStep   float64  `json:"max_delta_step"`
		ScalePosWeight float64  `json:"scale_pos_weight"`
		Metric         string   `json:"eval_metric"`
	} `json:"params"`
	Rounds     int
	Margin     any `json:"margin"`
	Prediction any `json:"prediction"`
	Leaf       [][]int32
	Train      map[string][]float64          `json:"train_metric"`
	Importance map[string]map[string]float64 `json:"importance"`
	Approx     any                           `json:"approx_contribs"`
}

// flatten lists the numbers of nested lists in order.
func flatten(v any) []float64 {
	switch v := v.(type) {
	case float64:
		return []float64{v}
	case []any:
		var out []float64
		for _, e := range v {
			out = append(out, flatten(e)...)
		}
		return out
	}
	return nil
}

func loadXGB(t *testing.T, name string) (*XGBoost, xgbExpected, models.Matrix, []float64) {
	t.Helper()
	f, err := os.Open(oracle.Data(t, "trees", "expected", "xgb_"+name+"_model.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := ReadXGBoost(f)
	if err != nil {
		t.Fatal(err)
	}
	var want xgbExpected
	readJSON(t, oracle.Data(t, "trees", "expected", "xgb_"+name+"_expected.json"), &want)
	x, y := readCSV(t, oracle.Data(t, "trees", "inputs", "xgb_"+name+"_X.csv"))
	return m, want, x, y
}

// Models that XGBoost saved say what they said there: margins, predictions, leaves, importances, and the mean values of nodes on the way
// down (Saabas' approximate contributions).
func TestXGBoostModelsOracle(t *testing.T) {
	for _, name := range xgbModels {
		m, want, x, _ := loadXGB(t, name)
		e := m.Ensemble
		outputs := e.Outputs()
		out := make([]float64, x.Rows*outputs)
		newRunner(e).score(x, out)
		margins := oracle.Relative(t, "XGBoost models: margin and prediction", name, xgboost, 1e-5)
		margins.AbsoluteBelow, margins.AbsoluteTolerance = 0.1, 1e-6
		margin, prediction := flatten(want.Margin), flatten(want.Prediction)
		p := make([]float64, max(outputs, 2))
		for i := 0; 9*i < x.Rows; i++ {
			raw := out[9*i*outputs : (9*i+1)*outputs]
			for k, v := range raw {
				margins.Near(fmt.Sprintf("margin of row %d", 9*i), v, margin[i*outputs+k])
			}
			switch e.Scale {
			case LogOdds:
				probabilities(LogOdds, raw, p)
				for k := range outputs {
					margins.Near(fmt.Sprintf("probability of row %d", 9*i), p[len(p)-outputs+k], prediction[i*outputs+k])
				}
			case LogHazard:
				margins.Near(fmt.Sprintf("hazard of row %d", 9*i), math.Exp(raw[0]), prediction[i])
			default:
				margins.Near(fmt.Sprintf("prediction of row %d", 9*i), raw[0], prediction[i])
			}
		}
		leaves := oracle.Absolute(t, "XGBoost models: leaf of each tree", name, xgboost, 0)
		approx := oracle.Absolute(t, "XGBoost models: approximate contributions", name, xgboost, 1e-4)
		contributions := flatten(want.Approx)
		row := make([]float64, e.Features)
		for i, ids := range want.Leaf {
			ReadRow(x, 9*i, row)
			sums := make([]float64, outputs*(e.Features+1))
			for t, id := range ids {
				n := e.Roots[t]
				k := 0
				if e.Targets != nil {
					k = int(e.Targets[t])
				}
				mine := sums[k*(e.Features+1) : (k+1)*(e.Features+1)]
				mine[e.Features] += e.Value(n, k)
				for !e.Leaf(n) {
					next := e.Right[n]
					if e.GoesLeft(n, row[e.Feature[n]]) {
						next = e.Left[n]
					}
					mine[e.Feature[n]] += e.Value(next, k) - e.Value(n, k)
					n = next
				}
				if want.Params.Gamma == 0 { // pruning leaves gaps in XGBoost's numbers
					leaves.Near(fmt.Sprintf("row %d, tree %d", 9*i, t), float64(n-e.Roots[t]), float64(id))
				} else {
					leaves.Near(fmt.Sprintf("row %d, tree %d", 9*i, t), float64(e.Reach(t, row)), float64(n))
				}
			}
			for k := range outputs {
				sums[(k+1)*(e.Features+1)-1] += e.Base[k]
			}
			for f, v := range sums {
				approx.Near(fmt.Sprintf("row %d, column %d", 9*i, f), v, contributions[i*len(sums)+f])
			}
		}
		importance := oracle.Relative(t, "XGBoost models: importances of five kinds", name, xgboost, 1e-5)
		for _, kind := range []Importance{Weight, Gain, Cover, TotalGain, TotalCover} {
			for f, v := range e.Importances(kind) {
				importance.Near(fmt.Sprintf("%s of column %d", kind, f), v, want.Importance[string(kind)][fmt.Sprintf("f%d", f)])
			}
		}
	}
}

// Our exact boosting lowers the loss round by round as XGBoost's exact method does.
func TestBoostingTrainingOracle(t *testing.T) {
	for _, name := range xgbModels {
		_, want, x, y := loadXGB(t, name)
		p := want.Params
		b := Boosting{Rounds: want.Rounds, LearningRate: p.Eta, MaxDepth: p.MaxDepth, BaseScore: 0.5, PositiveWeight: p.ScalePosWeight,
			Penalty: Penalty{Lambda: 1, Alpha: p.Alpha, Gamma: p.Gamma, MinChildWeight: 1, MaxDeltaStep: p.MaxDeltaStep}}
		if p.Lambda != nil {
			b.Penalty.Lambda = *p.Lambda
		}
		if p.MinChildWeight != nil {
			b.Penalty.MinChildWeight = *p.MinChildWeight
		}
		data := models.Training{X: x, Seed: 1}
		if name == "binary_weighted" {
			_, data.Weights = readCSV(t, oracle.Data(t, "trees", "inputs", "xgb_binary_weighted_w.csv"))
		}
		o := xgbObjective(b, p.Objective, data, y)
		r, err := b.run(context.Background(), data, allRows(x.Rows), func([]int32) objective { return o })
		if err != nil {
			t.Fatal(err)
		}
		check := oracle.Relative(t, "boosting: training loss of each round", name+" "+p.Metric, xgboost+" exact", 1e-4)
		margins := make([]float64, len(r.margins))
		for i := range x.Rows {
			copy(margins[i*o.outputs():], o.start())
		}
		columns, _ := ranked(x, missingRank)
		for round, loss := range want.Train[p.Metric] {
			for k := range o.outputs() {
				tree := r.trees[round*o.outputs()+k].router(columns, nil)
				for i := range x.Rows {
					margins[i*o.outputs()+k] += tree.tree.values[tree.leaf(int32(i))]
				}
			}
			got := o.loss(margins, allRows(x.Rows))
			if p.Metric == "auc" {
				positive := make([]bool, len(y))
				for i, v := range y {
					positive[i] = v == 1
				}
				got = weightedArea(margins, positive, data.Weights)
			}
			check.Near(fmt.Sprintf("round %d", round), got, loss)
		}
	}
}

func allRows(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

// xgbObjective starts where XGBoost 1.7 does, at a base score of 0.5.
func xgbObjective(b Boosting, name string, data models.Training, y []float64) objective {
	weight := data.Weights
	if weight == nil {
		weight = make([]float64, len(y))
		for i := range weight {
			weight[i] = 1
		}
	}
	switch name {
	case "binary:logistic", "multi:softprob":
		data.Y = classOutcome(y)
		s, err := newSample(data, ClassWeights{})
		if err != nil {
			panic(err)
		}
		o := b.objective(s, s.known())
		if m, ok := o.(*softmaxLoss); ok {
			m.base = []float64{0.5, 0.5, 0.5}
		}
		return o
	case "survival:cox":
		time, event := make([]float64, len(y)), make([]bool, len(y))
		for i, v := range y {
			time[i], event[i] = math.Abs(v), v > 0
		}
		o := newCoxLoss(nil, time, event, weight, allRows(len(y)))
		o.oneByOne = true
		return o
	}
	return &squaredLoss{y, weight, 0.5}
}

// weightedArea is the area under the curve with a weight a row, by pairs.
func weightedArea(scores []float64, positive []bool, weight []float64) float64 {
	sum, pairs := 0.0, 0.0
	for i, p := range positive {
		if !p {
			continue
		}
		for k, q := range positive {
			if q {
				continue
			}
			w := weight[i] * weight[k]
			pairs += w
			switch {
			case scores[i] > scores[k]:
				sum += w
			case scores[i] == scores[k]:
				sum += w / 2
			}
		}
	}
	return sum / pairs
}

// Trees of squared error are scikit-learn's regression trees where no split is tied.
func TestRegressionTreeOracle(t *testing.T) {
	var want struct {
		Configs []struct {
			Params sklearnParams
			Tree   sklearnTree
		}
	}
	readJSON(t, oracle.Data(t, "trees", "expected", "sklearn_tree_exact_diabetes.json"), &want)
	x, y := readCSV(t, oracle.Data(t, "trees", "inputs", "diabetes.csv"))
	structure := oracle.Absolute(t, "regression tree: columns and children", "diabetes", sklearn, 0)
	numbers := oracle.Relative(t, "regression tree: thresholds, means, weights", "diabetes", sklearn, 1e-6)
	columns, err := ranked(x, missingRank)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range want.Configs {
		b := Boosting{MaxDepth: c.Params.MaxDepth, LearningRate: 1, Penalty: Penalty{MinChildWeight: float64(c.Params.MinLeaf)}}
		g := b.engine(columns)
		for i, v := range y {
			g.pairs()[i] = pair{-v, 1}
		}
		got, ref := g.grow(allRows(x.Rows), nil, nil), c.Tree.nodes(t)
		label := fmt.Sprintf("%+v", c.Params)
		if len(got.feature) != len(ref.feature) {
			t.Errorf("%s: %d nodes, want %d", label, len(got.feature), len(ref.feature))
			continue
		}
		for n := range ref.feature {
			structure.Near(label, float64(got.feature[n]), float64(ref.feature[n]))
			structure.Near(label, float64(got.left[n]), float64(ref.left[n]))
			numbers.Near(label, got.threshold[n], max(ref.threshold[n], map[bool]float64{true: math.Inf(-1), false: 0}[ref.feature[n] >= 0]))
			numbers.Near(label, got.values[n], ref.values[n])
			numbers.Near(label, got.cover[n], ref.cover[n])
		}
	}
}

// XGBoost writes NaN, which is no JSON, as the threshold of a categorical split. Value: XGBoost 1.7.4 writes it so, and sends the
// categories of the split to the right. A NaN anywhere else is a model without a number.
func TestReadXGBoostNaN(t *testing.T) {
	file := func(condition, name string) string {
		return `{"learner":{"feature_names":["` + name + `"],"gradient_booster":{"name":"gbtree","model":{"tree_info":[0],"trees":[{"left_children":[1,-1,-1],"right_children":[2,-1,-1],
"split_indices":[0,0,0],"split_conditions":[` + condition + `],"default_left":[0,0,0],"sum_hessian":[2,1,1],"loss_changes":[1,0,0],"split_type":[1,0,0],
"categories":[1,3],"categories_nodes":[0],"categories_segments":[0],"categories_sizes":[2],"tree_param":{"size_leaf_vector":"0"}}]}},
"learner_model_param":{"base_score":"5E-1","num_class":"0","num_feature":"1","num_target":"1"},"objective":{"name":"binary:logistic"}},"version":[1,7,4]}`
	}
	const name = `a \"NaN\"`
	m, err := ReadXGBoost(strings.NewReader(file("NaN,-1,1", name)))
	if err != nil {
		t.Fatal(err)
	}
	if m.Names[0] != `a "NaN"` {
		t.Errorf("the column is called %q", m.Names[0])
	}
	model, err := m.Model([]table.Column{{Name: m.Names[0]}}, []string{"0", "1"})
	if err != nil {
		t.Fatal(err)
	}
	x := models.Matrix{Columns: model.Columns(), Rows: 4, Values: []float64{0, 1, 2, 3}}
	p, err := model.Predict(x, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{-1, 1, -1, 1} {
		if p.Margin[i] != want {
			t.Errorf("category %d: %v, want %v", i, p.Margin[i], want)
		}
	}
	if _, err := ReadXGBoost(strings.NewReader(file("NaN,NaN,1", "a"))); err == nil {
		t.Error("a leaf without a value was read")
	}
}
