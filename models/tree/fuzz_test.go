package tree

import (
	"bytes"
	"math"
	"testing"
)

// stump is a valid ensemble with everything in it: two trees with targets, a categorical split, a missing direction.
func stump() *Ensemble {
	return &Ensemble{
		Features: 2, Strict: true, Float32: true, Scale: LogOdds, Base: []float64{0.5, -0.5},
		Roots: []int32{0, 3, 6}, Targets: []int32{0, 1},
		Feature:   []int32{0, -1, -1, 1, -1, -1},
		Threshold: []float64{1.5, 0, 0, 0, 0, 0},
		Left:      []int32{1, -1, -1, 4, -1, -1}, Right: []int32{2, -1, -1, 5, -1, -1},
		MissingLeft: []bool{true, false, false, false, false, false},
		Cover:       []float64{4, 1, 3, 4, 2, 2}, Gain: []float64{1, 0, 0, 2, 0, 0},
		Values: []float64{0, 1, 2, 0, 3, 4},
		Sets:   []int32{-1, -1, -1, 0, -1, -1}, SetStart: []int32{0, 2}, SetBits: []uint64{1 << 3, 1 << 1},
	}
}

// Whatever bytes are decoded, there is no panic; what is accepted encodes to the same bytes and can be walked.
func FuzzDecodeEnsemble(f *testing.F) {
	b := stump().Encode()
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Add(append(b[:len(b):len(b)], 0))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := DecodeEnsemble(b)
		if err != nil {
			return
		}
		if again := e.Encode(); !bytes.Equal(again, b) {
			t.Error("encoding what was decoded gives other bytes")
		}
		row, out := make([]float64, e.Features), make([]float64, e.Outputs())
		for _, v := range []float64{0, -1, math.NaN(), math.Inf(1), 1e300} {
			for j := range row {
				row[j] = v
			}
			e.Output(row, out)
		}
	})
}

// Whatever JSON is read, there is no panic, and what is accepted can be walked.
func FuzzReadXGBoost(f *testing.F) {
	f.Add([]byte(`{"learner":{"gradient_booster":{"name":"gbtree","model":{"tree_info":[0],"trees":[{"left_children":[1,-1,-1],"right_children":[2,-1,-1],` +
		`"split_indices":[0,0,0],"split_conditions":[0.5,-1,1],"default_left":[1,0,0],"sum_hessian":[2,1,1],"loss_changes":[1,0,0],"split_type":[1,0,0],` +
		`"categories":[2,70],"categories_nodes":[0],"categories_segments":[0],"categories_sizes":[2],"tree_param":{"size_leaf_vector":"0"}}]}},` +
		`"learner_model_param":{"base_score":"5E-1","num_class":"0","num_feature":"2"},"objective":{"name":"binary:logistic"}},"version":[1,7,4]}`))
	f.Add([]byte(`{"learner":{"gradient_booster":{"name":"dart","gbtree":{"model":{"trees":[]}},"weight_drop":[]},"learner_model_param":{"base_score":"[1]","num_feature":1},"objective":{"name":"survival:cox"}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ReadXGBoost(bytes.NewReader(b))
		if err != nil || m.Ensemble.Features > 1000 {
			return
		}
		row, out := make([]float64, m.Ensemble.Features), make([]float64, m.Ensemble.Outputs())
		m.Ensemble.Output(row, out)
		newRunner(m.Ensemble)
	})
}

// Whatever curves are decoded, there is no panic, and what is accepted can be read at every leaf.
func FuzzDecodeCurves(f *testing.F) {
	data := followed(30, 1)
	m := fit(f, SurvivalForest{Trees: 2, MinLeaf: 5, Bootstrap: true}, data).(*SurvivalTrees)
	b := m.curves.encode()
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Add([]byte(curvesMagic1))
	f.Add(append([]byte(curvesMagic1), b[len(curvesMagic1):]...))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decodeCurves(b, m.e)
		if err != nil {
			return
		}
		other := newSurvivalTrees(m.about, m.e, c)
		if _, err := other.Predict(data.X, c.Times); err != nil {
			t.Fatal(err)
		}
		other.HazardAt(3)
		other.SurvivalAt(3)
	})
}
