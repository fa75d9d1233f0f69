package filter

import (
	"math"
	"math/cmplx"

	"gonum.org/v1/gonum/dsp/fourier"
)

// lineTransform is the Fourier transform of lines of one length, undivided both ways. A length with a large prime factor, for which the
// mixed-radix transform takes a time that grows with its square, goes through a convolution of a friendlier length [Bluestein1970].
//
// [Bluestein1970]: https://doi.org/10.1109/TAU.1970.1162132
type lineTransform struct {
	direct *fourier.CmplxFFT
	// Of the convolution: its transform, the chirp, the transform of the chirp's conjugate, and room.
	inner               *fourier.CmplxFFT
	chirp, filter, work []complex128
}

func newLineTransform(n int) *lineTransform {
	rest := n
	for _, f := range []int{2, 3, 5, 7, 11, 13} {
		for rest%f == 0 {
			rest /= f
		}
	}
	if rest == 1 {
		return &lineTransform{direct: fourier.NewCmplxFFT(n)}
	}
	m := fast(2*n - 1)
	t := &lineTransform{inner: fourier.NewCmplxFFT(m), chirp: make([]complex128, n), filter: make([]complex128, m), work: make([]complex128, m)}
	for k := range n {
		t.chirp[k] = cmplx.Rect(1, -math.Pi*float64(k*k%(2*n))/float64(n))
		t.filter[k] = cmplx.Conj(t.chirp[k])
		if k > 0 {
			t.filter[m-k] = t.filter[k]
		}
	}
	t.inner.Coefficients(t.filter, t.filter)
	return t
}

// apply transforms a line in place.
func (t *lineTransform) apply(x []complex128, forward bool) {
	if t.direct != nil {
		if forward {
			t.direct.Coefficients(x, x)
		} else {
			t.direct.Sequence(x, x)
		}
		return
	}
	turn := func(c complex128) complex128 { // backwards is the conjugate of forwards of the conjugate
		if forward {
			return c
		}
		return cmplx.Conj(c)
	}
	clear(t.work)
	for k, c := range x {
		t.work[k] = turn(c) * t.chirp[k]
	}
	t.inner.Coefficients(t.work, t.work)
	for k := range t.work {
		t.work[k] *= t.filter[k]
	}
	t.inner.Sequence(t.work, t.work)
	scale := complex(1/float64(len(t.work)), 0)
	for k := range x {
		x[k] = turn(t.work[k] * t.chirp[k] * scale)
	}
}
