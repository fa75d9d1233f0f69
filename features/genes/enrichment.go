package genes

import (
	"cmp"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/stat"
)

// Ranking is a list of genes from the most to the least associated, which enrichment walks down.
type Ranking struct {
	order []int     // genes by falling statistic
	place []int     // place of each gene in order
	size  []float64 // |statistic|^weight of each gene
}

// Rank orders genes by falling statistic; ties keep the order of genes. weight is GSEA's p: 1 weighs hits by their statistic, 0 counts
// them. A missing statistic ranks as 0.
func Rank(statistic []float64, weight float64) Ranking {
	n := len(statistic)
	r := Ranking{order: make([]int, n), place: make([]int, n), size: make([]float64, n)}
	keys := make([]rankKey, n)
	for i, s := range statistic {
		if math.IsNaN(s) {
			s = 0
		}
		keys[i] = rankKey{falling(s), i}
		switch weight {
		case 0:
			r.size[i] = 1
		case 1:
			r.size[i] = math.Abs(s)
		default:
			r.size[i] = math.Pow(math.Abs(s), weight)
		}
	}
	slices.SortFunc(keys, func(a, b rankKey) int {
		if a.value != b.value {
			return cmp.Compare(a.value, b.value)
		}
		return a.gene - b.gene
	})
	for k, key := range keys {
		r.order[k] = key.gene
		r.place[key.gene] = k
	}
	return r
}

// rankKey sorts genes by falling statistic as whole numbers, which is twice as fast as comparing floats.
type rankKey struct {
	value uint64
	gene  int
}

// falling maps a number to an integer that falls as it rises; −0 counts as 0.
func falling(v float64) uint64 {
	b := math.Float64bits(v + 0)
	if b>>63 == 1 {
		return b
	}
	return ^b &^ (1 << 63)
}

// Enrichment is where a set lies in a ranking.
type Enrichment struct {
	Score float64 // the running sum's deviation of largest size, −1 to 1
	Peak  int     // place of the peak, from 1
	// LeadingEdge are the genes of the set up to the peak, from the top for a positive score and from the peak on for a negative one.
	LeadingEdge []int
}

// Score returns the enrichment of a set by Subramanian and others (2005). The set is a list of gene indices without repetitions. An empty
// set, one of all genes, and one whose statistics are all 0 have the score NaN.
//
// It takes O(m log m) for m genes in the set: the running sum falls in straight lines between hits, so its extremes lie at hits.
func (r Ranking) Score(set []int) Enrichment {
	n, m := len(r.order), len(set)
	places := make([]int, m)
	total := 0.0
	for k, g := range set {
		places[k] = r.place[g]
		total += r.size[g]
	}
	if m == 0 || m == n || total == 0 {
		return Enrichment{Score: math.NaN()}
	}
	slices.Sort(places)
	miss := 1 / float64(n-m)
	high, low := math.Inf(-1), math.Inf(1)
	highAt, lowAt := 0, 0
	hits := 0.0
	for k, p := range places {
		before := hits/total - float64(p-k)*miss // just before this hit
		if before < low {
			low, lowAt = before, p
		}
		hits += r.size[r.order[p]]
		if after := hits/total - float64(p-k)*miss; after > high {
			high, highAt = after, p+1
		}
	}
	if high > -low { // a tie goes to the negative peak
		e := Enrichment{Score: high, Peak: highAt}
		for _, p := range places {
			if p < highAt {
				e.LeadingEdge = append(e.LeadingEdge, r.order[p])
			}
		}
		return e
	}
	e := Enrichment{Score: low, Peak: lowAt}
	for _, p := range places {
		if p >= lowAt {
			e.LeadingEdge = append(e.LeadingEdge, r.order[p])
		}
	}
	return e
}

// OverRepresentation is the probability of at least this overlap between a set and the selected genes when the latter are drawn from the
// universe at random: the upper tail of the hypergeometric distribution.
func OverRepresentation(universe, inSet, selected, overlap int) float64 {
	choose := func(n, k int) float64 {
		if k < 0 || k > n {
			return math.Inf(-1)
		}
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(k + 1))
		c, _ := math.Lgamma(float64(n - k + 1))
		return a - b - c
	}
	all, sum := choose(universe, selected), 0.0
	for k := min(inSet, selected); k >= overlap; k-- {
		sum += math.Exp(choose(inSet, k) + choose(universe-inSet, selected-k) - all)
	}
	return min(1, sum)
}

// SetTest is a competitive test of a gene set.
type SetTest struct {
	Genes       int
	Correlation float64 // between genes of the set; NaN for a set of one
	T           float64 // negative where the set's genes go down
	P           float64 // two-sided
}

// CameraPreranked tests whether the statistics of a set differ from those of the other genes, with the variance inflated by a correlation
// between genes that is given, by default .01 (Wu and Smyth 2012; limma's cameraPR). statistic should be nearly normal.
func CameraPreranked(statistic []float64, set []int, correlation float64) SetTest {
	vif := 1 + float64(len(set)-1)*correlation
	t := competitive(statistic, set, vif, float64(len(statistic)-2))
	t.Correlation = correlation
	return t
}

// Camera is CameraPreranked with the correlation between genes of the set estimated from residuals: rows of residual are genes, scaled to a
// mean square of 1, and df is their degrees of freedom. A negative correlation counts as none.
func Camera(statistic []float64, residual [][]float64, df float64, set []int) SetTest {
	m := float64(len(set))
	vif, correlation := 1.0, math.NaN()
	if len(set) > 1 {
		sum := 0.0
		for k := range residual[set[0]] {
			mean := 0.0
			for _, g := range set {
				mean += residual[g][k]
			}
			mean /= m
			sum += mean * mean
		}
		vif = m * sum / float64(len(residual[set[0]]))
		correlation = (vif - 1) / (m - 1)
	}
	t := competitive(statistic, set, max(1, vif), min(df, float64(len(statistic)-2)))
	t.Correlation = correlation
	return t
}

// competitive is the two-sample t test of a set against the rest, with the set's part of the variance inflated.
func competitive(statistic []float64, set []int, vif, df float64) SetTest {
	n, m := float64(len(statistic)), float64(len(set))
	rest := n - m
	t := SetTest{Genes: len(set), T: math.NaN(), P: math.NaN()}
	if m == 0 || rest == 0 || n < 3 {
		return t
	}
	inside := 0.0
	for _, g := range set {
		inside += statistic[g]
	}
	delta := n / rest * (inside/m - stat.Mean(statistic))
	pooled := ((n-1)*stat.Variance(statistic) - delta*delta*m*rest/n) / (n - 2)
	t.T = delta / math.Sqrt(pooled*(vif/m+1/rest))
	t.P = stat.StudentP(t.T, df)
	return t
}

// NormalScore turns a t statistic into one that is nearly standard normal, by Hill's expansion (1970), good to 1e-4 from 3 degrees of
// freedom on and far better from 10.
func NormalScore(t, df float64) float64 {
	if math.IsInf(df, 1) {
		return t
	}
	a := df - 0.5
	b := 48 * a * a
	z := a * math.Log1p(t/df*t)
	z = (((((-0.4*z-3.3)*z-24)*z-85.5)/(0.8*z*z+100+b)+z+3)/b + 1) * math.Sqrt(z)
	return math.Copysign(z, t)
}
