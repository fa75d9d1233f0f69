package pipeline

import "github.com/voxgene/voxgene/features/clinical"

// LogRankScore is the score by which univariate_cox judges a column.
func LogRankScore(y clinical.Outcome, v []float64) float64 { return newRiskSets(y).score(v) }

// Scores judges columns by one of the univariate methods.
var Scores = scores
