package tree

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// The same bytes whatever the number of processors, and other bytes for another seed.
func TestForestIsDeterministic(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	data := problem(300, 2, 6)
	for _, f := range []Forest{{Trees: 40, Bootstrap: true}, {Trees: 40, Extra: true}, {Trees: 20, Share: 0.5, Criterion: "entropy", MaxFeatures: "3"}} {
		var seen [][]byte
		for _, p := range []int{1, 2, 5} {
			runtime.GOMAXPROCS(p)
			parts, err := fit(t, f, data).Encode()
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, append(parts[partTrees], parts[partAbout]...))
		}
		if !bytes.Equal(seen[0], seen[1]) || !bytes.Equal(seen[0], seen[2]) {
			t.Errorf("%+v: the bytes depend on GOMAXPROCS", f)
		}
		other := data
		other.Seed++
		parts, _ := fit(t, f, other).Encode()
		if bytes.Equal(seen[0], append(parts[partTrees], parts[partAbout]...)) {
			t.Errorf("%+v: another seed gives the same forest", f)
		}
	}
}

// Looking at groups of ranks first finds a split as good as looking at all of them.
func TestCoarseIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for trial := range 300 {
		n := 32 + rng.IntN(600)
		x := models.NewMatrix([]table.Column{{Name: "a"}, {Name: "b"}}, n)
		packed := make([]uint64, n)
		rows := make([]int32, n)
		for i := range n {
			y := uint64(rng.IntN(2))
			x.Values[i] = rng.NormFloat64() + float64(y)*float64(trial%4)/2
			x.Values[n+i] = math.Round(rng.NormFloat64() * 8)
			times := uint64(1 + rng.IntN(3))
			packed[i] = times | times<<32*y
			rows[i] = int32(i)
		}
		columns, err := ranked(x, missingRank)
		if err != nil {
			t.Fatal(err)
		}
		c := newBinaryGini(packed, [2]float64{1, 1 + float64(trial%3)})
		minLeaf := 1 + rng.IntN(6)
		for j := range columns {
			c.enter(rows)
			slow, fast := split{num: math.Inf(-1), den: 1}, split{num: math.Inf(-1), den: 1}
			for _, b := range columns[j].rank {
				c.marks.add(b)
			}
			for i, b := range columns[j].rank {
				c.hist[b] += c.local[i]
			}
			list, _ := c.marks.take(columns[j].count)
			c.scan(list, 0, 0, minLeaf, &slow)
			for _, b := range list {
				c.hist[b] = 0
			}
			c.coarse(&columns[j], columns[j].rank, minLeaf, &fast)
			if a, b := slow.num/slow.den, fast.num/fast.den; a != b {
				t.Fatalf("trial %d, column %d: %v in groups, %v one by one", trial, j, b, a)
			}
		}
	}
}

// Out-of-bag scores are close to those on rows that were held out, and a forest beats chance.
func TestOutOfBag(t *testing.T) {
	data := problem(600, 2, 2)
	for _, f := range []Forest{{Trees: 200, Bootstrap: true}, {Trees: 200, Extra: true, Bootstrap: true}} {
		m := fit(t, f, data).(*Classifier)
		held := problem(600, 2, 3)
		p := predict(t, m, held.X)
		right := 0.0
		for i, c := range held.Y.Class {
			if p.Probabilities[2*i+c] > 0.5 {
				right++
			}
		}
		oob := m.OutOfBag()
		if oob.Rows != 600 || math.Abs(oob.Accuracy-right/600) > 0.05 || oob.Accuracy < 0.7 || oob.AUC < 0.7 || !(oob.LogLoss < 0.65) {
			t.Errorf("out of bag %+v, held out %v", oob, right/600)
		}
	}
	if fit(t, Forest{Trees: 3, Extra: true}, data).(*Classifier).OutOfBag() != nil {
		t.Error("a score out of bags that hold all rows")
	}
}

// A column of noise matters less than those that cause the outcome, by every measure.
func TestImportances(t *testing.T) {
	m := fit(t, Forest{Trees: 100, Bootstrap: true}, problem(400, 2, 1)).(*Classifier)
	for _, measure := range []Importance{TotalGain, Gain, Weight, TotalCover, Cover} {
		v := m.e.Importances(measure)
		if v[4] != 0 || (measure == TotalGain) && v[3] > v[0] {
			t.Errorf("%s: %v", measure, v)
		}
	}
}

func TestColumnsDrawn(t *testing.T) {
	for rule, want := range map[string]int{"": 10, "sqrt": 10, "log2": 6, "all": 100, "0.3": 30, "7": 7, "1000": 100, "0.001": 1} {
		if got, err := columnsDrawn(rule, 100); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", rule, got, err, want)
		}
	}
	for _, rule := range []string{"0", "-1", "many", "1.5", "NaN"} {
		if _, err := columnsDrawn(rule, 100); err == nil {
			t.Errorf("%q was accepted", rule)
		}
	}
}

func TestFitCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := (Forest{Trees: 10}).Fit(ctx, problem(50, 2, 1)); err == nil {
		t.Error("a cancelled fit returned a model")
	}
}

// Saved and loaded, forests say the same to the bit, and rows take no memory of their own.
func TestForestRoundTrip(t *testing.T) {
	data := problem(120, 3, 1)
	m := fit(t, Forest{Trees: 30, Bootstrap: true}, data)
	parts, _ := m.Encode()
	again, err := models.Decode("random_forest", parts)
	if err != nil {
		t.Fatal(err)
	}
	want, got := predict(t, m, data.X), predict(t, again, data.X)
	for i, v := range want.Probabilities {
		if v != got.Probabilities[i] {
			t.Fatalf("value %d: %v, then %v", i, v, got.Probabilities[i])
		}
	}
	one, many := data.X.Select(seq(1)), data.X.Select(append(seq(120), seq(120)...))
	allocs := func(x models.Matrix) float64 {
		return testing.AllocsPerRun(10, func() { predict(t, m, x) })
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if a, b := allocs(one), allocs(many); a > 8 || b > 8 {
		t.Errorf("%v allocations for a row, %v for 240", a, b)
	}
}
