package linear

import (
	"errors"

	"gonum.org/v1/gonum/mat"
)

// solveScore tests parameters whose score is given while k others are at their maximum: the information of those is full, of the two
// together cross, and of the tested square, each k×k.
func solveScore(k int, score, full, cross, square []float64) (HazardTest, error) {
	symmetric := func(v []float64) *mat.SymDense { return mat.NewSymDense(k, append([]float64(nil), v...)) }
	var c mat.Cholesky
	if !c.Factorize(symmetric(full)) {
		return HazardTest{}, errors.New("the information matrix is singular")
	}
	var solved mat.Dense // full⁻¹·cross
	if err := c.SolveTo(&solved, mat.NewDense(k, k, append([]float64(nil), cross...))); err != nil && !errors.As(err, new(mat.Condition)) {
		return HazardTest{}, err
	}
	var explained mat.Dense
	explained.Mul(mat.NewDense(k, k, append([]float64(nil), cross...)).T(), &solved)
	left := mat.NewSymDense(k, nil)
	h := HazardTest{Statistic: make([]float64, k)}
	for a := range k {
		for b := a; b < k; b++ {
			left.SetSym(a, b, square[a*k+b]-explained.At(a, b))
		}
		h.Statistic[a] = score[a] * score[a] / left.At(a, a)
	}
	var all mat.Cholesky
	if !all.Factorize(left) {
		return HazardTest{}, errors.New("the information matrix of the test is singular")
	}
	var x mat.VecDense
	u := mat.NewVecDense(k, append([]float64(nil), score...))
	if err := all.SolveVecTo(&x, u); err != nil && !errors.As(err, new(mat.Condition)) {
		return HazardTest{}, err
	}
	h.Global = mat.Dot(u, &x)
	return h, nil
}
