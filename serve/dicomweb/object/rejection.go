package object

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/serve/results"
)

// titles are those of rejection notes (PS3.16, CID 7010). Archives tell a note by its title, without a version of the coding scheme.
var titles = map[results.Rejection]p10.Code{
	results.PatientSafety: {Value: "113037", Scheme: "DCM", Meaning: "Rejected for Patient Safety Reasons"},
	results.Quality:       {Value: "113001", Scheme: "DCM", Meaning: "Rejected for Quality Reasons"},
}

// RejectionUID is the identifier of the note that rejects objects of a result.
func RejectionUID(r *results.Result, rejected []results.Instance) string {
	parts := []string{"voxgene result", r.ID, "rejection"}
	for _, in := range rejected {
		parts = append(parts, in.Instance)
	}
	return p10.UID(parts...)
}

// Rejection returns the note by which archives learn that objects of a retracted result must not be used: a Key Object Selection Document whose
// title says why (TID 2010), which refers to every one of them (IHE Radiology, Imaging Object Change Management, RAD-66). A result that was retracted
// without saying so is rejected for the safety of the patient.
func Rejection(r *results.Result, program string, rejected []results.Instance) ([]byte, error) {
	if err := reportable(r); err != nil {
		return nil, err
	}
	if r.State != results.EnteredInError || len(rejected) == 0 {
		return nil, errors.New("dicom: only objects of a retracted result are rejected, and at least one")
	}
	title, known := titles[r.Rejection]
	if !known {
		title = titles[results.PatientSafety]
	}
	o := common(r, program, kind{class: RejectionStorage, uid: RejectionUID(r, rejected), series: p10.UID("voxgene result", r.ID, "rejection series"), number: 9805, instance: 1,
		modality: "KO", description: "Voxgene: rejection", at: r.Changed})
	o.Items(p10.ReferencedPerformedProcedureStep)
	o.Items(p10.CurrentRequestedProcedureEvid, evidence(r.Identity.Study, rejected))
	content := append([]*p10.Set{coded(code("121049", "DCM", "Language of Content Item and Descendants"), code("en", "RFC5646", "English"), "HAS CONCEPT MOD")}, observer(r)...)
	content = append(content, text(code("113012", "DCM", "Key Object Description"), retracted(r), "CONTAINS"))
	for _, in := range rejected {
		how := "IMAGE"
		if in.Class == ReportStorage {
			how = "COMPOSITE"
		}
		content = append(content, refer(how, in))
	}
	root := container(title, "")
	root.Items(p10.ContentTemplateSequence, template("2010")).Items(p10.ContentSequence, content...)
	o.Merge(root)
	return p10.Encode(o)
}

// Kinds of objects, as systems are told which they are sent.
const (
	KindReport  = "sr"
	KindMask    = "seg"
	KindMap     = "map"
	KindCapture = "capture"
)

// Stored returns the objects of a result that a system lists as written there, with their classes and series. Which is which follows from the names
// under which deliveries list them: the kind, and with a space the name.
func Stored(r *results.Result, listed map[string]string) []results.Instance {
	var out []results.Instance
	for name, uid := range listed {
		kind, name, _ := strings.Cut(name, " ")
		in := results.Instance{Instance: uid}
		switch kind {
		case KindReport:
			in.Class, in.Series = ReportStorage, reportSeries(r.ID)
		case KindMask:
			in.Class, in.Series = SegmentationStorage, SegmentationOf(r, name).Series
		case KindMap:
			in.Class, in.Series = MapStorage, mapSeries(r, name)
		case KindCapture:
			in.Class, in.Series = CaptureStorage, captureSeries(r, name)
		}
		if in.Class != "" && p10.ValidUID(uid) {
			out = append(out, in)
		}
	}
	slices.SortFunc(out, func(a, b results.Instance) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Series, b.Series), cmp.Compare(a.Instance, b.Instance))
	})
	return slices.Compact(out)
}
