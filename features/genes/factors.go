package genes

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/voxgene/voxgene/features/stat"
)

// FactorMethod is a way to find by how much the composition of a library distorts its size.
type FactorMethod string

// The methods of edgeR's calcNormFactors (Robinson and Oshlack 2010; Anders and Huber 2010; Bullard and others 2010).
const (
	TMMFactors           FactorMethod = "tmm"
	TMMwspFactors        FactorMethod = "tmmwsp"
	RLEFactors           FactorMethod = "rle"
	UpperQuartileFactors FactorMethod = "upperquartile"
)

// NormFactors returns the normalisation factor of each sample of a matrix of counts, scaled so that their product is one, with
// edgeR's defaults: log-ratios trimmed by 30 % and intensities by 5 % on either side, the reference of TMM being the sample whose
// upper quartile is nearest the mean of them. Every sample looks at every other; FitTMM is what a model takes.
func NormFactors(counts *Matrix, method FactorMethod) ([]float64, error) {
	x, sizes, err := expressedColumns(counts)
	if err != nil {
		return nil, err
	}
	f := make([]float64, len(x))
	switch method {
	case TMMFactors:
		r := upperQuartileReference(x, sizes)
		for i := range x {
			f[i] = tmm(x[i], x[r], sizes[i], sizes[r])
		}
	case TMMwspFactors:
		r := largestSqrt(x)
		for i := range x {
			f[i] = tmmwsp(x[i], x[r], sizes[i], sizes[r])
		}
	case RLEFactors:
		for i, s := range medianRatios(x, geometricMeans(x)) {
			f[i] = s / sizes[i]
		}
	case UpperQuartileFactors:
		copy(f, upperQuartiles(x, sizes))
	default:
		return nil, fmt.Errorf("no method is named %q; there are tmm, tmmwsp, rle, upperquartile", method)
	}
	scaleToProductOne(f)
	return f, nil
}

func scaleToProductOne(f []float64) {
	sum := 0.0
	for _, v := range f {
		sum += math.Log(v)
	}
	g := math.Exp(sum / float64(len(f)))
	for i := range f {
		f[i] /= g
	}
}

// expressedColumns returns the counts of each sample for genes that any sample has, and the library sizes.
func expressedColumns(m *Matrix) (x [][]float64, sizes []float64, err error) {
	n := len(m.Samples)
	x, sizes = make([][]float64, n), make([]float64, n)
	for g := range m.Genes {
		row := m.Gene(g)
		any := false
		for s, v := range row {
			if !(v >= 0) || math.IsInf(v, 0) {
				return nil, nil, fmt.Errorf("gene %s, sample %s: %v is not a count", m.Genes[g], m.Samples[s], v)
			}
			any = any || v > 0
		}
		if !any {
			continue
		}
		for s, v := range row {
			x[s] = append(x[s], v)
			sizes[s] += v
		}
	}
	for s, size := range sizes {
		if size == 0 {
			return nil, nil, fmt.Errorf("sample %s has no count", m.Samples[s])
		}
	}
	if n == 0 {
		return nil, nil, errors.New("there is no sample")
	}
	return x, sizes, nil
}

func upperQuartiles(x [][]float64, sizes []float64) []float64 {
	f := make([]float64, len(x))
	for i := range x {
		f[i] = stat.Quantile(slices.Sorted(slices.Values(x[i])), 0.75) / sizes[i]
	}
	return f
}

func upperQuartileReference(x [][]float64, sizes []float64) int {
	f := upperQuartiles(x, sizes)
	if stat.Median(f) < 1e-20 {
		return largestSqrt(x)
	}
	mean, best := stat.Mean(f), 0
	for i := range f {
		if math.Abs(f[i]-mean) < math.Abs(f[best]-mean) {
			best = i
		}
	}
	return best
}

func largestSqrt(x [][]float64) int {
	best, most := 0, math.Inf(-1)
	for i := range x {
		sum := 0.0
		for _, v := range x[i] {
			sum += math.Sqrt(v)
		}
		if sum > most {
			best, most = i, sum
		}
	}
	return best
}

const (
	ratioTrim     = 0.3
	intensityTrim = 0.05
)

