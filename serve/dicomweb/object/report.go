// Package object renders a kept result as a DICOM structured report of the study that it was made from: a Comprehensive 3D SR with the measured
// features of the region (TID 1411 within TID 1500) and the prediction (TID 1501) with the algorithm that made it, UNVERIFIED, and the
// words on its use (PS3.16).
//
// Identifiers follow from the result's and its state, so that the same result gives the same report, sending it twice stores it once, and what
// says something else is another object. A report names those that it replaces as its predecessors; that of a retracted result says why.
package object

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/results"
)

const (
	// SOP classes of the objects (PS3.4, B.5): Comprehensive 3D SR, Key Object Selection Document, Segmentation, Parametric Map and Secondary
	// Capture Image Storage.
	ReportStorage       = "1.2.840.10008.5.1.4.1.1.88.34"
	RejectionStorage    = "1.2.840.10008.5.1.4.1.1.88.59"
	SegmentationStorage = "1.2.840.10008.5.1.4.1.1.66.4"
	MapStorage          = "1.2.840.10008.5.1.4.1.1.30"
	CaptureStorage      = "1.2.840.10008.5.1.4.1.1.7"
	// Manufacturer is written into every report; a poller knows our own objects by it.
	Manufacturer = "Voxgene"

	scheme = "99VOXGENE"
)

// ReportUID is the identifier under which the report of a result in its present state is stored.
func ReportUID(r *results.Result) string {
	switch r.State {
	case results.EnteredInError:
		return p10.UID("voxgene result", r.ID, "retraction")
	case results.Preliminary:
		return p10.UID("voxgene result", r.ID, "report")
	}
	return p10.UID("voxgene result", r.ID, "report", string(r.State))
}

// Document is what a report says beside the result.
type Document struct {
	Program string // the version of this program
	// Organization is the one to which who verified a result is accountable. Without it no report is VERIFIED, as the standard asks for its name.
	Organization string
	// Masks are the segmentations that were made of the regions, by source: measurements refer to them where the region is no segment of the study
	// already.
	Masks map[string]Region
	// Predecessors are the reports that this one replaces.
	Predecessors []results.Instance
}

// Region is the segmentation of a source that was made of a result, and the series that it lies on.
type Region struct {
	Instance results.Instance
	Series   string
}

// Report returns the report of a result as a DICOM file. A result that was not made from a DICOM study, or whose patient was erased, has none.
func Report(r *results.Result, d Document) ([]byte, error) {
	if err := reportable(r); err != nil {
		return nil, err
	}
	answers, err := read(r)
	if err != nil {
		return nil, err
	}
	o := head(r, d)
	root := container(code("126000", "DCM", "Imaging Measurement Report"), "")
	root.Items(p10.ContentTemplateSequence, template("1500"))
	content := append(context(r), library(r)...)
	measurements := container(code("126010", "DCM", "Imaging Measurements"), "CONTAINS")
	var groups []*p10.Set
	if r.State != results.EnteredInError {
		groups = measured(r, d.Masks)
		for _, a := range answers {
			if a.lesion != nil {
				groups = append(groups, measuredLesion(r, a, d.Masks)...)
				continue
			}
			for _, name := range slices.Sorted(maps.Keys(a.Outcomes)) {
				groups = append(groups, predicted(r, name, a.Outcomes[name]))
			}
		}
	}
	if groups != nil {
		measurements.Items(p10.ContentSequence, groups...)
		content = append(content, measurements)
	}
	said := []string{bundle.Words(r.Use)}
	switch r.State {
	case results.EnteredInError:
		said = append(said, retracted(r)+" The report that this one replaces must not be used.")
	case results.Final, results.Amended:
		said = append(said, "Verified by "+r.By+".")
	}
	said = append(said, remarks(answers)...)
	evaluations := container(code("C0034375", "UMLS", "Qualitative Evaluations"), "CONTAINS")
	var comments []*p10.Set
	for _, s := range said {
		comments = append(comments, text(code("121106", "DCM", "Comment"), s, "CONTAINS"))
	}
	content = append(content, evaluations.Items(p10.ContentSequence, comments...))
	root.Items(p10.ContentSequence, content...)
	o.Merge(root)
	return p10.Encode(o)
}

// answered is one prediction of a result as it is reported.
type answered struct {
	lesion   *results.Lesion    // nil where it is the patient's
	Outcomes map[string]outcome `json:"outcomes"`
	Warnings []bundle.Warning   `json:"warnings"`
	Abstain  []string           `json:"abstained"`
}

// read reads the predictions of a result.
func read(r *results.Result) ([]answered, error) {
	var out []answered
	for _, p := range r.Predictions() {
		a := answered{lesion: p.Lesion}
		if err := json.Unmarshal(p.JSON, &a); err != nil {
			return nil, fmt.Errorf("dicom: the prediction of result %s: %w", r.ID, err)
		}
		out = append(out, a)
	}
	return out, nil
}

