package linear_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/models/linear"
)

type wantPath struct {
	Family      string
	Grouped     bool
	Alpha       float64
	Standardize bool
	Classes     []string
	Lambda      []float64
	A0          []float64
	A0ByClass   map[string][]float64 `json:"a0_by_class_then_lambda"`
	DevRatio    []float64            `json:"dev_ratio"`
	NullDev     float64
	Objective   []float64
	FoldID      []int
	CV          map[string]struct {
		CVM, CVSD []float64
		LambdaMin float64 `json:"lambda_min"`
		Lambda1SE float64 `json:"lambda_1se"`
	}
}

// pathProblem returns the problem of a stored path.
func pathProblem(t *testing.T, name string) (p linear.Problem) {
	switch {
	case has(name, "ALL_bcrabl"):
		p, pheno := expression(t, 2000, func(f frame, i int) bool { return f.text["set_bcrneg"][i] == "1" })
		p.Family, p.Classes = linear.Binomial, 2
		p.Class, _ = pheno.class(t, "y_bcrabl")
		return p
	case has(name, "ALL3"):
		p, pheno := expression(t, 500, func(f frame, i int) bool {
			switch f.text["mol.biol"][i] {
			case "ALL1/AF4", "BCR/ABL", "NEG":
				return f.text["lineage"][i] == "B"
			}
			return false
		})
		p.Family, p.Classes = linear.Multinomial, 3
		p.Class, _ = pheno.class(t, "mol.biol")
		return p
	case has(name, "pima"):
		f := readFrame(t, "linear", "inputs", "pima.csv")
		p = f.problem(t, f.without("diabetes"))
		p.Family, p.Classes = linear.Binomial, 2
		p.Class, _ = f.class(t, "diabetes")
	case has(name, "iris"):
		f := readFrame(t, "linear", "inputs", "iris.csv")
		p = f.problem(t, f.without("Species"))
		p.Family, p.Classes = linear.Multinomial, 3
		p.Class, _ = f.class(t, "Species")
	case has(name, "boston"):
		f := readFrame(t, "linear", "inputs", "boston.csv")
		p = f.problem(t, f.without("medv"))
		p.Family, p.Y = linear.Gaussian, f.numbers(t, "medv")
	case has(name, "veteran"), has(name, "lung"):
		file := "veteran.csv"
		if has(name, "lung") {
			file = "lung_complete.csv"
		}
		f := readFrame(t, "linear", "inputs", file)
		p = f.problem(t, f.without("time", "status"))
		f.survival(t, &p)
		p.Ties = linear.Breslow
	default:
		t.Fatalf("no data for %s", name)
	}
	return p
}

// The stored paths and their tolerance on coefficients, by the largest.
var paths = []struct {
	name      string
	tolerance float64
}{
	{"binomial_pima_alpha0", 1e-6}, {"binomial_pima_alpha0.5", 1e-6}, {"binomial_pima_alpha1", 1e-6},
	{"binomial_lasso_ALL_bcrabl", 1e-5}, {"binomial_lasso_ALL_bcrabl_nostd", 1e-5}, {"binomial_enet05_ALL_bcrabl", 1e-5}, {"binomial_ridge_ALL_bcrabl", 1e-5},
	{"gaussian_boston_alpha0", 1e-5}, {"gaussian_boston_alpha0.5", 1e-5}, {"gaussian_boston_alpha1", 1e-5},
	{"cox_lung_alpha05", 1e-6}, {"cox_lung_alpha1", 1e-6}, {"cox_veteran_alpha0", 1e-6}, {"cox_veteran_alpha0.5", 1e-6}, {"cox_veteran_alpha1", 1e-6},
	{"multinomial_iris_ungrouped_a05", 1e-6}, {"multinomial_iris_grouped_a05", 1e-6}, {"multinomial_ALL3_ungrouped", 1e-5}, {"multinomial_ALL3_grouped", 1e-5},
}

// Values: glmnet(thresh = 1e-20), checked against the Karush–Kuhn–Tucker conditions where they were made.
func TestPathOracle(t *testing.T) {
	for _, set := range paths {
		t.Run(set.name, func(t *testing.T) {
			var want wantPath
			readJSON(t, &want, "linear", "expected", set.name+".json")
			p := pathProblem(t, set.name)
			path, err := linear.FitPath(t.Context(), p, linear.Options{Alpha: want.Alpha, Lambda: want.Lambda, Unstandardised: !want.Standardize,
				Grouped: want.Grouped, Tolerance: 1e-16})
			if err != nil {
				t.Fatal(err)
			}
			objective := oracle.Relative(t, "penalised objective", set.name, glmnet, 1e-9)
			ratio := oracle.Absolute(t, "deviance ratio", set.name, glmnet, 1e-7)
			oracle.Relative(t, "null deviance", set.name, glmnet, 1e-9).Near("null", path.NullDeviance, want.NullDev)
			for l, f := range path.Fits {
				objective.Near(fmt.Sprint("λ ", l), f.Objective, want.Objective[l])
				ratio.Near(fmt.Sprint("λ ", l), f.DevRatio, want.DevRatio[l])
			}
			comparePath(t, set.name, set.tolerance, p, path, want)
		})
	}
}

// comparePath compares coefficients in units of the largest of their λ, plus 1e-8.
func comparePath(t *testing.T, name string, tolerance float64, p linear.Problem, path *linear.Path, want wantPath) {
	check := oracle.Absolute(t, "coefficients, by the largest", name, glmnet, tolerance)
	classes := want.Classes
	if classes == nil {
		classes = []string{""}
	}
	coef := coefficients(t, name, len(want.Lambda), p.Names)
	for k, class := range classes {
		a0 := want.A0
		if want.A0ByClass != nil {
			a0 = want.A0ByClass[class]
		}
		for l, f := range path.Fits {
			got := f.Dense(k, p.Columns)
			want := make([]float64, p.Columns)
			if coef[class] != nil {
				want = coef[class][l]
			}
			largest := 0.0
			for _, v := range want {
				largest = max(largest, math.Abs(v))
			}
			unit := largest + 1e-8/tolerance
			for j := range got {
				if got[j] != 0 || want[j] != 0 {
					check.Near(fmt.Sprintf("%s λ %d %s", class, l, p.Names[j]), got[j]/unit, want[j]/unit)
				}
			}
			if a0 != nil {
				unit := max(math.Abs(a0[l]), largest) + 1e-8/tolerance
				check.Near(fmt.Sprintf("%s λ %d intercept", class, l), f.Intercepts[k]/unit, a0[l]/unit)
			}
		}
	}
}
