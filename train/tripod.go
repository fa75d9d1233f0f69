package train

import (
	"fmt"

	"github.com/voxgene/voxgene/features/table"
)

// isGene reports whether a column measures genes.
func isGene(c table.Column) bool { return c.Group == "gene" || c.Group == "genes" }

// tripod is the evidence for the items of TRIPOD+AI.
func (r *run) tripod(f facts) evidence {
	e := evidence{}
	e.words(r.e.Study, map[int]string{3: "background", 17: "ethics", 18: "open_science", 19: "involvement", 25: "interpretation", 26: "limitations"})
	what := "Development with internal validation."
	if r.foreign {
		what = "Evaluation of predictions made elsewhere."
	}
	e.show(4, "methods", "%s", what)
	e.show(5, "cohort", "Sources %s. Dates and how representative they are is the authors'.", r.sourceNames())
	if f.sites > 0 {
		e.show(6, "cohort", "%d sites. Eligibility and treatments are the authors'.", f.sites)
	}
	if s := r.stepsNamed("impute", "encode", "scale", "transform", "harmonise", "normalise"); s != "" {
		e.show(7, "methods", "%s, fitted on training rows and the same for every group.", s)
	}
	e.show(8, r.part(""), "%s. Who assessed it, and blinded to what, is the authors'.", f.definitions)
	e.show(9, "cohort", "%s. Why they were chosen is the authors'.", f.counts)
	e.show(10, r.part(""), "%s. Whether that is enough is the authors'.", f.scarcity(r.foreign))
	e.show(11, "cohort", "%s; %s.", f.counts, stepsOrNone(r.stepsNamed("impute", "drop")))
	e.show(12, r.part(partFolds), "%s; %s; %s; intervals: %s.", f.splits, f.kinds, f.measures, f.intervals)
	e.show(13, r.part(partFolds), "%s.", f.sizes)
	if f.groups > 0 {
		e.show(14, r.part(partGroups), "%d groups of patients were judged by themselves. What fairness asks for here is the authors'.", f.groups)
	}
	if !r.foreign {
		e.show(15, "reproduce", "Probabilities, risks and curves as the bundle gives them; the threshold is the training prevalence; prediction sets of %d outcomes.", f.conformal)
		e.show(16, r.part(partFolds), "Training and test rows of a fold are of one cohort, with the same shares of classes or events; external cohorts are a run of voxgene evaluate.")
		e.show(22, "reproduce", "model.voxgene, SHA-256 %s; voxgene inspect --export writes coefficients or trees.", r.hashes[BundleFile])
	}
	e.show(20, "cohort", "%d listed, %d left out with reasons, %d in the table; table one.", r.cohort.Flow.Listed, len(r.cohort.Flow.Excluded), r.cohort.Flow.Patients)
	e.show(21, r.part(partFolds), "%s.", f.sizes)
	sites := ""
	if f.sites > 1 {
		sites = fmt.Sprintf(", by %d sites where they were asked for", f.sites)
	}
	e.show(23, r.part(partGroups), "Estimates with intervals for %d outcomes; %d groups of patients%s.", f.outcomes, f.groups, sites)
	e.outside(24, "nothing was updated in this run; voxgene evaluate --update does so")
	e.show(27, "methods", "A bundle refuses or marks absent and unusual inputs (voxgene inspect). Users' skill and next research are the authors'.")
	return e
}

func stepsOrNone(steps string) string {
	if steps == "" {
		return "no step handles them"
	}
	return "handled by " + steps
}
