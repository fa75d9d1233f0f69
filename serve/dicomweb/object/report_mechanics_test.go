package object_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/serve/dicomweb/object"
	"github.com/voxgene/voxgene/serve/results"
)

// result is a result of a study with a region and two outcomes.
func result() results.Result {
	volume, mean := 174.999667591, 812.5
	return results.Result{ID: "0123456789abcdef0123456789abcdef", Changed: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Model: "prostate", Version: "sha256:" + strings.Repeat("ab", 32),
		Use: "research", State: results.Preliminary, Content: results.Content{
			Identity: results.Identity{Patient: "P1", Issuer: "HOSPITAL", Name: "Müller^Änne", Birth: "19500102", Sex: "F", Study: "1.2.3", StudyDate: "20260101", StudyTime: "101500.25", Series: []string{"1.2.3.1"}, Mask: "1.2.3.9"},
			Prediction: []byte(`{"id":"P1","outcomes":{"grade":{"kind":"class","label":"high","probabilities":{"low":0.2,"high":0.8}},
				"os":{"kind":"survival","unit":"d","risk":0.7,"risk_group":"high","times":[365.25,730.5],"survival":[0.9,null]}},"warnings":[{"code":"out_of_range","message":"a feature is outside"}]}`),
			Features: []results.Feature{{Name: "adc.original_shape_VoxelVolume", Unit: "mm3", Value: &volume}, {Name: "adc.original_firstorder_Mean", Value: &mean}, {Name: "clinical.sex", Text: "F"}},
			Evidence: []results.Instance{{Class: "1.2.840.10008.5.1.4.1.1.4", Instance: "1.2.3.1.1", Series: "1.2.3.1"}, {Class: "1.2.840.10008.5.1.4.1.1.66.4", Instance: "1.2.3.9", Series: "1.2.3.8", Segment: 3}},
		}}
}

// lesioned is a result of two lesions: one that the study's segmentation follows, and one of which that says nothing.
func lesioned() results.Result {
	r := result()
	age := 61.0
	r.Prediction, r.Features = nil, []results.Feature{{Name: "clinical.age", Value: &age}}
	for i, volume := range []float64{812.5, 31.25} {
		name := []string{"1", "2"}[i]
		l := results.Lesion{Name: name, Features: []results.Feature{{Name: "adc.original_shape_VoxelVolume", Unit: "mm3", Value: &volume}}, Regions: []results.Region{{Source: "adc", Series: "1.2.3.1", Number: i + 1, Volume: volume}},
			Prediction: []byte(`{"id":"P1","lesion":"` + name + `","outcomes":{"grade":{"kind":"class","label":"high","probabilities":{"low":0.2,"high":0.8}},
				"os":{"kind":"survival","unit":"d","risk":0.7,"risk_group":"high","times":[365.25,730.5],"survival":[0.9,null]}},
				"warnings":[{"code":"missing","message":"age"},{"code":"small_mask","message":"lesion ` + name + ` is small"}]}`)}
		if i == 0 {
			at := &l.Regions[0]
			at.Segment, at.Tracking, at.TrackingUID = &r.Evidence[1], "nodule A", "1.2.3.77"
			at.Type, at.Site = &results.Code{Value: "27925004", Scheme: "SCT", Meaning: "Nodule"}, &results.Code{Value: "39607008", Scheme: "SCT", Meaning: "Lung"}
			at.Side = &results.Code{Value: "7771000", Scheme: "SCT", Meaning: "Left"}
		}
		r.Lesions = append(r.Lesions, l)
	}
	return r
}

// lesionMasks are the segmentations of lesioned.
func lesionMasks(r *results.Result) map[string]object.Region {
	return map[string]object.Region{"adc": {Instance: object.SegmentationOf(r, "adc"), Series: "1.2.3.1"}}
}

// A warning of all lesions is said once; of one, with the lesion.
func TestLesionRemarks(t *testing.T) {
	r := lesioned()
	b, err := object.Report(&r, object.Document{Program: "1.0", Masks: lesionMasks(&r)})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{"missing: age": 1, "Lesion 1: small_mask": 1, "Lesion 2: small_mask": 1, "Lesion 1: missing": 0, "1411": 2, "1501": 0} {
		if n := bytes.Count(b, []byte(text)); n != want {
			t.Errorf("%q is said %d times, want %d", text, n, want)
		}
	}
}

