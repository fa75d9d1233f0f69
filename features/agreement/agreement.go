// Package agreement compares two feature tables of the same patients, column by column: two programs, two versions, two readers, two
// scans.
package agreement

import (
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/stat"
	"github.com/voxgene/voxgene/features/table"
)

// Report is how two tables agree.
type Report struct {
	Columns          []Column
	OnlyA, OnlyB     []string    // columns of one table alone
	RowsA, RowsB     []table.Key // rows of one table alone
	Rows             int         // rows of both
	Tolerance        float64
	Differing, Equal int // columns with a difference above the tolerance, and the others
}

// Column is how the values of one column agree over the rows of both tables.
type Column struct {
	Name           string
	Rows           int       // with a value in both
	OnlyA, OnlyB   int       // with a value in one alone
	Worst          float64   // the largest |a−b|/max(|a|, |b|), 1 where levels differ
	At             table.Key // where that is
	Differences    stat.Agreement
	Concordance    float64  // Lin's coefficient
	ICC            stat.ICC // ICC(2,1) of absolute agreement, with its 95 % interval
	AboveTolerance bool
}

// Compare matches rows by their whole key, or, with byRow, by their place, and compares the columns that both tables have by name.
// Values that differ by more than tolerance, relative to the larger, are a difference, and so is a value that one table lacks.
// Categorical columns are compared by level. Keys have to be unique.
func Compare(a, b *table.Table, tolerance float64, byRow bool) (Report, error) {
	r := Report{Tolerance: tolerance}
	var rowsA, rowsB []int
	if byRow {
		if a.Rows() != b.Rows() {
			return r, fmt.Errorf("%d and %d rows: rows can be matched by place only where there are as many", a.Rows(), b.Rows())
		}
		for i := range a.Rows() {
			rowsA, rowsB = append(rowsA, i), append(rowsB, i)
		}
	} else {
		places := map[table.Key]int{}
		for i, k := range b.Keys {
			if _, twice := places[k]; twice {
				return r, fmt.Errorf("the second table has two rows of %s: name the columns that tell them apart, or match by place", describe(k))
			}
			places[k] = i
		}
		seen := map[table.Key]bool{}
		for i, k := range a.Keys {
			if seen[k] {
				return r, fmt.Errorf("the first table has two rows of %s: name the columns that tell them apart, or match by place", describe(k))
			}
			seen[k] = true
			if j, ok := places[k]; ok {
				rowsA, rowsB = append(rowsA, i), append(rowsB, j)
			} else {
				r.RowsA = append(r.RowsA, k)
			}
		}
		for _, k := range b.Keys {
			if !seen[k] {
				r.RowsB = append(r.RowsB, k)
			}
		}
	}
	if r.Rows = len(rowsA); r.Rows == 0 {
		return r, fmt.Errorf("no row is in both tables: %s is the first key of one and %s of the other", firstKey(a), firstKey(b))
	}
	for j, c := range a.Columns {
		k := b.Find(c.Name)
		if k < 0 {
			r.OnlyA = append(r.OnlyA, c.Name)
			continue
		}
		column := compare(c, b.Columns[k], a.Values[j], b.Values[k], rowsA, rowsB, a.Keys)
		column.AboveTolerance = column.Worst > tolerance || column.OnlyA+column.OnlyB > 0
		if column.AboveTolerance {
			r.Differing++
		} else {
			r.Equal++
		}
		r.Columns = append(r.Columns, column)
	}
	for _, c := range b.Columns {
		if a.Find(c.Name) < 0 {
			r.OnlyB = append(r.OnlyB, c.Name)
		}
	}
	return r, nil
}

// compare compares one column.
func compare(a, b table.Column, x, y []float64, rowsA, rowsB []int, keys []table.Key) Column {
	c := Column{Name: a.Name}
	numeric := a.Kind == table.Numeric && b.Kind == table.Numeric
	var p, q []float64
	var ratings [][]float64
	for n, i := range rowsA {
		u, v := x[i], y[rowsB[n]]
		switch {
		case math.IsNaN(u) && math.IsNaN(v):
			continue
		case math.IsNaN(v):
			c.OnlyA++
			continue
		case math.IsNaN(u):
			c.OnlyB++
			continue
		}
		c.Rows++
		difference := 0.0
		if numeric {
			p, q, ratings = append(p, u), append(q, v), append(ratings, []float64{u, v})
			if u != v {
				difference = math.Abs(u-v) / math.Max(math.Abs(u), math.Abs(v))
			}
		} else if level(a, u) != level(b, v) {
			difference = 1
		}
		if difference > c.Worst {
			c.Worst, c.At = difference, keys[i]
		}
	}
	nan := math.NaN()
	c.Differences, c.Concordance = stat.Agreement{Mean: nan, SD: nan, Low: nan, High: nan}, nan
	c.ICC = stat.ICC{Value: nan, Low: nan, High: nan}
	if numeric && len(p) > 1 {
		c.Differences = stat.BlandAltman(p, q)
		c.Concordance = stat.ConcordanceCorrelation(p, q)
		c.ICC = stat.IntraclassCorrelation(ratings, 0.95).Absolute
	}
	return c
}

// level is the text of a value of a categorical column; numbers are their own.
func level(c table.Column, v float64) string {
	if c.Kind != table.Numeric && v >= 0 && int(v) < len(c.Levels) {
		return c.Levels[int(v)]
	}
	return fmt.Sprint(v)
}

// describe writes the parts of a key that are there.
func describe(k table.Key) string {
	text := k.Patient
	for _, p := range slices.DeleteFunc([]string{k.Visit, k.Lesion, k.Region, k.Reader, k.Source}, func(s string) bool { return s == "" }) {
		text += ", " + p
	}
	return text
}

func firstKey(t *table.Table) string {
	if len(t.Keys) == 0 {
		return "(none)"
	}
	return describe(t.Keys[0])
}

// Describe writes where the largest difference of the column is.
func (c Column) Describe() string {
	if c.Worst == 0 {
		return ""
	}
	return describe(c.At)
}
