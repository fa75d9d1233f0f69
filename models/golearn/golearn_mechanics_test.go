package golearn

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/tree"
)

func TestMain(m *testing.M) { os.Exit(oracle.Main(m, "models/golearn", 1136)) }

// problem has two classes, ties, and columns of one value.
func problem(rows, columns int, seed uint64) models.Training {
	rng := rand.New(rand.NewPCG(seed, 1))
	c := make([]table.Column, columns)
	for j := range c {
		c[j].Name = string(rune('a' + j%26))
	}
	d := models.Training{X: models.NewMatrix(c, rows), Y: clinical.Outcome{Name: "y", Kind: clinical.Class, Classes: []string{"no", "yes"}}, Seed: 3}
	for i := range rows {
		k := rng.IntN(2)
		d.Y.Class = append(d.Y.Class, k)
		for j := range columns - 1 {
			d.X.Column(j)[i] = math.Round(rng.NormFloat64()*2 + float64(k*(j%2)))
		}
	}
	return d
}

var learners = map[string]models.Learner{"golearn_id3": ID3{}, "golearn_cart": CART{Criterion: "entropy", MaxDepth: 5}, "golearn_random_tree": RandomTree{}}

// Each model is the same whenever it is fitted, the same once saved and loaded, and beats chance on its rows.
func TestRoundTrip(t *testing.T) {
	for name, l := range learners {
		d := problem(120, 7, 2)
		var parts []map[string][]byte
		var m models.Model
		for range 4 {
			var err error
			if m, err = l.Fit(context.Background(), d); err != nil {
				t.Fatal(err)
			}
			p, err := m.Encode()
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, p)
		}
		for _, p := range parts[1:] {
			for file := range p {
				if !bytes.Equal(p[file], parts[0][file]) {
					t.Errorf("%s: %s differs from fit to fit", name, file)
				}
			}
		}
		again, err := models.Decode(name, parts[0])
		if err != nil {
			t.Fatal(err)
		}
		a, _ := m.Predict(d.X, nil)
		b, _ := again.Predict(d.X, nil)
		right := 0
		for i, v := range a.Probabilities {
			if v != b.Probabilities[i] {
				t.Fatalf("%s: value %d differs after loading", name, i)
			}
		}
		for i, k := range labels(a) {
			if k == d.Y.Class[i] {
				right++
			}
		}
		if right < 80 {
			t.Errorf("%s: %d of 120 training rows are right", name, right)
		}
	}
}

func TestBadInput(t *testing.T) {
	for want, spoil := range map[string]func(*models.Training){
		"501 columns":          func(d *models.Training) { *d = problem(5, 501, 1) },
		"no case weights":      func(d *models.Training) { d.Weights = make([]float64, 30) },
		`column "b", row 4`:    func(d *models.Training) { d.X.Column(1)[3] = math.NaN() },
		"is categorical":       func(d *models.Training) { d.X.Columns[0].Kind = table.Categorical },
		"nothing to tell":      func(d *models.Training) { d.Y.Class = make([]int, 30) },
		"learn classes":        func(d *models.Training) { d.Y.Kind = clinical.Survival; d.Y.Time = make([]float64, 30) },
		"row 2: the outcome":   func(d *models.Training) { d.Y.Class[1] = -1 },
		"nothing to learn":     func(d *models.Training) { d.X = models.NewMatrix(nil, 30) },
		"two columns at least": func(d *models.Training) { d.X.Columns, d.X.Values = d.X.Columns[:1], d.X.Values[:30] },
	} {
		for name, l := range learners {
			if want == "two columns at least" && name == "golearn_cart" {
				continue
			}
			d := problem(30, 4, 1)
			spoil(&d)
			if _, err := l.Fit(context.Background(), d); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want an error with %q", name, err, want)
			}
		}
	}
}

// Columns of one value, where golearn finds no split, make a leaf that knows the shares.
func TestNoSplit(t *testing.T) {
	d := problem(30, 3, 1)
	clear(d.X.Values)
	d.X.Column(0)[0] = 0
	for name, l := range learners {
		m, err := l.Fit(context.Background(), d)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if e := m.(*tree.Classifier).Ensemble(); e.Nodes() != 1 {
			t.Errorf("%s: %d nodes", name, e.Nodes())
		}
	}
}
