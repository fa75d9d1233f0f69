// Package object renders a kept result as a DICOM structured report of the study that it was made from: a Comprehensive 3D SR with the measured
// features of the region (TID 1411 within TID 1500) and the prediction (TID 1501) with the algorithm that made it, UNVERIFIED, and the
// words on its use (PS3.16).
//
// Identifiers follow from the result's, so that the same result gives the same report and sending it twice stores it once. The report of a
// retracted result replaces the first, which it names as its predecessor, and says why.
package object

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/results"
)

const (
	// SOP classes of the objects (PS3.4, B.5): Comprehensive 3D SR, Segmentation, Parametric Map and Secondary Capture Image Storage.
	ReportStorage       = "1.2.840.10008.5.1.4.1.1.88.34"
	SegmentationStorage = "1.2.840.10008.5.1.4.1.1.66.4"
	MapStorage          = "1.2.840.10008.5.1.4.1.1.30"
	CaptureStorage      = "1.2.840.10008.5.1.4.1.1.7"
	// Manufacturer is written into every report; a poller knows our own objects by it.
	Manufacturer = "Voxgene"

	scheme = "99VOXGENE"
)

// ReportUID is the identifier under which the report of a result, or that of its retraction, is stored.
func ReportUID(r *results.Result) string {
	if r.State == results.EnteredInError {
		return p10.UID("voxgene result", r.ID, "retraction")
	}
	return p10.UID("voxgene result", r.ID, "report")
}

// Report returns the report of a result as a DICOM file. program is the version of this program. A result that was not made from a DICOM
// study, or whose patient was erased, has none.
func Report(r *results.Result, program string) ([]byte, error) { return ReportOf(r, program, nil) }

// Region is the segmentation of a source that was made of a result, and the series that it lies on.
type Region struct {
	Instance results.Instance
	Series   string
}