// remarks are why there is no prediction, and the warnings: each once, with the lesions that it is of where these are not all.
func remarks(answers []answered) []string {
	var order []string
	of := map[string][]string{}
	for _, a := range answers {
		var said []string
		for _, why := range a.Abstain {
			said = append(said, "No prediction: "+why)
		}
		for _, w := range a.Warnings {
			said = append(said, w.Code+": "+w.Message)
		}
		for i, text := range said {
			if a.lesion == nil { // as often as it is said
				order = append(order, text)
				continue
			}
			if slices.Contains(said[:i], text) {
				continue
			}
			if of[text] == nil {
				order = append(order, text)
			}
			of[text] = append(of[text], a.lesion.Name)
		}
	}
	for i, text := range order {
		switch list := of[text]; {
		case len(list) == 1 && len(answers) > 1:
			order[i] = "Lesion " + list[0] + ": " + text
		case len(list) > 0 && len(list) < len(answers):
			order[i] = "Lesions " + strings.Join(list, ", ") + ": " + text
		}
	}
	return order
}

// outcome is what is reported of one outcome of a prediction.
type outcome struct {
	Kind          string              `json:"kind"`
	Label         *string             `json:"label"`
	Probabilities map[string]*float64 `json:"probabilities"`
	Unit          string              `json:"unit"`
	Risk          *float64            `json:"risk"`
	RiskGroup     *string             `json:"risk_group"`
	Times         []float64           `json:"times"`
	Survival      []*float64          `json:"survival"`
}

// reportable returns nil for a result of which objects can be made: of a patient who is known, from a DICOM study.
func reportable(r *results.Result) error {
	switch {
	case r.Erased:
		return errors.New("dicom: the patient was erased")
	case !p10.ValidUID(r.Identity.Study) || len(r.Evidence) == 0:
		return errors.New("dicom: the result was not made from a DICOM study, so there is none to report into")
	}
	return nil
}

// retracted says why a result was taken back.
func retracted(r *results.Result) string {
	return "Retracted (entered in error): " + strings.TrimSuffix(r.Reason, ".") + "."
}

// head is what the report has beside its content: patient, study, series, equipment and the document itself (PS3.3, C.17.2).
func head(r *results.Result, d Document) *p10.Set {
	k := kind{class: ReportStorage, uid: ReportUID(r), series: reportSeries(r.ID), number: 9801, instance: 1, modality: "SR", description: "Voxgene: prediction", at: r.Changed}
	preliminary, verified := "FINAL", false
	switch r.State {
	case results.Preliminary:
		preliminary = "PRELIMINARY"
	case results.EnteredInError:
		k.instance = 3
	default:
		k.instance, verified = 2, d.Organization != "" && r.By != ""
	}
	o := common(r, d.Program, k)
	o.Items(p10.ReferencedPerformedProcedureStep).Items(p10.PerformedProcedureCodeSequence)
	o.Text(p10.CompletionFlag, "COMPLETE").Text(p10.PreliminaryFlag, preliminary)
	if verified {
		o.Text(p10.VerificationFlag, "VERIFIED").Items(p10.VerifyingObserverSequence, (&p10.Set{}).Clip(p10.VerifyingOrganization, d.Organization).
			Text(p10.VerificationDateTime, r.Changed.UTC().Format("20060102150405")+"+0000").Clip(p10.VerifyingObserverName, r.By).Items(p10.VerifyingObserverIdentification))
	} else {
		o.Text(p10.VerificationFlag, "UNVERIFIED")
	}
	listed := slices.Clone(r.Evidence)
	for _, name := range slices.Sorted(maps.Keys(d.Masks)) {
		listed = append(listed, d.Masks[name].Instance)
	}
	o.Items(p10.CurrentRequestedProcedureEvid, evidence(r.Identity.Study, listed))
	if len(d.Predecessors) > 0 {
		o.Items(p10.PredecessorDocumentsSequence, evidence(r.Identity.Study, d.Predecessors))
	}
	return o
}

// context is who observed what (TID 1204, TID 1001) and which kind of procedure it is of.
func context(r *results.Result) []*p10.Set {
	out := []*p10.Set{coded(code("121049", "DCM", "Language of Content Item and Descendants"), code("en", "RFC5646", "English"), "HAS CONCEPT MOD")}
	return append(append(out, observer(r)...), coded(code("121058", "DCM", "Procedure reported"), code("363679005", "SCT", "Imaging procedure"), "HAS CONCEPT MOD"))
}

// observer is the device that observed: the model (TID 1002, TID 1004).
func observer(r *results.Result) []*p10.Set {
	return []*p10.Set{
		coded(code("121005", "DCM", "Observer Type"), code("121007", "DCM", "Device"), "HAS OBS CONTEXT"),
		uidref(code("121012", "DCM", "Device Observer UID"), p10.UID("voxgene device", r.Version), "HAS OBS CONTEXT"),
		text(code("121013", "DCM", "Device Observer Name"), r.Model, "HAS OBS CONTEXT"),
		text(code("121014", "DCM", "Device Observer Manufacturer"), Manufacturer, "HAS OBS CONTEXT"),
		text(code("121015", "DCM", "Device Observer Model Name"), r.Model, "HAS OBS CONTEXT"),
		text(code("121016", "DCM", "Device Observer Serial Number"), r.Version, "HAS OBS CONTEXT"),
	}
}

