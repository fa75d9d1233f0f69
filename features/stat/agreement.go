package stat

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// ICC is an intraclass correlation with its F test and interval.
type ICC struct {
	Value, Low, High float64
	F, DF1, DF2, P   float64
}

// ICCs are the six forms of Shrout and Fleiss (1979).
type ICCs struct {
	OneWay, Absolute, Consistency    ICC // ICC(1,1), ICC(2,1), ICC(3,1): a single reader
	OneWayK, AbsoluteK, ConsistencyK ICC // the mean of k readers
}

// IntraclassCorrelation returns all six forms for ratings[subject][reader], with intervals at the given level. Subjects with a missing
// rating are left out. Fewer than two subjects or readers give NaN.
func IntraclassCorrelation(ratings [][]float64, level float64) ICCs {
	m, ok := meanSquares(ratings)
	if !ok {
		nan := ICC{none, none, none, none, none, none, none}
		return ICCs{nan, nan, nan, nan, nan, nan}
	}
	n, k := m.n, m.k
	tail := (1 + level) / 2
	quantile := func(d1, d2 float64) float64 { return distuv.F{D1: d1, D2: d2}.Quantile(tail) }
	df1 := n - 1
	var out ICCs

	f, df2 := m.subjects/m.within, n*(k-1)
	low, high := f/quantile(df1, df2), f*quantile(df2, df1)
	test := ICC{F: f, DF1: df1, DF2: df2, P: FP(f, df1, df2)}
	out.OneWay = test.with((f-1)/(f+k-1), (low-1)/(low+k-1), (high-1)/(high+k-1))
	out.OneWayK = test.with(1-1/f, 1-1/low, 1-1/high)

	f, df2 = m.subjects/m.rest, (n-1)*(k-1)
	low, high = f/quantile(df1, df2), f*quantile(df2, df1)
	test = ICC{F: f, DF1: df1, DF2: df2, P: FP(f, df1, df2)}
	out.Consistency = test.with((f-1)/(f+k-1), (low-1)/(low+k-1), (high-1)/(high+k-1))
	out.ConsistencyK = test.with(1-1/f, 1-1/low, 1-1/high)

	value := (m.subjects - m.rest) / (m.subjects + (k-1)*m.rest + k*(m.readers-m.rest)/n)
	fj := m.readers / m.rest
	vn := (k - 1) * (n - 1) * sq(k*value*fj+n*(1+(k-1)*value)-k*value)
	vd := (n-1)*k*k*value*value*fj*fj + sq(n*(1+(k-1)*value)-k*value)
	v := vn / vd
	fl, fu := quantile(df1, v), quantile(v, df1)
	l := n * (m.subjects - fl*m.rest) / (fl*(k*m.readers+(k*n-k-n)*m.rest) + n*m.subjects)
	u := n * (fu*m.subjects - m.rest) / (k*m.readers + (k*n-k-n)*m.rest + n*fu*m.subjects)
	out.Absolute = test.with(value, l, u)
	out.AbsoluteK = test.with((m.subjects-m.rest)/(m.subjects+(m.readers-m.rest)/n), l*k/(1+l*(k-1)), u*k/(1+u*(k-1)))
	return out
}

func (i ICC) with(value, low, high float64) ICC {
	i.Value, i.Low, i.High = value, low, high
	return i
}

func sq(x float64) float64 { return x * x }

// twoWay are the mean squares of a subjects × readers layout.
type twoWay struct{ n, k, subjects, readers, within, rest float64 }

func meanSquares(ratings [][]float64) (twoWay, bool) {
	var full [][]float64
	for _, r := range ratings {
		if len(present(r)) == len(r) {
			full = append(full, r)
		}
	}
	if len(full) < 2 || len(full[0]) < 2 {
		return twoWay{}, false
	}
	n, k := float64(len(full)), float64(len(full[0]))
	readers := make([]float64, len(full[0]))
	grand := 0.0
	for _, r := range full {
		grand += Mean(r) / n
		for j, v := range r {
			readers[j] += v / n
		}
	}
	var ssSubjects, ssReaders, ssTotal float64
	for _, r := range full {
		ssSubjects += k * sq(Mean(r)-grand)
		for _, v := range r {
			ssTotal += sq(v - grand)
		}
	}
	for _, v := range readers {
		ssReaders += n * sq(v-grand)
	}
	return twoWay{
		n: n, k: k,
		subjects: ssSubjects / (n - 1),
		readers:  ssReaders / (k - 1),
		within:   (ssTotal - ssSubjects) / (n * (k - 1)),
		rest:     (ssTotal - ssSubjects - ssReaders) / ((n - 1) * (k - 1)),
	}, true
}

// ConcordanceCorrelation is Lin's coefficient of agreement between x and y, with moments of divisor n.
func ConcordanceCorrelation(x, y []float64) float64 {
	cx, cy := complete(x, y)
	n := float64(len(cx))
	mx, sx := squares(cx)
	my, sy := squares(cy)
	sxy := 0.0
	for i := range cx {
		sxy += (cx[i] - mx) * (cy[i] - my)
	}
	return 2 * sxy / n / (sx/n + sy/n + sq(mx-my))
}

// Agreement holds Bland and Altman's limits: the mean difference, its standard deviation, and mean ± 1.96 of them.
type Agreement struct{ Mean, SD, Low, High float64 }

// BlandAltman returns the limits of agreement of the differences x−y.
func BlandAltman(x, y []float64) Agreement {
	cx, cy := complete(x, y)
	d := make([]float64, len(cx))
	for i := range cx {
		d[i] = cx[i] - cy[i]
	}
	mean, sd := Mean(d), math.Sqrt(Variance(d))
	return Agreement{mean, sd, mean - 1.96*sd, mean + 1.96*sd}
}