// ReportOf is Report with the segmentations that were made of the regions, by source: measurements refer to them where the region is no segment
// of the study already.
func ReportOf(r *results.Result, program string, masks map[string]Region) ([]byte, error) {
	switch {
	case r.Erased:
		return nil, errors.New("dicom: the patient was erased")
	case !p10.ValidUID(r.Identity.Study) || len(r.Evidence) == 0:
		return nil, errors.New("dicom: the result was not made from a DICOM study, so there is none to report into")
	}
	var answer struct {
		Outcomes map[string]outcome `json:"outcomes"`
		Warnings []bundle.Warning   `json:"warnings"`
		Abstain  []string           `json:"abstained"`
	}
	if err := json.Unmarshal(r.Prediction, &answer); err != nil {
		return nil, fmt.Errorf("dicom: the prediction of result %s: %w", r.ID, err)
	}
	o := head(r, program, masks)
	root := container(code("126000", "DCM", "Imaging Measurement Report"), "")
	root.Items(p10.ContentTemplateSequence, template("1500"))
	content := context(r)
	measurements := container(code("126010", "DCM", "Imaging Measurements"), "CONTAINS")
	var groups []*p10.Set
	if r.State != results.EnteredInError {
		groups = measured(r, masks)
		for _, name := range slices.Sorted(maps.Keys(answer.Outcomes)) {
			groups = append(groups, predicted(r, name, answer.Outcomes[name]))
		}
	}
	if groups != nil {
		measurements.Items(p10.ContentSequence, groups...)
		content = append(content, measurements)
	}
	said := []string{bundle.Words(r.Use)}
	if r.State == results.EnteredInError {
		said = append(said, "Retracted (entered in error): "+r.Reason+". The report that this one replaces must not be used.")
	}
	for _, why := range answer.Abstain {
		said = append(said, "No prediction: "+why)
	}
	for _, w := range answer.Warnings {
		said = append(said, w.Code+": "+w.Message)
	}
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

// head is what the report has beside its content: patient, study, series, equipment and the document itself.
func head(r *results.Result, program string, masks map[string]Region) *p10.Set {
	k := kind{class: ReportStorage, uid: ReportUID(r), series: p10.UID("voxgene result", r.ID, "series"), number: 9801, instance: 1, modality: "SR", description: "Voxgene: prediction", at: r.Changed}
	if r.State == results.EnteredInError {
		k.instance = 2
	}
	o := common(r, program, k)
	o.Items(p10.ReferencedPerformedProcedureStep)
	o.Text(p10.CompletionFlag, "COMPLETE").Text(p10.VerificationFlag, "UNVERIFIED").Items(p10.PerformedProcedureCodeSequence)
	preliminary := "PRELIMINARY"
	if r.State == results.Final || r.State == results.EnteredInError {
		preliminary = "FINAL"
	}
	o.Text(p10.PreliminaryFlag, preliminary)
	listed := slices.Clone(r.Evidence)
	for _, name := range slices.Sorted(maps.Keys(masks)) {
		listed = append(listed, masks[name].Instance)
	}
	o.Items(p10.CurrentRequestedProcedureEvid, evidence(r.Identity.Study, listed))
	if r.State == results.EnteredInError {
		first := results.Instance{Class: ReportStorage, Instance: p10.UID("voxgene result", r.ID, "report"), Series: p10.UID("voxgene result", r.ID, "series")}
		o.Items(p10.PredecessorDocumentsSequence, evidence(r.Identity.Study, []results.Instance{first}))
	}
	return o
}

// context is who observed what (TID 1204, TID 1001) and which kind of procedure it is of.
func context(r *results.Result) []*p10.Set {
	return []*p10.Set{
		coded(code("121049", "DCM", "Language of Content Item and Descendants"), code("en", "RFC5646", "English"), "HAS CONCEPT MOD"),
		coded(code("121005", "DCM", "Observer Type"), code("121007", "DCM", "Device"), "HAS OBS CONTEXT"),
		uidref(code("121012", "DCM", "Device Observer UID"), p10.UID("voxgene device", r.Version), "HAS OBS CONTEXT"),
		text(code("121013", "DCM", "Device Observer Name"), r.Model, "HAS OBS CONTEXT"),
		text(code("121014", "DCM", "Device Observer Manufacturer"), Manufacturer, "HAS OBS CONTEXT"),
		text(code("121015", "DCM", "Device Observer Model Name"), r.Model, "HAS OBS CONTEXT"),
		text(code("121016", "DCM", "Device Observer Serial Number"), r.Version, "HAS OBS CONTEXT"),
		coded(code("121058", "DCM", "Procedure reported"), code("363679005", "SCT", "Imaging procedure"), "HAS CONCEPT MOD"),
	}
}

// tracked begins a group of measurements: what is tracked, and which algorithm measured or predicted it (TID 4019).
func tracked(r *results.Result, number, what string) []*p10.Set {
	return []*p10.Set{
		text(code("112039", "DCM", "Tracking Identifier"), what, "HAS OBS CONTEXT"),
		uidref(code("112040", "DCM", "Tracking Unique Identifier"), p10.UID("voxgene result", r.ID, number, what), "HAS OBS CONTEXT"),
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
		if f.Value != nil && named && strings.Contains(f.Name, "original_") { // names of extracted features, as PyRadiomics has them
			items[source] = append(items[source], number(feature(f.Name), *f.Value, f.Unit))
		}
	}
	var groups []*p10.Set
	for _, source := range slices.Sorted(maps.Keys(items)) {
		what := "region"
		if len(items) > 1 {
			what += " of " + source
		}
		all, of := tracked(r, "region", what), "1501"
		if in, series := region(r, source, len(items) == 1, masks); in != nil {
			of = "1411"
			all = append(all, item("IMAGE", code("121191", "DCM", "Referenced Segment"), "CONTAINS").
				Items(p10.ReferencedSOPSequence, reference(*in).Number(p10.ReferencedSegmentNumber, float64(in.Segment))))
			for _, uid := range series {
				all = append(all, uidref(code("121232", "DCM", "Source series for segmentation"), uid, "CONTAINS"))
			}
		}
		groups = append(groups, container(code("125007", "DCM", "Measurement Group"), "CONTAINS").
			Items(p10.ContentTemplateSequence, template(of)).Items(p10.ContentSequence, append(all, items[source]...)...))
	}
	return groups
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

// predicted is the group of one outcome: probabilities or the risk as numbers, the class or risk group as an evaluation.
func predicted(r *results.Result, name string, a outcome) *p10.Set {
	all := tracked(r, "outcome", name)
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
	return container(code("125007", "DCM", "Measurement Group"), "CONTAINS").
		Items(p10.ContentTemplateSequence, template("1501")).Items(p10.ContentSequence, all...)
}

// feature is the concept of a measured feature: of the standard where it has one, else our own.
func feature(name string) p10.Code {
	switch {
	case strings.HasSuffix(name, "original_shape_VoxelVolume"):
		return code("118565006", "SCT", "Volume")
	}
	return own(name, name)
}

// own is a concept of our own scheme; its value, which has to be short, follows from the name.
func own(name, meaning string) p10.Code {
	sum := p10.UID(name)
	return code("V"+sum[len(sum)-12:], scheme, meaning)
}

func code(value, scheme, meaning string) p10.Code {
	return p10.Code{Value: value, Scheme: scheme, Meaning: meaning}
}

// item is a content item; of a relationship where it is not the root.
func item(kind string, name p10.Code, relationship string) *p10.Set {
	s := (&p10.Set{}).Text(p10.ValueType, kind).Items(p10.ConceptNameCodeSequence, name.Item())
	if relationship != "" {
		s.Text(p10.RelationshipType, relationship)
	}
	return s
}

func container(name p10.Code, relationship string) *p10.Set {
	return item("CONTAINER", name, relationship).Text(p10.ContinuityOfContent, "SEPARATE")
}

func text(name p10.Code, value, relationship string) *p10.Set {
	return item("TEXT", name, relationship).Clip(p10.TextValue, value)
}

func uidref(name p10.Code, uid, relationship string) *p10.Set {
	return item("UIDREF", name, relationship).Text(p10.UIDValue, uid)
}

func coded(name, value p10.Code, relationship string) *p10.Set {
	return item("CODE", name, relationship).Items(p10.ConceptCodeSequence, value.Item())
}

// number is a measurement with its unit (UCUM).
func number(name p10.Code, v float64, unit string) *p10.Set {
	s := item("NUM", name, "CONTAINS")
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return s.Items(p10.MeasuredValueSequence)
	}
	meaning, known := map[string]string{"": "no units", "1": "no units", "mm3": "cubic millimeter", "mm2": "square millimeter", "mm": "millimeter"}[unit]
	if unit == "" {
		unit = "1"
	}
	if !known {
		meaning = unit
	}
	return s.Items(p10.MeasuredValueSequence, (&p10.Set{}).Number(p10.NumericValue, v).Number(p10.FloatingPointValue, v).
		Items(p10.MeasurementUnitsCodeSequence, code(unit, "UCUM", meaning).Item()))
}

func template(number string) *p10.Set {
	return (&p10.Set{}).Text(p10.MappingResource, "DCMR").Text(p10.TemplateIdentifier, number)
}

func reference(in results.Instance) *p10.Set {
	return (&p10.Set{}).Text(p10.ReferencedSOPClassUID, in.Class).Text(p10.ReferencedSOPInstanceUID, in.Instance)
}

// evidence lists objects by series, in the order in which they were given.
func evidence(study string, list []results.Instance) *p10.Set {
	var order []string
	of := map[string][]*p10.Set{}
	for _, in := range list {
		if of[in.Series] == nil {
			order = append(order, in.Series)
		}
		of[in.Series] = append(of[in.Series], reference(in))
	}
	var series []*p10.Set
	for _, uid := range order {
		series = append(series, (&p10.Set{}).Text(p10.SeriesInstanceUID, uid).Items(p10.ReferencedSOPSequence, of[uid]...))
	}
	return (&p10.Set{}).Text(p10.StudyInstanceUID, study).Items(p10.ReferencedSeriesSequence, series...)
}
