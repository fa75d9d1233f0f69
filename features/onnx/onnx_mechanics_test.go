package onnx

import (
	"os"
	"strings"
	"testing"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".onnx")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A layer is named by its value or by its node, and what lies behind it is not computed; one that is not there is told with the last ones.
func TestLayers(t *testing.T) {
	_, err := Read(file(t, "residual"), "GlobalAveragePool_9999")
	if err == nil {
		t.Fatal("a layer that is not there was found")
	}
	if !strings.Contains(err.Error(), "it ends with") {
		t.Error(err)
	}
	var pool string
	whole, err := Read(file(t, "residual"), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range whole.nodes {
		if n.op == "GlobalAveragePool" {
			pool = n.name
		}
	}
	m, err := Read(file(t, "residual"), pool)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.nodes) >= len(whole.nodes) {
		t.Error("all of the network is computed")
	}
	out, shape, err := m.Run(make([]float32, 33*30), []int{1, 1, 33, 30})
	if err != nil || len(out) != 16 || len(shape) != 4 {
		t.Errorf("%d numbers of %v: %v", len(out), shape, err)
	}
	if _, _, err := m.Run(make([]float32, 33*30), []int{1, 1, 30, 33}); err == nil || !strings.Contains(err.Error(), "[-1 1 33 30]") {
		t.Errorf("an input of another size: %v", err)
	}
}

// Operators that are not known are named all at once.
func TestUnknownOperators(t *testing.T) {
	b := file(t, "residual")
	b = []byte(strings.ReplaceAll(strings.ReplaceAll(string(b), "MaxPool", "MaxPoll"), "Flatten", "Flattan"))
	if _, err := Read(b, ""); err == nil || !strings.Contains(err.Error(), "[Flattan MaxPoll]") {
		t.Error(err)
	}
	if _, err := Read([]byte("%PDF-1.4"), ""); err == nil {
		t.Error("a PDF was read")
	}
}

// Bytes of any kind are refused or evaluated, never a panic, and never more than the limits.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"residual", "mobile", "volume", "attention"} {
		f.Add(file(f, name))
	}
	f.Add([]byte{0x3a, 0x02, 0x0a, 0x00, 0x42, 0x02, 0x10, 0x0d})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Read(b, "")
		if err != nil {
			return
		}
		shape := []int{1, 1, 16, 16}
		if s := m.Input().Shape; len(s) > 0 {
			shape = make([]int, len(s))
			n := 1
			for a, d := range s {
				shape[a] = max(1, d)
				if n *= shape[a]; n > 1<<14 {
					return
				}
			}
		}
		n := 1
		for _, d := range shape {
			n *= d
		}
		out, outShape, err := m.Run(make([]float32, n), shape)
		if err == nil && product(outShape) != len(out) {
			t.Errorf("%d numbers of the shape %v", len(out), outShape)
		}
	})
}

// BenchmarkRun is an encoder of a small crop.
func BenchmarkRun(b *testing.B) {
	m, err := Read(file(b, "volume"), "")
	if err != nil {
		b.Fatal(err)
	}
	x := make([]float32, 2*9*10*11)
	for b.Loop() {
		if _, _, err := m.Run(x, []int{1, 2, 9, 10, 11}); err != nil {
			b.Fatal(err)
		}
	}
}
