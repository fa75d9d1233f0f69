package config_test

import (
	"context"
	"errors"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models"
)

// Two kinds of model that stand for all: what they learn does not matter to an experiment file.
func init() {
	for _, k := range []models.Kind{
		{Name: "net", Outcomes: []clinical.OutcomeKind{clinical.Class}, Params: []models.Param{
			{Name: "penalty", Default: "ridge", Choices: []string{"ridge", "lasso"}}, {Name: "alpha", Default: 0.5, Min: 0, Max: 1}, {Name: "rounds", Default: 100, Min: 1, Max: 1e6}}},
		{Name: "hazard", Outcomes: []clinical.OutcomeKind{clinical.Survival}, Params: []models.Param{{Name: "alpha", Default: 0.5, Min: 0, Max: 1}}},
	} {
		k.New = func(o models.Options) (models.Learner, error) {
			if o["penalty"] == "ridge" && o["alpha"] == 1.0 {
				return nil, errors.New("alpha: 1 is the lasso, and penalty is ridge")
			}
			return idle{}, nil
		}
		models.Register(k)
	}
}

type idle struct{}

func (idle) Fit(context.Context, models.Training) (models.Model, error) {
	return nil, errors.New("experiment files fit nothing")
}
