package explain

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// What cannot be explained is refused with what can.
func TestRefused(t *testing.T) {
	data := training(1, 60, 16, 2)
	m := fitTree(t, data)
	small, err := NewBackground(data.X, 1)
	if err != nil {
		t.Fatal(err)
	}
	lacking := small
	lacking.Columns = append([]string{"other"}, small.Columns[1:]...)
	for want, r := range map[string]Request{
		"there is no method \"lime\"":                   {Method: "lime"},
		"cannot be explained on the scale \"log-odds\"": {Scale: LogOdds},
		"is not linear":                                 {Method: Linear},
		"needs a background":                            {Method: TreeInterventional},
		"has no column \"s.c0\"":                        {Method: TreeInterventional, Background: &lacking},
		"times were asked for":                          {Times: []float64{1}},
		"time 1 is NaN":                                 {Times: []float64{math.NaN()}},
		"want 2 or more":                                {Method: Permutation, Background: &small, Pairs: 1},
	} {
		if _, err := Explain(m, data.X, r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want an error with %q", r, err, want)
		}
	}
	if _, err := Explain(m, data.X, Request{Method: Permutation}); !errors.Is(err, ErrNoBackground) {
		t.Errorf("got %v", err)
	}
	if _, err := Explain(m, models.NewMatrix(data.X.Columns[1:], 1), Request{}); err == nil {
		t.Error("a matrix of other columns was explained")
	}
	if got, err := Explain(m, data.X.Select(nil), Request{}); err != nil || len(got) != 0 {
		t.Errorf("no rows: %v %v", got, err)
	}
}

// An answer that does not add up is an error, not an answer.
func TestGapIsAnError(t *testing.T) {
	a := models.Attribution{Base: 1, Values: []float64{0.5}, Output: 1.5 + 1e-8, Scale: LogOdds}
	if err := settle(&a); !errors.Is(err, ErrGap) {
		t.Errorf("got %v", err)
	}
	a.Output = 1.5 + 1e-12
	if err := settle(&a); err != nil || a.Gap == 0 {
		t.Errorf("got %v and gap %v", err, a.Gap)
	}
	a.Output = math.NaN()
	if err := settle(&a); err == nil {
		t.Error("NaN was settled")
	}
}

func TestBackgroundPrivacy(t *testing.T) {
	x := models.NewMatrix([]table.Column{{Name: "a"}, {Name: "b"}}, 12)
	for i := range x.Rows {
		x.Column(0)[i], x.Column(1)[i] = float64(i), math.NaN()
	}
	x.Column(1)[3], x.Column(1)[8] = 7, 9 // two patients alone have a value
	b, err := NewBackground(x, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range b.Rows {
		if !math.IsNaN(r[1]) {
			t.Errorf("centroid %d has %v, of fewer than five patients", i, r[1])
		}
	}
	if _, err := NewBackground(x.Select([]int{0, 1, 2, 3}), 1); err == nil {
		t.Error("a background of four patients was made")
	}
	// Ten rows of two patients are two patients.
	if _, err := NewGroupedBackground(x.Select([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), []int{0, 0, 0, 0, 0, 1, 1, 1, 1, 1}, 1); err == nil {
		t.Error("a background of two patients was made")
	}
}

func TestBackgroundJSON(t *testing.T) {
	b := Background{Columns: []string{"a", "b"}, Rows: [][]float64{{1, math.NaN()}, {0.1, 3}}, Weights: []float64{5, 6}}
	data, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"columns":["a","b"],"weights":[5,6],"rows":[[1,null],[0.1,3]]}`; string(data) != want {
		t.Errorf("got %s, want %s", data, want)
	}
	var back Background
	if err := json.Unmarshal(data, &back); err != nil || !math.IsNaN(back.Rows[0][1]) || back.Rows[1][0] != 0.1 {
		t.Errorf("%+v %v", back, err)
	}
	for _, bad := range []string{`{"columns":["a"],"weights":[1],"rows":[[1,2]]}`, `{"columns":["a"],"weights":[],"rows":[[1]]}`, `{"columns":["a"],"weights":[-1],"rows":[[1]]}`, `{}`, `{"columns":["a"],"weights":[0],"rows":[[1]]}`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
