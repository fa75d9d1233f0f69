package bundle_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models/bundle"
)

// With many columns, where directions are pooled: a patient drawn like the cohort is seldom far, one that breaks how columns go together
// is far though every value is usual, constant and missing columns do no harm, and what is stored says the same.
func TestSpace(t *testing.T) {
	const n, p = 300, 200
	x := waves(n, p)
	r := work.Seed(4).Rand()
	for j := range p {
		v := x.Column(j)
		for i := range n {
			v[i] = 0.3 * r.NormFloat64()
		}
	}
	for i := range n { // two factors
		a, b := r.NormFloat64(), r.NormFloat64()
		for j := range p {
			x.Column(j)[i] += map[bool]float64{true: a, false: b}[j%2 == 0]
		}
	}
	for i := range n {
		x.Column(7)[i] = 3
	}
	x.Column(8)[5] = math.NaN()
	rows := make([]int, n-60)
	for i := range rows {
		rows[i] = i
	}
	s, err := bundle.NewSpace(x.Select(rows))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var stored bundle.Space
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatal(err)
	}
	most, far := s.Distances[len(s.Distances)-1], 0
	for i := n - 60; i < n; i++ {
		d := s.Distance(x, i)
		if d > most {
			far++
		}
		if e := stored.Distance(x, i); math.Abs(d-e) > 1e-4 {
			t.Errorf("distance %g, stored %g", d, e)
		}
	}
	if far > 3 {
		t.Errorf("%d of 60 patients of the cohort's kind are further than any in it", far)
	}
	broken := x.Select([]int{0})
	for j := range p {
		broken.Column(j)[0] = 1.5 * math.Pow(-1, float64(j/2))
	}
	if d := s.Distance(broken, 0); d < 1.5*most {
		t.Errorf("a patient unlike the cohort is at %g, the furthest in it at %g", d, most)
	}
	if slices.Contains(s.On, 7) {
		t.Error("a constant column counts")
	}
	if s, err := bundle.NewSpace(x.Select(rows[:19])); s != nil || err != nil {
		t.Errorf("19 rows: %v, %v", s, err)
	}
}
