package bundle_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
)

// waves is a matrix of correlated columns that any language makes alike.
func waves(n, p int) models.Matrix {
	columns := make([]table.Column, p)
	for j := range columns {
		columns[j] = table.Column{Name: fmt.Sprintf("f.x%d", j), Source: "f"}
	}
	x := models.NewMatrix(columns, n)
	for j := range p {
		for i := range n {
			a, b := float64(i+1), float64(j+1)
			x.Column(j)[i] = math.Sin(a*b*0.7) + 2*math.Cos(a*a*0.11)*math.Pow(-1, float64(j)) + 0.1*float64(j)*math.Sin(float64(i)*1.3)
		}
	}
	return x
}

// Values: scikit-learn 1.2.1, LedoitWolf().fit(StandardScaler().fit_transform(x)).mahalanobis(z), its square root over that of the columns, for the
// training rows 0, 7 and 29 and three others: rising, all zero and alternating.
func TestSpaceOracle(t *testing.T) {
	for _, c := range []struct {
		n, p int
		want [6]float64
	}{
		{30, 4, [6]float64{1.22719978715, 1.03336982362, 0.782130591424, 4.11968203515, 0.0912455788869, 0.622247441073}},
		{30, 40, [6]float64{0.540717814462, 0.471469893605, 0.559983581727, 3.09611275637, 0.202603591617, 0.325722090296}},
		{90, 6, [6]float64{1.02286486968, 0.941739187602, 0.951698386467, 4.75718948385, 0.0309441438321, 0.525554955834}},
	} {
		check := oracle.Relative(t, "Mahalanobis distance, shrunk covariance", fmt.Sprintf("%d×%d", c.n, c.p), "scikit-learn 1.2.1", 1e-9)
		x := waves(c.n, c.p)
		s, err := bundle.NewSpace(x)
		if err != nil {
			t.Fatal(err)
		}
		others := models.NewMatrix(x.Columns, 3)
		for j := range c.p {
			others.Column(j)[0], others.Column(j)[2] = 3+0.1*float64(j), 2*math.Pow(-1, float64(j))
		}
		for k, want := range c.want {
			name := fmt.Sprintf("row %d", k)
			if k < 3 {
				check.Near(name, s.Distance(x, []int{0, 7, 29}[k]), want)
			} else {
				check.Near(name, s.Distance(others, k-3), want)
			}
		}
	}
}
