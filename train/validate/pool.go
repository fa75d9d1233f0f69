package validate

import (
	"math"

	"github.com/voxgene/voxgene/features/clinical"
)

// Pooled is what the folds said of each row, averaged over the repeats in which it was tested. It is for figures and for measures
// that need many patients at once, such as calibration; measures of discrimination are means over folds.
type Pooled struct {
	Rows   []int // of the study, ascending; rows that no fold tested are not there
	Tested int   // most often that a row was tested
	Prediction
	Group []int // risk group of each row by the cuts of its folds, the one it was given most often; survival outcomes
}

// Pool averages the predictions of one model over folds, or of each fold's winner where model is negative.
func (r Result) Pool(model, rows int) Pooled {
	width := 0
	kind := clinical.Class
	var out Pooled
	times := make([]int, rows)
	var sums, survival []float64
	var votes [][]int
	curve := 0
	for _, f := range r.Folds {
		p := f.Of(model)
		if sums == nil {
			kind, out.Classes, out.Prediction.Times = p.Kind, p.Classes, p.Times
			width = 1
			if kind == clinical.Class {
				width = len(p.Classes)
			}
			sums = make([]float64, rows*width)
			curve = len(p.Prediction.Times)
			survival = make([]float64, rows*curve)
			votes = make([][]int, rows)
		}
		for i, row := range f.Fold.Test {
			times[row]++
			if kind == clinical.Class {
				for c := range width {
					sums[row*width+c] += p.Probabilities[i*width+c]
				}
				continue
			}
			sums[row] += p.Risk[i]
			for t := range curve {
				survival[row*curve+t] += p.Survival[i*curve+t]
			}
			votes[row] = append(votes[row], RiskGroup(p.Cuts, p.Risk[i]))
		}
		out.Prevalence += p.Prevalence / float64(len(r.Folds))
	}
	out.Kind = kind
	for row, n := range times {
		if n == 0 {
			continue
		}
		out.Rows = append(out.Rows, row)
		out.Tested = max(out.Tested, n)
		for c := range width {
			v := sums[row*width+c] / float64(n)
			if kind == clinical.Class {
				out.Probabilities = append(out.Probabilities, v)
			} else {
				out.Risk = append(out.Risk, v)
			}
		}
		for t := range curve {
			out.Survival = append(out.Survival, survival[row*curve+t]/float64(n))
		}
		if kind == clinical.Survival {
			out.Group = append(out.Group, mode(votes[row]))
		}
	}
	out.Prediction.Rows = len(out.Rows)
	return out
}

// Of returns the predictions of a model, or of the winner where model is negative.
func (f FoldResult) Of(model int) Prediction {
	if model < 0 {
		model = f.Choice.Winner
	}
	return f.Models[model]
}

// Scores returns a measure on every fold, for a model or, where model is negative, for each fold's winner: the procedure.
func (r Result) Scores(m Measure, o clinical.Outcome, model int) []float64 {
	out := make([]float64, len(r.Folds))
	for i, f := range r.Folds {
		out[i] = m.Of(o.Select(f.Fold.Test), f.Judged(o, model))
	}
	return out
}

// Select returns the predictions of the rows with these indices; a row may be asked for twice.
func (p Prediction) Select(rows []int) Prediction {
	out := p
	out.Rows, out.Margin, out.Median = len(rows), nil, nil
	gather := func(from []float64, width int) []float64 {
		if len(from) == 0 {
			return nil
		}
		to := make([]float64, 0, width*len(rows))
		for _, r := range rows {
			to = append(to, from[r*width:(r+1)*width]...)
		}
		return to
	}
	out.Probabilities = gather(p.Probabilities, len(p.Classes))
	out.Risk, out.Survival = gather(p.Risk, 1), gather(p.Survival, len(p.Times))
	return out
}

// RiskGroup returns the number of cuts that a risk is above: 0 is the lowest group.
func RiskGroup(cuts []float64, risk float64) int {
	g := 0
	for _, c := range cuts {
		if risk > c {
			g++
		}
	}
	return g
}

// mode returns the most frequent value, the least of them where several are as frequent.
func mode(v []int) int {
	best, count := 0, math.MinInt
	for _, x := range v {
		n := 0
		for _, y := range v {
			if x == y {
				n++
			}
		}
		if n > count || n == count && x < best {
			best, count = x, n
		}
	}
	return best
}
