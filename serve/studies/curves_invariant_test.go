package studies

import (
	"math"
	"testing"

	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
)

// A curve goes from 1 at the beginning to the end of the follow-up and no further; that of the test's model is exponential with a mean of
// 1000/exp(0.4 age + 0.1 volume + 0.2 TP53), standardised, which the curve's own points give back.
func TestCurves(t *testing.T) {
	b, x := bundletest.New(t)
	row := models.NewMatrix(b.Columns(), 1)
	for j := range x.Columns {
		row.Column(j)[0] = x.Column(j)[3]
	}
	got, err := curves(t.Context(), b, row)
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	c := got[0]["os"]
	if c.Unit != "d" || len(c.Times) != curvePoints || c.Times[0] != 0 || c.Survival[0] != 1 || c.Times[curvePoints-1] != b.Outcomes[1].FollowUp.Limit {
		t.Fatalf("%+v", c)
	}
	mean := -c.Times[1] / math.Log(c.Survival[1])
	for i, s := range c.Survival {
		if math.Abs(s-math.Exp(-c.Times[i]/mean)) > 1e-12 {
			t.Errorf("at %g: %g", c.Times[i], s)
		}
	}
}
