//go:build !amd64

package stat

// kernel multiplies one pair of packed panels; see kernelGo.
func kernel(k int, a, b []float64, c *[panelX * panelY]float64) { kernelGo(k, a, b, c) }
