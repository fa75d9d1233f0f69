package association

import (
	"cmp"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/features/work"
)

// Summary is what a person reads of a map: counts, the strongest pairs, and a part of it small enough to draw.
type Summary struct {
	Name     string   `json:"name"`
	Patients int      `json:"patients"` // with a value on both sides
	X        int      `json:"x"`        // columns of each side
	Y        int      `json:"y"`
	Tested   int      `json:"tested"` // pairs with a p-value
	Found    int      `json:"found"`  // with an adjusted p up to Level
	Method   string   `json:"method"`
	Adjust   string   `json:"adjust"`
	Level    float64  `json:"level"`
	Given    []string `json:"given,omitempty"`
	// Permutations that FamilyWise p-values come from; 0 for none.
	Permutations int      `json:"permutations"`
	Notes        []string `json:"notes,omitempty"`
	Top          []Pair   `json:"top"`
	Heat         Heat     `json:"heat"`
	Volcano      []Point  `json:"volcano"`
	// RawFound is Found without removing covariates; null where there are none.
	RawFound    *int         `json:"raw_found,omitempty"`
	ModulesX    []Module     `json:"modules_x,omitempty"`
	ModulesY    []Module     `json:"modules_y,omitempty"`
	ModulePairs []Pair       `json:"module_pairs,omitempty"` // strongest first
	Sets        []SetRow     `json:"sets,omitempty"`         // strongest first
	SetsMethod  string       `json:"sets_method,omitempty"`
	Replication *Replication `json:"replication,omitempty"`
}

// SetRow is the enrichment of a gene set in the genes ranked by a column.
type SetRow struct {
	X          string   `json:"x"`
	Set        string   `json:"set"`
	Size       int      `json:"size"`
	Score      float64  `json:"score"`
	Normalised *float64 `json:"normalised,omitempty"`
	P          float64  `json:"p"`
	Q          float64  `json:"q"`
	Overlap    int      `json:"overlap"` // genes of the set that were found with the column
	OverP      float64  `json:"over_p"`
	OverQ      float64  `json:"over_q"`
}

// Pair is one pair of the map. A p that a number cannot hold is 0.
type Pair struct {
	X          string   `json:"x"`
	Y          string   `json:"y"`
	Effect     float64  `json:"effect"`
	P          float64  `json:"p"`
	Q          float64  `json:"q"`
	FamilyWise *float64 `json:"family_wise,omitempty"`
	Low        *float64 `json:"low,omitempty"` // 95 % interval of the effect
	High       *float64 `json:"high,omitempty"`
	Raw        *float64 `json:"raw,omitempty"`       // effect without removing the covariates
	Stability  *float64 `json:"stability,omitempty"` // share of bootstrap resamples that agree
	N          int      `json:"n"`
	// Points are the patients' values, x then y, in an order that names nobody; of the strongest pairs only.
	Points [][2]float64 `json:"points,omitempty"`
	// Levels are the categories of y, whose points hold their index.
	Levels []string `json:"levels,omitempty"`
}

// Heat is the part of the map with the columns of the strongest pairs, clustered. Effect has a row per X.
type Heat struct {
	X      []string     `json:"x"`
	Y      []string     `json:"y"`
	Effect [][]*float64 `json:"effect"` // null where there is none
	Found  [][]bool     `json:"found"`
}

// Point is a dot of the volcano plot.
type Point struct {
	Effect float64 `json:"e"`
	LogP   float64 `json:"l"` // −log10 p
	Found  bool    `json:"f"`
}

// What a page shows at most.
const (
	topPairs   = 500
	topPoints  = 60
	heatSide   = 120
	volcanoMax = 6000
)

