package linear_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/oracle"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/linear"
	"github.com/voxgene/voxgene/models/survival"
)

// training returns a problem as the kinds read it.
func training(p linear.Problem) models.Training {
	t := models.Training{X: models.Matrix{Rows: p.Rows, Values: p.X}, Seed: 1,
		Y: clinical.Outcome{Name: "os", Kind: clinical.Survival, Time: p.Time, Entry: p.Entry, Unit: "d"}}
	for _, n := range p.Names {
		t.X.Columns = append(t.X.Columns, table.Column{Name: n})
	}
	for _, e := range p.Event {
		k := 0
		if e {
			k = 1
		}
		t.Y.Event = append(t.Y.Event, k)
	}
	return t
}

// Values: basehaz(centered = FALSE), survfit(newdata) and concordance of coxph.
func TestCoxCurvesOracle(t *testing.T) {
	for _, name := range coxSets {
		p, want, _ := coxProblem(t, name)
		if p.Strata != nil || p.Ties == linear.Exact {
			continue // the kind has neither
		}
		t.Run(name, func(t *testing.T) {
			l := learner(t, "cox", map[string]any{"penalty": "none", "ties": want.Ties})
			data := training(p)
			fit, err := l.Fit(context.Background(), data)
			if err != nil {
				t.Fatal(err)
			}
			m := fit.(*linear.Cox)
			base := readFrame(t, "survival", "expected", name+"_basehaz.csv")
			shift := 0.0
			for j, b := range m.Coefficients {
				shift -= b * m.Means[j]
			}
			curve := oracle.Absolute(t, "baseline hazard and survival of patients", name, "survival 3.5-3 basehaz, survfit", 1e-9)
			times, hazard := base.numbers(t, "time"), base.numbers(t, "hazard")
			for i, at := range times {
				// R's hazard of a patient at 0 and ours of one at the mean, both as the survival of the mean patient
				curve.Near(fmt.Sprint("baseline at ", at), math.Exp(-m.BaselineAt(at)), math.Exp(-hazard[i]*math.Exp(-shift)))
			}
			pred, err := m.Predict(data.X, want.Times)
			if err != nil {
				t.Fatal(err)
			}
			lp := oracle.Relative(t, "linear predictors", name, "survival 3.5-3 coxph", 1e-7)
			lp.AbsoluteBelow, lp.AbsoluteTolerance = 1e-2, 1e-9
			for i, v := range want.LP {
				lp.Near(fmt.Sprint("row ", i), pred.Risk[i]-shift, v)
			}
			for k := range want.Times {
				for c, row := range want.Rows {
					curve.Near(fmt.Sprint("row ", row, " at ", want.Times[k]), pred.Survival[(row-1)*len(want.Times)+k], want.Survival[k][c])
				}
			}
			obs, err := survival.Observations(data.Y)
			if err != nil {
				t.Fatal(err)
			}
			c, err := survival.Rank(obs, pred.Risk, survival.ConcordanceOptions{})
			if err != nil {
				t.Fatal(err)
			}
			oracle.Absolute(t, "concordance of the model", name, "survival 3.5-3 coxph", 1e-9).Near("C", c.C, want.C)
			oracle.Absolute(t, "standard error of the model's concordance", name, "survival 3.5-3 coxph", 1e-8).Near("error", c.StdErr, want.CErr)
			if !slices.IsSorted(m.Times) {
				t.Error("times are not sorted")
			}
		})
	}
}
