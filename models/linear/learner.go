package linear

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// penaltyParams are the options that both kinds share.
func penaltyParams(penalty string, choices ...string) []models.Param {
	return []models.Param{
		{Name: "penalty", Default: penalty, Choices: choices, Doc: "what keeps coefficients small; none gives standard errors"},
		{Name: "alpha", Default: 0.5, Min: 0, Max: 1, Doc: "share of the lasso in the elastic net: 0 ridge, 1 lasso"},
		{Name: "lambda", Default: 0.0, Min: 0, Max: 1e6, Doc: "strength of the penalty, as glmnet counts it; 0 chooses it by inner cross-validation"},
		{Name: "lambda_rule", Default: "min", Choices: []string{"min", "1se"}, Doc: "of the λ tried, the best, or the largest within one standard error of it"},
		{Name: "lambdas", Default: 100, Min: 5, Max: 1000, Doc: "how many λ are tried"},
		{Name: "inner_folds", Default: 5, Min: 2, Max: 20, Doc: "folds of the inner cross-validation, stratified, grouped by patient"},
		{Name: "standardise", Default: true, Doc: "penalise coefficients per standard deviation of their column"},
		{Name: "unpenalised", Default: []string(nil), Doc: "columns, by name or pattern, whose coefficients stay free"},
	}
}

// penalised are the options of a fit with a penalty.
type penalised struct {
	penalty     string
	alpha       float64
	lambda      float64
	rule        string
	lambdas     int
	folds       int
	standardise bool
	free        []string
}

func newPenalised(o models.Options) penalised {
	p := penalised{penalty: o["penalty"].(string), alpha: o["alpha"].(float64), lambda: o["lambda"].(float64), rule: o["lambda_rule"].(string),
		lambdas: o["lambdas"].(int), folds: o["inner_folds"].(int), standardise: o["standardise"].(bool), free: o["unpenalised"].([]string)}
	switch p.penalty {
	case "ridge":
		p.alpha = 0
	case "lasso":
		p.alpha = 1
	}
	return p
}

// outcome is a fit and what a model keeps of how it came about.
type outcome struct {
	intercepts   []float64
	coefficients [][]float64
	stdErrs      [][]float64 // nil with a penalty
	lambda       float64
	notes        []string
}

// problem returns the table of a training set, or an error that names what a linear model cannot read.
func problem(t models.Training) (Problem, error) {
	p := Problem{X: t.X.Values, Rows: t.X.Rows, Columns: len(t.X.Columns), Weights: t.Weights}
	for _, c := range t.X.Columns {
		p.Names = append(p.Names, c.Name)
		if c.Kind == table.Categorical {
			return p, fmt.Errorf("column %q is categorical; a linear model reads numbers: add the encode step before it", c.Name)
		}
	}
	if t.Y.Rows() != p.Rows {
		return p, fmt.Errorf("%d outcomes for %d rows", t.Y.Rows(), p.Rows)
	}
	if p.Columns == 0 {
		return p, errors.New("there is no column to learn from")
	}
	return p, nil
}

// factors returns penalty factors, nil where all are 1.
func (l penalised) factors(p *Problem) ([]float64, error) {
	if len(l.free) == 0 {
		return nil, nil
	}
	f := make([]float64, p.Columns)
	for j := range f {
		f[j] = 1
	}
	for _, pattern := range l.free {
		found := false
		for j, name := range p.Names {
			ok, err := path.Match(pattern, name)
			if err != nil {
				return nil, fmt.Errorf("unpenalised: %q is not a pattern", pattern)
			}
			if ok || name == pattern {
				f[j], found = 0, true
			}
		}
		if !found {
			return nil, fmt.Errorf("unpenalised: no column is named like %q", pattern)
		}
	}
	if !slices.Contains(f, 1) {
		return nil, errors.New("unpenalised names every column; set penalty: none instead")
	}
	return f, nil
}