// Summarise picks what a page shows. t is the table that the map was made of; seed draws the bootstrap.
func (m *Map) Summarise(name string, t *table.Table, seed work.Seed) Summary {
	s := Summary{
		Name: name, Patients: m.patients(t), X: len(m.X), Y: len(m.Y), Method: string(m.Config.Method), Adjust: string(m.Config.Adjust),
		Level: m.Config.Level, Given: m.Config.Given, Permutations: m.Config.Permutations, Notes: m.Notes,
	}
	for _, q := range m.Q {
		if !math.IsNaN(q) {
			s.Tested++
			if q <= m.Config.Level {
				s.Found++
			}
		}
	}
	order := m.strongest(topPairs, math.Inf(1))
	draws := drawResamples(m.Config.Bootstrap, t.Rows(), seed)
	for rank, k := range order {
		p := m.pair(k)
		p.Low, p.High = pointers(m.Interval(k))
		p.Stability, _ = pointers(m.stability(k, draws), 0)
		if rank < topPoints {
			p.Points, p.Levels = points(m.x[k/len(m.Y)], m.y[k%len(m.Y)])
		}
		s.Top = append(s.Top, p)
	}
	s.Heat = m.heat(order)
	s.Volcano = m.volcano()
	if m.Raw != nil {
		found := 0
		for _, q := range m.Raw.Q {
			if q <= m.Config.Level {
				found++
			}
		}
		s.RawFound = &found
	}
	m.summariseModules(&s)
	m.summariseSets(&s)
	s.Replication = m.Replicated
	return s
}

func (m *Map) summariseModules(s *Summary) {
	if m.Modules == nil {
		return
	}
	s.ModulesX, s.ModulesY = m.Modules.X, m.Modules.Y
	for i, x := range m.Modules.X {
		for j, y := range m.Modules.Y {
			k := i*len(m.Modules.Y) + j
			if len(m.Modules.P) > 0 && !math.IsNaN(m.Modules.P[k]) {
				s.ModulePairs = append(s.ModulePairs, Pair{X: x.Name, Y: y.Name, Effect: m.Modules.R[k], P: m.Modules.P[k], Q: m.Modules.Q[k], N: int(m.Modules.N[k])})
			}
		}
	}
	slices.SortStableFunc(s.ModulePairs, func(a, b Pair) int { return cmp.Compare(a.P, b.P) })
	s.ModulePairs = s.ModulePairs[:min(len(s.ModulePairs), topPairs)]
}

func (m *Map) summariseSets(s *Summary) {
	if m.Sets == nil {
		return
	}
	s.SetsMethod = m.Sets.Method
	for k := range m.Sets.Score {
		if !math.IsNaN(m.Sets.P[k]) {
			s.Sets = append(s.Sets, m.Sets.row(k))
		}
	}
	slices.SortStableFunc(s.Sets, func(a, b SetRow) int {
		return cmp.Or(cmp.Compare(a.Q, b.Q), cmp.Compare(a.P, b.P), cmp.Compare(math.Abs(b.Score), math.Abs(a.Score)))
	})
	s.Sets = s.Sets[:min(len(s.Sets), topPairs)]
}

func (m *SetMap) row(k int) SetRow {
	i, t := k/len(m.Sets), k%len(m.Sets)
	r := SetRow{X: m.X[i], Set: m.Sets[t], Size: m.Sizes[t], Score: m.Score[k], P: m.P[k], Q: m.Q[k], Overlap: m.Overlap[k], OverP: m.OverP[k], OverQ: m.OverQ[k]}
	r.Normalised, _ = pointers(m.Normalised[k], 0)
	return r
}

// pointers are nil for what is not a finite number, which JSON cannot hold.
func pointers(a, b float64) (*float64, *float64) {
	one := func(v float64) *float64 {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return &v
	}
	return one(a), one(b)
}

// patients counts the rows that have a value on both sides.
func (m *Map) patients(t *table.Table) int {
	has := func(side []variable) []bool {
		out := make([]bool, t.Rows())
		for _, v := range side {
			for i := range out {
				out[i] = out[i] || v.scale == survival && v.time.Known(i) || v.scale != survival && !math.IsNaN(v.values[i])
			}
		}
		return out
	}
	x, y, n := has(m.x), has(m.y), 0
	for i := range x {
		if x[i] && y[i] {
			n++
		}
	}
	return n
}

