package train

import (
	"fmt"
	"slices"

	"github.com/voxgene/voxgene/train/validate"
)

// qualityScore is the evidence for the items of the radiomics quality score.
func (r *run) qualityScore(f facts) evidence {
	e := evidence{}
	e.words(r.e.Study, map[int]string{3: "phantom", 11: "registration", 15: "cost"})
	if c := r.clear(f); c[16].Text != "" {
		e.show(1, "cohort", "%s Whether the protocol is public is the authors'.", c[16].Text)
	}
	if len(r.cohort.Again) > 0 {
		e.show(2, "methods", "%d further measurements of the patients.", len(r.cohort.Again))
	}
	if s := r.stepsNamed("drop_correlated", "drop_redundant", "drop_unstable", "select", "reduce"); s != "" {
		e.show(5, r.part(partChosen), "%s.", s)
	}
	if f.other {
		e.show(6, r.part(partAblation), "Columns that are no radiomics are among the predictors; %d comparisons by group.", f.ablated)
	}
	if slices.ContainsFunc(r.all.Columns, isGene) {
		e.show(7, r.part(partAblation), "Columns of genes are among the predictors. What they mean is the authors'.")
	}
	if f.survival > 0 {
		e.show(8, r.part(partKaplanMeier), "Risk groups of %d outcomes, with cuts fixed on training rows.", f.survival)
	} else if f.outcomes > 0 {
		e.show(8, r.part(""), "Sensitivity and specificity at the prevalence of each fold's training rows.")
	}
	e.show(9, r.part(partNull), "%s; %s; permutations of %d outcomes.", f.measures, f.intervals, f.permuted)
	if f.calibrated > 0 {
		e.show(10, r.part(partCalibration), "Calibration of %d outcomes out of fold, with intervals.", f.calibrated)
	}
	e.show(12, r.part(""), "%s", r.validated(f))
	if f.baselines > 0 {
		e.show(13, r.part(partBaselines), "%d baselines on the same folds. Which of them is the gold standard is the authors'.", f.baselines)
	}
	if f.utility > 0 {
		e.show(14, r.part(partUtility), "Decision curves of %d outcomes.", f.utility)
	}
	e.show(16, "reproduce", "The experiment is on this page, %s. What is public is the authors'.", Version())
	return e
}

// validated says on whom the procedure was judged, in the score's terms.
func (r *run) validated(f facts) string {
	switch {
	case r.foreign:
		return fmt.Sprintf("Predictions of %d outcomes; whether the patients are of another institution is the authors'.", f.outcomes)
	case validate.Scheme(r.e.Validation.Scheme) == validate.LeaveOneSiteOut:
		return fmt.Sprintf("Each of %d sites was left out once; validation by other institutions' own data sets is a run of voxgene evaluate.", f.sites)
	}
	return "Validated on patients of the same data set who were left out; other institutions are a run of voxgene evaluate."
}
