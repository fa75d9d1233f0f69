package leakage

import (
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/stat"
)

const (
	// togetherColumns is how many columns a source needs before the means of them all, or the values of its rows, are judged.
	togetherColumns = 50
	// exactly is how near 0 and 1 a mean and a deviation lie that were made so, of numbers written with nine digits or more.
	exactly = 1e-6
	// differentValues is how many a column needs before its mean says anything.
	differentValues = 5
	// exactColumns is how many columns have to be standardised exactly before a source that has others is said to be.
	exactColumns = 3
)

// scales counts the columns of a source by how they look over these rows.
type scales struct {
	all    int
	z      int     // mean near 0 and deviation near 1
	exact  int     // the same to the last digits
	robust int     // median exactly 0 and interquartile range exactly 1
	unit   int     // from exactly 0 to exactly 1
	near   int     // mean and deviation as those of a sample of a standard normal
	spread float64 // of near: Σ n·mean², which is 1 a column where rows are such a sample
}

// look adds a column.
func (t *scales) look(column []float64) {
	v := slices.Sorted(slices.Values(slices.DeleteFunc(slices.Clone(column), math.IsNaN)))
	if len(slices.Compact(slices.Clone(v))) < differentValues {
		return
	}
	t.all++
	n := float64(len(v))
	mean, sd := stat.Mean(v), math.Sqrt(stat.Variance(v))
	population := sd * math.Sqrt((n-1)/n)
	count := func(to *int, is bool) {
		if is {
			*to++
		}
	}
	count(&t.z, math.Abs(mean) < 0.02 && math.Abs(sd-1) < 0.02)
	count(&t.exact, math.Abs(mean) < exactly && (math.Abs(sd-1) < exactly || math.Abs(population-1) < exactly))
	count(&t.robust, math.Abs(stat.Quantile(v, 0.5)) < exactly && math.Abs(stat.Quantile(v, 0.75)-stat.Quantile(v, 0.25)-1) < exactly)
	count(&t.unit, v[0] == 0 && v[len(v)-1] == 1)
	if math.Abs(mean) < 2/math.Sqrt(n) && math.Abs(sd-1) < 2/math.Sqrt(n) {
		t.near++
		t.spread += n * mean * mean
	}
}

// normalised reports sources whose columns were standardised or ranged over this very cohort before we saw them: the test rows of
// every fold then took part in it.
func normalised(in Input) []Finding {
	by := map[string]*scales{}
	var order []string
	for _, j := range numeric(in) {
		s := in.X.Columns[j].Source
		if by[s] == nil {
			by[s] = &scales{}
			order = append(order, s)
		}
		by[s].look(in.X.Column(j))
	}
	var out []Finding
	for _, source := range order {
		out = append(out, by[source].findings(source)...)
	}
	return out
}

func (t *scales) findings(source string) []Finding {
	if t.all < 3 {
		return nil
	}
	var out []Finding
	say := func(n int, what string) {
		out = append(out, Finding{Level: Warning, Check: "normalised", Text: fmt.Sprintf("%d of %d columns%s %s, test rows included. Give the raw values and use a scale step.", n, t.all, from(source), what)})
	}
	switch {
	case 2*t.z > t.all:
		say(t.z, "have mean 0 and standard deviation 1 over these patients: they were standardised with all rows")
	case t.exact >= exactColumns:
		say(t.exact, "have exactly mean 0 and standard deviation 1 over these patients: they were standardised with all rows")
	case t.all >= togetherColumns && 10*t.near > 9*t.all && t.spread < 0.6*float64(t.near):
		// Means of a part of rows that were standardised together lie closer to 0 than those of as many rows drawn at random.
		say(t.near, "have mean near 0 and standard deviation near 1, closer than chance: they were standardised together with rows that are not here (without an outcome, or locked)")
	}
	if t.robust >= exactColumns {
		say(t.robust, "have exactly median 0 and interquartile range 1 over these patients: they were scaled with all rows")
	}
	if 2*t.unit > t.all {
		say(t.unit, "run from exactly 0 to exactly 1 over these patients: they were ranged with all rows")
	}
	return out
}

// quantileNormalised notes sources in which all rows have the same values in another order: each patient's were replaced by means over all
// patients. It is usual for arrays, and little is told by it, so that it is a note.
func quantileNormalised(in Input) []Finding {
	columns := map[string][]int{}
	var order []string
	for _, j := range numeric(in) {
		s := in.X.Columns[j].Source
		if columns[s] == nil {
			order = append(order, s)
		}
		columns[s] = append(columns[s], j)
	}
	var out []Finding
	for _, source := range order {
		if len(columns[source]) >= togetherColumns && in.X.Rows >= 2*differentValues && in.sameValues(columns[source]) {
			out = append(out, Finding{Level: Note, Check: "quantile_normalised",
				Text: fmt.Sprintf("The rows%s have the same values in different orders: they were quantile-normalised over all patients, test rows included.", from(source))})
		}
	}
	return out
}

// sameValues reports whether complete rows have the same values in some order.
func (in Input) sameValues(columns []int) bool {
	var first []float64
	complete := 0
	row := make([]float64, len(columns))
	for i := range in.X.Rows {
		for k, j := range columns {
			row[k] = in.X.Column(j)[i]
		}
		if slices.ContainsFunc(row, math.IsNaN) {
			continue
		}
		complete++
		slices.Sort(row)
		if first == nil {
			first = slices.Clone(row)
			if len(slices.Compact(slices.Clone(row))) < len(row)/2 {
				return false // counts and ranks with many ties look alike by themselves
			}
			continue
		}
		for k, v := range row {
			if math.Abs(v-first[k]) > 1e-6*(1+math.Abs(first[k])) {
				return false
			}
		}
	}
	return complete >= 2*differentValues
}
