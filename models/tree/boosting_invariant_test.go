package tree

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

var small = Boosting{Rounds: 30, LearningRate: 0.3, MaxDepth: 4, Penalty: Penalty{Lambda: 1, MinChildWeight: 1}}

// Where a column has no more values than the histogram method tells apart, both methods make splits of the same gain. In small nodes
// many splits gain the same and rounding chooses between them, so that single rows may differ.
func TestHistIsExact(t *testing.T) {
	for trial, penalty := range []Penalty{{Lambda: 1, MinChildWeight: 1}, {Lambda: 0.5, Alpha: 0.3, Gamma: 0.1, MinChildWeight: 2}, {Lambda: 1, MaxDeltaStep: 0.5, MinChildWeight: 0.1}} {
		for _, classes := range []int{2, 3} {
			data := problem(240, classes, uint64(trial))
			exact, hist := small, small
			exact.Penalty, hist.Penalty, hist.Method = penalty, penalty, "hist"
			exact.Rounds, hist.Rounds = 5, 5
			a, b := fit(t, exact, data).(*Classifier), fit(t, hist, data).(*Classifier)
			if g, h := a.e.Gain[0], b.e.Gain[0]; math.Abs(g-h) > 1e-6*g {
				t.Errorf("%+v, %d classes: the first split gains %v by hist, %v exactly", penalty, classes, h, g)
			}
			loss := func(m *Classifier) float64 {
				sum, p := 0.0, predict(t, m, data.X)
				for i, c := range data.Y.Class {
					sum -= math.Log(p.Probabilities[i*classes+c])
				}
				return sum
			}
			if g, h := loss(a), loss(b); math.Abs(g-h) > 0.01*g {
				t.Errorf("%+v, %d classes: the loss is %v by hist, %v exactly", penalty, classes, h, g)
			}
		}
	}
}

// A large node's histograms less the smaller child's are the larger child's: trees on many rows are those without the shortcut.
func TestHistSubtraction(t *testing.T) {
	data := problem(3000, 2, 4)
	for j, c := range data.X.Columns {
		if c.Kind == table.Numeric {
			for i, v := range data.X.Column(j) {
				data.X.Column(j)[i] = math.Round(v*8) / 8
			}
		}
	}
	exact, hist := small, small
	exact.Rounds, hist.Rounds, hist.Method = 3, 3, "hist"
	a, b := fit(t, exact, data).(*Classifier).e, fit(t, hist, data).(*Classifier).e
	if a.Nodes() != b.Nodes() {
		t.Fatalf("%d nodes by hist, %d exactly", b.Nodes(), a.Nodes())
	}
	for n := range a.Feature {
		if a.Feature[n] != b.Feature[n] || a.Threshold[n] != b.Threshold[n] || math.Abs(a.Values[n]-b.Values[n]) > 1e-9 || math.Abs(a.Gain[n]-b.Gain[n]) > 1e-6 {
			t.Fatalf("node %d: column %d at %v, %v by hist; column %d at %v, %v exactly", n, b.Feature[n], b.Threshold[n], b.Values[n], a.Feature[n], a.Threshold[n], a.Values[n])
		}
	}
}

// The same bytes whatever the number of processors, with every kind of draw.
func TestBoostingIsDeterministic(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	data := problem(1500, 3, 6)
	for _, method := range []string{"exact", "hist"} {
		b := small
		b.Method, b.Subsample, b.ColumnsTree, b.ColumnsLevel, b.ColumnsNode, b.EarlyStopping, b.Validation = method, 0.7, 0.9, 0.9, 0.7, 5, 0.3
		var seen [][]byte
		for _, p := range []int{1, 3} {
			runtime.GOMAXPROCS(p)
			parts, err := fit(t, b, data).Encode()
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, append(parts[partTrees], parts[partAbout]...))
		}
		if !bytes.Equal(seen[0], seen[1]) {
			t.Errorf("%s: the bytes depend on GOMAXPROCS", method)
		}
	}
}

