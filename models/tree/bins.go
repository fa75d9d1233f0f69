package tree

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// missingRank is the rank of a missing value; at most missingRank distinct values have ranks of their own.
const missingRank = math.MaxUint16

// ranks is one column as the grower reads it: each row's value by its place among the column's distinct values. Ranks are lossless up
// to 65,535 distinct values (or the limit asked for); beyond, neighbouring values share one, in groups of about as many rows.
// Values themselves are read again only where a split is made, so thresholds are midpoints of the node's own neighbouring values.
type ranks struct {
	rank        []uint16
	values      []float64 // the column itself
	count       int       // ranks in use
	missing     bool      // some value is missing
	categorical bool
}

// ranked returns the columns of x by rank, with at most limit ranks a column. A value that is infinite is an error.
func ranked(x models.Matrix, limit int) ([]ranks, error) {
	limit = min(limit, missingRank)
	out := make([]ranks, len(x.Columns))
	flat := make([]uint16, len(x.Columns)*x.Rows)
	errs := make([]error, len(x.Columns))
	parallel(len(out), x.Rows*len(out), func() func(j int) {
		s := newColumnSorter(x.Rows)
		return func(j int) {
			out[j], errs[j] = s.rank(x, j, flat[j*x.Rows:(j+1)*x.Rows:(j+1)*x.Rows], limit)
		}
	})
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// columnSorter sorts one column at a time: values as keys whose unsigned order is theirs, with the row of each.
type columnSorter struct {
	keys, keys2 []uint64
	rows, rows2 []int32
	counts      [digits]int32
}

func newColumnSorter(n int) *columnSorter {
	return &columnSorter{make([]uint64, n), make([]uint64, n), make([]int32, n), make([]int32, n), [digits]int32{}}
}

func (s *columnSorter) rank(x models.Matrix, j int, rank []uint16, limit int) (ranks, error) {
	out := ranks{rank: rank, values: x.Column(j), categorical: x.Columns[j].Kind == table.Categorical}
	n := 0
	for i, v := range out.values {
		switch {
		case math.IsInf(v, 0):
			return out, fmt.Errorf("column %q, row %d: the value is infinite; trees read finite or missing values", x.Columns[j].Name, i+1)
		case v != v || v < 0 && x.Columns[j].Kind != table.Numeric:
			rank[i] = missingRank
			out.missing = true
			continue
		}
		s.keys[n], s.rows[n] = sortable(v), int32(i)
		n++
	}
	if out.categorical {
		return out, s.categories(&out, x.Columns[j].Name, limit)
	}
	if out.missing && limit == histBins {
		limit-- // the last rank of a byte is for missing values
	}
	keys, rows := s.sort(n)
	distinct := 0
	for i := range keys {
		if i == 0 || keys[i] != keys[i-1] {
			distinct++
		}
	}
	if distinct <= limit {
		r := -1
		for i, k := range keys {
			if i == 0 || k != keys[i-1] {
				r++
			}
			rank[rows[i]] = uint16(r)
		}
		out.count = distinct
		return out, nil
	}
	out.count = grouped(keys, rows, rank, limit)
	return out, nil
}

// grouped gives ranks to sorted keys of more than limit distinct values: a group is closed once it holds its share of the rows that
// are left, and a value is never cut.
func grouped(keys []uint64, rows []int32, rank []uint16, limit int) int {
	r, inGroup := 0, 0
	share := (len(keys) + limit - 1) / limit
	for i, k := range keys {
		if i > 0 && k != keys[i-1] && inGroup >= share && r < limit-1 {
			r++
			inGroup = 0
			share = (len(keys) - i + limit - r - 1) / (limit - r)
		}
		rank[rows[i]] = uint16(r)
		inGroup++
	}
	return r + 1
}

// categories takes a categorical column's values, which are indices of levels, as ranks.
func (s *columnSorter) categories(out *ranks, name string, limit int) error {
	limit = max(limit, 256)
	for i, v := range out.values {
		if out.rank[i] == missingRank && !(v >= 0) {
			continue
		}
		if v != math.Trunc(v) || v >= float64(limit) {
			return fmt.Errorf("column %q, row %d: %v is not the index of a category (0 to %d)", name, i+1, v, limit-1)
		}
		out.rank[i] = uint16(v)
		out.count = max(out.count, int(v)+1)
	}
	return nil
}

// sortable maps a number, not NaN, to a key whose unsigned order is that of the numbers. Both zeros have one key.
func sortable(v float64) uint64 {
	b := math.Float64bits(v + 0)
	if b>>63 == 1 {
		return ^b
	}
	return b | 1<<63
}

// insert sorts stably by insertion, unless that takes more than so many moves; it reports whether it finished.
func insert(keys []uint64, rows []int32, moves int) bool {
	for i := 1; i < len(keys); i++ {
		k, r := keys[i], rows[i]
		p := i
		for ; p > 0 && keys[p-1] > k; p-- {
			keys[p], rows[p] = keys[p-1], rows[p-1]
		}
		keys[p], rows[p] = k, r
		if moves -= i - p; moves < 0 {
			return false
		}
	}
	return true
}

// order sorts keys that differ in their low bits only, by comparison; rows settle ties, so that the result is that of a stable sort.
func (s *columnSorter) order(keys []uint64, rows []int32) {
	type entry struct {
		key uint64
		row int32
	}
	list := make([]entry, len(keys))
	for i := range list {
		list[i] = entry{keys[i], rows[i]}
	}
	slices.SortFunc(list, func(a, b entry) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.row, b.row)) })
	for i, e := range list {
		keys[i], rows[i] = e.key, e.row
	}
}

// digits is the number of values of a radix sort's digit.
const digits = 1 << 11

// sort sorts the first n keys with their rows, stably.
func (s *columnSorter) sort(n int) ([]uint64, []int32) {
	keys, rows, keys2, rows2 := s.keys[:n], s.rows[:n], s.keys2[:n], s.rows2[:n]
	if n < 2 {
		return keys, rows
	}
	if n < 48 {
		insert(keys, rows, n*n)
		return keys, rows
	}
	// The top 33 bits, sign, exponent and 21 bits of the fraction, put nearly all in place; what is left is a few neighbours.
	for _, shift := range [3]uint{31, 42, 53} {
		count := &s.counts
		clear(count[:])
		for _, k := range keys {
			count[k>>shift&(digits-1)]++
		}
		if count[keys[0]>>shift&(digits-1)] == int32(n) {
			continue
		}
		at := int32(0)
		for b := range count {
			count[b], at = at, at+count[b]
		}
		for i, k := range keys {
			b := k >> shift & (digits - 1)
			p := count[b]
			count[b]++
			keys2[p], rows2[p] = k, rows[i]
		}
		keys, keys2, rows, rows2 = keys2, keys, rows2, rows
	}
	if !insert(keys, rows, 8*n) {
		s.order(keys, rows)
	}
	return keys, rows
}