// The same result gives the same bytes; a retraction is another object, which names the first and why.
func TestEncode(t *testing.T) {
	r := result()
	a, err := object.Report(&r, object.Document{Program: "1.0"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := object.Report(&r, object.Document{Program: "1.0"})
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("two reports of one result differ (%v)", err)
	}
	for _, want := range []string{"DICM", object.ReportUID(&r), "UNVERIFIED", "PRELIMINARY", "M\xfcller^\xc4nne", "ISO_IR 100", "research use only", "out_of_range", "1411", "1501", r.Version} {
		if !bytes.Contains(a, []byte(want)) {
			t.Errorf("the report has no %q", want)
		}
	}
	first := object.ReportUID(&r)
	r.State, r.Reason = results.EnteredInError, "mask of another lesion"
	c, err := object.Report(&r, object.Document{Program: "1.0", Predecessors: []results.Instance{{Class: object.ReportStorage, Instance: first, Series: "1.2.3.7"}}})
	if err != nil || object.ReportUID(&r) == first || !bytes.Contains(c, []byte(first)) || !bytes.Contains(c, []byte("mask of another lesion")) || bytes.Contains(c, []byte("Probability of grade")) {
		t.Errorf("retraction: %v", err)
	}
}

func TestEncodeRefuses(t *testing.T) {
	for want, edit := range map[string]func(*results.Result){
		"erased":            func(r *results.Result) { r.Erased = true },
		"not made from a":   func(r *results.Result) { r.Identity.Study = "" },
		"not made from":     func(r *results.Result) { r.Evidence = nil },
		"not an identifier": func(r *results.Result) { r.Evidence[0].Instance = "1.02" },
		"the prediction of": func(r *results.Result) { r.Prediction = []byte("[") },
	} {
		r := result()
		edit(&r)
		if _, err := object.Report(&r, object.Document{Program: "1.0"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	r := result() // what comes from elsewhere is cut to what the types hold
	r.Identity.Name, r.Identity.StudyTime, r.Identity.Sex, r.Identity.Accession = strings.Repeat("x\\y\n", 500), "9999", "unknown", strings.Repeat("1", 99)
	if _, err := object.Report(&r, object.Document{Program: strings.Repeat("v", 100)}); err != nil {
		t.Error(err)
	}
}

// Each state is a document of its own, with the flags of PS3.3, C.17.2: preliminary or final, and VERIFIED only where a person and the organization
// that they answer to are known.
func TestStates(t *testing.T) {
	uids := map[string]bool{}
	for _, c := range []struct {
		state              results.State
		organization       string
		has, not, verified string
	}{
		{results.Preliminary, "Hospital", "PRELIMINARY", "Hospital", "UNVERIFIED"},
		{results.Final, "", "FINAL", "PRELIMINARY", "UNVERIFIED"},
		{results.Final, "Hospital", "Hospital", "UNVERIFIED", "VERIFIED"},
		{results.Amended, "Hospital", "FINAL", "PRELIMINARY", "VERIFIED"},
		{results.EnteredInError, "Hospital", "FINAL", "Hospital", "UNVERIFIED"},
	} {
		r := result()
		r.State, r.By, r.Reason = c.state, "A^Doctor", "why"
		b, err := object.Report(&r, object.Document{Program: "1.0", Organization: c.organization})
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{c.has, c.verified, "COMPLETE"} {
			if !bytes.Contains(b, []byte(want)) {
				t.Errorf("%s %q: no %s", c.state, c.organization, want)
			}
		}
		if bytes.Contains(b, []byte(c.not)) {
			t.Errorf("%s %q: says %s", c.state, c.organization, c.not)
		}
		uids[object.ReportUID(&r)] = true
	}
	if len(uids) != 4 {
		t.Errorf("%d documents of four states", len(uids))
	}
}

// A rejection note names every object of the result by class, series and identifier, under the title of its reason, with no version of the coding
// scheme (archives that compare codes as a whole do not know such a title: dcm4che/dcm4chee-arc-light#1293).
func TestRejection(t *testing.T) {
	r := result()
	r.Reason = "mask of another lesion"
	listed := map[string]string{"sr": "1.2.4.1", "sr final": "1.2.4.2", "seg adc": "1.2.4.3", "map cam.grade": "1.2.4.4", "capture region.adc": "1.2.4.5", "identifier": "not ours", "ko": "1.2.4.6"}
	rejected := object.Stored(&r, listed)
	if len(rejected) != 5 {
		t.Fatalf("%+v", rejected)
	}
	if _, err := object.Rejection(&r, "1.0", rejected); err == nil {
		t.Error("objects of a result that stands are rejected")
	}
	r.State = results.EnteredInError
	seen := map[string]bool{}
	for rejection, title := range map[results.Rejection]string{"": "113037", results.PatientSafety: "113037", results.Quality: "113001"} {
		r.Rejection = rejection
		b, err := object.Rejection(&r, "1.0", rejected)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{title, "2010", "KO", object.RejectionStorage, "mask of another lesion", "1.2.4.1\x00", "1.2.4.2\x00", "1.2.4.3\x00", "1.2.4.4\x00", "1.2.4.5\x00"} {
			if !bytes.Contains(b, []byte(want)) {
				t.Errorf("%q: no %q", rejection, want)
			}
		}
		if bytes.Contains(b, []byte("1.2.4.6")) || bytes.Contains(b, []byte{8, 0, 3, 1}) {
			t.Errorf("%q: refers to what is none of its objects, or has a CodingSchemeVersion", rejection)
		}
		seen[string(b)] = true
	}
	if len(seen) != 2 || object.RejectionUID(&r, rejected) == object.RejectionUID(&r, rejected[:1]) {
		t.Error("the same note says different things")
	}
	if _, err := object.Rejection(&r, "1.0", nil); err == nil {
		t.Error("nothing is rejected")
	}
}
