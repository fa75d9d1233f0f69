//go:build !(goexperiment.simd && amd64)

package neural

// vectorised says whether the Go backend multiplies matrices with vector instructions.
const vectorised = false
