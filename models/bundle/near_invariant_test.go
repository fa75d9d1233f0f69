package bundle

import (
	"fmt"
	"testing"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
)

// What near takes for near is no further by Distance, to the last bit of it; of many columns it knows most patients like the cohort at once.
func TestNear(t *testing.T) {
	r := work.Seed(6).Rand()
	for _, p := range []int{10, 200} {
		columns := make([]table.Column, p)
		for j := range columns {
			columns[j] = table.Column{Name: fmt.Sprint("f.", j)}
		}
		z := models.NewMatrix(columns, 300)
		for i := range z.Rows { // one factor, and now and then a patient that is unusual along it or against it
			factor, own := r.NormFloat64(), 1+float64(i%20/18)
			for j := range p {
				z.Column(j)[i] = factor*float64(1+i%7/6) + own*r.NormFloat64()
			}
		}
		cohort := make([]int, 150)
		for i := range cohort {
			cohort[i] = i
		}
		s, err := NewSpace(z.Select(cohort))
		if err != nil {
			t.Fatal(err)
		}
		most := s.Distances[len(s.Distances)-4]
		var near, within, beyond int
		for i := range z.Rows {
			d := s.Distance(z, i)
			switch {
			case d > most:
				beyond++
			default:
				within++
			}
			if s.near(z, i, most) {
				if near++; d > most {
					t.Errorf("%d columns: row %d is %v away, the most is %v, and it is called near", p, i, d, most)
				}
			}
			if s.near(z, i, d) && s.Distance(z, i) > d {
				t.Errorf("row %d is further than itself", i)
			}
		}
		if within == 0 || beyond == 0 || p > spaceWhole && near < within/4 {
			t.Errorf("%d columns: of %d rows within and %d beyond, %d are near", p, within, beyond, near)
		}
	}
}
