package stat

import "golang.org/x/sys/cpu"

var hasFMA = cpu.X86.HasAVX2 && cpu.X86.HasFMA

//go:noescape
func kernelFMA(k int, a, b, c *float64)

// kernel multiplies one pair of packed panels; see kernelGo.
func kernel(k int, a, b []float64, c *[panelX * panelY]float64) {
	if hasFMA && k > 0 {
		kernelFMA(k, &a[:k*panelX][0], &b[:k*panelY][0], &c[0])
		return
	}
	kernelGo(k, a, b, c)
}
