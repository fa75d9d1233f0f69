package bundle

import (
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/pipeline"
)

// Input is a raw column that a bundle reads, and what training saw of it.
type Input struct {
	table.Column
	// Quantiles of the training values of a numeric column at 0, 1/20, … 1, rounded to a thousandth of their range (outwards at
	// the ends), so that they describe the cohort and no patient. Empty for other kinds and for columns without a value.
	Quantiles []float64 `json:"quantiles,omitempty"`
	// Mean and SD of the training values of a numeric column, rounded to a thousandth of their range.
	Mean float64 `json:"mean,omitempty"`
	SD   float64 `json:"sd,omitempty"`
	// Missing is the fraction of training rows without a value, to two decimals.
	Missing float64 `json:"missing,omitempty"`
}

// quantiles is the number of steps of the grid.
const quantiles = 20

// NewInputs describes the columns of training rows.
func NewInputs(x models.Matrix) []Input {
	out := make([]Input, len(x.Columns))
	values := make([]float64, 0, x.Rows)
	for j, c := range x.Columns {
		values = values[:0]
		for _, v := range x.Column(j) {
			if !table.Missing(v) {
				values = append(values, v)
			}
		}
		c.From = nil
		out[j] = Input{Column: c, Missing: math.Round(100*(1-float64(len(values))/float64(max(1, x.Rows)))) / 100}
		if c.Kind == table.Numeric && len(values) > 0 {
			out[j].Mean, out[j].SD = moments(values)
			slices.Sort(values)
			out[j].Quantiles = grid(values)
		}
	}
	return out
}

// grid returns the rounded quantiles of ascending values.
func grid(ascending []float64) []float64 {
	low, high := ascending[0], ascending[len(ascending)-1]
	out := make([]float64, quantiles+1)
	unit := unitOf(low, high)
	for i := range out {
		round := math.Round
		switch i {
		case 0:
			round = math.Floor
		case quantiles:
			round = math.Ceil
		}
		q := pipeline.Quantile(ascending, float64(i)/quantiles)
		out[i] = rounded(q, unit, round)
		if math.IsInf(out[i], 0) || math.IsNaN(out[i]) {
			out[i] = q
		}
	}
	out[0], out[quantiles] = min(out[0], low), max(out[quantiles], high)
	return out
}

// unitOf is the power of ten to which numbers of a range are rounded.
func unitOf(low, high float64) float64 {
	if span := high - low; span > 0 && !math.IsInf(span, 0) {
		return math.Pow(10, math.Floor(math.Log10(span))-2)
	} else if low != 0 {
		return math.Pow(10, math.Floor(math.Log10(math.Abs(low)))-2)
	}
	return 1
}

// rounded brings a number to a multiple of a power of ten. Dividing by one that is exact prints as few digits as the rounding leaves.
func rounded(v, unit float64, round func(float64) float64) float64 {
	if unit < 1 {
		tens := math.Round(1 / unit)
		return round(v*tens) / tens
	}
	return round(v/unit) * unit
}

// moments returns the rounded mean and standard deviation of values; none where they are constant.
func moments(values []float64) (mean, sd float64) {
	low, high := slices.Min(values), slices.Max(values)
	if low == high {
		return 0, 0
	}
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		sd += (v - mean) * (v - mean) / float64(len(values))
	}
	unit := unitOf(low, high)
	mean, sd = rounded(mean, unit, math.Round), rounded(math.Sqrt(sd), unit, math.Ceil)
	if math.IsNaN(mean) || math.IsInf(mean, 0) || math.IsNaN(sd) || math.IsInf(sd, 0) {
		return 0, 0
	}
	return mean, sd
}

// check says what is wrong with a stored input.
func (in Input) check() error {
	if len(in.Quantiles) != 0 && (len(in.Quantiles) != quantiles+1 || !slices.IsSorted(in.Quantiles)) {
		return fmt.Errorf("input %s: its quantiles are not %d ascending numbers", in.Name, quantiles+1)
	}
	return nil
}

// outside reports whether a value lies outside the range that training saw.
func (in *Input) outside(v float64) bool {
	n := len(in.Quantiles)
	return n > 0 && (v < in.Quantiles[0] || v > in.Quantiles[n-1])
}

