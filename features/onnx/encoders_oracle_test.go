package onnx

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
)

// Encoders in the shapes that exporters give them (residual and depthwise in 2-D, dilated and grouped in 3-D, attention over patches) give what ONNX
// Runtime 1.26 gives, to 1e-4 of the largest (testdata/encoders.py and encoders.js).
func TestEncodersOracle(t *testing.T) {
	b, err := os.ReadFile("testdata/encoders.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]struct {
		Shape       []int     `json:"shape"`
		Values      []float32 `json:"values"`
		OutputShape []int     `json:"outputShape"`
		Output      []float64 `json:"output"`
	}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 4 {
		t.Fatalf("%d encoders", len(all))
	}
	check := oracle.Absolute(t, "ONNX encoders", "residual, mobile, volume, attention", "ONNX Runtime 1.26", 1e-4)
	for name, c := range all {
		data, err := os.ReadFile("testdata/" + name + ".onnx")
		if err != nil {
			t.Fatal(err)
		}
		m, err := Read(data, "")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, shape, err := m.Run(c.Values, c.Shape)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !slices.Equal(shape, c.OutputShape) {
			t.Fatalf("%s: the output has the shape %v, want %v", name, shape, c.OutputShape)
		}
		top := 0.0
		for _, v := range c.Output {
			top = max(top, math.Abs(v))
		}
		for i, v := range c.Output {
			check.Near(name, float64(got[i])/top, v/top)
		}
	}
}