// fit fits with a penalty. stratum numbers what inner folds are stratified by.
func (l penalised) fit(ctx context.Context, p Problem, t models.Training, stratum []int, grouped bool) (*outcome, error) {
	factors, err := l.factors(&p)
	if err != nil {
		return nil, err
	}
	o := Options{Alpha: l.alpha, Count: l.lambdas, PenaltyFactors: factors, Unstandardised: !l.standardise, Grouped: grouped}
	out := &outcome{lambda: l.lambda}
	if l.lambda > 0 {
		o.Lambda = []float64{l.lambda}
	} else {
		s, note, err := l.choose(ctx, p, o, t, stratum)
		if err != nil {
			return nil, err
		}
		out.notes = append(out.notes, note...)
		best := s.Min
		if l.rule == "1se" {
			best = s.OneSE
		}
		out.lambda = s.Lambda[best]
		o.Lambda = s.Lambda[:best+1]
	}
	o.last = 1e-13 // the coefficients that are kept are the optimum's to many digits
	fits, err := FitPath(ctx, p, o)
	if err != nil {
		return nil, err
	}
	last := fits.Fits[len(fits.Fits)-1]
	out.intercepts = last.Intercepts
	for k := range last.Intercepts {
		out.coefficients = append(out.coefficients, last.Dense(k, p.Columns))
	}
	if len(fits.Constant) > 0 {
		out.notes = append(out.notes, "left out, one value in every row: "+p.list(fits.Constant))
	}
	if len(last.Index) == 0 {
		out.notes = append(out.notes, "no column was kept: the penalty that did best, or that was set, leaves the baseline alone")
	}
	return out, nil
}

// choose cross-validates λ by the deviance.
func (l penalised) choose(ctx context.Context, p Problem, o Options, t models.Training, stratum []int) (*Selection, []string, error) {
	var notes []string
	folds := l.folds
	patients, least := groupsOf(t.Groups, stratum)
	if patients < folds {
		return nil, nil, fmt.Errorf("%d patients cannot be dealt into %d inner folds: set lambda, or inner_folds to %d or fewer", patients, folds, patients)
	}
	if least < folds {
		if least < 2 {
			return nil, nil, fmt.Errorf("a class (or the event) occurs in %d patient only, so λ cannot be cross-validated: set lambda", least)
		}
		folds = least
		notes = append(notes, fmt.Sprintf("%d inner folds instead of %d, because the rarest class (or the event) occurs in %d patients", folds, l.folds, least))
	}
	s, err := CrossValidate(ctx, p, o, Folds(stratum, t.Groups, folds, t.Seed), Deviance)
	return s, notes, err
}

// groupsOf counts patients, and those of the rarest stratum.
func groupsOf(groups, stratum []int) (patients, least int) {
	all, by := map[int]bool{}, map[int]map[int]bool{}
	for i, s := range stratum {
		g := i
		if groups != nil {
			g = groups[i]
		}
		all[g] = true
		if by[s] == nil {
			by[s] = map[int]bool{}
		}
		by[s][g] = true
	}
	least = len(all)
	for _, b := range by {
		least = min(least, len(b))
	}
	return len(all), least
}

// freeFit fits without penalty; a separated outcome falls back on a ridge of 1/n, scikit-learn's default, and says so.
func (l penalised) freeFit(ctx context.Context, p Problem) (*outcome, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, err := Regress(p)
	if errors.Is(err, ErrSeparated) {
		lambda := 1 / float64(p.Rows)
		fits, fitErr := FitPath(ctx, p, Options{Lambda: []float64{lambda}, Tolerance: 1e-13})
		if fitErr != nil {
			return nil, fitErr
		}
		last := fits.Fits[0]
		out := &outcome{intercepts: last.Intercepts, lambda: lambda}
		for k := range last.Intercepts {
			out.coefficients = append(out.coefficients, last.Dense(k, p.Columns))
		}
		out.notes = append(out.notes, fmt.Sprintf("separation: %s tell the outcome without error, so that no fit without penalty exists; a ridge of λ = 1/n = %.3g was fitted instead", p.list(r.Separated), lambda))
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	out := &outcome{intercepts: r.Intercepts, coefficients: r.Coefficients, stdErrs: r.StdErrs}
	if len(r.Constant) > 0 {
		out.notes = append(out.notes, "left out, one value in every row: "+p.list(r.Constant))
	}
	for _, a := range r.Aliased {
		out.notes = append(out.notes, fmt.Sprintf("left out, collinear: %s is a linear combination of %s", p.name(a.Column), p.list(a.Of)))
	}
	return out, nil
}

// means returns the weighted means of the columns.
func (p *Problem) means() []float64 {
	w := normalise(p.Weights, p.Rows)
	out := make([]float64, p.Columns)
	for j := range out {
		for i, v := range p.column(j) {
			out[j] += w[i] * v
		}
	}
	return out
}