// strongest are the n pairs of smallest p, then largest effect, then first place, among those with an adjusted p up to level.
func (m *Map) strongest(n int, level float64) []int {
	var order []int
	limit, weakest := 1.0, 0.0
	byEffect := m.pairs != nil && m.N == nil // all have the same n: p falls as |r| rises, and |r| is at hand
	for k, q := range m.Q {
		if !(q <= level) || byEffect && math.Abs(m.Effect[k]) < weakest || !byEffect && m.PValue(k) > limit {
			continue
		}
		order = append(order, k)
		if len(order) >= 8*n { // keep the list short while walking over millions of pairs
			m.sortPairs(order)
			order = order[:n]
			limit, weakest = m.PValue(order[n-1]), math.Abs(m.Effect[order[n-1]])
		}
	}
	m.sortPairs(order)
	return order[:min(n, len(order))]
}

func (m *Map) sortPairs(order []int) {
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(m.PValue(a), m.PValue(b)), cmp.Compare(math.Abs(m.Effect[b]), math.Abs(m.Effect[a])), cmp.Compare(a, b))
	})
}

func (m *Map) pair(k int) Pair {
	p := Pair{X: m.X[k/len(m.Y)].Name, Y: m.Y[k%len(m.Y)].Name, Effect: m.Effect[k], P: m.PValue(k), Q: m.Q[k], N: m.Count(k)}
	if m.FamilyWise != nil && !math.IsNaN(m.FamilyWise[k]) {
		p.FamilyWise = &m.FamilyWise[k]
	}
	if m.Raw != nil {
		p.Raw, _ = pointers(m.Raw.Effect[k], 0)
	}
	return p
}

// points are the complete rows of a pair, sorted by value so that their order does not name a patient. A survival outcome has none.
func points(x, y variable) ([][2]float64, []string) {
	if y.scale == survival {
		return nil, nil
	}
	var out [][2]float64
	for i, v := range x.values {
		if w := y.values[i]; !math.IsNaN(v) && !math.IsNaN(w) {
			out = append(out, [2]float64{v, w})
		}
	}
	slices.SortFunc(out, func(a, b [2]float64) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	return out, y.Levels
}

// heat takes the columns of the strongest pairs until a side is full, and orders both sides by clustering.
func (m *Map) heat(order []int) Heat {
	var xs, ys []int
	for _, k := range order {
		i, j := k/len(m.Y), k%len(m.Y)
		if !slices.Contains(xs, i) && len(xs) < heatSide {
			xs = append(xs, i)
		}
		if !slices.Contains(ys, j) && len(ys) < heatSide {
			ys = append(ys, j)
		}
	}
	rows, cols := make([][]float64, len(xs)), make([][]float64, len(ys))
	for a, i := range xs {
		rows[a] = make([]float64, len(ys))
		for b, j := range ys {
			rows[a][b] = m.Effect[i*len(m.Y)+j]
			cols[b] = append(cols[b], rows[a][b])
		}
	}
	var h Heat
	columns := leafOrder(cols)
	for _, b := range columns {
		h.Y = append(h.Y, m.Y[ys[b]].Name)
	}
	for _, a := range leafOrder(rows) {
		h.X = append(h.X, m.X[xs[a]].Name)
		effects, found := make([]*float64, len(ys)), make([]bool, len(ys))
		for c, b := range columns {
			if v := rows[a][b]; !math.IsNaN(v) {
				effects[c] = &v
			}
			found[c] = m.Q[xs[a]*len(m.Y)+ys[b]] <= m.Config.Level
		}
		h.Effect, h.Found = append(h.Effect, effects), append(h.Found, found)
	}
	return h
}

// volcano keeps every pair that was found, up to the page's limit, and an even sample of the others.
func (m *Map) volcano() []Point {
	drawn := func(k int) bool { return !math.IsNaN(m.Q[k]) && !math.IsNaN(m.Effect[k]) }
	var size [2]int // of those not found, of those found
	class := func(k int) int {
		if m.Q[k] <= m.Config.Level {
			return 1
		}
		return 0
	}
	for k := range m.Q {
		if drawn(k) {
			size[class(k)]++
		}
	}
	var lists [2][]Point
	var seen [2]int
	for k := range m.Q {
		if !drawn(k) {
			continue
		}
		c := class(k)
		if step := max(1, (size[c]+volcanoMax/2-1)/(volcanoMax/2)); seen[c]%step == 0 {
			lists[c] = append(lists[c], Point{m.Effect[k], min(320, -math.Log10(m.PValue(k))), c == 1})
		}
		seen[c]++
	}
	return slices.Concat(lists[0], lists[1]) // those found on top
}