// Gradients and hessians are the derivatives of the losses.
func TestGradientsAreDerivatives(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n = 40
	rows := allRows(n)
	weight, entry, time, event, positive := make([]float64, n), make([]float64, n), make([]float64, n), make([]bool, n), make([]bool, n)
	class := make([]int32, n)
	for i := range n {
		weight[i], time[i], event[i], positive[i] = 0.5+rng.Float64(), 1+math.Round(rng.Float64()*12), rng.IntN(3) > 0, rng.IntN(2) == 1
		entry[i], class[i] = math.Floor(rng.Float64()*time[i]), int32(rng.IntN(3))
	}
	for name, o := range map[string]objective{
		"logistic": &logisticLoss{positive, weight, 0}, "softmax": &softmaxLoss{class, weight, make([]float64, 3)},
		"cox": newCoxLoss(nil, time, event, weight, rows), "cox with entry": newCoxLoss(entry, time, event, weight, rows),
	} {
		k := o.outputs()
		margins := make([]float64, n*k)
		for i := range margins {
			margins[i] = rng.NormFloat64()
		}
		total := 0.0 // losses are means over weights, or over weights of events
		for i, w := range weight {
			if event[i] || !strings.HasPrefix(name, "cox") {
				total += w
			}
		}
		out := make([]pair, n)
		o.gradients(margins, k-1, out)
		got := append([]pair(nil), out...)
		for i := range n {
			at := i*k + k - 1
			was := margins[at]
			loss := func(d float64) float64 {
				margins[at] = was + d
				defer func() { margins[at] = was }()
				return o.loss(margins, rows) * total
			}
			const d = 1e-4
			g, h := (loss(d)-loss(-d))/(2*d), (loss(d)-2*loss(0)+loss(-d))/(d*d)
			if name == "softmax" {
				h *= 2 // as XGBoost has it
			}
			if math.Abs(got[i].g-g) > 1e-5 || math.Abs(got[i].h-h) > 1e-3 {
				t.Errorf("%s, row %d: gradient %v, hessian %v; by differences %v, %v", name, i, got[i].g, got[i].h, g, h)
			}
		}
	}
}

// Early stopping keeps the rounds with the least loss on patients held out whole.
func TestEarlyStopping(t *testing.T) {
	data := problem(300, 2, 5)
	data.Groups = make([]int, 300)
	for i := range data.Groups {
		data.Groups[i] = i / 3
	}
	b := small
	b.Rounds, b.LearningRate, b.EarlyStopping, b.Validation = 400, 0.3, 10, 0.25
	m := fit(t, b, data).(*Classifier)
	if k := m.e.Trees(); k < 1 || k > 200 || !strings.Contains(strings.Join(m.Notes(), " "), fmt.Sprintf("stopped early: %d of 400", k)) {
		t.Errorf("%d trees, notes %q", k, m.Notes())
	}
	fitted, held, err := b.hold(data, allRows(300))
	if err != nil || len(held) != 75 {
		t.Fatalf("%d rows held out, %v", len(held), err)
	}
	out := map[int]bool{}
	for _, r := range held {
		out[data.Groups[r]] = true
	}
	for _, r := range fitted {
		if out[data.Groups[r]] {
			t.Fatalf("patient %d is on both sides", data.Groups[r])
		}
	}
	b.Validation = 0.001
	if _, err := b.Fit(context.Background(), data); err == nil || !strings.Contains(err.Error(), "early stopping") {
		t.Errorf("got %v", err)
	}
}

// Saved and loaded, boosting says the same to the bit; a held-out part is told apart better than by chance.
func TestBoostingRoundTrip(t *testing.T) {
	for _, classes := range []int{2, 3} {
		data, held := problem(500, classes, 1), problem(500, classes, 2)
		m := fit(t, small, data)
		parts, _ := m.Encode()
		again, err := models.Decode("boosting", parts)
		if err != nil {
			t.Fatal(err)
		}
		want, got := predict(t, m, held.X), predict(t, again, held.X)
		right := 0.0
		for i, c := range held.Y.Class {
			if argmax(want.Probabilities[i*classes:(i+1)*classes]) == c {
				right++
			}
			sum := 0.0
			for k := range classes {
				sum += want.Probabilities[i*classes+k]
				if want.Probabilities[i*classes+k] != got.Probabilities[i*classes+k] {
					t.Fatalf("row %d differs after loading", i)
				}
			}
			if math.Abs(sum-1) > 1e-12 {
				t.Fatalf("row %d: probabilities sum to %v", i, sum)
			}
		}
		if right/500 < 0.7 {
			t.Errorf("%d classes: %v of held-out rows are right", classes, right/500)
		}
	}
}
