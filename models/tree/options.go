package tree

import (
	"github.com/voxgene/voxgene/models"
)

func boostingParams() []models.Param {
	return []models.Param{
		{Name: "rounds", Doc: "most trees (for each class) that are added", Default: 200, Min: 1, Max: 100_000},
		{Name: "learning_rate", Doc: "eta: what leaf weights are multiplied by", Default: 0.1, Min: 1e-6, Max: 1},
		{Name: "max_depth", Doc: "deepest a leaf may lie", Default: 4, Min: 1, Max: 64},
		{Name: "reg_lambda", Doc: "L2 penalty on leaf weights", Default: 1.0, Min: 0, Max: 1e9},
		{Name: "reg_alpha", Doc: "L1 penalty on leaf weights", Default: 0.0, Min: 0, Max: 1e9},
		{Name: "gamma", Doc: "gain below which a last split is undone", Default: 0.0, Min: 0, Max: 1e9},
		{Name: "min_child_weight", Doc: "sum of hessians that a child must have", Default: 1.0, Min: 0, Max: 1e9},
		{Name: "max_delta_step", Doc: "most that a leaf weight may be; 0 means no limit", Default: 0.0, Min: 0, Max: 1e9},
		{Name: "subsample", Doc: "share of the rows of each tree", Default: 1.0, Min: 1e-6, Max: 1},
		{Name: "colsample_bytree", Doc: "share of the columns of each tree", Default: 1.0, Min: 1e-6, Max: 1},
		{Name: "colsample_bylevel", Doc: "share of a tree's columns for each depth", Default: 1.0, Min: 1e-6, Max: 1},
		{Name: "colsample_bynode", Doc: "share of a depth's columns for each node", Default: 1.0, Min: 1e-6, Max: 1},
		{Name: "tree_method", Doc: "exact tells all values apart, hist groups them", Default: "exact", Choices: []string{"exact", "hist"}},
		{Name: "max_bin", Doc: "groups of a column under hist", Default: 256, Min: 2, Max: 256},
		{Name: "early_stopping_rounds", Doc: "rounds without a better loss on held-out patients before it stops; 0 means never", Default: 0, Min: 0, Max: 100_000},
		{Name: "validation_share", Doc: "share of the patients held out for early stopping", Default: 0.2, Min: 0.01, Max: 0.9},
		{Name: "base_score", Doc: "probability from which two classes start; 0 means their share", Default: 0.0, Min: 0, Max: 0.999999},
	}
}

// boostingOptions reads what boosting of classes and of survival share.
func boostingOptions(o models.Options) Boosting {
	return Boosting{
		Rounds: o["rounds"].(int), LearningRate: o["learning_rate"].(float64), MaxDepth: o["max_depth"].(int),
		Penalty: Penalty{Lambda: o["reg_lambda"].(float64), Alpha: o["reg_alpha"].(float64), Gamma: o["gamma"].(float64),
			MinChildWeight: o["min_child_weight"].(float64), MaxDeltaStep: o["max_delta_step"].(float64)},
		Subsample: o["subsample"].(float64), ColumnsTree: o["colsample_bytree"].(float64), ColumnsLevel: o["colsample_bylevel"].(float64),
		ColumnsNode: o["colsample_bynode"].(float64), Method: o["tree_method"].(string), MaxBins: o["max_bin"].(int),
		EarlyStopping: o["early_stopping_rounds"].(int), Validation: o["validation_share"].(float64), BaseScore: o["base_score"].(float64),
	}
}

func newBoosting(o models.Options) (models.Learner, error) {
	b := boostingOptions(o)
	b.PositiveWeight = o["scale_pos_weight"].(float64)
	w, err := classWeights(o)
	b.Weights = w
	return b, err
}
