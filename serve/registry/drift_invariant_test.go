package registry

import (
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
)

// Values like those of training have a small index, shifted ones a large one, also once windows turn; too few have none; an input that
// nobody calls strong is not watched.
func TestDrift(t *testing.T) {
	b, x := bundletest.Wide(t, 3)
	b.Outcomes[0].Strongest = []string{"f.feature1", "f.feature1", "nothing"}
	d := newDrift(b)
	index := func() (psi float64) {
		psi = math.NaN()
		d.Index(func(name string, v float64) {
			if name != "f.feature1" {
				t.Errorf("%s is watched", name)
			}
			psi = v
		})
		return psi
	}
	r := work.Seed(3).Rand()
	draw := func(n int, shift float64) {
		for range n {
			m := models.NewMatrix(x.Columns, 1)
			for j := range m.Values {
				m.Values[j] = x.Column(j)[r.IntN(x.Rows)] + shift
			}
			d.Observe(m)
		}
	}
	draw(199, 0)
	if v := index(); v == v {
		t.Errorf("an index of 199 patients: %g", v)
	}
	draw(2400, 0)
	if v := index(); !(v >= 0 && v < 0.1) {
		t.Errorf("like training: %g", v)
	}
	draw(2400, 1)
	if v := index(); !(v > 0.25) {
		t.Errorf("shifted by a standard deviation: %g", v)
	}
	draw(2400, 0)
	if v := index(); !(v < 0.1) {
		t.Errorf("like training again: %g", v)
	}
}
