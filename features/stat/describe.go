package stat

import (
	"math"
	"slices"
)

// Description holds the moments and order statistics of a column, missing values left out.
type Description struct {
	N                    int
	Mean, SD             float64 // divisor n−1
	Median, MAD, IQR     float64 // MAD times 1.4826, as R
	Skewness, Kurtosis   float64 // of the population formulas; Kurtosis is in excess of the normal's 3
	Minimum, Maximum     float64
	TrimmedMean          float64 // a tenth left out at each end
	Quartile1, Quartile3 float64
}

// Describe returns the description of x.
func Describe(x []float64) Description {
	s := slices.Sorted(slices.Values(present(x)))
	d := Description{N: len(s)}
	if d.N == 0 {
		return Description{0, none, none, none, none, none, none, none, none, none, none, none, none}
	}
	d.Mean, d.SD = Mean(s), math.Sqrt(Variance(s))
	d.Median, d.Quartile1, d.Quartile3 = Quantile(s, 0.5), Quantile(s, 0.25), Quantile(s, 0.75)
	d.IQR = d.Quartile3 - d.Quartile1
	d.Minimum, d.Maximum = s[0], s[d.N-1]
	away := make([]float64, d.N)
	var m2, m3, m4 float64
	for i, v := range s {
		e := v - d.Mean
		away[i] = math.Abs(v - d.Median)
		m2, m3, m4 = m2+e*e, m3+e*e*e, m4+e*e*e*e
	}
	d.MAD = 1.4826 * Median(away)
	n := float64(d.N)
	d.Skewness, d.Kurtosis = m3/n/math.Pow(m2/n, 1.5), m4/n/sq(m2/n)-3
	cut := int(0.1 * n)
	d.TrimmedMean = Mean(s[cut : d.N-cut])
	return d
}

// QuantileWeibull is the p-quantile of ascending values with plotting positions k/(n+1) (type 6 of Hyndman and Fan 1996, SPSS and Minitab).
func QuantileWeibull(ascending []float64, p float64) float64 {
	n := len(ascending)
	if n == 0 {
		return none
	}
	h := p*float64(n+1) - 1
	k := math.Floor(h)
	switch {
	case k < 0:
		return ascending[0]
	case int(k)+1 >= n:
		return ascending[n-1]
	}
	return ascending[int(k)] + (h-k)*(ascending[int(k)+1]-ascending[int(k)])
}

// ShapiroWilk tests whether a column is normal, for 3 to 5,000 values (Royston 1995, algorithm AS R94). NaN outside, and for a constant.
func ShapiroWilk(x []float64) Test {
	s := slices.Sorted(slices.Values(present(x)))
	n := len(s)
	t := Test{Statistic: none, DF: none, DF2: none, P: none}
	if n < 3 || n > 5000 || s[0] == s[n-1] {
		return t
	}
	weights := shapiroWeights(n)
	_, ss := squares(s)
	b := 0.0
	for i, w := range weights {
		b += w * (s[n-1-i] - s[i])
	}
	deficit := (ss - b*b) / ss
	t.Statistic = 1 - deficit
	t.P = shapiroP(t.Statistic, deficit, n)
	return t
}

// shapiroWeights are the upper half of the weights of order statistics, largest first.
func shapiroWeights(n int) []float64 {
	if n == 3 {
		return []float64{math.Sqrt(0.5)}
	}
	m, sum := make([]float64, n/2), 0.0
	for i := range m {
		m[i] = -NormalQuantile((float64(i) + 0.625) / (float64(n) + 0.25))
		sum += 2 * m[i] * m[i]
	}
	u := 1 / math.Sqrt(float64(n))
	length := math.Sqrt(sum)
	a := make([]float64, n/2)
	a[0] = polynomial(u, 0, 0.221157, -0.147981, -2.07119, 4.434685, -2.706056) + m[0]/length
	first, left, taken := 1, sum-2*m[0]*m[0], 2*a[0]*a[0]
	if n > 5 {
		a[1] = polynomial(u, 0, 0.042981, -0.293762, -1.752461, 5.682633, -3.582633) + m[1]/length
		first, left, taken = 2, left-2*m[1]*m[1], taken+2*a[1]*a[1]
	}
	scale := math.Sqrt(left / (1 - taken))
	for i := first; i < len(a); i++ {
		a[i] = m[i] / scale
	}
	return a
}

func shapiroP(w, deficit float64, n int) float64 {
	if n == 3 {
		return max(0, 6/math.Pi*(math.Asin(math.Sqrt(w))-math.Asin(math.Sqrt(0.75))))
	}
	y, size := math.Log(deficit), float64(n)
	var mean, sd float64
	if n <= 11 {
		gamma := -2.273 + 0.459*size
		if y >= gamma {
			return 1e-99
		}
		y = -math.Log(gamma - y)
		mean = polynomial(size, 0.544, -0.39978, 0.025054, -6.714e-4)
		sd = math.Exp(polynomial(size, 1.3822, -0.77857, 0.062767, -0.0020322))
	} else {
		l := math.Log(size)
		mean = polynomial(l, -1.5861, -0.31082, -0.083751, 0.0038915)
		sd = math.Exp(polynomial(l, -0.4803, -0.082676, 0.0030302))
	}
	return math.Erfc((y-mean)/sd/math.Sqrt2) / 2
}

// polynomial evaluates c[0] + c[1]·x + c[2]·x² …
func polynomial(x float64, c ...float64) float64 {
	v := 0.0
	for i := len(c) - 1; i >= 0; i-- {
		v = v*x + c[i]
	}
	return v
}
