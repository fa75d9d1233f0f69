package tree

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

const sklearn = "scikit-learn 1.2.1"

// readCSV reads a table of numbers, empty cells as missing, without its last column, which it returns as y.
func readCSV(t testing.TB, path string) (models.Matrix, []float64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	records, err := csv.NewReader(r).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	columns := make([]table.Column, len(records[0]))
	for j, name := range records[0] {
		columns[j].Name = name
	}
	x := models.NewMatrix(columns, len(records)-1)
	for j := range columns {
		for i, record := range records[1:] {
			v := math.NaN()
			if record[j] != "" && record[j] != "NA" {
				if v, err = strconv.ParseFloat(record[j], 64); err != nil {
					t.Fatal(err)
				}
			}
			x.Column(j)[i] = v
		}
	}
	last := len(columns) - 1
	y := x.Column(last)
	x.Columns, x.Values = columns[:last:last], x.Values[:last*x.Rows]
	return x, y
}

// classOutcome makes class labels 0, 1, … an outcome.
func classOutcome(y []float64) clinical.Outcome {
	o := clinical.Outcome{Name: "y", Kind: clinical.Class}
	for _, v := range y {
		o.Class = append(o.Class, int(v))
		for len(o.Classes) <= int(v) {
			o.Classes = append(o.Classes, fmt.Sprint(len(o.Classes)))
		}
	}
	return o
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := json.NewDecoder(r).Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// sklearnTree is a dumped tree. Values are class weights, or the mean of a regression tree.
type sklearnTree struct {
	Left      []int32         `json:"children_left"`
	Right     []int32         `json:"children_right"`
	Feature   []int32         `json:"feature"`
	Threshold []float64       `json:"threshold"`
	Impurity  []float64       `json:"impurity"`
	Samples   []int           `json:"n_node_samples"`
	Weighted  []float64       `json:"weighted_n"`
	Value     json.RawMessage `json:"value"`
}

// values returns class weights a node, or one number a node.
func (s sklearnTree) values(t testing.TB) [][]float64 {
	t.Helper()
	var many [][]float64
	if json.Unmarshal(s.Value, &many) == nil {
		return many
	}
	var one []float64
	if err := json.Unmarshal(s.Value, &one); err != nil {
		t.Fatal(err)
	}
	for _, v := range one {
		many = append(many, []float64{v})
	}
	return many
}

// nodes makes the dump a tree of ours: class shares, or the mean.
func (s sklearnTree) nodes(t testing.TB) *nodes {
	values := s.values(t)
	out := &nodes{}
	for n := range s.Feature {
		out.add(s.Weighted[n], s.Impurity[n])
		v := values[n]
		sum := 0.0
		for _, w := range v {
			sum += w
		}
		switch len(v) {
		case 1:
			out.values = append(out.values, v[0])
		case 2:
			out.values = append(out.values, v[1]/sum)
		default:
			for _, w := range v {
				out.values = append(out.values, w/sum)
			}
		}
		if s.Left[n] < 0 {
			continue
		}
		out.feature[n], out.threshold[n], out.left[n], out.right[n] = s.Feature[n], s.Threshold[n], s.Left[n], s.Right[n]
		l, r := s.Left[n], s.Right[n]
		out.gain[n] = s.Weighted[n]*s.Impurity[n] - s.Weighted[l]*s.Impurity[l] - s.Weighted[r]*s.Impurity[r]
	}
	return out
}

type sklearnParams struct {
	Criterion   string  `json:"criterion"`
	MaxDepth    int     `json:"max_depth"`
	MinLeaf     int     `json:"min_samples_leaf"`
	MinSplit    int     `json:"min_samples_split"`
	Alpha       float64 `json:"ccp_alpha"`
	ClassWeight string  `json:"class_weight"`
}

func (p sklearnParams) learner() DecisionTree {
	d := DecisionTree{Criterion: p.Criterion, MaxDepth: p.MaxDepth, MinLeaf: p.MinLeaf, MinSplit: p.MinSplit, Alpha: p.Alpha}
	d.Weights.Balanced = p.ClassWeight == "balanced"
	if d.Criterion == "" {
		d.Criterion = "gini"
	}
	return d
}

// Where no split is tied, our tree is scikit-learn's, node by node.
func TestDecisionTreeOracle(t *testing.T) {
	for _, name := range []string{"breast_cancer", "pima"} {
		var want struct {
			Configs []struct {
				Params      sklearnParams
				Tree        sklearnTree
				Importances []float64 `json:"feature_importances"`
			}
		}
		readJSON(t, oracle.Data(t, "trees", "expected", "sklearn_tree_exact_"+name+".json"), &want)
		x, y := readCSV(t, oracle.Data(t, "trees", "inputs", name+".csv"))
		structure := oracle.Absolute(t, "decision tree: columns and children", name, sklearn, 0)
		thresholds := oracle.Relative(t, "decision tree: thresholds", name, sklearn, 1e-6)
		numbers := oracle.Absolute(t, "decision tree: impurity, weight, class shares, importances", name, sklearn, 1e-9)
		for _, c := range want.Configs {
			d := c.Params.learner()
			training := models.Training{X: x, Y: classOutcome(y), Seed: 1}
			s, err := newSample(training, d.Weights)
			if err != nil {
				t.Fatal(err)
			}
			columns, err := ranked(x, missingRank)
			if err != nil {
				t.Fatal(err)
			}
			got, ref := d.grow(s, columns, training), c.Tree.nodes(t)
			label := fmt.Sprintf("%+v", c.Params)
			compareTrees(t, label, got, ref, structure, thresholds, numbers)
			e := assemble(shape{len(columns), Probability, []float64{0}, nil}, []*nodes{got}, 1)
			for j, v := range e.ImpurityImportances() {
				numbers.Near(fmt.Sprintf("%s: importance of column %d", label, j), v, c.Importances[j])
			}
		}
	}
}

// compareTrees compares two trees in pre-order.
func compareTrees(t testing.TB, label string, got, want *nodes, structure, thresholds, numbers *oracle.Check) {
	t.Helper()
	if len(got.feature) != len(want.feature) {
		t.Errorf("%s: %d nodes, want %d", label, len(got.feature), len(want.feature))
		return
	}
	for n := range want.feature {
		at := fmt.Sprintf("%s: node %d", label, n)
		structure.Near(at+" column", float64(got.feature[n]), float64(want.feature[n]))
		structure.Near(at+" left", float64(got.left[n]), float64(want.left[n]))
		structure.Near(at+" right", float64(got.right[n]), float64(want.right[n]))
		if want.feature[n] >= 0 {
			thresholds.Near(at, got.threshold[n], want.threshold[n])
		}
		numbers.Near(at+" impurity", got.impurity[n], want.impurity[n])
		numbers.Near(at+" weight", got.cover[n], want.cover[n])
	}
	for i, v := range want.values {
		numbers.Near(fmt.Sprintf("%s: value %d", label, i), got.values[i], v)
	}
}

// Trees dumped by scikit-learn predict, rank columns and are pruned as they were there. Where splits are tied our tree may differ; its
// decrease of impurity at the root is then the same.
func TestDumpedTreesOracle(t *testing.T) {
	for _, name := range []string{"iris", "breast_cancer"} {
		var want map[string]struct {
			Params      sklearnParams
			Tree        sklearnTree
			Depth       int
			Leaves      int
			Importances []float64   `json:"feature_importances"`
			Apply       []float64   `json:"train_apply_first20"`
			Predict     [][]float64 `json:"predict_every7"`
			Alphas      []float64   `json:"ccp_alphas"`
			Impurities  []float64   `json:"impurities"`
		}
		readJSON(t, oracle.Data(t, "trees", "expected", "sklearn_tree_"+name+".json"), &want)
		x, y := readCSV(t, oracle.Data(t, "trees", "inputs", name+".csv"))
		check := oracle.Absolute(t, "dumped trees: leaves, shares, importances, depth", name, sklearn, 1e-9)
		path := oracle.Absolute(t, "cost-complexity pruning path", name, sklearn, 1e-9)
		root := oracle.Relative(t, "decision tree: decrease of impurity at the root", name, sklearn, 1e-9)
		o := classOutcome(y)
		for _, config := range []string{"full", "depth3", "entropy", "leaf5", "ccp", "balanced"} {
			c := want[config]
			ref := c.Tree.nodes(t)
			width := len(ref.values) / len(ref.feature)
			e := assemble(shape{len(x.Columns), Probability, make([]float64, width), nil}, []*nodes{ref}, 1)
			e.Float32 = true
			if err := e.Validate(); err != nil {
				t.Fatal(err)
			}
			check.Near(config+" depth", float64(e.Depth(0)), float64(c.Depth))
			check.Near(config+" leaves", float64(e.Leaves(0)), float64(c.Leaves))
			for j, v := range e.ImpurityImportances() {
				check.Near(config+" importance", v, c.Importances[j])
			}
			row := make([]float64, len(x.Columns))
			for i, leaf := range c.Apply {
				ReadRow(x, i, row)
				check.Near(config+" leaf", float64(e.Reach(0, row)), leaf)
			}
			m := newClassifier(about{Kind: "decision_tree", Columns: x.Columns, Classes: o.Classes}, e)
			p, err := m.Predict(x, nil)
			if err != nil {
				t.Fatal(err)
			}
			k := len(o.Classes)
			for i, shares := range c.Predict {
				for j, v := range shares {
					check.Near(config+" share", p.Probabilities[7*i*k+j], v)
				}
			}
			fitted, err := c.Params.learner().Fit(context.Background(), models.Training{X: x, Y: o, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			root.Near(config, fitted.(*Classifier).e.Gain[0], ref.gain[0])
		}
		full := want["full"].Tree.nodes(t)
		got := full.path()
		if len(got.Alphas) != len(want["pruning_path"].Alphas) {
			t.Errorf("%s: %d steps of pruning, want %d: %v", name, len(got.Alphas), len(want["pruning_path"].Alphas), got.Alphas)
			continue
		}
		for i, alpha := range want["pruning_path"].Alphas {
			path.Near("alpha", got.Alphas[i], alpha)
			path.Near("impurity", got.Impurities[i], want["pruning_path"].Impurities[i])
		}
		pruned := full.prune(0.01)
		if n := len(want["ccp"].Tree.Feature); len(pruned.feature) != n {
			t.Errorf("%s: %d nodes are left at alpha 0.01, want %d", name, len(pruned.feature), n)
		}
	}
}
