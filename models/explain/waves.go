package explain

import (
	"math"
	"sync"
)

// series is a cosine series: Σ coefficients[m] cos(rate m (v − low)).
type series struct {
	low, rate    float64
	coefficients []float64
}

// waves is a function that is flat on both sides, as cosine series over as wide a window as is asked for. It is safe for concurrent use.
type waves struct {
	shape  func(v float64) float64
	flat   [2]float64 // where it is flat
	mutex  sync.Mutex
	series map[[2]float64]series
}

func newWaves(shape func(v float64) float64, low, high float64) *waves {
	return &waves{shape: shape, flat: [2]float64{low, high}, series: map[[2]float64]series{}}
}

// terms returns the series of the shape over a window that holds low to high.
func (l *waves) terms(low, high float64) series {
	const step = 32 // windows grow by this, so that there are few
	window := [2]float64{l.flat[0] - step*math.Ceil(max(0, l.flat[0]-low)/step), l.flat[1] + step*math.Ceil(max(0, high-l.flat[1])/step)}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	s, ok := l.series[window]
	if !ok {
		s = cosines(l.shape, window[0], window[1])
		l.series[window] = s
	}
	return s
}

// cosines returns the series of f, which is flat at low and high, to 1e-14: by the trapezoidal rule, which is exact for the series
// but for terms beyond the number of points.
func cosines(f func(float64) float64, low, high float64) series {
	points := 16 * int(math.Ceil(high-low))
	at, turn := make([]float64, points+1), make([]float64, 2*points)
	for p := range turn {
		turn[p] = math.Cos(math.Pi * float64(p) / float64(points))
	}
	for p := range at {
		at[p] = f(low + (high-low)*float64(p)/float64(points))
	}
	s := series{low: low, rate: math.Pi / (high - low)}
	for m, small := 0, 0; small < 8 && m < points; m++ {
		sum := 0.0
		for p, v := range at {
			weight := 2.0
			if p == 0 || p == points {
				weight = 1
			}
			sum += weight * v * turn[m*p%(2*points)]
		}
		c := sum / float64(points)
		if m == 0 {
			c /= 2
		}
		s.coefficients = append(s.coefficients, c)
		if small++; math.Abs(c) > 1e-14 {
			small = 0
		}
	}
	return s
}

// rule is a Gauss–Legendre rule on [0, 1].
type rule struct{ at, weight []float64 }

var (
	rules     = map[int]rule{}
	rulesLock sync.Mutex
)

func legendre(points int) rule {
	points = max(points, 1)
	rulesLock.Lock()
	defer rulesLock.Unlock()
	r, ok := rules[points]
	if !ok {
		r.at, r.weight = quadrature(points, points)
		rules[points] = r
	}
	return r
}

// ruleFor returns a rule for a product of n factors 1 + t(z − 1), where |z| = 1 and the |z − 1| sum to chords. On the ellipse about
// [0, 1] whose half axes sum to ρ/2, no point is further than y = (ρ − 1/ρ)/4 from [0, 1], where a factor is at most one, so the
// product is at most (1 + y·mean chord)^n by Jensen's inequality, and k points leave an error of that by ρ^−2k.
func ruleFor(n int, chords float64) rule {
	points := float64((n + 1) / 2)
	if points > 8 {
		for _, rho := range []float64{1.5, 2, 3, 5, 8, 16, 32} {
			points = min(points, math.Ceil((36+float64(n)*math.Log1p((rho-1/rho)/4*chords/float64(n)))/(2*math.Log(rho))))
		}
		if points = 4 * math.Ceil(points/4); points > float64((n+1)/2) {
			points = float64((n + 1) / 2)
		}
	}
	return legendre(int(points))
}
