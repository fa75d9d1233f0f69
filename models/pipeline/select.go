package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

func init() {
	Register(Kind{
		Name: "select",
		Doc:  "keep the columns that go with the outcome, judged on training rows",
		Params: []models.Param{
			{Name: "method", Doc: "how columns are judged; auto is anova for classes and univariate_cox for survival", Default: "auto",
				Choices: []string{"auto", "anova", "mann_whitney", "mutual_information", "univariate_cox", "mrmr", "lasso", "elimination", "stability", "signature"}},
			{Name: "most", Doc: "number of columns to keep", Default: 30, Min: 1, Max: 1e6},
			{Name: "columns", Doc: "of method signature: the columns to keep, by name or glob", Default: []string{}},
		},
		Touches: []table.Kind{table.Numeric, table.Ordinal},
		New: func(o models.Options) (Step, error) {
			s := selection{o["method"].(string), o["most"].(int), o["columns"].([]string)}
			if (s.method == "signature") != (len(s.columns) > 0) {
				return nil, fmt.Errorf("columns and method signature belong together")
			}
			return s, nil
		},
		Decode: decodeKept("select"),
	})
}

// selection keeps columns by a method:
//
//   - anova: F of a one-way analysis of variance, as scikit-learn's f_classif;
//   - mann_whitney: H of Kruskal and Wallis, with ties corrected, which for two classes orders columns as Mann and Whitney's U does;
//   - mutual_information: between the class and the column in bins of equal counts;
//   - univariate_cox: the score test of a Cox model of one column, which for two groups is the log-rank test;
//   - mrmr: the most relevant (F or score test) that is least like those chosen so far, as a quotient (FCQ; Ding and Peng 2005);
//   - lasso: the largest coefficients of a lasso whose strength inner folds of the training rows choose;
//   - elimination: the smaller half of a ridge model's coefficients goes, again and again (Guyon and others 2002);
//   - stability: how often a lasso chooses a column on halves of the patients (Meinshausen and Bühlmann 2010);
//   - signature: the columns that are named.
//
// Columns that are equally good are taken in their order. A column without spread is never chosen while another is left.
type selection struct {
	method  string
	most    int
	columns []string
}

func (s selection) Fit(ctx context.Context, t models.Training) (Fitted, error) {
	method := s.method
	survival := t.Y.Kind == clinical.Survival
	switch {
	case method == "auto" && survival:
		method = "univariate_cox"
	case method == "auto":
		method = "anova"
	case survival && slices.Contains([]string{"anova", "mann_whitney", "mutual_information"}, method):
		return nil, fmt.Errorf("method %s is for classes and %s is a survival outcome; auto takes what fits each outcome", method, t.Y.Name)
	case !survival && method == "univariate_cox":
		return nil, fmt.Errorf("method univariate_cox is for survival and %s is a class; auto takes what fits each outcome", t.Y.Name)
	}
	var keep []int
	var err error
	switch method {
	case "signature":
		keep, err = s.named(t.X)
	case "mrmr":
		keep, err = relevantNotRedundant(ctx, t, s.most)
	case "lasso":
		keep, err = byLasso(ctx, t, s.most)
	case "elimination":
		keep, err = byElimination(ctx, t, s.most)
	case "stability":
		keep, err = byStability(ctx, t, s.most)
	default:
		keep = best(scores(method, t), s.most)
	}
	if err != nil {
		return nil, err
	}
	slices.Sort(keep)
	f := &kept{kind: "select", given: t.X.Columns, state: keptState{keep}}
	return f, f.describe()
}

// named returns the columns of a signature; a name that fits no column is an error.
func (s selection) named(x models.Matrix) ([]int, error) {
	take := make([]bool, len(x.Columns))
	for _, p := range s.columns {
		found := false
		for j, c := range x.Columns {
			if Matches(p, c) {
				take[j], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("columns: %q names none of the columns that reach this step", p)
		}
	}
	keep := []int{}
	for j, ok := range take {
		if ok {
			keep = append(keep, j)
		}
	}
	return keep, nil
}

// best returns the columns of the highest scores; NaN is the lowest of all.
func best(score []float64, most int) []int {
	order := make([]int, len(score))
	for j := range order {
		order[j] = j
	}
	rank := func(v float64) float64 {
		if math.IsNaN(v) {
			return math.Inf(-1)
		}
		return v
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rank(score[b]), rank(score[a])) })
	return order[:min(most, len(order))]
}

// scores judges every column by itself.
func scores(method string, t models.Training) []float64 {
	out := make([]float64, len(t.X.Columns))
	var risk *riskSets
	if method == "univariate_cox" {
		risk = newRiskSets(t.Y)
	}
	for j := range out {
		v := t.X.Column(j)
		switch method {
		case "anova":
			out[j] = anovaF(v, t.Y.Class, len(t.Y.Classes))
		case "mann_whitney":
			out[j] = kruskal(v, t.Y.Class, len(t.Y.Classes))
		case "mutual_information":
			out[j] = mutualInformation(v, t.Y.Class, len(t.Y.Classes))
		case "univariate_cox":
			out[j] = risk.score(v)
		}
	}
	return out
}
