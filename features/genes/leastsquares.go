package genes

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// leastSquares fits many responses to one design. Its factorisation is made once for complete responses, and once more for each
// response with missing values.
type leastSquares struct {
	design *mat.Dense
	qr     mat.QR
}

func newLeastSquares(design *mat.Dense) *leastSquares {
	l := &leastSquares{design: design}
	l.qr.Factorize(design)
	return l
}

// fit returns the coefficients of a response; NaN leaves a row out. They are NaN where the rows left cannot determine them.
func (l *leastSquares) fit(y []float64) []float64 {
	_, p := l.design.Dims()
	var rows []int
	for i, v := range y {
		if v == v {
			rows = append(rows, i)
		}
	}
	beta := mat.NewVecDense(p, nil)
	if len(rows) == len(y) {
		if err := l.qr.SolveVecTo(beta, false, mat.NewVecDense(len(y), y)); err != nil {
			return nans(p)
		}
		return beta.RawVector().Data
	}
	if len(rows) < p {
		return nans(p)
	}
	d := mat.NewDense(len(rows), p, nil)
	z := mat.NewVecDense(len(rows), nil)
	for k, i := range rows {
		d.SetRow(k, l.design.RawRowView(i))
		z.SetVec(k, y[i])
	}
	var qr mat.QR
	qr.Factorize(d)
	if err := qr.SolveVecTo(beta, false, z); err != nil {
		return nans(p)
	}
	return beta.RawVector().Data
}

func nans(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = math.NaN()
	}
	return v
}
