package filter

import "golang.org/x/sys/cpu"

var hasAVX = cpu.X86.HasAVX

//go:noescape
func recurseAVX(y, x *float64, step, n, rows int, c *[8]float64)

//go:noescape
func addSingleAVX(out, s *float64, n int)

// recurse is recurseGo, four rows at a time where the processor can. The bits are the same.
func recurse(y, x []float64, at, from, step, n, rows int, c *[8]float64) {
	if !hasAVX || rows < 1 || n < 1 {
		recurseGo(y, x, at, from, step, n, rows, c)
		return
	}
	// The first and the last element that either touches.
	_, _, _, _ = y[at], y[at+4*step+n-1], x[from], x[from+3*step+n-1]
	end := -(rows - 1) * step
	_, _, _, _ = y[at+end+n-1], y[at+end+4*step], x[from+end+n-1], x[from+end+3*step]
	recurseAVX(&y[at], &x[from], step, n, rows, c)
}

// addSingle adds s to out in single precision.
func addSingle(out, s []float64) {
	n := 0
	if hasAVX && len(out) >= 4 {
		n = len(out) &^ 3
		addSingleAVX(&out[0], &s[:n][0], n)
	}
	addSingleGo(out[n:], s[n:])
}
