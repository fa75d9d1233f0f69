package train

import (
	"github.com/voxgene/voxgene/train/report"
	"github.com/voxgene/voxgene/train/validate"
)

// metricsScore is the evidence for the items of METRICS. Items that its conditions shut off do not apply.
func (r *run) metricsScore(f facts) evidence {
	e := evidence{}
	e.words(r.e.Study, map[int]string{2: "eligibility", 3: "reference_standard", 10: "readers", 28: "data_url"})
	e.show(1, "checklists", "CLEAR and TRIPOD+AI, as far as software can fill them.")
	if f.sites > 1 {
		e.show(4, "cohort", "%d sites.", f.sites)
	}
	if len(f.images) > 0 {
		if c := r.clear(f); c[16].Text != "" {
			e[6] = report.Evidence{Text: c[16].Text, Anchor: c[16].Anchor, Open: true}
		}
		e.show(8, "cohort", "%s. The method is the authors'.", f.imaging(masks))
		e.show(11, "reproduce", "%s; %s; %s.", f.imaging(preparation), f.imaging(resampling), f.imaging(discretisation))
		e.show(12, "reproduce", "%s; agreement with the IBSI reference values in docs/validation.md.", Version())
		e.show(13, "reproduce", "The complete parameters are in the experiment.")
	}
	if f.volumes {
		e.open(17, r.part(""), "A network reads images; its robustness to perturbed images was not tested in this run.")
	} else if !r.foreign {
		e.outside(17, "no model reads images directly")
	}
	if s := r.stepsNamed("drop_unstable"); s != "" {
		e.show(14, "methods", "%s, on repeated measurements of the training rows.", s)
	}
	if s := r.stepsNamed("drop_correlated", "drop_redundant", "select", "reduce"); s != "" {
		e.show(15, r.part(partChosen), "%s.", s)
	}
	if !r.foreign {
		e.show(16, r.part(""), "%s.", f.perVariable)
	}
	if !r.foreign {
		e.show(18, r.part(partFolds), "%s; every step is fitted on training rows; %d findings of the audit.", f.splits, f.audited)
	}
	if r.cohort.Sites != nil {
		e.show(19, "audit", "Outcome against site was tested: %d findings.", f.confounded)
	}
	e.show(20, r.part(""), "%s.", f.measures)
	e.show(21, r.part(""), "%s.", f.intervals)
	if f.calibrated > 0 {
		e.show(22, r.part(partCalibration), "Calibration of %d outcomes.", f.calibrated)
	}
	if len(r.e.Sources) == 1 || f.ablated > 0 {
		e.show(23, r.part(partAblation), "%d sources; %d comparisons by group or source.", len(r.e.Sources), f.ablated)
	}
	if f.ablated+f.baselines > 0 {
		e.show(24, r.part(partBaselines), "%d comparisons by group of columns, %d baselines.", f.ablated, f.baselines)
	}
	if f.linear || f.baselines > 0 {
		e.show(25, r.part(partBaselines), "%s; %d baselines.", f.kinds, f.baselines)
	}
	switch scheme := validate.Scheme(r.e.Validation.Scheme); {
	case r.locked != nil:
		e.open(26, "audit", "%d patients are set apart and locked; no number here is of them.", r.locked.Patients)
	case !r.foreign && (scheme == validate.Holdout || scheme == validate.TimeSplit):
		e.show(26, r.part(partFolds), "%s.", f.splits)
	}
	e.show(29, "reproduce", "The complete experiment; a public link is the authors'.")
	if !r.foreign {
		e.show(30, "reproduce", "model.voxgene; a public link is the authors'.")
	}
	return e
}
