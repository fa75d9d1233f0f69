package bundle_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/phantom"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	_ "github.com/voxgene/voxgene/models/linear"
	"github.com/voxgene/voxgene/models/pipeline"
	_ "github.com/voxgene/voxgene/models/tree"
)

var update = flag.Bool("update", false, "write the files of the present format where there are none")

// synthetic trains a bundle of a logistic, a Cox and a tree model on a phantom cohort, and returns rows to predict.
func synthetic(t *testing.T) (*bundle.Bundle, models.Matrix) {
	t.Helper()
	o := phantom.Defaults()
	o.Patients, o.Genes, o.Seed = 80, 17, 7
	c, err := phantom.New(o)
	if err != nil {
		t.Fatal(err)
	}
	columns := []table.Column{
		{Name: "clinical.age", Source: "clinical", Group: "clinical", Unit: "a"},
		{Name: "clinical.sex", Source: "clinical", Group: "clinical", Kind: table.Categorical, Levels: []string{"female", "male"}},
		{Name: "clinical.grade", Source: "clinical", Group: "clinical", Kind: table.Ordinal, Levels: []string{"II", "III", "IV"}},
	}
	for _, g := range c.Genes[:12] {
		columns = append(columns, table.Column{Name: "rna." + g, Source: "rna", Group: "gene"})
	}
	x := models.NewMatrix(columns, o.Patients)
	subtype := clinical.Outcome{Name: "subtype", Kind: clinical.Class, Classes: []string{"A", "B"}}
	os := clinical.Outcome{Name: "os", Kind: clinical.Survival, Unit: "d", Origin: "imaging"}
	r := work.Seed(3).Rand()
	for i, p := range c.Patients {
		x.Column(0)[i] = p.Age
		x.Column(1)[i] = bundle.Level(columns[1], p.Sex)
		x.Column(2)[i] = float64(r.IntN(3))
		for g, v := range p.Expression[:12] {
			x.Column(3 + g)[i] = v
		}
		if i%9 == 4 {
			x.Column(3 + i%12)[i] = math.NaN()
		}
		subtype.Class = append(subtype.Class, map[string]int{"A": 0, "B": 1}[p.Subtype])
		os.Time = append(os.Time, p.Days)
		os.Event = append(os.Event, map[bool]int{true: 1}[p.Event])
	}
	b := &bundle.Bundle{Name: "phantom", CreatedBy: "voxgene", Patients: o.Patients, Config: []byte("name: phantom\n"), Inputs: bundle.NewInputs(x)}
	for at, name := range []string{"logistic", "cox", "decision_tree", "logistic"} { // the last shares the parts of the first
		y := subtype
		if name == "cox" {
			y = os
		}
		k, _ := models.Lookup(name)
		l, err := k.New(models.Defaults(k.Params))
		if err != nil {
			t.Fatal(err)
		}
		chain, err := pipeline.New(pipeline.Default())
		if err != nil {
			t.Fatal(err)
		}
		train := models.Training{X: x, Y: y, Seed: 5}
		f, err := chain.Fit(context.Background(), train)
		if err != nil {
			t.Fatal(err)
		}
		if train.X, err = f.Apply(x); err != nil {
			t.Fatal(err)
		}
		m, err := l.Fit(context.Background(), train)
		if err != nil {
			t.Fatal(err)
		}
		out := bundle.Outcome{Name: fmt.Sprint(name, at), Kind: y.Kind, Classes: y.Classes, Unit: y.Unit, Origin: y.Origin, Chain: f, Model: m}
		if y.Kind == clinical.Survival {
			out.FollowUp = bundle.NewFollowUp(y)
			p, err := m.Predict(train.X, nil)
			if err != nil {
				t.Fatal(err)
			}
			if out.Groups, err = bundle.NewRiskGroups(p.Risk, 3); err != nil {
				t.Fatal(err)
			}
		}
		b.Outcomes = append(b.Outcomes, out)
	}
	return b, x
}

// golden is what a format's bundle has to answer: rows, and the predictions of the day on which they were written.
type golden struct {
	Rows        [][]*float64    `json:"rows"` // null is missing
	Predictions json.RawMessage `json:"predictions"`
}

// Each format ever released loads, and predicts and explains what it did on the day it was written. The files are never replaced:
// -update writes those of a format that has none yet.
func TestFormats(t *testing.T) {
	for format := 1; format <= bundle.Format; format++ {
		name := fmt.Sprintf("v%d", format)
		path, answers := filepath.Join("testdata", name+".voxgene"), filepath.Join("testdata", name+".json")
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && *update && format == bundle.Format {
			write(t, path, answers)
		}
		b, err := bundle.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(answers)
		if err != nil {
			t.Fatal(err)
		}
		var want golden
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		x := models.NewMatrix(b.Columns(), len(want.Rows))
		for i, row := range want.Rows {
			for j, v := range row {
				if x.Column(j)[i] = math.NaN(); v != nil {
					x.Column(j)[i] = *v
				}
			}
		}
		near(t, name, predict(t, b, x, bundle.Request{Explain: &bundle.Explain{}}), want.Predictions)
	}
}

// write makes the files of the present format.
func write(t *testing.T, path, answers string) {
	t.Helper()
	b, x := synthetic(t)
	if err := b.Save(path); err != nil {
		t.Fatal(err)
	}
	x = x.Select([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	g := golden{Predictions: predict(t, b, x, bundle.Request{Explain: &bundle.Explain{}})}
	for i := range x.Rows {
		row := make([]*float64, len(x.Columns))
		for j := range row {
			if v := x.Column(j)[i]; !math.IsNaN(v) {
				row[j] = &v
			}
		}
		g.Rows = append(g.Rows, row)
	}
	text, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(answers, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// near compares two JSON texts: the same texts and order, numbers to 1e-9 relative, which is what other processors may differ by.
func near(t *testing.T, what string, got, want []byte) {
	t.Helper()
	a, b := json.NewDecoder(bytes.NewReader(got)), json.NewDecoder(bytes.NewReader(want))
	for n := 0; ; n++ {
		x, errX := a.Token()
		y, errY := b.Token()
		if errX != nil || errY != nil {
			if errX != errY { // both are io.EOF at the end
				t.Errorf("%s: token %d: %v and %v", what, n, errX, errY)
			}
			return
		}
		u, isNumber := x.(float64)
		v, both := y.(float64)
		if isNumber && both && math.Abs(u-v) <= 1e-9*max(math.Abs(v), 1e-3) {
			continue
		}
		if x != y {
			t.Errorf("%s: token %d: got %v, want %v", what, n, x, y)
			return
		}
	}
}

// Training again makes the same bytes.
func TestEncodeInvariant(t *testing.T) {
	one, _ := synthetic(t)
	two, _ := synthetic(t)
	first, err := one.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if second, err := two.Encode(); err != nil || !bytes.Equal(first, second) {
		t.Errorf("the same training gives other bytes (%v)", err)
	}
}
