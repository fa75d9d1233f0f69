package filter_test

import (
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/radiomics/filter"
)

// wave is a plane wave of a period in voxels along a direction.
func wave(n int, direction [3]float64, period float64) filter.Block {
	b := filter.NewBlock([3]int{n, n, n})
	for i := range b.Values {
		d := float64(i%n)*direction[0] + float64(i/n%n)*direction[1] + float64(i/n/n)*direction[2]
		b.Values[i] = math.Cos(2 * math.Pi * d / period)
	}
	return b
}

// Along its own direction a plane wave has the whole of a second-order transform, and across it none, whichever way it runs; unsteered it
// has the square of the direction's part along the axis.
func TestSteeredWave(t *testing.T) {
	const n = 32
	base := filter.Base{Sigma: 1.5, CutOff: 4, Border: filter.Periodic}
	for _, d := range [][3]float64{{1, 0, 0}, {0, 0, 1}, {1 / math.Sqrt2, 1 / math.Sqrt2, 0}, {2.0 / 3, -1.0 / 3, 2.0 / 3}} {
		b := wave(n, d, 8)
		response := filter.LaplacianKernel(b, 1.5, 4, 3, filter.Periodic)
		along, across := base.Steered(b, [3]int{2, 0, 0}, 2), base.Steered(b, [3]int{0, 0, 2}, 2)
		plain := base.Riesz(b, [3]int{2, 0, 0})
		top := 0.0
		for _, x := range response.Values {
			top = max(top, math.Abs(x))
		}
		for k := 10; k < 22; k++ {
			for j := 10; j < 22; j++ {
				for i := 10; i < 22; i++ {
					at := (k*n+j)*n + i
					// (−i)² = −1. A wave that does not repeat in the block leaks a little.
					if math.Abs(along.Values[at]+response.Values[at]) > 0.12*top || math.Abs(across.Values[at]) > 0.06*top {
						t.Fatalf("%v, voxel %d: %g along and %g across, of a response of %g", d, at, along.Values[at], across.Values[at], response.Values[at])
					}
					if math.Abs(plain.Values[at]+d[0]*d[0]*response.Values[at]) > 0.12*top {
						t.Fatalf("%v, voxel %d: %g unsteered, of a response of %g", d, at, plain.Values[at], response.Values[at])
					}
				}
			}
		}
	}
}

// An image that is turned by a right angle has the turned response: x and y change places.
func TestSteeredTurns(t *testing.T) {
	const n = 20
	b, turned := filter.NewBlock([3]int{n, n, n}), filter.NewBlock([3]int{n, n, n})
	for i := range b.Values {
		x, y, z := i%n, i/n%n, i/n/n
		b.Values[i] = float64((x*x*7+y*13*z+z*z*5)%37) + 40*math.Exp(-float64((x-9)*(x-9)+3*(y-7)*(y-7)+2*(z-11)*(z-11))/30)
		turned.Values[(z*n+x)*n+y] = b.Values[i]
	}
	base := filter.Base{Level: 1, Border: filter.Mirror}
	for _, l := range [][3]int{{2, 0, 0}, {0, 2, 0}, {1, 1, 2}, {0, 0, 4}} {
		a, c := base.Steered(b, l, 1.5), base.Steered(turned, l, 1.5)
		for i := range a.Values {
			x, y, z := i%n, i/n%n, i/n/n
			got, want := c.Values[(z*n+x)*n+y], a.Values[i]
			if l[0]%2+l[1]%2+l[2]%2 > 0 { // the sign of an axis is chosen by its components
				got, want = math.Abs(got), math.Abs(want)
			}
			if math.Abs(got-want) > 1e-6 {
				t.Fatalf("orders %v: %g at a voxel, and %g turned", l, want, got)
			}
		}
	}
}

// The parts of a transform of one order have, together, the energy of the response, steered or not.
func TestSteeredEnergy(t *testing.T) {
	b := wave(16, [3]float64{0.6, 0.8, 0}, 4)
	for i := range b.Values {
		b.Values[i] += float64(i * 7919 % 11)
	}
	base := filter.Base{Level: 1, Border: filter.Periodic}
	var plain, steered float64
	for _, l := range [][3]int{{2, 0, 0}, {0, 2, 0}, {0, 0, 2}, {1, 1, 0}, {1, 0, 1}, {0, 1, 1}} {
		along := base.Steered(b, l, 1)
		for i, x := range base.Riesz(b, l).Values {
			plain += x * x
			steered += along.Values[i] * along.Values[i]
		}
	}
	if math.Abs(plain-steered) > 1e-6*plain {
		t.Errorf("energy %g, and %g along axes that follow the image", plain, steered)
	}
}
