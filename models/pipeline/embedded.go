package pipeline

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// linear is a model whose estimate is a sum over columns.
type linear interface {
	Linear() (intercepts []float64, coefficients [][]float64, means []float64)
}

// coefficients fits a penalised linear model to standardised columns and returns the greatest absolute coefficient of each, over
// classes where there are several.
func coefficients(ctx context.Context, t models.Training, set map[string]any) ([]float64, error) {
	name := "logistic"
	if t.Y.Kind == clinical.Survival {
		name = "cox"
	}
	k, ok := models.Lookup(name)
	if !ok {
		return nil, fmt.Errorf("this method of select needs models of kind %s, which this program does not have", name)
	}
	o, problems := models.Check(k.Params, set)
	for _, err := range problems {
		return nil, err
	}
	l, err := k.New(o)
	if err != nil {
		return nil, err
	}
	m, err := l.Fit(ctx, t)
	if err != nil {
		return nil, err
	}
	lin, ok := m.(linear)
	if !ok {
		return nil, fmt.Errorf("a model of kind %s has no coefficients", name)
	}
	_, rows, _ := lin.Linear()
	out := make([]float64, len(t.X.Columns))
	for _, row := range rows {
		for j, b := range row {
			out[j] = max(out[j], math.Abs(b))
		}
	}
	return out, nil
}

// standard returns the training rows with columns of mean 0 and variance 1, missing values at the mean, for a ranking of
// coefficients that does not depend on units.
func standard(t models.Training) models.Training {
	z := correlated{}.standardise(t.X)
	x := models.NewMatrix(t.X.Columns, t.X.Rows)
	root := math.Sqrt(float64(t.X.Rows))
	for j, column := range z {
		to := x.Column(j)
		for i, v := range column {
			to[i] = v * root
		}
	}
	t.X = x
	return t
}

// byLasso keeps the largest coefficients of a lasso; those that are zero go even where there is room.
func byLasso(ctx context.Context, t models.Training, most int) ([]int, error) {
	t = standard(t)
	b, err := coefficients(ctx, t, map[string]any{"penalty": "lasso"})
	if err != nil {
		return nil, err
	}
	keep := best(b, most)
	nonzero := slices.DeleteFunc(slices.Clone(keep), func(j int) bool { return b[j] == 0 })
	if len(nonzero) == 0 { // a model of no column is none: the column that a weaker penalty would take first
		return best(scores(univariate(t), t), 1), nil
	}
	return nonzero, nil
}

func univariate(t models.Training) string {
	if t.Y.Kind == clinical.Survival {
		return "univariate_cox"
	}
	return "anova"
}

// byElimination drops the half of the columns with the smaller coefficients of a ridge model until few enough are left.
func byElimination(ctx context.Context, t models.Training, most int) ([]int, error) {
	t = standard(t)
	keep := make([]int, len(t.X.Columns))
	for j := range keep {
		keep[j] = j
	}
	for len(keep) > most {
		part := t
		columns := make([]table.Column, len(keep))
		for i, j := range keep {
			columns[i] = t.X.Columns[j]
		}
		part.X = gather(t.X, keep, columns)
		b, err := coefficients(ctx, part, map[string]any{"penalty": "ridge", "lambda": 0.1})
		if err != nil {
			return nil, err
		}
		left := best(b, max(most, len(keep)/2))
		slices.Sort(left)
		next := make([]int, len(left))
		for i, k := range left {
			next[i] = keep[k]
		}
		keep = next
	}
	return keep, nil
}

// Halves of the patients on which stability selection fits its lasso, and the share of the smallest strength that leaves no column
// at which it does.
const (
	halves   = 50
	strength = 0.5
)

// byStability ranks columns by how often a lasso chooses them on halves of the patients, and within as often by the mean size of
// their coefficient. Columns never chosen go.
func byStability(ctx context.Context, t models.Training, most int) ([]int, error) {
	t = standard(t)
	lambda := strength * emptyLambda(t)
	often, size := make([]float64, len(t.X.Columns)), make([]float64, len(t.X.Columns))
	for h := range halves {
		rows := half(t, h)
		part := t.Select(rows)
		b, err := coefficients(ctx, part, map[string]any{"penalty": "lasso", "lambda": lambda})
		if err != nil {
			return nil, err
		}
		for j, v := range b {
			if v > 0 {
				often[j]++
				size[j] += v
			}
		}
	}
	top := 0.0
	for _, s := range size {
		top = max(top, s)
	}
	score := make([]float64, len(often))
	for j := range score {
		score[j] = often[j] + 0.5*size[j]/max(top, 1e-300)
	}
	keep := slices.DeleteFunc(best(score, most), func(j int) bool { return often[j] == 0 })
	if len(keep) == 0 {
		return best(scores(univariate(t), t), 1), nil
	}
	return keep, nil
}

// half draws half of the patients, stratified by class or event.
func half(t models.Training, h int) []int {
	rng := t.Seed.SplitInt("half", h).Rand()
	stratum := t.Y.Class
	if t.Y.Kind == clinical.Survival {
		stratum = t.Y.Event
	}
	members := map[int][]int{} // patients by stratum of their first row
	var order []int
	rows := map[int][]int{}
	for i := range stratum {
		p := i
		if t.Groups != nil {
			p = t.Groups[i]
		}
		if rows[p] == nil {
			s := stratum[i]
			if members[s] == nil {
				order = append(order, s)
			}
			members[s] = append(members[s], p)
		}
		rows[p] = append(rows[p], i)
	}
	slices.Sort(order)
	var out []int
	for _, s := range order {
		list := members[s]
		rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		for _, p := range list[:(len(list)+1)/2] {
			out = append(out, rows[p]...)
		}
	}
	slices.Sort(out)
	return out
}

// emptyLambda is the smallest strength of a lasso on standardised columns that leaves none: the greatest absolute gradient of the
// mean log-likelihood at no coefficient.
func emptyLambda(t models.Training) float64 {
	n := float64(t.X.Rows)
	var residuals [][]float64
	if t.Y.Kind == clinical.Survival {
		residuals = append(residuals, martingale(t.Y))
	} else {
		for c := range t.Y.Classes {
			share := 0.0
			for _, k := range t.Y.Class {
				if k == c {
					share += 1 / n
				}
			}
			r := make([]float64, t.X.Rows)
			for i, k := range t.Y.Class {
				r[i] = -share
				if k == c {
					r[i]++
				}
			}
			residuals = append(residuals, r)
		}
	}
	most := 0.0
	for j := range t.X.Columns {
		for _, r := range residuals {
			dot := 0.0
			for i, v := range t.X.Column(j) {
				dot += v * r[i]
			}
			most = max(most, math.Abs(dot)/n)
		}
	}
	return most
}

// martingale is event less cumulative hazard (Breslow) of each row when no column has an effect.
func martingale(y clinical.Outcome) []float64 {
	out := make([]float64, len(y.Time))
	for e, time := range y.Time {
		if y.Event[e] != 1 {
			continue
		}
		out[e]++
		var at []int
		for i, last := range y.Time {
			if last >= time && (y.Entry == nil || y.Entry[i] < time) {
				at = append(at, i)
			}
		}
		for _, i := range at {
			out[i] -= 1 / float64(len(at))
		}
	}
	return out
}
