package onnx

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
)

// operatorCase is one of the ONNX project's own tests of an operator: a model with one node, what goes in and what comes out, as protobuf.
type operatorCase struct {
	Name    string   `json:"name"`
	Model   []byte   `json:"model"`
	Inputs  [][]byte `json:"inputs"`
	Outputs [][]byte `json:"outputs"`
}

// refused are cases that have no place in prediction: batch statistics of training, and the places of maxima.
var refused = []string{"test_batchnorm_example_training_mode", "test_batchnorm_epsilon_training_mode",
	"test_maxpool_with_argmax_2d_precomputed_pads", "test_maxpool_with_argmax_2d_precomputed_strides"}

// Every operator gives what the ONNX project's node tests say (onnx.backend.test of onnx 1.12, collected by testdata/operators.py), as
// far as they are in single precision and whole numbers.
func TestOperatorsOracle(t *testing.T) {
	f, err := os.Open("testdata/operators.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var cases []operatorCase
	if err := json.NewDecoder(z).Decode(&cases); err != nil {
		t.Fatal(err)
	}
	check := oracle.Absolute(t, "operators of ONNX", "one node", "onnx.backend.test of onnx 1.12", 2e-5)
	for _, c := range cases {
		g, err := parse(c.Model)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		values := map[string]*tensor{}
		for k, b := range c.Inputs {
			_, x, err := parseTensor(b)
			if err != nil {
				t.Fatalf("%s: %v", c.Name, err)
			}
			if k < len(g.inputs) {
				values[g.inputs[k].Name] = x
			}
		}
		m, err := prepare(g, "")
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		got, err := m.evaluate(values)
		if slices.Contains(refused, c.Name) {
			if err == nil {
				t.Errorf("%s was not refused", c.Name)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		_, want, err := parseTensor(c.Outputs[0])
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		if !slices.Equal(got.shape, want.shape) || !slices.Equal(got.ints, want.ints) || len(got.floats) != len(want.floats) {
			t.Errorf("%s: %v %v, want %v %v", c.Name, got.shape, got.ints, want.shape, want.ints)
			continue
		}
		for i, v := range want.floats {
			scale := max(1, math.Abs(float64(v)))
			if math.IsInf(float64(v), 0) && v == got.floats[i] || v != v && got.floats[i] != got.floats[i] {
				continue
			}
			check.Near(c.Name, float64(got.floats[i])/scale, float64(v)/scale)
		}
	}
}
