package golearn

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/sjwhitworth/golearn/base"
	"github.com/sjwhitworth/golearn/evaluation"
	"github.com/sjwhitworth/golearn/trees"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/metrics"
	"github.com/voxgene/voxgene/models/tree"
)

const reference = "golearn 74ae077"

// read reads numbers with the class in the last column.
func read(t *testing.T, name string) models.Training {
	t.Helper()
	f, err := os.Open(oracle.Data(t, "trees", "inputs", name+".csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	last := len(records[0]) - 1
	columns := make([]table.Column, last)
	for j := range columns {
		columns[j].Name = records[0][j]
	}
	d := models.Training{X: models.NewMatrix(columns, len(records)-1), Y: clinical.Outcome{Name: "y", Kind: clinical.Class}, Seed: 1}
	for i, r := range records[1:] {
		for j := range columns {
			if d.X.Column(j)[i], err = strconv.ParseFloat(r[j], 64); err != nil {
				t.Fatal(err)
			}
		}
		k, err := strconv.Atoi(r[last])
		if err != nil {
			t.Fatal(err)
		}
		for len(d.Y.Classes) <= k {
			d.Y.Classes = append(d.Y.Classes, fmt.Sprint(len(d.Y.Classes)))
		}
		d.Y.Class = append(d.Y.Class, k)
	}
	return d
}

func labels(p models.Prediction) []int {
	k := len(p.Classes)
	out := make([]int, p.Rows)
	for i := range out {
		for c := range k {
			if p.Probabilities[i*k+c] > p.Probabilities[i*k+out[i]] {
				out[i] = c
			}
		}
	}
	return out
}

// Imported trees answer as golearn does, on rows they were not grown on, and both confusion matrices agree.
func TestImportedTreesOracle(t *testing.T) {
	for _, name := range []string{"iris", "breast_cancer", "pima"} {
		d := read(t, name)
		var train, test []int
		for i := range d.X.Rows {
			if i%3 == 0 {
				test = append(test, i)
			} else {
				train = append(train, i)
			}
		}
		fitted, held := d.Select(train), d.Select(test)
		check := oracle.Absolute(t, "labels of imported trees", name, reference, 0)
		gain := oracle.Relative(t, "decrease of impurity at the root, CART and decision_tree", name, reference, 1e-9)
		confusion := oracle.Absolute(t, "confusion matrix", name, reference, 0)

		class := base.NewCategoricalAttribute()
		class.SetName("class")
		for k := range d.Y.Classes {
			class.GetSysValFromString(strconv.Itoa(k))
		}
		grid := func(d models.Training) *base.DenseInstances {
			g, err := newGrid(d.X, class, func(row int) []byte { return class.GetSysValFromString(strconv.Itoa(d.Y.Class[row])) })
			if err != nil {
				t.Fatal(err)
			}
			return g
		}
		id3 := trees.NewID3DecisionTreeFromRule(0, &drawnRule{columns: MaxColumns})
		if err := id3.Fit(grid(fitted)); err != nil {
			t.Fatal(err)
		}
		predicted, err := id3.Predict(grid(held))
		if err != nil {
			t.Fatal(err)
		}
		m, err := ID3{}.Fit(context.Background(), fitted)
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.Predict(held.X, nil)
		if err != nil {
			t.Fatal(err)
		}
		k := len(d.Y.Classes)
		ours := labels(p)
		for i, label := range ours {
			theirs, _ := strconv.Atoi(base.GetClass(predicted, i))
			shares := p.Probabilities[i*k : (i+1)*k]
			if shares[theirs] == shares[label] { // golearn takes any of the classes that are equally frequent
				label = theirs
			}
			check.Near(fmt.Sprintf("ID3, row %d", i), float64(label), float64(theirs))
			ours[i] = theirs
		}
		counts, err := evaluation.GetConfusionMatrix(grid(held), predicted)
		if err != nil {
			t.Fatal(err)
		}
		for a, row := range metrics.NewConfusion(held.Y.Class, ours, k) {
			for b, n := range row {
				confusion.Near(fmt.Sprintf("%d as %d", a, b), float64(n), float64(counts[strconv.Itoa(a)][strconv.Itoa(b)]))
			}
		}

		number := base.NewFloatAttribute("class")
		numbers := func(d models.Training) *base.DenseInstances {
			g, err := newGrid(d.X, number, func(row int) []byte { return base.PackFloatToBytes(float64(d.Y.Class[row])) })
			if err != nil {
				t.Fatal(err)
			}
			return g
		}
		for _, depth := range []int{2, 4} {
			all := []int64{0, 1, 2}[:k]
			cart := trees.NewDecisionTreeClassifier("gini", int64(depth), all)
			if err := cart.Fit(numbers(fitted)); err != nil {
				t.Fatal(err)
			}
			m, err := CART{Criterion: "gini", MaxDepth: depth}.Fit(context.Background(), fitted)
			if err != nil {
				t.Fatal(err)
			}
			p, err := m.Predict(held.X, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, theirs := range cart.Predict(numbers(held)) {
				label := labels(p)[i]
				if shares := p.Probabilities[i*k : (i+1)*k]; shares[theirs] == shares[label] {
					label = int(theirs)
				}
				check.Near(fmt.Sprintf("CART of depth %d, row %d", depth, i), float64(label), float64(theirs))
			}
			same, err := tree.DecisionTree{Criterion: "gini", MaxDepth: depth}.Fit(context.Background(), fitted)
			if err != nil {
				t.Fatal(err)
			}
			a, b := m.(*tree.Classifier).Ensemble(), same.(*tree.Classifier).Ensemble()
			gain.Near("root", a.Gain[0], b.Gain[0])
		}
	}
}
