package association

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/genes"
	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/work"
)

// SetMap holds the enrichment of every gene set in the genes ranked by each numeric column of x.
type SetMap struct {
	X      []string
	Sets   []string
	Sizes  []int  // genes of each set that the cohort has
	Method string // what gave P
	// Row-major, len(X) × len(Sets). Score is GSEA's enrichment score; Normalised is over the mean permuted score of its sign, NaN for
	// camera, whose statistic is T.
	Score, Normalised, P, Q []float64
	// Over is the over-representation of each set among the genes found with each column, with the genes tested as universe; its P and Q.
	OverP, OverQ []float64
	Overlap      []int
	patients     int
	genes        []string
}

// Enrich computes the enrichment of gene sets. The y side has to be genes: a set's genes are looked for by their name without the source.
//
// With the method permute, patients are permuted within site (genes where there are fewer than seven patients, and the result is marked), and
// the false discovery rate is over columns × sets by normalised scores against all permuted ones (Subramanian and others 2005). With camera,
// correlations turned to z are compared with an inter-gene correlation of .01 (Wu and Smyth 2012), and adjusted by Benjamini and Hochberg.
func (m *Map) Enrich(ctx context.Context, sets []genes.Set, site []string, seed work.Seed, jobs int) error {
	ix, iy := of(m.x, numeric), of(m.y, numeric)
	c := m.Config.Sets
	place := map[string]int{}
	out := &SetMap{Method: c.Method, genes: make([]string, len(iy))}
	for k, j := range iy {
		out.genes[k] = m.y[j].Name
		place[bare(m.y[j].Name, m.y[j].Source)] = k
	}
	var members [][]int
	for _, s := range sets {
		if at := s.Indices(place); len(at) >= c.Smallest && len(at) <= c.Largest && len(at) < len(iy) {
			out.Sets, out.Sizes, members = append(out.Sets, s.Name), append(out.Sizes, len(at)), append(members, at)
		}
	}
	if len(members) == 0 {
		return fmt.Errorf("association.sets: none of %d sets has %d to %d genes among the columns of y, which are named such as %q", len(sets), c.Smallest, c.Largest, example(out.genes))
	}
	for _, i := range ix {
		out.X = append(out.X, m.X[i].Name)
		out.patients = max(out.patients, countPresent(m.x[i].values))
	}
	if dropped := len(sets) - len(members); dropped > 0 {
		m.Notes = append(m.Notes, fmt.Sprintf("%d of %d gene sets have fewer than %d or more than %d genes here and were left out", dropped, len(sets), c.Smallest, c.Largest))
	}
	x, y, method := residuals(valuesAt(m.x, ix), valuesAt(m.y, iy), m.given, stat.Method(m.correlation()))
	zx, zy := standardised(x, method), standardised(y, method)
	var err error
	if out.Score, err = scores(ctx, zx, zy, members, jobs); err != nil {
		return err
	}
	out.overRepresentation(m, ix, iy, members)
	if c.Method == "camera" {
		err = out.camera(ctx, zx, zy, members, len(m.given), jobs)
	} else {
		err = out.permute(ctx, m, permuted{zx, zy, site}, members, c.Permutations, seed, jobs)
	}
	if err != nil {
		return err
	}
	m.Sets = out
	return nil
}

// bare is a column's name without its source.
func bare(name, source string) string {
	if len(name) > len(source) && name[:len(source)] == source && name[len(source)] == '.' {
		return name[len(source)+1:]
	}
	return name
}