// usual returns the range of values that need no warning: all finite ones where training saw none, the levels that it knew.
func (in *Input) usual() (low, high float64) {
	switch {
	case in.Kind != table.Numeric:
		return 0, math.MaxFloat64
	case len(in.Quantiles) == 0:
		return -math.MaxFloat64, math.MaxFloat64
	}
	return max(in.Quantiles[0], -math.MaxFloat64), min(in.Quantiles[len(in.Quantiles)-1], math.MaxFloat64)
}

// Align brings a table to the bundle's inputs: columns by full name, or by bare name where one input has it, in any order, levels
// by their text. Columns that the bundle does not read are left aside. A source may be absent as a whole; a single absent column
// is an error with the nearest name that is there, and all of them come in one error.
func (b *Bundle) Align(t *table.Table) (models.Matrix, error) {
	if err := b.prepare(); err != nil {
		return models.Matrix{}, err
	}
	x := models.NewMatrix(b.columns, t.Rows())
	from := make([]int, len(b.columns))
	sources := map[string]bool{}
	for j, c := range b.columns {
		if from[j] = t.Find(c.Name); from[j] < 0 {
			from[j] = b.bare(t, c)
		}
		if from[j] >= 0 {
			sources[c.Source] = true
		}
	}
	if len(sources) == 0 {
		return models.Matrix{}, fmt.Errorf("the table has none of the %d columns that %s reads; they begin %s", len(b.columns), b.Name, begin(b.columns))
	}
	var absent []table.Column
	for j, c := range b.columns {
		to := x.Column(j)
		switch {
		case from[j] >= 0:
			if err := convert(c, t, from[j], to); err != nil {
				return models.Matrix{}, err
			}
		case sources[c.Source]:
			absent = append(absent, c)
		default:
			for i := range to {
				to[i] = math.NaN()
			}
		}
	}
	if len(absent) > 0 {
		return models.Matrix{}, fmt.Errorf("the table lacks %d of the %d columns that %s reads: %s; leave cells blank where a value is not known",
			len(absent), len(b.columns), b.Name, begin(absent))
	}
	return x, nil
}

// bare finds an input in a table whose columns have no source: by the name without it, where no other input shares that.
func (b *Bundle) bare(t *table.Table, c table.Column) int {
	name := pipeline.Bare(c)
	if name == c.Name {
		return -1
	}
	for _, other := range b.columns {
		if other.Name != c.Name && pipeline.Bare(other) == name {
			return -1
		}
	}
	return t.Find(name)
}

// begin lists the first names.
func begin(columns []table.Column) string {
	text := ""
	for i, c := range columns {
		if i == 6 {
			return text + ", …"
		}
		if i > 0 {
			text += ", "
		}
		text += c.Name
	}
	return text
}

// convert copies a table's column, bringing levels to those of the input.
func convert(want table.Column, t *table.Table, j int, to []float64) error {
	have := t.Columns[j]
	from := t.Values[j]
	switch {
	case want.Kind == table.Numeric && have.Kind == table.Numeric:
		copy(to, from)
	case want.Kind == table.Numeric:
		for i, v := range from {
			to[i] = math.NaN()
			if !table.Missing(v) {
				return fmt.Errorf("row %d, column %s: %q is not a number", i+1, have.Name, level(have, v))
			}
		}
	default:
		for i, v := range from {
			if to[i] = math.NaN(); !table.Missing(v) {
				to[i] = Level(want, level(have, v))
			}
		}
	}
	return nil
}

// level returns a cell as text.
func level(c table.Column, v float64) string {
	if c.Kind == table.Numeric {
		return string(appendNumber(nil, v))
	}
	if k := int(v); k >= 0 && k < len(c.Levels) {
		return c.Levels[k]
	}
	return ""
}

// Level returns the value of a categorical or ordinal column for a level's text: its index, or table.Unseen.
func Level(c table.Column, text string) float64 {
	if k := slices.Index(c.Levels, text); k >= 0 {
		return float64(k)
	}
	return table.Unseen
}