// tmm is the weighted trimmed mean of the log-ratios of a library to a reference.
func tmm(obs, ref []float64, sizeObs, sizeRef float64) float64 {
	var ratio, intensity, variance []float64
	most := 0.0
	for g := range obs {
		o, r := obs[g]/sizeObs, ref[g]/sizeRef
		if o == 0 || r == 0 {
			continue
		}
		m := math.Log2(o / r)
		ratio = append(ratio, m)
		intensity = append(intensity, (math.Log2(o)+math.Log2(r))/2)
		variance = append(variance, (sizeObs-obs[g])/sizeObs/obs[g]+(sizeRef-ref[g])/sizeRef/ref[g])
		most = max(most, math.Abs(m))
	}
	if most < 1e-6 {
		return 1
	}
	n := float64(len(ratio))
	lowM, lowA := math.Floor(n*ratioTrim)+1, math.Floor(n*intensityTrim)+1
	highM, highA := n+1-lowM, n+1-lowA
	rankM, rankA := stat.Ranks(ratio), stat.Ranks(intensity)
	sum, weight := 0.0, 0.0
	for k := range ratio {
		if rankM[k] >= lowM && rankM[k] <= highM && rankA[k] >= lowA && rankA[k] <= highA {
			sum += ratio[k] / variance[k]
			weight += 1 / variance[k]
		}
	}
	f := sum / weight
	if math.IsNaN(f) {
		return 1
	}
	return math.Exp2(f)
}

// tmmwsp is tmm with singleton pairing: positive counts that meet a zero are paired with each other, largest first.
func tmmwsp(obs, ref []float64, sizeObs, sizeRef float64) float64 {
	const zero = 1e-14
	var o, r, singleObs, singleRef []float64
	for g := range obs {
		switch a, b := obs[g] > zero, ref[g] > zero; {
		case a && b:
			o, r = append(o, obs[g]), append(r, ref[g])
		case a:
			singleObs = append(singleObs, obs[g])
		case b:
			singleRef = append(singleRef, ref[g])
		}
	}
	pairs := min(len(singleObs), len(singleRef))
	sort.Sort(sort.Reverse(sort.Float64Slice(singleObs)))
	sort.Sort(sort.Reverse(sort.Float64Slice(singleRef)))
	o, r = append(o, singleObs[:pairs]...), append(r, singleRef[:pairs]...)
	n := len(o)
	if n == 0 {
		return 1
	}
	m, a, shrunk := make([]float64, n), make([]float64, n), make([]float64, n)
	most := 0.0
	for k := range o {
		po, pr := o[k]/sizeObs, r[k]/sizeRef
		m[k] = math.Log2(po / pr)
		a[k] = 0.5 * math.Log2(po*pr)
		shrunk[k] = math.Log2((o[k] + 0.5) / (sizeObs + 0.5) / ((r[k] + 0.5) / (sizeRef + 0.5)))
		most = max(most, math.Abs(m[k]))
	}
	if most < 1e-6 {
		return 1
	}
	keepM, keepA := trimmed(m, shrunk, ratioTrim), trimmed(a, nil, intensityTrim)
	sum, weight := 0.0, 0.0
	for k := range m {
		if !keepM[k] || !keepA[k] {
			continue
		}
		po, pr := o[k]/sizeObs, r[k]/sizeRef
		w := (1 + 1e-6) / ((1-po)/po/sizeObs + (1-pr)/pr/sizeRef + 1e-6)
		sum += w * m[k]
		weight += w
	}
	return math.Exp2(sum / weight)
}

// trimmed marks the values that are left when a share of them is cut at either end; ties are ordered by a second key, then by place.
func trimmed(x, second []float64, share float64) []bool {
	n := len(x)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		case second == nil:
			return 0
		case second[a] < second[b]:
			return -1
		case second[a] > second[b]:
			return 1
		}
		return 0
	})
	low := int(float64(n) * share)
	keep := make([]bool, n)
	for _, i := range order[low : n-low] {
		keep[i] = true
	}
	return keep
}

// geometricMeans returns the log of the geometric mean of each gene; -Inf where a sample has none.
func geometricMeans(x [][]float64) []float64 {
	means := make([]float64, len(x[0]))
	for g := range means {
		for s := range x {
			means[g] += math.Log(x[s][g])
		}
		means[g] /= float64(len(x))
	}
	return means
}

// medianRatios returns the median over genes of count / geometric mean, of each sample.
func medianRatios(x [][]float64, logMeans []float64) []float64 {
	f := make([]float64, len(x))
	for s := range x {
		f[s] = medianRatio(x[s], logMeans)
	}
	return f
}

func medianRatio(x, logMeans []float64) float64 {
	var ratios []float64
	for g, m := range logMeans {
		if !math.IsInf(m, 0) && x[g] > 0 {
			ratios = append(ratios, math.Log(x[g])-m)
		}
	}
	return math.Exp(stat.Median(ratios))
}
