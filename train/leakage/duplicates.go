package leakage

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
)

// enoughColumns is how many numeric columns two rows must share before their agreement means anything.
const enoughColumns = 5

// numeric returns the indices of the numeric columns that are not constant.
func numeric(in Input) []int {
	var out []int
	for j, c := range in.X.Columns {
		if c.Kind != table.Numeric {
			continue
		}
		first, varies := math.NaN(), false
		for _, v := range in.X.Column(j) {
			switch {
			case math.IsNaN(v):
			case math.IsNaN(first):
				first = v
			case v != first:
				varies = true
			}
		}
		if varies {
			out = append(out, j)
		}
	}
	return out
}

// duplicates reports rows of different patients that have the same numbers, source by source: an aliquot listed twice, a scan filed
// under two names.
func duplicates(in Input) []Finding {
	bySource := map[string][]int{}
	var order []string
	for _, j := range numeric(in) {
		s := in.X.Columns[j].Source
		if bySource[s] == nil {
			order = append(order, s)
		}
		bySource[s] = append(bySource[s], j)
	}
	var out []Finding
	for _, source := range order {
		columns := bySource[source]
		if len(columns) < enoughColumns {
			continue
		}
		seen := map[[32]byte]int{}
		var rows []int
		pairs := 0
		for i := range in.X.Rows {
			buf := make([]byte, 0, 8*len(columns))
			known := 0
			for _, j := range columns {
				v := in.X.Column(j)[i]
				if !math.IsNaN(v) {
					known++
				}
				buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(v))
			}
			if known < enoughColumns {
				continue
			}
			key := sha256.Sum256(buf)
			if first, ok := seen[key]; ok {
				if !in.samePatient(first, i) {
					pairs++
					rows = append(rows, first, i)
				}
				continue
			}
			seen[key] = i
		}
		if pairs > 0 {
			out = append(out, Finding{Level: Warning, Check: "duplicate_rows", Rows: rows,
				Text: fmt.Sprintf("%d pairs of patients have exactly the same values in all %d varying columns%s. One on each side of a fold is leakage; keep one of each pair.", pairs, len(columns), from(source))})
		}
	}
	return out
}

func from(source string) string {
	if source == "" {
		return ""
	}
	return " of " + source
}

func (in Input) samePatient(i, j int) bool {
	return in.Patient != nil && in.Patient[i] == in.Patient[j]
}

// equalIn reports whether two rows have the same values in all of these columns: duplicates says so of them.
func (in Input) equalIn(columns []int, i, j int) bool {
	for _, c := range columns {
		v := in.X.Column(c)
		if math.Float64bits(v[i]) != math.Float64bits(v[j]) {
			return false
		}
	}
	return true
}

const (
	nearlySame   = 0.999 // rank correlation of two rows past which they are hardly two patients
	perhapsSame  = 0.9   // the same with missing values at the mean, past which a pair is looked at
	nearColumns  = 50    // columns needed
	mostNear     = 2000  // columns looked at, evenly spread
	mostNearRows = 3000
)

// nearDuplicates reports pairs of patients whose profiles correlate above 0.999 over 50 columns or more, each column
// standardised first so that shared scales do not count: two aliquots of one tumour, a scan processed twice.
func nearDuplicates(in Input) []Finding {
	columns := numeric(in)
	if len(columns) < nearColumns || in.X.Rows > mostNearRows || in.X.Rows < 10 {
		return nil
	}
	all := columns
	if len(columns) > mostNear {
		spread := make([]int, mostNear)
		for k := range spread {
			spread[k] = columns[k*len(columns)/mostNear]
		}
		columns = spread
	}
	rows := make([][]float64, in.X.Rows)
	for i := range rows {
		rows[i] = make([]float64, len(columns))
	}
	for k, j := range columns {
		v := in.X.Column(j)
		mean, n := 0.0, 0.0
		for _, x := range v {
			if !math.IsNaN(x) && !math.IsInf(x, 0) {
				mean, n = mean+x, n+1
			}
		}
		mean /= n
		ss := 0.0
		for _, x := range v {
			if !math.IsNaN(x) && !math.IsInf(x, 0) {
				ss += (x - mean) * (x - mean)
			}
		}
		sd := math.Sqrt(ss / n)
		for i, x := range v {
			if !math.IsNaN(x) && !math.IsInf(x, 0) && sd > 0 {
				rows[i][k] = (x - mean) / sd
			}
		}
	}
	standard := make([][]float64, len(rows)) // NaN where a value is missing
	for i := range rows {
		standard[i] = slices.Clone(rows[i])
		for k, j := range columns {
			if v := in.X.Column(j)[i]; math.IsNaN(v) || math.IsInf(v, 0) {
				standard[i][k] = math.NaN()
			}
		}
	}
	for _, r := range rows {
		m := stat.Mean(r)
		norm := 0.0
		for k := range r {
			r[k] -= m
			norm += r[k] * r[k]
		}
		if norm = math.Sqrt(norm); norm > 0 {
			for k := range r {
				r[k] /= norm
			}
		}
	}
	like := make([][]int, len(rows))
	// Nothing stops this product: it has no context of its own and its rows are complete.
	_ = stat.Products(context.Background(), rows, rows, 0, func(i int, products []float64) {
		for j := i + 1; j < len(products); j++ {
			if products[j] > perhapsSame && !in.samePatient(i, j) && !in.equalIn(all, i, j) && shared(standard, i, j) > nearlySame {
				like[i] = append(like[i], j)
			}
		}
	})
	var found []int
	pairs := 0
	for i, others := range like {
		for _, j := range others {
			pairs++
			found = append(found, i, j)
		}
	}
	if pairs == 0 {
		return nil
	}
	return []Finding{{Level: Warning, Check: "near_duplicates", Rows: found,
		Text: fmt.Sprintf("%d pairs of patients correlate above %g over %d columns: perhaps aliquots or scans of one patient under two names.", pairs, nearlySame, len(columns))}}
}

// shared is the correlation of two rows over the columns that both have, 0 where these are too few to tell. In the product of all pairs a missing
// value stands for the mean, which makes two patients alike who lack the same source.
func shared(rows [][]float64, i, j int) float64 {
	var a, b []float64
	for k, v := range rows[i] {
		if w := rows[j][k]; !math.IsNaN(v) && !math.IsNaN(w) {
			a, b = append(a, v), append(b, w)
		}
	}
	if len(a) < nearColumns {
		return 0
	}
	if r := stat.Pearson(a, b).R; !math.IsNaN(r) {
		return r
	}
	return 0 // one of them is constant
}