func example(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

func countPresent(v []float64) int {
	n := 0
	for _, a := range v {
		if !math.IsNaN(a) {
			n++
		}
	}
	return n
}

// standardised are columns, or their ranks, of mean 0 and length 1, with 0 where a value is missing. Their products are correlations where
// nothing is missing, and shrink towards 0 where much is: a statistic by which genes can be ranked in one matrix product, for the patients as
// they are and for every permutation alike.
func standardised(columns [][]float64, method stat.Method) [][]float64 {
	out := make([][]float64, len(columns))
	for j, c := range columns {
		if method == stat.SpearmanMethod {
			c = stat.Ranks(c)
		}
		sum, n := 0.0, 0
		for _, v := range c {
			if !math.IsNaN(v) {
				sum, n = sum+v, n+1
			}
		}
		mean, ss := sum/float64(n), 0.0
		out[j] = make([]float64, len(c))
		for i, v := range c {
			if !math.IsNaN(v) {
				out[j][i] = v - mean
				ss += (v - mean) * (v - mean)
			}
		}
		if ss > 0 {
			scale := 1 / math.Sqrt(ss)
			for i := range out[j] {
				out[j][i] *= scale
			}
		}
	}
	return out
}

// scores are the enrichment scores of every set for every column of x, genes ranked by their product with it.
func scores(ctx context.Context, x, y [][]float64, members [][]int, jobs int) ([]float64, error) {
	out := make([]float64, len(x)*len(members))
	err := stat.Products(ctx, x, y, jobs, func(i int, products []float64) {
		r := genes.Rank(products, 1)
		for s, set := range members {
			out[i*len(members)+s] = r.Score(set).Score
		}
	})
	return out, err
}

// overRepresentation counts the genes found with each column in each set; the universe is the genes that were tested with it.
func (s *SetMap) overRepresentation(m *Map, ix, iy []int, members [][]int) {
	s.OverP, s.Overlap = make([]float64, len(ix)*len(members)), make([]int, len(ix)*len(members))
	for a, i := range ix {
		tested, found := 0, 0
		state := make([]int, len(iy)) // 0 not tested, 1 tested, 2 found
		for b, j := range iy {
			k := i*len(m.Y) + j
			if math.IsNaN(m.Q[k]) {
				continue
			}
			tested++
			state[b] = 1
			if m.Q[k] <= m.Config.Level {
				state[b] = 2
				found++
			}
		}
		for t, set := range members {
			in, overlap := 0, 0
			for _, b := range set {
				in += min(state[b], 1)
				overlap += state[b] / 2
			}
			k := a*len(members) + t
			s.OverP[k], s.Overlap[k] = genes.OverRepresentation(tested, in, found, overlap), overlap
		}
	}
	s.OverQ = stat.Adjust(s.OverP, stat.BenjaminiHochberg)
}

// camera fills P and Q from z scores of the correlations.
func (s *SetMap) camera(ctx context.Context, x, y [][]float64, members [][]int, given, jobs int) error {
	s.Normalised, s.P = make([]float64, len(s.Score)), make([]float64, len(s.Score))
	scale := math.Sqrt(float64(max(1, s.patients-3-given)))
	err := stat.Products(ctx, x, y, jobs, func(i int, products []float64) {
		z := make([]float64, len(products))
		for j, r := range products {
			z[j] = math.Atanh(max(-1+1e-12, min(1-1e-12, r))) * scale
		}
		for t, set := range members {
			k := i*len(members) + t
			s.Normalised[k], s.P[k] = math.NaN(), genes.CameraPreranked(z, set, 0.01).P
		}
	})
	s.Q = stat.Adjust(s.P, stat.BenjaminiHochberg)
	return err
}

// permuted is what a permutation needs: both sides standardised.
type permuted struct {
	x, y [][]float64
	site []string
}

// fewPatients is the number under which permuting patients has too few orders, and genes are permuted instead.
const fewPatients = 7

// permute fills Normalised, P and Q.
func (s *SetMap) permute(ctx context.Context, m *Map, d permuted, members [][]int, permutations int, seed work.Seed, jobs int) error {
	byGene := s.patients < fewPatients
	if byGene {
		s.Method = "permuted genes"
		m.Notes = append(m.Notes, fmt.Sprintf("with %d patients genes were permuted for the enrichment of sets, which takes no account of their correlation: these p-values are too small", s.patients))
	}
	null := make([][]float64, permutations)
	items := make([]work.Item, permutations)
	for k := range items {
		items[k] = work.Item{Name: fmt.Sprintf("permutation %d", k), Do: func(ctx context.Context) ([]byte, error) {
			task := seed.SplitInt("sets", k)
			moved := make([][]float64, len(d.y))
			if byGene {
				for j, from := range permutation(task, nil, len(d.y)) {
					moved[j] = d.y[from]
				}
			} else {
				order := permutation(task, d.site, len(d.x[0]))
				for j, column := range d.y {
					moved[j] = make([]float64, len(column))
					for i, from := range order {
						moved[j][i] = column[from]
					}
				}
			}
			var err error
			null[k], err = scores(ctx, d.x, moved, members, 1)
			return nil, err
		}}
	}
	results, err := work.Pool{Jobs: jobs}.Run(ctx, items)
	if err != nil {
		return err
	}
	if err := work.Errors(results); err != nil {
		return err
	}
	s.normalise(null)
	return nil
}

// normalise divides scores, observed and permuted, by the mean permuted score of their sign for the same column and set, counts p-values, and
// compares the two distributions for the false discovery rate.
func (s *SetMap) normalise(null [][]float64) {
	n := len(s.Score)
	s.Normalised, s.P = make([]float64, n), make([]float64, n)
	var up, down []float64 // permuted, normalised
	for k, score := range s.Score {
		var sum [2]float64
		var count [2]int
		extreme := 0
		side := func(v float64) int {
			if v < 0 {
				return 1
			}
			return 0
		}
		for _, p := range null {
			if v := p[k]; !math.IsNaN(v) {
				sum[side(v)] += v
				count[side(v)]++
				if side(v) == side(score) && math.Abs(v) >= math.Abs(score) {
					extreme++
				}
			}
		}
		if math.IsNaN(score) || count[side(score)] == 0 {
			s.Normalised[k], s.P[k] = math.NaN(), math.NaN()
			continue
		}
		for _, p := range null {
			if v := p[k]; v > 0 {
				up = append(up, v/(sum[0]/float64(count[0])))
			} else if v < 0 {
				down = append(down, v/(sum[1]/float64(count[1])))
			}
		}
		s.Normalised[k] = math.Copysign(score/(sum[side(score)]/float64(count[side(score)])), score)
		s.P[k] = float64(extreme+1) / float64(count[side(score)]+1)
	}
	s.Q = falseDiscovery(s.Normalised, up, down)
}

// falseDiscovery is the share of permuted scores at least as large over that of observed ones, separately by sign, made monotone.
func falseDiscovery(observed, up, down []float64) []float64 {
	q := make([]float64, len(observed))
	for k := range q {
		q[k] = math.NaN()
	}
	for _, side := range []struct {
		sign float64
		null []float64
	}{{1, up}, {-1, down}} {
		sign, null := side.sign, side.null
		slices.Sort(null)
		var at []int
		for k, v := range observed {
			if v*sign > 0 {
				at = append(at, k)
			}
		}
		slices.SortStableFunc(at, func(a, b int) int {
			switch {
			case observed[a]*sign < observed[b]*sign:
				return -1
			case observed[a]*sign > observed[b]*sign:
				return 1
			}
			return 0
		})
		last := 1.0
		for rank, k := range at { // from the weakest to the strongest
			below, _ := slices.BinarySearch(null, math.Abs(observed[k]))
			expected := float64(len(null)-below) / float64(max(1, len(null)))
			actual := float64(len(at)-rank) / float64(len(at))
			last = min(last, expected/actual)
			q[k] = last
		}
	}
	return q
}
