package train

// The titles of parts of the page that checklists lead to.
const (
	partFolds       = "Folds"
	partComparison  = "Model by model"
	partBaselines   = "Baselines"
	partAblation    = "By source of columns"
	partROC         = "ROC, out of fold"
	partCalibration = "Calibration, out of fold"
	partUtility     = "Decision curve, out of fold"
	partImportance  = "What contributed to its estimates"
	partStability   = "Contributions out of fold, and how stable they are"
	partChosen      = "Columns chosen by the pipeline"
	partGroups      = "By subgroup"
	partNull        = "When there is nothing to find"
	partKaplanMeier = "Survival by risk group"
	partHarmonised  = "With and without harmonisation"
)

// clear is the evidence for CLEAR's items.
func (r *run) clear(f facts) evidence {
	e := evidence{}
	e.words(r.e.Study, map[int]string{6: "aim", 8: "ethics", 10: "design", 11: "eligibility", 14: "overlap", 20: "readers", 53: "data_url"})
	e.show(7, "checklists", "This page holds CLEAR, METRICS, RQS and TRIPOD+AI as far as software can fill them; %s.", Version())
	e.show(9, r.part(""), "%s. The justification is the authors'.", f.scarcity(r.foreign))
	if !r.foreign {
		e.show(12, "methods", "%d sources, %d steps, %d models; listed under Methods.", len(r.e.Sources), len(r.e.Pipeline), len(r.e.Models))
	}
	e.show(13, "reproduce", "Sources %s; hashes of %d input files. Public links are the authors'.", r.sourceNames(), len(r.inputs))
	e.show(15, r.part(partFolds), "%s. Patients, not rows, are divided; seed %d; fold table with counts.", f.splits, r.e.Seed)
	if len(f.clinical) > 0 {
		e.show(17, "cohort", "%d clinical columns: %s.", len(f.clinical), short(f.clinical, 10))
	}
	e.show(18, r.part(""), "%s.", f.definitions)
	r.clearImages(e, f)
	if families := r.families(); families != "" {
		e.show(26, "cohort", "%s.", families)
	}
	e.show(27, "cohort", "%s.", f.counts)
	missing := r.stepsNamed("impute", "drop")
	if missing == "" {
		missing = "no step"
	}
	e.show(29, "cohort", "%s; handled by %s.", f.counts, missing)
	e.show(30, r.part(partFolds), "%s; counts for each fold in the fold table.", f.sizes)
	if f.again {
		e.show(31, "methods", "Several measurements of the same patients were read; %s.", stepsOr(r.stepsNamed("drop_unstable"), "no step uses them"))
	}
	if s := r.stepsNamed("scale", "transform", "harmonise"); s != "" {
		e.show(32, r.part(partHarmonised), "%s, fitted on the training rows of each fold.", s)
	}
	if s := r.stepsNamed("drop", "drop_correlated", "drop_redundant", "drop_unstable", "select", "reduce"); s != "" {
		e.show(33, r.part(partChosen), "%s. %s", s, f.chosen)
	}
	r.clearModels(e, f)
	e.show(44, "cohort", "Table one, by class or event.")
	e.show(45, "cohort", "%d listed, %d left out with reasons, %d in the table. What happened before the table of patients is the authors'.", r.cohort.Flow.Listed, len(r.cohort.Flow.Excluded), r.cohort.Flow.Patients)
	e.show(47, r.part(""), "Estimates with intervals for %d outcomes, with figures; what guessing scores stands in the figures.", f.outcomes)
	e.show(55, "reproduce", "The complete experiment is on this page.")
	e.show(56, "reproduce", "The complete experiment and %s.", Version())
	if !r.foreign {
		e.show(54, "reproduce", "features.parquet, SHA-256 %s. Whether it may be shared is the authors'.", r.hashes[FeaturesFile])
		e.show(57, "reproduce", "model.voxgene, SHA-256 %s.", r.hashes[BundleFile])
		e.show(58, "reproduce", "voxgene serve model.voxgene.")
	}
	return e
}

// clearImages are the items about images and their extraction: values found, where this run extracted.
func (r *run) clearImages(e evidence, f facts) {
	if len(f.images) == 0 {
		return // features were given as tables, and only their authors know
	}
	seen := ""
	for _, s := range f.images {
		if text := r.acquired(s.Name); text != "" {
			if seen != "" {
				seen += "; "
			}
			seen += text
		}
	}
	if seen != "" {
		e.open(16, "cohort", "%s. Sequences and contrast are the authors'.", seen)
	}
	e.show(19, "cohort", "%s. Who drew them and by which rules is the authors'.", f.imaging(masks))
	e.show(21, "reproduce", "%s by %s.", f.imaging(preparation), Version())
	e.show(22, "reproduce", "%s.", f.imaging(resampling))
	e.show(23, "reproduce", "%s.", f.imaging(discretisation))
	e.show(24, "reproduce", "%s.", f.imaging(imageTypes))
	e.show(25, "reproduce", "%s; agreement with the IBSI reference values in docs/validation.md.", Version())
	e.show(28, "reproduce", "Classes %s; every other parameter in the experiment, complete.", f.imaging(classes))
}

// clearModels are the items about modelling and its evaluation.
func (r *run) clearModels(e evidence, f facts) {
	e.show(34, "reproduce", "%s; %s.", f.kinds, Version())
	if !r.foreign {
		searched := 0
		for _, m := range r.e.Models {
			if m.Search != nil {
				searched++
			}
		}
		e.show(35, r.part(partFolds), "%d of %d models have searched hyper-parameters; what was chosen in each fold is in the fold table; seed %d.", searched, len(r.e.Models), r.e.Seed)
		e.show(37, r.part(partComparison), "Kept: %s, by inner folds of all rows.", f.kept)
	}
	if r.cohort.Sites != nil {
		e.show(36, "audit", "Outcome against site was tested: %d findings.", f.confounded)
	}
	e.show(38, r.part(""), "Internal: %s. No test by another institution in this run.", f.splits)
	e.show(39, r.part(""), "%s.", f.measures)
	e.show(40, r.part(partCalibration), "%s; calibration of %d outcomes; permutations of %d.", f.intervals, f.calibrated, f.permuted)
	if f.compared > 0 {
		e.show(41, r.part(partComparison), "%d paired tests, %s, adjusted by Holm.", f.compared, r.results[0].testName())
	}
	if f.ablated+f.baselines > 0 {
		e.show(42, r.part(partBaselines), "%d comparisons by group of columns, %d baselines, decision curves of %d outcomes.", f.ablated, f.baselines, f.utility)
		e.show(48, r.part(partAblation), "%d comparisons by group of columns, %d baselines.", f.ablated, f.baselines)
	}
	if f.explained > 0 {
		e.show(43, r.part(partImportance), "SHAP values of %d models that are kept.", f.explained)
		e.show(46, r.part(partStability), "Contributions and their spread over folds. %s", f.chosen)
	}
}

func stepsOr(steps, otherwise string) string {
	if steps == "" {
		return otherwise
	}
	return steps + " uses them"
}