// tracked begins a group of measurements: what is tracked, and which algorithm measured or predicted it (TID 4019).
func tracked(r *results.Result, id, uid string) []*p10.Set {
	return []*p10.Set{
		text(code("112039", "DCM", "Tracking Identifier"), id, "HAS OBS CONTEXT"),
		uidref(code("112040", "DCM", "Tracking Unique Identifier"), uid, "HAS OBS CONTEXT"),
		text(code("111001", "DCM", "Algorithm Name"), r.Model, "HAS CONCEPT MOD"),
		text(code("111003", "DCM", "Algorithm Version"), r.Version, "HAS CONCEPT MOD"),
	}
}

// measured are the groups of features that were measured in a region, one for each source that has any. A group is of TID 1411 where the region
// is a segment of the study, which that template refers to, and of TID 1501 where the mask came otherwise.
func measured(r *results.Result, masks map[string]Region) []*p10.Set {
	items := map[string][]*p10.Set{}
	for _, f := range r.Features {
		source, _, named := strings.Cut(f.Name, ".")
		if f.Value != nil && named && extracted(f.Name) {
			items[source] = append(items[source], number(feature(f.Name), *f.Value, f.Unit))
		}
	}
	var groups []*p10.Set
	for _, source := range slices.Sorted(maps.Keys(items)) {
		what := "region"
		if len(items) > 1 {
			what += " of " + source
		}
		all, of := tracked(r, what, p10.UID("voxgene result", r.ID, "region", what)), "1501"
		if in, series := region(r, source, len(items) == 1 && len(r.Lesions) == 0, masks); in != nil {
			all, of = append(all, segmented(*in, series)...), "1411"
		}
		groups = append(groups, container(code("125007", "DCM", "Measurement Group"), "CONTAINS").
			Items(p10.ContentTemplateSequence, template(of)).Items(p10.ContentSequence, append(all, items[source]...)...))
	}
	return groups
}

// extracted reports whether a feature was measured in a region: such names are PyRadiomics'.
func extracted(name string) bool { return strings.Contains(name, "original_") }

// segmented refers to the segment that was measured, and to the series that it lies on.
func segmented(in results.Instance, series []string) []*p10.Set {
	all := []*p10.Set{item("IMAGE", code("121191", "DCM", "Referenced Segment"), "CONTAINS").
		Items(p10.ReferencedSOPSequence, reference(in).Number(p10.ReferencedSegmentNumber, float64(in.Segment)))}
	for _, uid := range series {
		all = append(all, uidref(code("121232", "DCM", "Source series for segmentation"), uid, "CONTAINS"))
	}
	return all
}

// region is the segment that the features of a source were measured in, and the series that it lies on: a segment of the study where it is known
// to be that of the source, else the one that was made of the region; nil where there is none.
func region(r *results.Result, source string, alone bool, masks map[string]Region) (*results.Instance, []string) {
	if alone {
		if i := slices.IndexFunc(r.Evidence, func(e results.Instance) bool { return e.Class == SegmentationStorage && e.Segment > 0 }); i >= 0 {
			return &r.Evidence[i], r.Identity.Series
		}
	}
	if m, made := masks[source]; made {
		return &m.Instance, []string{m.Series}
	}
	return nil, nil
}

// predicted is the group of one outcome.
func predicted(r *results.Result, name string, a outcome) *p10.Set {
	all := append(tracked(r, name, p10.UID("voxgene result", r.ID, "outcome", name)), a.items(name)...)
	return container(code("125007", "DCM", "Measurement Group"), "CONTAINS").
		Items(p10.ContentTemplateSequence, template("1501")).Items(p10.ContentSequence, all...)
}

// items are what is predicted of an outcome: probabilities or the risk as numbers, the class or risk group as an evaluation.
func (a *outcome) items(name string) []*p10.Set {
	var all []*p10.Set
	if a.Label != nil {
		all = append(all, text(own(name, "Predicted "+name), *a.Label, "CONTAINS"))
	}
	for _, c := range slices.Sorted(maps.Keys(a.Probabilities)) {
		if p := a.Probabilities[c]; p != nil {
			all = append(all, number(own(name+" probability "+c, "Probability of "+name+" "+c), *p, "1"))
		}
	}
	if a.RiskGroup != nil {
		all = append(all, text(own(name+" group", "Risk group of "+name), *a.RiskGroup, "CONTAINS"))
	}
	if a.Risk != nil {
		all = append(all, number(own(name+" risk", "Risk score of "+name), *a.Risk, "1"))
	}
	for k, t := range a.Times {
		if k < len(a.Survival) && a.Survival[k] != nil {
			at := fmt.Sprintf("%.6g %s", t, a.Unit)
			all = append(all, number(own(name+" survival "+at, "Probability of no event of "+name+" within "+at), *a.Survival[k], "1"))
		}
	}
	return all
}
