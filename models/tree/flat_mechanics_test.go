package tree

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestEnsembleRoundTrip(t *testing.T) {
	want := stump()
	got, err := DecodeEnsemble(want.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// The rule at a node: strict comparison after rounding, missing by direction, categories by set.
func TestEnsembleGoesLeft(t *testing.T) {
	e := stump()
	nan := math.NaN()
	for _, c := range []struct {
		node int32
		v    float64
		left bool
	}{
		{0, 1.5, false}, {0, 1.4999, true}, {0, math.Nextafter(1.5, 0), false}, {0, nan, true}, {0, -1, true},
		{3, 3, false}, {3, 65, false}, {3, 0, true}, {3, 64, true}, {3, 1e9, true}, {3, nan, false}, {3, -1, false},
	} {
		if got := e.GoesLeft(c.node, c.v); got != c.left {
			t.Errorf("node %d, %v: left is %v", c.node, c.v, got)
		}
	}
	out := make([]float64, 2)
	if e.Output([]float64{2, 3}, out); out[0] != 2.5 || out[1] != 3.5 {
		t.Errorf("output %v, want [2.5 3.5]", out)
	}
	if got, ok := e.Categories(3); !ok || !reflect.DeepEqual(got, []int{3, 65}) {
		t.Errorf("categories %v", got)
	}
	e.Strict = false
	if !e.GoesLeft(0, 1.5) {
		t.Error("1.5 ≤ 1.5 went right")
	}
}

// Every way in which arrays may not make trees is refused by name.
func TestEnsembleValidate(t *testing.T) {
	for want, spoil := range map[string]func(*Ensemble){
		"columns":                func(e *Ensemble) { e.Features = 0 },
		"scale":                  func(e *Ensemble) { e.Scale = "loud" },
		"outputs":                func(e *Ensemble) { e.Base = nil },
		"do not cover the nodes": func(e *Ensemble) { e.Roots[2] = 5 },
		"targets for":            func(e *Ensemble) { e.Targets = e.Targets[:1] },
		"target 7":               func(e *Ensemble) { e.Targets[0] = 7 },
		"differ in length":       func(e *Ensemble) { e.Cover = e.Cover[1:] },
		"value 2 is NaN":         func(e *Ensemble) { e.Values[2] = math.NaN() },
		"value 1 is +Inf":        func(e *Ensemble) { e.Base[1] = math.Inf(1) },
		"has cover -1":           func(e *Ensemble) { e.Cover[4] = -1 },
		"splits column 2 of 2":   func(e *Ensemble) { e.Feature[3] = 2 },
		"children 4 and 4":       func(e *Ensemble) { e.Right[3] = 4 },
		"children 0 and 2":       func(e *Ensemble) { e.Left[0] = 0 },
		"children 1 and 3":       func(e *Ensemble) { e.Right[0] = 3 },
		"threshold NaN":          func(e *Ensemble) { e.Threshold[0] = math.NaN() },
		"has set 4":              func(e *Ensemble) { e.Sets[0] = 4 },
		"sets do not cover":      func(e *Ensemble) { e.SetStart[1] = 1 },
		"node 1 has no parent":   func(e *Ensemble) { e.Feature[0], e.Left[0], e.Right[0] = -1, -1, -1 },
		"splits column -1 of 2":  func(e *Ensemble) { e.Left[1] = 2 },
		"nodes 3 to 3":           func(e *Ensemble) { e.Roots = []int32{0, 3, 3, 6}; e.Targets = []int32{0, 0, 0} },
	} {
		e := stump()
		spoil(e)
		if err := e.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	deep := &Ensemble{Features: 1, Scale: Identity, Base: []float64{0}}
	for n := int32(0); n < 2*(MaxDepth+1); n += 2 {
		deep.Feature = append(deep.Feature, 0, -1)
		deep.Left, deep.Right = append(deep.Left, n+1, -1), append(deep.Right, n+2, -1)
	}
	deep.Feature = append(deep.Feature, -1)
	deep.Left, deep.Right = append(deep.Left, -1), append(deep.Right, -1)
	n := len(deep.Feature)
	deep.Roots = []int32{0, int32(n)}
	deep.Threshold, deep.Cover, deep.Gain, deep.Values = make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	deep.MissingLeft = make([]bool, n)
	if err := deep.Validate(); err == nil || !strings.Contains(err.Error(), "deeper") {
		t.Errorf("got %v for a tree of depth %d", err, deep.Depth(0))
	}
}
