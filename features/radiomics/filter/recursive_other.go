//go:build !amd64

package filter

// recurse is recurseGo.
func recurse(y, x []float64, at, from, step, n, rows int, c *[8]float64) {
	recurseGo(y, x, at, from, step, n, rows, c)
}

// addSingle is addSingleGo.
func addSingle(out, s []float64) { addSingleGo(out, s) }
